import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../protocols/sql/database';
import { type Condition, whereClause } from './conditions';
import type { EntityShape } from './shape';
import { fromColumn, toColumn } from './values';

export type EntityRecord = Record<string, unknown>;

/** Reads records of a type from its table. */
export class TableReader {
  readonly database: SqlDatabase;
  readonly shape: EntityShape;
  /** Quoted columns of the key. */
  readonly keyColumns: readonly string[];
  readonly #names: readonly string[];
  readonly #conversions: readonly { name: string; convert: (value: unknown) => unknown }[];

  /** @param fields those wanted; absent = all. The key is always there. */
  constructor(database: SqlDatabase, shape: EntityShape, fields?: readonly string[]) {
    this.database = database;
    this.shape = shape;
    this.keyColumns = shape.key.map(({ name }) => database.quote(name));
    const wanted = shape.fields.filter((field) => fields === undefined || field.isKey || fields.includes(field.name));
    this.#names = wanted.map(({ name }) => name);
    this.#conversions = wanted
      .filter(({ type }) => type !== 'text' && type !== 'key' && type !== 'date')
      .map((field) => ({ name: field.name, convert: fromColumn(field, database.dialect) }));
  }

  /**
   * @param order quoted columns
   * @param hidden further columns to read; they stay in the records
   */
  async select(
    conditions: readonly Condition[],
    order: readonly string[],
    limit: number,
    hidden: readonly string[] = [],
    executor: Pick<SqlTransaction, 'query'> = this.database,
  ): Promise<EntityRecord[]> {
    const where = whereClause(conditions);
    const columns = [...this.#names, ...hidden].map((name) => this.database.quote(name)).join(', ');
    const rows = await executor.query(
      `SELECT ${columns} FROM ${this.database.tableName(this.shape.table)}${where.sql} ORDER BY ${order.join(', ')} LIMIT ${limit}`,
      where.parameters,
    );
    for (const row of rows) this.#convert(row);
    return rows;
  }

  async count(
    conditions: readonly Condition[],
    executor: Pick<SqlTransaction, 'query'> = this.database,
  ): Promise<number> {
    const where = whereClause(conditions);
    const [row] = await executor.query(
      `SELECT COUNT(*) AS n FROM ${this.database.tableName(this.shape.table)}${where.sql}`,
      where.parameters,
    );
    return Number(row?.n ?? 0);
  }

  /** The condition that picks one record. */
  isKey(key: readonly SqlValue[]): Condition {
    return { sql: this.keyColumns.map((column) => `${column} = ?`).join(' AND '), parameters: [...key] };
  }

  /** Those of the records that exist, in no order. Inside a transaction they stay as they are until its end. */
  async withKeys(keys: readonly (readonly SqlValue[])[], transaction?: SqlTransaction): Promise<EntityRecord[]> {
    const conditions = keys.map((key) => this.isKey(key));
    const anyKey = {
      sql: conditions.map(({ sql }) => `(${sql})`).join(' OR '),
      parameters: conditions.flatMap(({ parameters }) => parameters),
    };
    if (transaction === undefined) return this.select([anyKey], this.keyColumns, keys.length);
    // A transaction of SQLite is the only one that writes.
    const suffix = this.database.dialect === 'sqlite' ? '' : ' FOR UPDATE';
    const locked = { query: (sql: string, values: SqlValue[]) => transaction.query(sql + suffix, values) };
    return this.select([anyKey], this.keyColumns, keys.length, [], locked);
  }

  /** Values of records back into the form of their columns, to go on from there. */
  keyParameters(key: readonly unknown[]): SqlValue[] {
    return this.shape.key.map((field, index) => toColumn(field, this.database.dialect)(key[index]));
  }

  keyOf(record: EntityRecord): unknown[] {
    return this.shape.key.map(({ name }) => record[name]);
  }

  /** In place: a page is read once, and objects cost. */
  #convert(row: SqlRow): void {
    for (const { name, convert } of this.#conversions) row[name] = convert(row[name]);
  }
}
