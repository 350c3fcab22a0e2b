import { type EntityShape, type FieldShape, HIDDEN } from '../../platform/shape';
import { instantText, toColumn } from '../../platform/values';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { WriteRecord } from '../contract';

/** MariaDB: keys of one statement, far below its limits. */
const KEYS_PER_STATEMENT = 1000;

/** Element types of the arrays that PostgreSQL unnests. */
const POSTGRES_TYPES: Partial<Record<FieldShape['type'], string>> = {
  integer: 'bigint',
  date: 'date',
  datetime: 'timestamptz',
};

/** Finds the hashes that a mapping left beside its records: one statement for a batch, or a few. */
export class KeyLookup {
  readonly #database: SqlDatabase;
  readonly #shape: EntityShape;
  readonly #mappingId: number;
  readonly #convert: readonly ((value: unknown) => SqlValue)[];

  constructor(database: SqlDatabase, shape: EntityShape, mappingId: number) {
    this.#database = database;
    this.#shape = shape;
    this.#mappingId = mappingId;
    this.#convert = shape.key.map((field) => toColumn(field, database.dialect));
  }

  /** For each record: its hash, null when others wrote it since, undefined when there is none or its key is no key. */
  async hashes(records: readonly WriteRecord[], executor: SqlTransaction): Promise<(string | null | undefined)[]> {
    const found = new Array<string | null | undefined>(records.length).fill(undefined);
    const keys: SqlValue[][] = [];
    const positions: number[] = [];
    records.forEach((record, index) => {
      const key = this.#keyOf(record);
      if (key === null) return;
      keys.push(key);
      positions.push(index);
    });
    if (keys.length === 0) return found;
    for (const row of await this.#find(keys, executor)) {
      const position = positions[Number(row.n)];
      if (position !== undefined) found[position] = Number(row.m) === this.#mappingId ? (row.h as string | null) : null;
    }
    return found;
  }

  /** Null for a key that `write` will refuse. */
  #keyOf(record: WriteRecord): SqlValue[] | null {
    try {
      return this.#convert.map((convert, part) => convert(record.data[(this.#shape.key[part] as FieldShape).name]));
    } catch {
      return null;
    }
  }

  #find(keys: SqlValue[][], executor: SqlTransaction): Promise<SqlRow[]> {
    if (this.#database.dialect === 'postgres') return this.#findByArrays(keys, executor);
    if (this.#database.dialect === 'sqlite') return this.#findByJson(keys, executor);
    return this.#findByLists(keys, executor);
  }

  /** Rows of {n: position of the key, m: mapping, h: hash}. */
  #findByArrays(keys: SqlValue[][], executor: SqlTransaction): Promise<SqlRow[]> {
    const { key, table } = this.#shape;
    const arrays = key.map(({ type }) => `?::${POSTGRES_TYPES[type] ?? 'text'}[]`).join(', ');
    const names = key.map((_, part) => `k${part}`).join(', ');
    const joins = key.map(({ name }, part) => `t.${this.#database.quote(name)} = k.k${part}`).join(' AND ');
    return executor.query(
      `SELECT k.n - 1 AS n, t.${HIDDEN.mapping} AS m, t.${HIDDEN.hash} AS h
       FROM unnest(${arrays}) WITH ORDINALITY AS k(${names}, n) JOIN ${this.#database.tableName(table)} t ON ${joins}`,
      key.map((_, part) => arrayLiteral(keys, part)),
    );
  }

  #findByJson(keys: SqlValue[][], executor: SqlTransaction): Promise<SqlRow[]> {
    const { key, table } = this.#shape;
    const single = key.length === 1;
    const joins = key
      .map(({ name }, part) => `t.${this.#database.quote(name)} = ${single ? 'k.value' : `k.value ->> ${part}`}`)
      .join(' AND ');
    return executor.query(
      `SELECT k.key AS n, t.${HIDDEN.mapping} AS m, t.${HIDDEN.hash} AS h
       FROM json_each(?) k CROSS JOIN ${this.#database.tableName(table)} t WHERE ${joins}`,
      [JSON.stringify(single ? keys.map(([part]) => part) : keys)],
    );
  }

  async #findByLists(keys: SqlValue[][], executor: SqlTransaction): Promise<SqlRow[]> {
    const { key, table } = this.#shape;
    const columns = key.map(({ name }) => this.#database.quote(name));
    const positions = new Map(keys.map((parts, index) => [JSON.stringify(parts), index]));
    const tuple = `(${columns.map(() => '?').join(', ')})`;
    const rows: SqlRow[] = [];
    for (let start = 0; start < keys.length; start += KEYS_PER_STATEMENT) {
      const part = keys.slice(start, start + KEYS_PER_STATEMENT);
      const found = await executor.query(
        `SELECT ${columns.join(', ')}, ${HIDDEN.mapping} AS m, ${HIDDEN.hash} AS h
         FROM ${this.#database.tableName(table)} WHERE (${columns.join(', ')}) IN (${part.map(() => tuple).join(', ')})`,
        part.flat(),
      );
      for (const row of found) {
        const parts = key.map((field) => this.#asParameter(field, row[field.name]));
        rows.push({ n: positions.get(JSON.stringify(parts)), m: row.m, h: row.h });
      }
    }
    return rows;
  }

  #asParameter(field: FieldShape, value: unknown): SqlValue {
    const plain = field.type === 'datetime' ? instantText(value) : field.type === 'integer' ? Number(value) : value;
    return toColumn({ ...field, values: undefined, minLength: undefined }, this.#database.dialect)(plain);
  }
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO: everything quoted, quotes and backslashes escaped. */
function arrayLiteral(keys: readonly SqlValue[][], part: number): string {
  let text = '{';
  for (const key of keys) {
    const value = String(key[part]);
    const escaped = value.includes('"') || value.includes('\\') ? value.replace(/["\\]/g, '\\$&') : value;
    text += text.length === 1 ? `"${escaped}"` : `,"${escaped}"`;
  }
  return `${text}}`;
}
