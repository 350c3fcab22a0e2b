import { retryBusy } from './busy';
import type { Parameters } from './connection';
import { sqlite3Code } from './errors';
import type { SharedConnection } from './shared-connection';

type Callback = (this: unknown, error: Error | null, rows?: unknown) => void;

/** What Sequelize reads after an INSERT or UPDATE; it checks the constructor's name. */
class Statement {
  constructor(
    readonly lastID: number | string,
    readonly changes: number,
  ) {}
}

/**
 * One session over the shared connection, shaped as the `Database` of the `sqlite3` package, as far as Sequelize 6's
 * sqlite dialect uses it. A session that begins a transaction keeps the connection's lock until it ends.
 */
export class SqliteSession {
  /** Set by Sequelize on the connections of its transactions. */
  uuid: string | undefined;
  readonly filename: string;
  private ownsLock = false;

  constructor(private readonly connection: SharedConnection) {
    this.filename = connection.storage;
  }

  /** Runs a statement in its turn: at once inside of the own transaction, otherwise when no other one is open. */
  async perform<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.ownsLock) return work();
    await this.connection.lock.acquire();
    try {
      return await retryBusy(work);
    } finally {
      this.connection.lock.release();
    }
  }

  async begin(): Promise<void> {
    await this.connection.lock.acquire();
    try {
      await retryBusy(() => this.connection.statements.exec('BEGIN IMMEDIATE'));
      this.ownsLock = true;
    } catch (error) {
      this.connection.lock.release();
      throw error;
    }
  }

  /** Ends the transaction, if there is one. */
  async end(statement: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (!this.ownsLock) return;
    try {
      await this.connection.statements.end(statement);
    } finally {
      this.ownsLock = false;
      this.connection.lock.release();
    }
  }

  serialize(work: () => void): void {
    work();
  }

  all(sql: string, parameters: Parameters | Callback, callback?: Callback): this {
    return this.statement(sql, parameters, callback, async (values) => [
      new Statement(0, 0),
      await this.connection.statements.all(sql, values),
    ]);
  }

  get(sql: string, parameters: Parameters | Callback, callback?: Callback): this {
    return this.statement(sql, parameters, callback, async (values) => [
      new Statement(0, 0),
      (await this.connection.statements.all(sql, values))[0],
    ]);
  }

  run(sql: string, parameters: Parameters | Callback = [], callback?: Callback): this {
    return this.statement(sql, parameters, callback, async (values) => {
      const { changes, lastInsertRowid } = await this.connection.statements.run(sql, values);
      return [new Statement(lastInsertRowid, changes), undefined];
    });
  }

  exec(sql: string, callback?: Callback): this {
    return this.statement(sql, [], callback, async () => {
      await this.connection.statements.exec(sql);
      return [new Statement(0, 0), undefined];
    });
  }

  /** The connection itself belongs to the SqlDatabase; a session only gives up its transaction. */
  close(callback?: (error: Error | null) => void): void {
    this.end('ROLLBACK').then(
      () => callback?.(null),
      (error) => callback?.(error),
    );
  }

  private statement(
    sql: string,
    parameters: Parameters | Callback,
    callback: Callback | undefined,
    work: (values: Parameters) => Promise<[Statement, unknown]>,
  ): this {
    const done = typeof parameters === 'function' ? parameters : callback;
    const values: Parameters = typeof parameters === 'function' ? [] : parameters;
    this.dispatch(sql, () => work(values)).then(
      ([statement, rows]) => done?.call(statement, null, rows),
      (error: Error & { code?: string }) => {
        error.code = sqlite3Code(error);
        done?.call(new Statement(0, 0), error);
      },
    );
    return this;
  }

  /** Transactions that were begun through Sequelize itself take and give back the lock as well. */
  private async dispatch(sql: string, work: () => Promise<[Statement, unknown]>): Promise<[Statement, unknown]> {
    const word = /^\s*(BEGIN|COMMIT|ROLLBACK(?!\s+TO))\b/i.exec(sql)?.[1]?.toUpperCase();
    if (word === undefined) return this.perform(work);
    if (word === 'BEGIN') await this.begin();
    else await this.end(word as 'COMMIT' | 'ROLLBACK');
    return [new Statement(0, 0), []];
  }
}

/** What Sequelize takes for the `sqlite3` package. */
export function dialectModule(connection: SharedConnection) {
  class Database extends SqliteSession {
    constructor(_storage: string, _mode: number, opened: (error: Error | null) => void) {
      super(connection);
      // Sequelize reads the finished object inside of the callback.
      queueMicrotask(() => opened(null));
    }
  }
  return { Database, OPEN_READONLY: 1, OPEN_READWRITE: 2, OPEN_CREATE: 4 };
}
