import type { Session } from '../base';
import type { ColumnInfo, SqlRow, SqlValue, UpsertRequest } from '../database';
import { mergeStatement } from '../merge';
import { mssqlGrammar, mssqlType } from './grammar';

/** The server takes 2,100 parameters, and 1,000 rows in VALUES. */
const MAX_PARAMETERS = 2000;
const MAX_ROWS = 1000;

/** What is used of tedious, https://tediousjs.github.io/tedious/ */
export interface TediousRequest {
  addParameter(name: string, type: unknown, value: unknown): void;
  on(event: 'row', listener: (columns: { metadata: { colName: string }; value: unknown }[]) => void): void;
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface TediousConnection {
  lib: {
    Request: new (sql: string, done: (error: Error | null | undefined, rowCount?: number) => void) => TediousRequest;
    TYPES: Record<'NVarChar' | 'BigInt' | 'Float' | 'Bit' | 'VarBinary', unknown>;
  };
  execSql(request: TediousRequest): void;
  beginTransaction(done: (error?: Error | null) => void): void;
  commitTransaction(done: (error?: Error | null) => void): void;
  rollbackTransaction(done: (error?: Error | null) => void): void;
}

interface RunOptions {
  /** May pause the request, which it is given. */
  onRow?: (row: SqlRow, request: TediousRequest) => void;
  /** Whether the parameter at an index is for a binary column. */
  isBinary?: (index: number) => boolean;
}

/** tedious runs one request at a time, so each waits for the one before. */
export class MssqlSession implements Session {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly connection: TediousConnection,
    private readonly tableName: (table: UpsertRequest['table']) => string,
  ) {}

  async query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]> {
    const rows: SqlRow[] = [];
    await this.run(sql, parameters, { onRow: (row) => rows.push(row) });
    return rows;
  }

  execute(sql: string, parameters: SqlValue[]): Promise<number> {
    return this.run(sql, parameters);
  }

  async upsert({ table, columns, keyColumns, rows }: UpsertRequest): Promise<void> {
    const most = Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / columns.length));
    const names = columns.map(mssqlGrammar.quote).join(', ');
    for (let start = 0; start < rows.length; start += most) {
      const part = rows.slice(start, start + most);
      const tuple = (row: number) =>
        `(${columns.map((_, index) => `@p${row * columns.length + index + 1}`).join(', ')})`;
      const source = `(VALUES ${part.map((_, row) => tuple(row)).join(', ')}) AS s (${names})`;
      const target = `${this.tableName(table)} WITH (HOLDLOCK) AS t`;
      const sql = `${mergeStatement(target, source, columns, keyColumns, mssqlGrammar.quote)};`;
      // A text, even one that is null, does not become binary by itself.
      const binary = columns.map((_, index) => part.some((row) => Buffer.isBuffer(row[index])));
      await this.run(sql, part.flat(), { isBinary: (index) => binary[index % columns.length] === true });
    }
  }

  async columns(sql: string): Promise<ColumnInfo[]> {
    const rows = await this.query('EXEC sp_describe_first_result_set @tsql = @p1', [sql]);
    return rows.map((row) => {
      const nativeType = /^[a-z0-9]+/.exec(String(row.system_type_name).toLowerCase())?.[0] ?? '';
      return {
        name: String(row.name),
        nativeType,
        nullable: Boolean(row.is_nullable),
        type: mssqlType(nativeType),
        hasDefault: false,
        padded: /^n?char$/.test(nativeType),
      };
    });
  }

  begin(): Promise<void> {
    return this.transact('beginTransaction');
  }

  commit(): Promise<void> {
    return this.transact('commitTransaction');
  }

  rollback(): Promise<void> {
    return this.transact('rollbackTransaction');
  }

  run(sql: string, parameters: SqlValue[], { onRow, isBinary }: RunOptions = {}): Promise<number> {
    return this.inTurn(
      () =>
        new Promise<number>((resolve, reject) => {
          const request = new this.connection.lib.Request(sql, (error, rowCount) => {
            if (error) reject(error);
            else resolve(rowCount ?? 0);
          });
          parameters.forEach((value, index) => {
            const [type, bound] = this.typed(value, isBinary?.(index) === true);
            request.addParameter(`p${index + 1}`, type, bound);
          });
          request.on('row', (columns) => {
            onRow?.(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])), request);
          });
          this.connection.execSql(request);
        }),
    );
  }

  private transact(method: 'beginTransaction' | 'commitTransaction' | 'rollbackTransaction'): Promise<void> {
    return this.inTurn(
      () =>
        new Promise<void>((resolve, reject) => {
          this.connection[method]((error) => (error ? reject(error) : resolve()));
        }),
    );
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private typed(value: SqlValue, isBinary: boolean): [unknown, unknown] {
    const { TYPES } = this.connection.lib;
    if (typeof value === 'boolean') return [TYPES.Bit, value];
    if (typeof value === 'bigint') return [TYPES.NVarChar, value.toString()];
    if (typeof value === 'number') return Number.isSafeInteger(value) ? [TYPES.BigInt, value] : [TYPES.Float, value];
    if (isBinary || Buffer.isBuffer(value)) return [TYPES.VarBinary, value];
    return [TYPES.NVarChar, value instanceof Date ? value.toISOString().slice(0, -1) : value];
  }
}
