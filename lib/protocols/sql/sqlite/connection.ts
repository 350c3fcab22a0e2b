import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { IntegrationError } from '../../../model/errors';
import type { SqlOptions, SqlRow, SqlValue, UpsertRequest } from '../database';
import { conflictUpdate } from '../upsert';
import { retryBusy } from './busy';
import { digestsOfLines } from './digests-of-lines';
import { classifySqlite } from './errors';
import { sqliteGrammar } from './grammar';
import { type DigestedLines, rowsOfLines } from './row-text';

/** Value of `PRAGMA synchronous` from which each commit waits for the disk. */
const FULL = 2;
const STATEMENT_CACHE = 200;
/** Rows of one INSERT: fewer calls into SQLite, and far below its limit of 32,766 variables. */
const ROWS_PER_STATEMENT = 50;

export type Parameters = readonly SqlValue[] | Record<string, SqlValue>;

/** Rows that are new, or that replace those of their key. */
export type Insert = Pick<UpsertRequest, 'table' | 'columns'> & {
  keyColumns: string[] | null;
  rows: SqlValue[][] | DigestedLines;
};

/** What whoever holds a connection asks of it, in this thread or in another one. */
type Asked = Pick<SqliteConnection, 'all' | 'run' | 'insert' | 'columns' | 'exec' | 'end' | 'flush' | 'close'>;
export type Statements = {
  [Name in keyof Asked]: (
    ...given: globalThis.Parameters<Asked[Name]>
  ) => ReturnType<Asked[Name]> | Promise<ReturnType<Asked[Name]>>;
};

/**
 * A connection to a SQLite file. Statements hold up the thread that they run in. Integers that a double cannot hold come as
 * strings, the others as numbers.
 */
export class SqliteConnection {
  private readonly statements = new Map<string, StatementSync>();

  private constructor(private readonly database: DatabaseSync) {}

  /** @throws config PCP_DRIVER_MISSING on a Node without node:sqlite, PCP_FILE_NOT_FOUND, PCP_SQL_CORRUPT */
  static async open(options: SqlOptions): Promise<SqliteConnection> {
    const storage = storageOf(options);
    const { DatabaseSync } = loadDriver();
    if (options.create === false && storage !== ':memory:') await requireFile(storage);
    try {
      const database = new DatabaseSync(storage, {
        readOnly: options.readOnly === true,
        timeout: options.busyTimeoutMs ?? 0,
      });
      try {
        if (options.readOnly !== true && options.wal !== false) {
          await retryBusy(() => database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'));
        }
        await retryBusy(() => database.exec('PRAGMA foreign_keys = ON; SELECT count(*) FROM sqlite_master'));
        database.function('digests_of_lines', { deterministic: true }, digestsOfLines);
        return new SqliteConnection(database);
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
    for (const row of rows) plainValues(row);
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
      plainValues(row as SqlRow);
      yield row as SqlRow;
    }
  }

  /** All rows or, when it fails, none; part of the open transaction. */
  insert({ table, columns, keyColumns, rows: given }: Insert): void {
    const rows = Array.isArray(given) ? given : rowsOfLines(given);
    // SQLite may have rolled it back by itself (disk full) when this insert was on its way already.
    if (!this.database.isTransaction) {
      throw new IntegrationError('transient', 'PCP_SQL_TRANSACTION_ENDED', 'The transaction of this insert has ended.');
    }
    // Writing a long statement takes as long as inserting a row.
    const name = JSON.stringify([table, columns, keyColumns]);
    const run = (rowsOfOne: number, values: SqlValue[][]): void => {
      const write = (): string => insertStatement({ table, columns, keyColumns }, rowsOfOne);
      if (values.length > 0) this.runMany(this.prepare(`${rowsOfOne} ${name}`, write), values);
    };
    const grouped = rows.length - (rows.length % ROWS_PER_STATEMENT);
    const groups: SqlValue[][] = [];
    for (let start = 0; start < grouped; start += ROWS_PER_STATEMENT) {
      groups.push(joined(rows, start, start + ROWS_PER_STATEMENT));
    }
    this.exec('SAVEPOINT pcp_insert');
    try {
      run(ROWS_PER_STATEMENT, groups);
      run(1, rows.slice(grouped));
      this.exec('RELEASE pcp_insert');
    } catch (error) {
      // SQLite rolls back by itself after some errors (disk full).
      if (this.database.isTransaction) this.exec('ROLLBACK TO pcp_insert; RELEASE pcp_insert');
      throw error;
    }
  }

  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** With `synchronous = NORMAL` a commit reaches the disk later; one that is FULL takes all before it along. */
  flush(): void {
    const [{ synchronous }] = this.all('PRAGMA synchronous') as unknown as [{ synchronous: number }];
    if (synchronous >= FULL) return;
    this.exec('PRAGMA synchronous = FULL');
    try {
      // Writes the file's first page whatever the value, so that there is something to commit.
      this.exec('PRAGMA user_version = 1');
    } finally {
      this.exec('PRAGMA synchronous = NORMAL');
    }
  }

  /** Ends the transaction; one that cannot be committed is rolled back. */
  end(statement: 'COMMIT' | 'ROLLBACK'): void {
    try {
      // SQLite rolls back by itself after some errors (disk full); then there is nothing left to end.
      if (this.database.isTransaction || statement === 'COMMIT') this.exec(statement);
    } catch (error) {
      if (this.database.isTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.statements.clear();
    if (this.database.isOpen) this.database.close();
  }

  private runMany(statement: StatementSync, rows: readonly SqlValue[][]): void {
    for (const row of rows) {
      const parameters = row as SQLInputValue[];
      for (let index = 0; index < row.length; index++) {
        const value = row[index];
        if (typeof value !== 'string' && value !== null) parameters[index] = toSqlite(value);
      }
      statement.run(...parameters);
    }
  }

  /** @param name its text, or what says all that a text still to be written depends on */
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

export function storageOf({ storage, database }: SqlOptions): string {
  return storage ?? database ?? ':memory:';
}

function insertStatement({ table, columns, keyColumns }: Omit<Insert, 'rows'>, rowsOfOne: number): string {
  const { quote } = sqliteGrammar;
  const name = table.schema === undefined ? quote(table.name) : `${quote(table.schema)}.${quote(table.name)}`;
  const row = `(${columns.map(() => '?').join(', ')})`;
  const rows = Array(rowsOfOne).fill(row).join(', ');
  const tail = keyColumns === null ? '' : conflictUpdate(columns, keyColumns, quote);
  return `INSERT INTO ${name} (${columns.map(quote).join(', ')}) VALUES ${rows}${tail}`;
}

/** Values of some rows one after another. Written out, since an import comes by here with every row. */
function joined(rows: readonly SqlValue[][], from: number, to: number): SqlValue[] {
  const values: SqlValue[] = [];
  for (let row = from; row < to; row++) for (const value of rows[row] as SqlValue[]) values.push(value);
  return values;
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

/** Also makes the Buffers anew that another thread takes for plain arrays. */
export function plainValues(row: SqlRow): void {
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
