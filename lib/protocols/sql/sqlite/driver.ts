import type { Parameters, SqliteConnection } from './connection';
import { sqlite3Code } from './errors';

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

  constructor(private readonly connection: SqliteConnection) {
    this.filename = connection.storage;
  }

  /** Runs a statement in its turn: at once inside of the own transaction, otherwise when no other one is open. */
  async perform<T>(work: () => T): Promise<T> {
    if (this.ownsLock) return work();
    await this.connection.lock.acquire();
    try {
      return await this.connection.retryBusy(work);
    } finally {
      this.connection.lock.release();
    }
  }

  async begin(): Promise<void> {
    await this.connection.lock.acquire();
    try {
      await this.connection.retryBusy(() => this.connection.exec('BEGIN IMMEDIATE'));
      this.ownsLock = true;
    } catch (error) {
      this.connection.lock.release();
      throw error;
    }
  }

  /** Ends the transaction; one that cannot be committed is rolled back. */
  end(statement: 'COMMIT' | 'ROLLBACK'): void {
    if (!this.ownsLock) return;
    try {
      // SQLite rolls back by itself after some errors (disk full); then there is nothing left to end.
      if (this.connection.inTransaction || statement === 'COMMIT') this.connection.exec(statement);
    } catch (error) {
      if (this.connection.inTransaction) this.connection.exec('ROLLBACK');
      throw error;
    } finally {
      this.ownsLock = false;
      this.connection.lock.release();
    }
  }

  serialize(work: () => void): void {
    work();
  }

  all(sql: string, parameters: Parameters | Callback, callback?: Callback): this {
    return this.statement(sql, parameters, callback, (values) => [
      new Statement(0, 0),
      this.connection.all(sql, values),
    ]);
  }

  get(sql: string, parameters: Parameters | Callback, callback?: Callback): this {
    return this.statement(sql, parameters, callback, (values) => [
      new Statement(0, 0),
      this.connection.all(sql, values)[0],
    ]);
  }

  run(sql: string, parameters: Parameters | Callback = [], callback?: Callback): this {
    return this.statement(sql, parameters, callback, (values) => {
      const { changes, lastInsertRowid } = this.connection.run(sql, values);
      return [new Statement(lastInsertRowid, changes), undefined];
    });
  }

  exec(sql: string, callback?: Callback): this {
    return this.statement(sql, [], callback, () => {
      this.connection.exec(sql);
      return [new Statement(0, 0), undefined];
    });
  }

  /** The connection itself belongs to the SqlDatabase; a session only gives up its transaction. */
  close(callback?: (error: Error | null) => void): void {
    this.end('ROLLBACK');
    callback?.(null);
  }

  private statement(
    sql: string,
    parameters: Parameters | Callback,
    callback: Callback | undefined,
    work: (values: Parameters) => [Statement, unknown],
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
  private async dispatch(sql: string, work: () => [Statement, unknown]): Promise<[Statement, unknown]> {
    const word = /^\s*(BEGIN|COMMIT|ROLLBACK(?!\s+TO))\b/i.exec(sql)?.[1]?.toUpperCase();
    if (word === undefined) return this.perform(work);
    if (word === 'BEGIN') await this.begin();
    else this.end(word as 'COMMIT' | 'ROLLBACK');
    return [new Statement(0, 0), []];
  }
}

/** What Sequelize takes for the `sqlite3` package. */
export function dialectModule(connection: SqliteConnection) {
  class Database extends SqliteSession {
    constructor(_storage: string, _mode: number, opened: (error: Error | null) => void) {
      super(connection);
      // Sequelize reads the finished object inside of the callback.
      queueMicrotask(() => opened(null));
    }
  }
  return { Database, OPEN_READONLY: 1, OPEN_READWRITE: 2, OPEN_CREATE: 4 };
}
