import type { Session } from '../base';
import type { ColumnInfo, SqlRow, SqlValue, UpsertRequest } from '../database';
import { mergeStatement } from '../merge';
import { asChar, isPadded, oracleGrammar, oracleType } from './grammar';

/** What is used of oracledb, https://node-oracledb.readthedocs.io */
interface MetaData {
  name: string;
  dbTypeName: string;
  scale?: number;
  nullable?: boolean;
}

interface ExecuteResult {
  rows?: SqlRow[];
  rowsAffected?: number;
  metaData?: MetaData[];
  resultSet?: { getRows(count: number): Promise<SqlRow[]>; close(): Promise<void> };
}

export interface OracleLibrary {
  OUT_FORMAT_OBJECT: number;
  STRING: unknown;
  BUFFER: unknown;
  CLOB: unknown;
  BLOB: unknown;
}

export interface OracleConnection {
  execute(sql: string, binds: unknown[], options: object): Promise<ExecuteResult>;
  executeMany(sql: string, binds: unknown[][], options: object): Promise<ExecuteResult>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** ISO 8601 in and out, decimal points, UTC: what strings are turned to and from without asking the column's type. */
export const SESSION_SETTINGS = `ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS'
  NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF' NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FFTZH:TZM'
  NLS_NUMERIC_CHARACTERS = '.,' TIME_ZONE = '+00:00'`;

/** What SQL takes without large objects, in bytes. */
const MAX_VARCHAR = 4000;
const MAX_RAW = 2000;

export class OracleSession implements Session {
  private inTransaction = false;

  constructor(
    readonly connection: OracleConnection,
    private readonly library: OracleLibrary,
    private readonly tableName: (table: UpsertRequest['table']) => string,
  ) {}

  async query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]> {
    return (await this.run(sql, parameters)).rows ?? [];
  }

  async execute(sql: string, parameters: SqlValue[]): Promise<number> {
    return (await this.run(sql, parameters)).rowsAffected ?? 0;
  }

  /** One MERGE, executed for all rows in one round trip. */
  async upsert({ table, columns, keyColumns, paddedKeys = [], rows }: UpsertRequest): Promise<void> {
    const selected = columns.map((column, index) => `:${index + 1} AS ${oracleGrammar.quote(column)}`).join(', ');
    const target = `${this.tableName(table)} t`;
    const given = (key: string): string => {
      const name = `s.${oracleGrammar.quote(key)}`;
      return paddedKeys.includes(key) ? asChar(name) : name;
    };
    const source = `(SELECT ${selected} FROM dual) s`;
    const sql = mergeStatement(target, source, columns, keyColumns, oracleGrammar.quote, given);
    const binds = rows.map((row) => row.map(bound));
    const bindDefs = columns.map((_, index) => {
      const binary = binds.some((row) => Buffer.isBuffer(row[index]));
      const longest = binds.reduce((most, row) => Math.max(most, Buffer.byteLength(row[index] ?? '')), 1);
      const { STRING, BUFFER, CLOB, BLOB } = this.library;
      if (binary) return longest > MAX_RAW ? { type: BLOB } : { type: BUFFER, maxSize: longest };
      return longest > MAX_VARCHAR ? { type: CLOB } : { type: STRING, maxSize: longest };
    });
    await this.connection.executeMany(sql, binds, { bindDefs, autoCommit: !this.inTransaction });
  }

  async columns(sql: string): Promise<ColumnInfo[]> {
    const { metaData = [] } = await this.run(`SELECT * FROM (${sql}\n) q WHERE 1 = 0`, []);
    return metaData.map(({ name, dbTypeName, scale, nullable }) => {
      const nativeType = dbTypeName.replace(/^DB_TYPE_/, '').toLowerCase();
      return {
        name,
        nativeType,
        nullable: nullable !== false,
        type: oracleType(nativeType, scale === 0),
        hasDefault: false,
        padded: isPadded(nativeType),
      };
    });
  }

  async begin(): Promise<void> {
    this.inTransaction = true;
  }

  async commit(): Promise<void> {
    await this.connection.commit();
    this.inTransaction = false;
  }

  async rollback(): Promise<void> {
    await this.connection.rollback();
    this.inTransaction = false;
  }

  run(sql: string, parameters: SqlValue[], options: object = {}): Promise<ExecuteResult> {
    return this.connection.execute(sql, parameters.map(bound), {
      outFormat: this.library.OUT_FORMAT_OBJECT,
      autoCommit: !this.inTransaction,
      fetchTypeHandler: (column: MetaData) => this.fetchType(column),
      ...options,
    });
  }

  /** Numbers and long texts as text: a double could not hold them, a stream is no value. */
  private fetchType({ dbTypeName }: MetaData): object | undefined {
    if (/NUMBER$|CLOB$/.test(dbTypeName)) return { type: this.library.STRING };
    return /BLOB$/.test(dbTypeName) ? { type: this.library.BUFFER } : undefined;
  }
}

function bound(value: SqlValue): string | Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return value instanceof Date ? value.toISOString().slice(0, -1) : String(value);
}
