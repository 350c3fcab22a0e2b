import type { EntityType } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { EntityRecords, EntityTypes, Page, PageRequest } from '../model/services';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../protocols/sql/database';
import { decodeCursor, pageLimit, toPage } from '../store/pages';
import { afterPosition, type Condition, decimalEquals } from './conditions';
import { type EntityShape, HIDDEN, shapeOf } from './shape';
import { storeTime } from './store-time';
import { type EntityRecord, TableReader } from './table-reader';
import { ensureTable } from './tables';
import { validateRecord } from './validate';
import { instantText, keyValues, toColumn } from './values';

export interface EntityRecordStoreOptions {
  /** Of the store. */
  database: SqlDatabase;
  types: EntityTypes;
}

interface Opened {
  type: EntityType;
  shape: EntityShape;
  reader: TableReader;
}

/**
 * Platform records for people and other modules. What is changed here loses its hash, so the next full sync of a mapping
 * that feeds the record writes the source's values again.
 */
export class EntityRecordStore implements EntityRecords {
  readonly #database: SqlDatabase;
  readonly #types: EntityTypes;

  constructor(options: EntityRecordStoreOptions) {
    this.#database = options.database;
    this.#types = options.types;
  }

  async list(
    name: string,
    request: PageRequest & { filter?: Record<string, string> },
  ): Promise<Page<Record<string, unknown>>> {
    const { reader, shape } = await this.#open(name);
    const limit = pageLimit(request);
    const position = decodeCursor(request.cursor, (value) => isPosition(value, shape.key.length));
    const filters = Object.entries(request.filter ?? {}).map(([field, value]) => this.#equals(shape, field, value));
    const conditions = [...filters];
    if (position !== null) {
      conditions.push(afterPosition(this.#database.dialect, reader.keyColumns, reader.keyParameters(position.after)));
    }
    // Counting reads the whole table: once for all pages.
    const { aside } = this.#database;
    const total = position?.total ?? (await reader.count(filters, aside));
    const rows = await reader.select(conditions, reader.keyColumns, limit + 1, [], aside);
    return toPage(rows, limit, total, (row): Position => ({ after: reader.keyOf(row), total }), plainRecord);
  }

  async get(name: string, key: string[]): Promise<EntityRecord> {
    const { reader, shape } = await this.#open(name);
    return this.#require(reader, shape, this.#keyParameters(shape, key));
  }

  async create(name: string, record: EntityRecord): Promise<EntityRecord> {
    const opened = await this.#open(name);
    validateRecord(opened.type, record);
    const key = keyValues(opened.shape, this.#database.dialect, record);
    return this.#database.transaction(async (transaction) => {
      if ((await this.#find(opened.reader, key, transaction)) !== null) throw exists(opened.shape, key);
      await this.#insert(opened.shape, record, transaction).catch((error: unknown) => {
        const lost = error instanceof IntegrationError && error.code === 'PCP_SQL_UNIQUE';
        throw lost ? exists(opened.shape, key) : error;
      });
      return this.#require(opened.reader, opened.shape, key, transaction);
    });
  }

  replace(name: string, key: string[], record: EntityRecord): Promise<{ record: EntityRecord; created: boolean }> {
    return this.#put(name, key, record, false);
  }

  merge(name: string, key: string[], record: EntityRecord): Promise<{ record: EntityRecord; created: boolean }> {
    return this.#put(name, key, record, true);
  }

  async #put(
    name: string,
    key: string[],
    record: EntityRecord,
    merges: boolean,
  ): Promise<{ record: EntityRecord; created: boolean }> {
    const opened = await this.#open(name);
    const { shape, reader } = opened;
    const parameters = this.#keyParameters(shape, key);
    const given = this.#withKey(shape, parameters, record);
    return this.#database.transaction(async (transaction) => {
      const [held] = await reader.withKeys([parameters], transaction);
      const created = held === undefined;
      const whole = merges && held !== undefined ? { ...plainRecord(held), ...given } : given;
      validateRecord(opened.type, whole);
      if (created) await this.#insert(shape, whole, transaction);
      else await this.#update(reader, whole, parameters, transaction);
      return { record: await this.#require(reader, shape, parameters, transaction), created };
    });
  }

