import type { Sequelize, Transaction } from 'sequelize';
import type { Limits } from './limits';

export type SqlDialect = 'postgres' | 'mysql' | 'mariadb' | 'sqlite' | 'mssql' | 'oracle';

/** How to reach a database. `url` of the store is parsed into the same shape. */
export interface SqlOptions {
  dialect: SqlDialect;
  host?: string;
  port?: number;
  database?: string;
  schema?: string;
  username?: string;
  password?: string;
  /** SQLite: path of the file, or ":memory:". */
  storage?: string;
  ssl?: boolean | { ca?: string; rejectUnauthorized?: boolean; servername?: string };
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  poolSize?: number;
  /** SQLite only: open for reading alone. */
  readOnly?: boolean;
  /**
   * SQLite only: how long a statement may block this thread while another process holds the lock, in milliseconds.
   * Default 0: never block; waiting happens between retries, so the event loop stays free.
   */
  busyTimeoutMs?: number;
  /** SQLite only: work in a thread of its own, which a statement may hold up instead of this one. */
  ownThread?: boolean;
  /** SQLite only: make the file when it is not there (default true). */
  create?: boolean;
  /** SQLite only: switch the file to write-ahead logging (default true). False for a file that belongs to somebody else. */
  wal?: boolean;
}

/** A Date is bound as the dialect's own UTC timestamp, the same way Sequelize models write it. */
export type SqlValue = string | number | bigint | boolean | Buffer | Date | null;
export type SqlRow = Record<string, unknown>;

/** Portable column types of tables that the hub makes; each dialect names its own. */
export type ColumnType = 'text' | 'integer' | 'number' | 'decimal' | 'boolean' | 'date' | 'datetime' | 'json' | 'key';

export interface ColumnDefinition {
  name: string;
  type: ColumnType;
  nullable: boolean;
}

export interface TableRef {
  schema?: string;
  name: string;
}

export interface ColumnInfo {
  name: string;
  /** The database's own type name, lower case. */
  nativeType: string;
  nullable: boolean;
  type: ColumnType;
  hasDefault: boolean;
  /** Its values come filled up with blanks, which to the database itself are no part of them: CHAR. */
  padded?: boolean;
  limits?: Limits;
}

/** A primary or unique key, of a table as `listTables` names it. */
export interface TableKey {
  table: TableRef;
  columns: string[];
  /** One of its columns may be null. */
  nullable: boolean;
}

export interface TableInfo {
  table: TableRef;
  kind: 'table' | 'view';
  columns: ColumnInfo[];
  primaryKey: string[];
  uniqueKeys: string[][];
  /** Columns of its CHECK constraints by name, and of its foreign keys: where the database's errors do not tell them. */
  checks?: ReadonlyMap<string, string[]>;
  foreignKeys?: string[][];
}

/** Columns in order; rows as arrays in the same order. */
export interface InsertRequest {
  table: TableRef;
  columns: string[];
  /** In parts: each is sent while the next one is made. */
  parts: Iterable<SqlValue[][]>;
}

/** Rows that stand in one text each, of which they keep a digest. */
export interface LinesRequest {
  table: TableRef;
  /** The digest's, those of a line's elements after its first one, those that all rows share. */
  columns: string[];
  /** JSON arrays, each in one line. In the place of its first element a row gets `shortDigest` of the whole line. */
  lines: string[];
  shared: SqlValue[];
}

export interface UpsertRequest extends Omit<InsertRequest, 'parts'> {
  keyColumns: string[];
  /** Of these, those whose values are filled up with blanks (`ColumnInfo.padded`). */
  paddedKeys?: string[];
  rows: SqlValue[][];
}

export interface SqlTransaction {
  readonly dialect: SqlDialect;
  /** For Sequelize models that join this transaction; absent outside of one. */
  readonly handle?: Transaction;
  /** Quotes one identifier. */
  quote(identifier: string): string;
  /** What selects a column so that its value comes without loss, whatever the driver makes of its type. */
  exact(column: ColumnInfo): string;
  query(sql: string, parameters?: SqlValue[]): Promise<SqlRow[]>;
  /** Rows changed by a statement. */
  execute(sql: string, parameters?: SqlValue[]): Promise<number>;
  /**
   * Inserts or updates by key with the fastest means of the dialect. All or nothing: throws on the first bad row, so
   * callers that want per-row results bisect (see `upsertEach`).
   */
  upsert(request: UpsertRequest): Promise<void>;
  /**
   * Inserts rows the quickest way when the database has one for rows that are all new. False when nothing was done: it has
   * none, a row of this key exists, or a row is refused, be it by an error of class data that making its part threw.
   */
  insertNew(request: InsertRequest): Promise<boolean>;
  /** `insertNew` of rows that stand in texts already. Absent where taking them apart gains nothing. */
  readonly insertLines?: ((request: LinesRequest) => Promise<boolean>) | undefined;
  /** Other statements may be sent before an `insertNew` has answered: they are done after it, in their order. */
  readonly queuesInserts: boolean;
  /** Runs the work and undoes only its effects when it throws. On the database itself it is a transaction. */
  savepoint<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T>;
}

/**
 * One database, whatever its dialect: Sequelize for connections, pooling and the hub's small tables, the driver's own
 * bulk paths for data. Parameters are positional and written `?` in SQL given to query and execute.
 */
export interface SqlDatabase extends SqlTransaction {
  readonly sequelize: Sequelize;
  tableName(table: TableRef): string;
  /** The statement, which ends with its ORDER BY, restricted to its first rows. */
  limit(sql: string, rows: number): string;
  /** Statements run while this thread works on. */
  readonly isConcurrent: boolean;
  /** For SELECTs that may take long: they never hold up this thread, which SQLite's otherwise do. Sees what is committed. */
  readonly aside: Pick<SqlTransaction, 'query'>;
  transaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T>;
  /** @throws config PCP_SQL_TABLE_UNKNOWN */
  describeTable(table: TableRef): Promise<TableInfo>;
  /** Columns that a query gives; it is not run. */
  describeQuery(sql: string): Promise<ColumnInfo[]>;
  /** @throws config PCP_SQL_SCHEMA_UNKNOWN for the schema of the connection */
  listTables(): Promise<{ table: TableRef; kind: 'table' | 'view' }[]>;
  /** Primary and unique keys of all tables in one statement, the primary one of a table first; null where there is none such. */
  listKeys(): Promise<TableKey[] | null>;
  createTable(table: TableRef, columns: ColumnDefinition[], primaryKey: string[]): Promise<void>;
  addColumn(table: TableRef, column: ColumnDefinition): Promise<void>;
  /**
   * Rows of one query in arrays of at most `batchSize`, read as the consumer asks for them, over a connection of its own.
   * Leaving the loop early releases it.
   */
  stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]>;
  /** Makes every commit so far survive a power cut, where the database was told not to do that with each one. */
  flush(): Promise<void>;
  /** The expression for the database's own time, in milliseconds since 1970. */
  readonly epochMs: string;
  /** The database's own time. */
  now(): Promise<Date>;
  close(): Promise<void>;
}
