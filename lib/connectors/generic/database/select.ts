import { IntegrationError } from '../../../model/errors';
import type { ColumnInfo, SqlDatabase, SqlRow, SqlValue } from '../../../protocols/sql/database';
import { fromSqlValue } from '../../../protocols/sql/values';
import type { ReadQuery, SourceRecord } from '../../contract';
import { type ResolvedEntity, ROW, unknownColumn } from './entities';
import { type Condition, pushDown } from './filters';

/** The SELECT of one read: its columns and the conditions that hold for all of its pages. */
export class Selection {
  readonly key: ColumnInfo[];
  readonly cursorColumn: ColumnInfo | undefined;
  private readonly list: string;
  private readonly conditions: Condition[];
  private readonly converted: ColumnInfo[];

  /** @throws config PCP_SQL_COLUMN_UNKNOWN for a field that the entity does not have */
  constructor(
    readonly database: SqlDatabase,
    readonly entity: ResolvedEntity,
    query: ReadQuery,
  ) {
    const column = (name: string): ColumnInfo => {
      const found = entity.columns.get(name);
      if (found === undefined) throw unknownColumn(name, entity.name, entity.columns);
      return found;
    };
    this.key = entity.key.map(column);
    this.cursorColumn = query.cursorField === undefined ? undefined : column(query.cursorField);
    const wanted = query.fields === undefined ? [...entity.columns.values()] : query.fields.map(column);
    const selected = new Set([...wanted, ...this.key, ...(this.cursorColumn === undefined ? [] : [this.cursorColumn])]);
    this.list = [...selected].map((each) => database.exact(each)).join(', ');
    this.conditions = pushDown(query.filters ?? [], entity.columns, this.quote, database.dialect);
    this.converted = [...selected].filter(({ type }) => type !== 'integer' && type !== 'number');
  }

  readonly quote = (identifier: string): string => this.database.quote(identifier);

  /** The rows that satisfy the given conditions as well, in the order of these columns, as the database gives them. */
  page(conditions: Condition[], order: readonly ColumnInfo[], rows: number): Promise<SqlRow[]> {
    const { sql, parameters } = this.statement(conditions, order);
    return this.database.query(this.database.limit(sql, rows), parameters);
  }

  stream(conditions: Condition[], batchSize: number): AsyncIterable<SqlRow[]> {
    const { sql, parameters } = this.statement(conditions, []);
    return this.database.stream(sql, parameters, batchSize);
  }

  async count(): Promise<number> {
    const { sql, parameters } = this.where(this.conditions);
    const [row] = await this.database.query(
      `SELECT count(*) AS row_count FROM ${this.entity.source}${sql}`,
      parameters,
    );
    return Number(row?.row_count ?? row?.ROW_COUNT ?? 0);
  }

  /** The largest value of a column, of those up to a limit. */
  async largest(column: ColumnInfo, limit: SqlValue): Promise<unknown> {
    const name = this.quote(column.name);
    const largest = `SELECT max(${name}) AS ${name} FROM ${this.entity.source} WHERE ${name} <= ?`;
    const [row] = await this.database.query(
      `SELECT ${this.database.exact(column)} FROM (${largest}) ${this.quote(ROW)}`,
      [limit],
    );
    return row?.[column.name] ?? null;
  }

  /** @throws config PCP_SQL_KEY_NULL: rows without a key would be passed over in silence */
  async requireKeys(): Promise<void> {
    if (!this.entity.claimedKey || this.key.length === 0) return;
    const missing = this.key.map(({ name }) => `${this.quote(name)} IS NULL`).join(' OR ');
    const sql = `SELECT ${this.quote(this.key[0]!.name)} FROM ${this.entity.source} WHERE ${missing}`;
    if ((await this.database.query(this.database.limit(sql, 1))).length === 0) return;
    throw this.badKey('PCP_SQL_KEY_NULL', 'is empty in at least one row');
  }

  badKey(code: string, problem: string): IntegrationError {
    const key = this.entity.key.join(', ');
    return new IntegrationError('config', code, `The key (${key}) of the view "${this.entity.name}" ${problem}.`, {
      path: `/config/views/${this.entity.name}/key`,
      hint: 'Name columns that identify each row of the view.',
    });
  }

  /** Turns rows into records, in place. */
  records(rows: SqlRow[]): SourceRecord[] {
    for (const row of rows) {
      for (const column of this.converted) row[column.name] = fromSqlValue(row[column.name], column);
    }
    return rows;
  }

  private statement(conditions: Condition[], order: readonly ColumnInfo[]): Condition {
    const { sql, parameters } = this.where([...this.conditions, ...conditions]);
    const by =
      order.length === 0
        ? ''
        : ` ORDER BY ${order.map(({ name }) => `${this.quote(ROW)}.${this.quote(name)}`).join(', ')}`;
    return { sql: `SELECT ${this.list} FROM ${this.entity.source}${sql}${by}`, parameters };
  }

  private where(conditions: Condition[]): Condition {
    if (conditions.length === 0) return { sql: '', parameters: [] };
    return {
      sql: ` WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`,
      parameters: conditions.flatMap(({ parameters }) => parameters),
    };
  }
}