  async delete(name: string, key: string[]): Promise<void> {
    const { reader, shape } = await this.#open(name);
    const condition = reader.isKey(this.#keyParameters(shape, key));
    const table = this.#database.tableName(shape.table);
    const deleted = await this.#database.execute(`DELETE FROM ${table} WHERE ${condition.sql}`, condition.parameters);
    if (deleted === 0) throw notFound(shape, key);
  }

  async #open(name: string): Promise<Opened> {
    const type = await this.#types.get(name);
    const shape = shapeOf(type);
    await ensureTable(this.#database, shape);
    return { type, shape, reader: new TableReader(this.#database, shape) };
  }

  async #find(reader: TableReader, key: SqlValue[], executor?: SqlTransaction): Promise<EntityRecord | null> {
    const [row] = await reader.select([reader.isKey(key)], reader.keyColumns, 1, [], executor);
    return row === undefined ? null : plainRecord(row);
  }

  async #require(
    reader: TableReader,
    shape: EntityShape,
    key: SqlValue[],
    executor?: SqlTransaction,
  ): Promise<EntityRecord> {
    const record = await this.#find(reader, key, executor);
    if (record === null) throw notFound(shape, key);
    return record;
  }

  async #insert(shape: EntityShape, record: EntityRecord, executor: SqlTransaction): Promise<void> {
    const values = await this.#columns(shape, record, executor);
    const names = [...values.keys()].map((name) => this.#database.quote(name));
    await executor.execute(
      `INSERT INTO ${this.#database.tableName(shape.table)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      [...values.values()],
    );
  }

  async #update(reader: TableReader, record: EntityRecord, key: SqlValue[], executor: SqlTransaction): Promise<void> {
    const values = await this.#columns(reader.shape, record, executor);
    const assignments = [...values.keys()].map((name) => `${this.#database.quote(name)} = ?`);
    const condition = reader.isKey(key);
    await executor.execute(
      `UPDATE ${this.#database.tableName(reader.shape.table)} SET ${assignments.join(', ')} WHERE ${condition.sql}`,
      [...values.values(), ...condition.parameters],
    );
  }

  /** Every column of the record: what it leaves out becomes null. */
  async #columns(shape: EntityShape, record: EntityRecord, executor: SqlTransaction): Promise<Map<string, SqlValue>> {
    const values = new Map<string, SqlValue>();
    for (const field of shape.fields) {
      values.set(field.name, toColumn(field, this.#database.dialect)(record[field.name]));
    }
    return values.set(HIDDEN.hash, null).set(HIDDEN.updatedAt, await storeTime(this.#database, executor));
  }

  /** @throws data PCP_NOT_FOUND when there are more or fewer parts, or one that no key can have */
  #keyParameters(shape: EntityShape, key: string[]): SqlValue[] {
    if (key.length !== shape.key.length) throw notFound(shape, key);
    return shape.key.map((field, index) => {
      try {
        return toColumn(field, this.#database.dialect)(typedText(field.type, key[index] ?? ''));
      } catch {
        throw notFound(shape, key);
      }
    });
  }

  /** The address says which record it is; a body may leave the key out, but not contradict. */
  #withKey(shape: EntityShape, key: SqlValue[], record: EntityRecord): EntityRecord {
    const whole = { ...record };
    shape.key.forEach((field, index) => {
      const given = record[field.name];
      if (given === undefined || given === null) {
        whole[field.name] = field.type === 'datetime' ? instantText(key[index]) : key[index];
      } else if (toColumn(field, this.#database.dialect)(given) !== key[index]) {
        throw new IntegrationError(
          'data',
          'PCP_RECORD_INVALID',
          phrase`"${field.name}" is part of the key and cannot change.`,
          {
            path: `/${field.name}`,
            value: given,
          },
        );
      }
    });
    return whole;
  }

  #equals(shape: EntityShape, name: string, text: string): Condition {
    const field = shape.byName.get(name);
    if (field === undefined || field.type === 'json') {
      throw new IntegrationError(
        'data',
        'PCP_FILTER_INVALID',
        phrase`Records of ${shape.type} cannot be filtered by "${name}".`,
        { path: `/${name}` },
      );
    }
    const value = toColumn(
      { ...field, values: undefined, minLength: undefined },
      this.#database.dialect,
    )(typedText(field.type, text));
    const column = this.#database.quote(name);
    if (field.type === 'decimal') return decimalEquals(this.#database.dialect, column, String(value));
    return { sql: `${column} = ?`, parameters: [value] };
  }
}

/** Where a page of records begins, and how many there were when the first one was read. */
interface Position {
  after: unknown[];
  total: number;
}

function isPosition(value: unknown, keyLength: number): value is Position {
  const { after, total } = (value ?? {}) as Partial<Position>;
  return Array.isArray(after) && after.length === keyLength && Number.isSafeInteger(total);
}

/** A part of an address as the value it stands for. */
function typedText(type: string, text: string): unknown {
  if (type === 'integer' || type === 'number') return text.trim() === '' ? text : Number(text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

/** Rows of a driver may have no prototype or one of their own. */
function plainRecord(row: EntityRecord): EntityRecord {
  return { ...row };
}

function notFound(shape: EntityShape, key: readonly unknown[]): IntegrationError {
  return new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no ${shape.type} ${key.join(',')}.`);
}

function exists(shape: EntityShape, key: readonly unknown[]): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_RECORD_EXISTS',
    phrase`There is a ${shape.type} ${key.join(',')} already.`,
  );
}
