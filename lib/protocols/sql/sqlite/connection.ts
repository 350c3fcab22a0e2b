import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import type { SqlOptions, SqlRow, SqlValue } from '../database';
import { classifySqlite, isBusy } from './errors';
import { Lock } from './lock';

/** How long a statement is tried again while another process holds the lock. */
const BUSY_LIMIT_MS = 20_000;
const STATEMENT_CACHE = 200;
/** Value of `PRAGMA synchronous` from which each commit waits for the disk. */
const FULL = 2;

export type Parameters = readonly SqlValue[] | Record<string, SqlValue>;

/**
 * The one connection of this process to a SQLite file. Statements run synchronously; `lock` keeps a transaction's
 * statements together. Integers that a double cannot hold come as strings, the others as numbers.
 */
export class SqliteConnection {
  readonly lock = new Lock();
  private readonly statements = new Map<string, StatementSync>();

  private constructor(
    private readonly database: DatabaseSync,
    readonly storage: string,
  ) {}

  /** @throws config PCP_DRIVER_MISSING on a Node without node:sqlite, PCP_FILE_NOT_FOUND, PCP_SQL_CORRUPT */
  static async open(options: SqlOptions): Promise<SqliteConnection> {
    const storage = options.storage ?? options.database ?? ':memory:';
    const { DatabaseSync } = loadDriver();
    if (options.create === false && storage !== ':memory:') await requireFile(storage);
    try {
      const database = new DatabaseSync(storage, {
        readOnly: options.readOnly === true,
        timeout: options.busyTimeoutMs ?? 0,
      });
      const connection = new SqliteConnection(database, storage);
      try {
        if (options.readOnly !== true && options.wal !== false) {
          await connection.retryBusy(() => database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'));
        }
        await connection.retryBusy(() => database.exec('PRAGMA foreign_keys = ON; SELECT count(*) FROM sqlite_master'));
        return connection;
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      throw classifySqlite(error as Error, storage) ?? error;
    }
  }

  all(sql: string, parameters: Parameters = []): SqlRow[] {
    const rows = bind(this.prepare(sql), 'all', parameters) as SqlRow[];
    for (const row of rows) plainIntegers(row);
    return rows;
  }

  run(sql: string, parameters: Parameters = []): { changes: number; lastInsertRowid: number | string } {
    const { changes, lastInsertRowid } = bind(this.prepare(sql), 'run', parameters) as {
      changes: number | bigint;
      lastInsertRowid: number | bigint;
    };
    return { changes: Number(changes), lastInsertRowid: plainInteger(lastInsertRowid) };
  }

  /** Name and declared type of what a query gives; the type is null for expressions. */
  columns(sql: string): { name: string; type: string | null }[] {
    return this.database
      .prepare(sql)
      .columns()
      .map(({ name, type }) => ({ name, type }));
  }

  *iterate(sql: string, parameters: SqlValue[]): Generator<SqlRow> {
    const statement = this.database.prepare(sql);
    statement.setReadBigInts(true);
    for (const row of statement.iterate(...parameters.map(toSqlite))) {
      plainIntegers(row as SqlRow);
      yield row as SqlRow;
    }
  }

  /**
   * One prepared statement for many rows.
   * @param name of the statement, which says all that its text depends on: writing a long one takes as long as inserting a row
   */
  runMany(name: string, write: () => string, rows: readonly SqlValue[][]): void {
    const statement = this.prepare(name, write);
    for (const row of rows) {
      const parameters = row as SQLInputValue[];
      for (let index = 0; index < row.length; index++) {
        const value = row[index];
        if (typeof value !== 'string' && value !== null) parameters[index] = toSqlite(value);
      }
      statement.run(...parameters);
    }
  }

  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** With `synchronous = NORMAL` a commit reaches the disk later; one that is FULL takes all before it along. */
  async flush(): Promise<void> {
    const [{ synchronous }] = this.all('PRAGMA synchronous') as [{ synchronous: number }];
    if (synchronous >= FULL) return;
    await this.lock.acquire();
    try {
      this.exec('PRAGMA synchronous = FULL');
      // Writes the file's first page whatever the value, so that there is something to commit.
      await this.retryBusy(() => this.exec('PRAGMA user_version = 1'));
    } finally {
      this.exec('PRAGMA synchronous = NORMAL');
      this.lock.release();
    }
  }

  get inTransaction(): boolean {
    return this.database.isTransaction;
  }

  /** Repeats work that another process's lock refused, without blocking the thread in between. */
  async retryBusy<T>(work: () => T): Promise<T> {
    const deadline = Date.now() + BUSY_LIMIT_MS;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || this.inTransaction || Date.now() > deadline) throw error;
      }
      await wait(2 + Math.random() * 10);
    }
  }

  close(): void {
    this.statements.clear();
    if (this.database.isOpen) this.database.close();
  }

  /** @param name its text, unless that is still to be written */
  private prepare(name: string, write = () => name): StatementSync {
    const cached = this.statements.get(name);
    if (cached !== undefined) return cached;
    const statement = this.database.prepare(write());
    statement.setReadBigInts(true);
    if (this.statements.size >= STATEMENT_CACHE) {
      const oldest = this.statements.keys().next().value;
      if (oldest !== undefined) this.statements.delete(oldest);
    }
    this.statements.set(name, statement);
    return statement;
  }
}

function bind(statement: StatementSync, method: 'all' | 'run', parameters: Parameters): unknown {
  if (Array.isArray(parameters)) return statement[method](...parameters.map(toSqlite));
  const named: Record<string, SQLInputValue> = {};
  for (const [name, value] of Object.entries(parameters)) named[name] = toSqlite(value);
  return statement[method](named);
}

/** Dates are written as Sequelize's dialect writes them: "2026-11-24 05:00:00.000 +00:00". */
function toSqlite(value: SqlValue | undefined): SQLInputValue {
  if (value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', ' +00:00');
  return value;
}

function plainInteger(value: number | bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function plainIntegers(row: SqlRow): void {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'bigint') row[name] = plainInteger(value);
    else if (value instanceof Uint8Array && !Buffer.isBuffer(value))
      row[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}

function loadDriver(): typeof import('node:sqlite') {
  try {
    return require('node:sqlite');
  } catch (cause) {
    throw new IntegrationError('config', 'PCP_DRIVER_MISSING', `Node ${process.versions.node} has no node:sqlite.`, {
      cause,
      hint: 'Run Node-RED on Node 22.13 or later, or use a PostgreSQL or MariaDB database.',
    });
  }
}

async function requireFile(storage: string): Promise<void> {
  const { stat } = await import('node:fs/promises');
  const found = await stat(storage).catch(() => undefined);
  if (found?.isFile()) return;
  throw new IntegrationError('config', 'PCP_FILE_NOT_FOUND', `There is no database file ${storage}.`, {
    path: '/config/storage',
    hint: 'Check the path; it is relative to the directory in which Node-RED was started.',
  });
}
