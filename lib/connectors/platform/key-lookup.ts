import { type EntityShape, type FieldShape, HIDDEN } from '../../platform/shape';
import { TableReader } from '../../platform/table-reader';
import { instantText, toColumn } from '../../platform/values';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { WriteRecord } from '../contract';

/** A hash; null = not this mapping's; undefined = no record. */
type Hashes = (string | null | undefined)[];

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

  /** The hash of a record that is unchanged is found and set, and not computed. */
  get comparesTexts(): boolean {
    return this.#database.dialect === 'sqlite';
  }

  /** For each record: its hash, null when others wrote it since, undefined when there is none or its key is no key. */
  async hashes(records: readonly WriteRecord[], executor: SqlTransaction): Promise<Hashes> {
    const found: Hashes = new Array(records.length).fill(undefined);
    const keys: SqlValue[][] = [];
    const positions: number[] = [];
    const withKey: WriteRecord[] = [];
    records.forEach((record, index) => {
      const key = this.#keyOf(record);
      if (key === null) return;
      keys.push(key);
      withKey.push(record);
      positions.push(index);
    });
    if (keys.length === 0) return found;
    const hashes = await this.#find(keys, withKey, executor);
    if (hashes.length === found.length) return hashes;
    positions.forEach((position, index) => {
      found[position] = hashes[index];
    });
    return found;
  }

  /** For each record: when this mapping last wrote it, in epoch milliseconds of the store; null where it did not, or others did since. */
  async writtenAt(records: readonly WriteRecord[], executor: SqlTransaction): Promise<(number | null)[]> {
    const reader = new TableReader(this.#database, this.#shape, []);
    // Whoever else changes a record takes its hash away.
    const isOurs = { sql: `${HIDDEN.mapping} = ? AND ${HIDDEN.hash} IS NOT NULL`, parameters: [this.#mappingId] };
    const times: (number | null)[] = new Array(records.length).fill(null);
    for (const [index, record] of records.entries()) {
      const key = this.#keyOf(record);
      if (key === null) continue;
      const conditions = [reader.isKey(key), isOurs];
      const [row] = await reader.select(conditions, reader.keyColumns, 1, [HIDDEN.updatedAt], executor);
      if (row !== undefined) times[index] = Number(row[HIDDEN.updatedAt]);
    }
    return times;
  }

  /** Null for a key that `write` will refuse. */
  #keyOf(record: WriteRecord): SqlValue[] | null {
    try {
      return this.#convert.map((convert, part) => convert(record.data[(this.#shape.key[part] as FieldShape).name]));
    } catch {
      return null;
    }
  }

  /** One entry for each key, in order. */
  #find(keys: SqlValue[][], records: readonly WriteRecord[], executor: SqlTransaction): Promise<Hashes> {
    if (this.#database.dialect === 'postgres') return this.#findByArrays(keys, executor);
    if (this.comparesTexts) return this.#findByJson(keys, records, executor);
    return this.#findByLists(keys, executor);
  }

  #valid(row: SqlRow): string | null {
    return Number(row.m) === this.#mappingId ? (row.h as string | null) : null;
  }

  /** Arrays in, one text out: thousands of rows would cost more than finding them. */
  async #findByArrays(keys: SqlValue[][], executor: SqlTransaction): Promise<Hashes> {
    const { key, table } = this.#shape;
    const arrays = key.map(({ type }) => `?::${POSTGRES_TYPES[type] ?? 'text'}[]`).join(', ');
    const names = key.map((_, part) => `k${part}`).join(', ');
    const joins = key.map(({ name }, part) => `t.${this.#database.quote(name)} = k.k${part}`).join(' AND ');
    // The limit keeps the planner from joining with the whole table, which it takes for cheaper up to a million records.
    const [row] = await executor.query(
      `SELECT json_agg(CASE WHEN f.present IS NULL THEN '0'::json WHEN f.m = ? THEN to_json(f.h) END ORDER BY k.n)::text AS found
       FROM unnest(${arrays}) WITH ORDINALITY AS k(${names}, n)
       LEFT JOIN LATERAL (
         SELECT true AS present, t.${HIDDEN.mapping} AS m, t.${HIDDEN.hash} AS h
         FROM ${this.#database.tableName(table)} t WHERE ${joins} LIMIT 1
       ) f ON true`,
      [this.#mappingId, ...key.map((_, part) => arrayLiteral(keys, part))],
    );
    return hashesOf(row);
  }

  /** The thread of the statements also hashes the records that it finds and compares them: most are unchanged. */
  async #findByJson(keys: SqlValue[][], records: readonly WriteRecord[], executor: SqlTransaction): Promise<Hashes> {
    const { key, table } = this.#shape;
    const single = key.length === 1;
    const present = this.#database.quote((key[0] as FieldShape).name);
    const joins = key
      .map(({ name }, part) => `t.${this.#database.quote(name)} = ${single ? 'k.value' : `k.value ->> ${part}`}`)
      .join(' AND ');
    const [row] = await executor.query(
      `SELECT found, digests_of_lines(found, ?) AS same FROM (
         SELECT json_group_array(CASE WHEN t.${present} IS NULL THEN 0 WHEN t.${HIDDEN.mapping} = ? THEN t.${HIDDEN.hash} END) AS found
         FROM json_each(?) k LEFT JOIN ${this.#database.tableName(table)} t ON ${joins}
       )`,
      [
        records.map(({ text }) => text ?? '').join('\n'),
        this.#mappingId,
        JSON.stringify(single ? keys.map(([part]) => part) : keys),
      ],
    );
    const hashes = hashesOf(row);
    const same = String(row?.same);
    records.forEach((record, index) => {
      if (same[index] === '1') record.hash = hashes[index] as string;
    });
    return hashes;
  }

  async #findByLists(keys: SqlValue[][], executor: SqlTransaction): Promise<Hashes> {
    const { key, table } = this.#shape;
    const columns = key.map(({ name }) => this.#database.quote(name));
    const target = columns.length === 1 ? columns[0] : `(${columns.join(', ')})`;
    const positions = new Map(keys.map((parts, index) => [JSON.stringify(parts), index]));
    const tuple = columns.length === 1 ? '?' : `(${columns.map(() => '?').join(', ')})`;
    const hashes: Hashes = new Array(keys.length).fill(undefined);
    for (let start = 0; start < keys.length; start += KEYS_PER_STATEMENT) {
      const part = keys.slice(start, start + KEYS_PER_STATEMENT);
      const found = await executor.query(
        `SELECT ${columns.join(', ')}, ${HIDDEN.mapping} AS m, ${HIDDEN.hash} AS h
         FROM ${this.#database.tableName(table)} WHERE ${target} IN (${part.map(() => tuple).join(', ')})`,
        part.flat(),
      );
      for (const row of found) {
        const parts = key.map((field) => asParameter(field, row[field.name]));
        const position = positions.get(JSON.stringify(parts));
        if (position !== undefined) hashes[position] = this.#valid(row);
      }
    }
    return hashes;
  }
}

/** From the JSON array that stands for thousands of rows; 0 = a record that is absent. */
function hashesOf(row: SqlRow | undefined): Hashes {
  const found = JSON.parse(String(row?.found)) as (string | null | 0)[];
  return found.map((hash) => (hash === 0 ? undefined : hash));
}

/** A part of a key that was read, as it is looked for. */
function asParameter(field: FieldShape, value: unknown): unknown {
  if (field.type === 'datetime') return instantText(value).replace('T', ' ').slice(0, 23);
  return field.type === 'integer' ? Number(value) : value;
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
