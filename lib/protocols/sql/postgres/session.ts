import { createHash } from 'node:crypto';
import type { Client, QueryResult } from 'pg';
import { loadPackage } from '../../load-package';
import type { Session } from '../base';
import type { ColumnInfo, InsertRequest, SqlRow, SqlValue, TableRef, UpsertRequest } from '../database';
import { conflictUpdate } from '../upsert';
import { encodeCopy } from './copy';
import { postgresGrammar } from './grammar';
import { exactTypes, postgresType } from './types';

/** Below this, the round trips of COPY cost more than they save. */
const COPY_FROM_ROWS = 50;
/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;

/** What sessions of one database share. */
export interface PostgresSupport {
  tableName(table: UpsertRequest['table']): string;
  /** Whether COPY into a temporary table is possible; asked once. */
  canStage: boolean | undefined;
  /** Whether COPY into a table does what an INSERT does; by name, asked once. */
  canCopyInto: Map<string, boolean>;
}

export class PostgresSession implements Session {
  /** Staging tables that hold rows of the running transaction. */
  private readonly filled = new Set<string>();

  constructor(
    readonly connection: Client,
    private readonly support: PostgresSupport,
  ) {}

  async query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]> {
    return (await this.run(sql, parameters)).rows;
  }

  async execute(sql: string, parameters: SqlValue[]): Promise<number> {
    return (await this.run(sql, parameters)).rowCount ?? 0;
  }

  async upsert(request: UpsertRequest): Promise<void> {
    if (request.rows.length >= COPY_FROM_ROWS && (await this.mayStage())) await this.copyAndMerge(request);
    else await this.insertRows(request, conflictUpdate(request.columns, request.keyColumns, postgresGrammar.quote));
  }

  /** COPY into the table itself. */
  async insertNew({ table, columns, parts }: InsertRequest): Promise<void> {
    if (!(await this.mayCopyInto(table))) {
      for (const rows of parts) await this.insertRows({ table, columns, rows }, '');
      return;
    }
    const names = columns.map(postgresGrammar.quote).join(', ');
    await this.copy(`COPY ${this.support.tableName(table)} (${names}) FROM STDIN`, parts);
  }

  async columns(sql: string): Promise<ColumnInfo[]> {
    const { fields } = await this.run(`SELECT * FROM (${sql}\n) q WHERE false`, []);
    const ids = fields.map((field) => field.dataTypeID);
    const names = await this.query(
      `SELECT id, format_type(id::oid, NULL) AS name FROM unnest('{${ids.join(',')}}'::int8[]) AS t(id)`,
      [],
    );
    const types = new Map(names.map((row) => [row.id, String(row.name)]));
    return fields.map(({ name, dataTypeID }) => {
      const nativeType = types.get(dataTypeID) ?? 'text';
      const padded = nativeType === 'character';
      return { name, nativeType, nullable: true, type: postgresType(nativeType), hasDefault: false, padded };
    });
  }

  async begin(): Promise<void> {
    this.filled.clear();
    await this.run('BEGIN', []);
  }

  async commit(): Promise<void> {
    await this.run('COMMIT', []);
  }

  async rollback(): Promise<void> {
    await this.run('ROLLBACK', []);
  }

  private run(sql: string, parameters: SqlValue[]): Promise<QueryResult<SqlRow>> {
    const values = parameters.map((value) => (value instanceof Date ? value.toISOString() : value));
    // The extended protocol takes one statement only, whatever somebody hides in a view's SQL.
    const config = { text: sql, values, types: exactTypes, queryMode: 'extended' };
    return this.connection.query<SqlRow>(config);
  }

  private async insertRows({ table, columns, rows }: Omit<UpsertRequest, 'keyColumns'>, tail: string): Promise<void> {
    const names = columns.map(postgresGrammar.quote).join(', ');
    const head = `INSERT INTO ${this.support.tableName(table)} (${names}) VALUES `;
    const most = Math.min(1000, Math.floor(MAX_PARAMETERS / columns.length));
    for (let start = 0; start < rows.length; start += most) {
      const part = rows.slice(start, start + most);
      const tuples = part.map(
        (_, row) => `(${columns.map((_column, index) => `$${row * columns.length + index + 1}`).join(', ')})`,
      );
      await this.run(head + tuples.join(', ') + tail, part.flat());
    }
  }

  /** COPY into a temporary table of this session, then one INSERT ... SELECT: the fastest upsert PostgreSQL has. */
  private async copyAndMerge({ table, columns, keyColumns, rows }: UpsertRequest): Promise<void> {
    const target = this.support.tableName(table);
    const names = columns.map(postgresGrammar.quote).join(', ');
    const stage = `pg_temp.pcp_stage_${createHash('sha256').update(`${target} ${names}`).digest('hex').slice(0, 16)}`;
    const name = stage.slice('pg_temp.'.length);
    // Asked for each time: a savepoint that was undone takes a table made inside of it along.
    await this.run(
      `CREATE TEMP TABLE IF NOT EXISTS ${name} ON COMMIT DELETE ROWS AS SELECT ${names} FROM ${target} WITH NO DATA`,
      [],
    );
    if (this.filled.has(stage)) await this.run(`TRUNCATE ${stage}`, []);
    this.filled.add(stage);
    await this.copy(`COPY ${stage} (${names}) FROM STDIN`, [rows]);
    const tail = conflictUpdate(columns, keyColumns, postgresGrammar.quote);
    await this.run(`INSERT INTO ${target} (${names}) SELECT ${names} FROM ${stage}${tail}`, []);
  }

  private async copy(sql: string, parts: Iterable<SqlValue[][]>): Promise<void> {
    const { from } = loadPackage<typeof import('pg-copy-streams')>('pg-copy-streams');
    const stream = this.connection.query(from(sql));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The stream outlives its page: a listener of our own would keep the page's records alive with it.
    stream.once('error', reject);
    stream.once('finish', resolve);
    let refused: unknown;
    try {
      for (const rows of parts) stream.write(encodeCopy(rows));
      stream.end();
    } catch (error) {
      refused = error;
      stream.destroy(error as Error);
    }
    try {
      await promise;
    } catch (error) {
      // The server answers to a COPY that is broken off as well; what broke it off says more.
      throw refused ?? error;
    }
  }

  /** COPY passes the rules of a table by, and is refused where rows are protected one by one. */
  private async mayCopyInto(table: TableRef): Promise<boolean> {
    const name = this.support.tableName(table);
    let may = this.support.canCopyInto.get(name);
    if (may === undefined) {
      const sql = 'SELECT relhasrules OR relrowsecurity AS special FROM pg_class WHERE oid = $1::regclass';
      may = hasCopyStreams() && (await this.query(sql, [name]))[0]?.special === false;
      this.support.canCopyInto.set(name, may);
    }
    return may;
  }

  private async mayStage(): Promise<boolean> {
    if (this.support.canStage === undefined) {
      const [row] = await this.query("SELECT has_database_privilege(current_database(), 'TEMP') AS allowed", []);
      this.support.canStage = row?.allowed === true && hasCopyStreams();
    }
    return this.support.canStage;
  }
}

function hasCopyStreams(): boolean {
  try {
    require.resolve('pg-copy-streams');
    return true;
  } catch {
    return false;
  }
}
