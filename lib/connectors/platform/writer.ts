import { IntegrationError } from '../../model/errors';
import { type EntityShape, HIDDEN } from '../../platform/shape';
import { storeTime } from '../../platform/store-time';
import { TableReader } from '../../platform/table-reader';
import { keyValues, type ToColumn, toColumn } from '../../platform/values';
import type { SqlDatabase, SqlTransaction, SqlValue, UpsertRequest } from '../../protocols/sql/database';
import { upsertEach } from '../../protocols/sql/upsert';
import type { WriteRecord, WriteResult, Writer, WriteTarget } from '../contract';
import { KeyLookup } from './key-lookup';

const CREATED: WriteResult = { outcome: 'created' };
const UPDATED: WriteResult = { outcome: 'updated' };
/** Rows that are sent while the next ones are made. */
const ROWS_PER_PART = 100;
/** Records whose columns are compared by one statement. */
const COMPARED_AT_ONCE = 200;
const NOTHING_KNOWN: Known = { records: [], hashes: [] };
const UNCHANGED: WriteResult = { outcome: 'unchanged' };

/** Hash of each record that was looked up, in order; null = changed by others since, undefined = absent. */
interface Known {
  records: readonly WriteRecord[];
  hashes: readonly (string | null | undefined)[];
}

/** Bad values and missing fields are the record's fault; the batch goes on without it. */
type Prepared = SqlValue[] | IntegrationError;

/**
 * Writes records of one mapping into the table of their type. Only the fields that the mapping writes change; the hash it
 * leaves beside them counts for this mapping alone.
 */
export class PlatformWriter implements Writer {
  readonly #database: SqlDatabase;
  readonly #shape: EntityShape;
  readonly #mappingId: number;
  readonly #isDistrusted: boolean;
  readonly #names: readonly string[];
  readonly #convert: readonly ToColumn[];
  readonly #required: readonly string[];
  readonly #columns: string[];
  /** Those of a record's text, which has the mapping's fields in their order. */
  readonly #lineColumns: string[];
  /** A part of the key that the mapping leaves out is missing in the texts. */
  readonly #areLinesWhole: boolean;
  /** An array made with its length may have holes, and takes twice as long to cross to a thread. */
  readonly #emptyRow: readonly SqlValue[];
  readonly #lookup: KeyLookup;
  readonly #reader: TableReader;
  readonly #hashOf: WriteTarget['hashOf'];
  /** What `hashes` found for the records of the batch in hand, if it looked. */
  #known = NOTHING_KNOWN;
  /** The batch before was all new, as in a first import: then looking each key up is the exception. */
  #expectsNew = false;
  /** The texts of the batch before were its rows, so that the store digests those of the next one, too. */
  #writesLines: boolean;

  /** Asked once in a transaction, however many pages it writes. */
  #clock: { transaction: SqlTransaction; now: number } | null = null;

  constructor(database: SqlDatabase, shape: EntityShape, target: WriteTarget) {
    this.#database = database;
    this.#shape = shape;
    this.#mappingId = target.mappingId;
    this.#isDistrusted = target.isDistrusted === true;
    checkFields(shape, target);
    // Parts of the key that the mapping leaves out take their default.
    const written = shape.fields.filter(({ isKey, name }) => isKey || target.fields.includes(name));
    this.#names = written.map(({ name }) => name);
    this.#convert = written.map((field) => toColumn(field, database.dialect));
    this.#required = shape.fields.filter(({ required, isKey }) => required && !isKey).map(({ name }) => name);
    this.#columns = [...this.#names, HIDDEN.mapping, HIDDEN.sourceKey, HIDDEN.hash, HIDDEN.updatedAt];
    this.#emptyRow = this.#columns.map(() => null);
    this.#lineColumns = [HIDDEN.hash, ...target.fields, HIDDEN.mapping, HIDDEN.sourceKey, HIDDEN.updatedAt];
    this.#areLinesWhole = written.length === target.fields.length && written.every(({ type }) => type !== 'json');
    this.#writesLines = this.#areLinesWhole;
    this.#lookup = new KeyLookup(database, shape, target.mappingId);
    this.#reader = new TableReader(database, shape, target.fields);
    this.#hashOf = target.hashOf;
  }

  get comparesTexts(): boolean {
    return this.#lookup.comparesTexts && (!this.#expectsNew || this.#writesLines);
  }

  get expectsNew(): boolean {
    return this.#expectsNew;
  }

  async hashes(records: WriteRecord[], transaction?: SqlTransaction): Promise<(string | null | undefined)[]> {
    if (this.#expectsNew && transaction !== undefined) {
      this.#known = NOTHING_KNOWN;
      return new Array(records.length).fill(undefined);
    }
    return this.#lookUp(records, transaction);
  }

  writtenAt(records: WriteRecord[]): Promise<(number | null)[]> {
    return this.#lookup.writtenAt(records, this.#database);
  }

  async #lookUp(
    records: WriteRecord[],
    transaction: SqlTransaction | undefined,
  ): Promise<(string | null | undefined)[]> {
    const kept = await this.#lookup.hashes(records, transaction ?? this.#database);
    const found = this.#isDistrusted ? kept.map((hash) => (hash === undefined ? hash : null)) : kept;
    await this.#compareWithOthers(records, found, transaction);
    this.#known = { records, hashes: found };
    this.#expectsNew = records.length > 0 && found.every((hash) => hash === undefined);
    return found;
  }

  /** What others wrote last may hold just what this mapping would write: several mappings may fill a record together. */
  async #compareWithOthers(
    records: readonly WriteRecord[],
    hashes: (string | null | undefined)[],
    transaction: SqlTransaction | undefined,
  ): Promise<void> {
    const hashOf = this.#hashOf;
    if (hashOf === undefined) return;
    const rowKey = (record: Record<string, unknown>) => keyValues(this.#shape, this.#database.dialect, record);
    const others = records.flatMap((record, index) => (hashes[index] === null ? [{ record, index }] : []));
    for (let start = 0; start < others.length; start += COMPARED_AT_ONCE) {
      const part = others.slice(start, start + COMPARED_AT_ONCE);
      const keys = part.map(({ record }) => rowKey(record.data));
      const held = await this.#reader.withKeys(keys, transaction);
      const byKey = new Map(held.map((row) => [JSON.stringify(rowKey(row)), row]));
      part.forEach(({ record, index }, at) => {
        const row = byKey.get(JSON.stringify(keys[at]));
        if (row !== undefined && hashOf(row) === record.hash) hashes[index] = record.hash;
      });
    }
  }

  async write(records: WriteRecord[], signal: AbortSignal, transaction?: SqlTransaction): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const known = await this.#knownOf(records, transaction);
    const now = await this.#now(transaction);
    const prepared = records.map((record, index): Prepared | null => {
      const hash = known[index];
      return hash === record.hash ? null : this.#prepare(record, hash === undefined, now);
    });
    const rows = prepared.filter((row): row is SqlValue[] => Array.isArray(row));
    const refused = await this.#upsert(rows, transaction);
    let next = 0;
    return prepared.map((row, index): WriteResult => {
      if (row === null) return UNCHANGED;
      const error = Array.isArray(row) ? (refused[next++] ?? null) : row;
      if (error !== null) return { outcome: 'failed', error: this.#nameField(error) };
      return known[index] === undefined ? CREATED : UPDATED;
    });
  }

  async writeNew(records: WriteRecord[], transaction: SqlTransaction): Promise<WriteResult[] | null> {
    const now = await this.#now(transaction);
    const { table } = this.#shape;
    const lines = transaction.insertLines === undefined ? null : this.#newLines(records);
    this.#writesLines = lines !== null;
    const inserted =
      lines !== null
        ? await transaction.insertLines!({
            table,
            columns: this.#lineColumns,
            lines,
            shared: [this.#mappingId, null, now],
          })
        : await transaction.insertNew({ table, columns: this.#columns, parts: this.#newRows(records, now) });
    return inserted ? records.map(() => CREATED) : null;
  }

  /** The texts of the records, where each holds just what the columns take; null where one does not, or is refused. */
  #newLines(records: readonly WriteRecord[]): string[] | null {
    if (!this.#areLinesWhole) return null;
    const names = this.#names;
    const convert = this.#convert;
    const lines: string[] = [];
    try {
      for (const record of records) {
        const { data, text } = record;
        if (text === undefined || record.sourceKey !== record.key) return null;
        this.#checkRequired(record, true);
        for (let index = 0; index < names.length; index++) {
          const value = data[names[index] as string] ?? null;
          if ((convert[index] as ToColumn)(value) !== value) return null;
        }
        lines.push(text);
      }
    } catch (error) {
      if (error instanceof IntegrationError) return null;
      throw error;
    }
    return lines;
  }

  /** @throws the error of the first record that is refused */
  *#newRows(records: WriteRecord[], now: number): Generator<SqlValue[][]> {
    for (let start = 0; start < records.length; start += ROWS_PER_PART) {
      yield records.slice(start, start + ROWS_PER_PART).map((record) => {
        const row = this.#prepare(record, true, now);
        if (Array.isArray(row)) return row;
        throw row;
      });
    }
  }

  /** Of the records to write, which are those looked up, in order, without the ones that need no write. */
  async #knownOf(records: WriteRecord[], transaction: SqlTransaction | undefined): Promise<Known['hashes']> {
    const { records: lookedUp, hashes } = this.#known;
    const known: (string | null | undefined)[] = [];
    let at = 0;
    for (const record of records) {
      while (at < lookedUp.length && lookedUp[at] !== record) at++;
      if (at === lookedUp.length) return this.#lookUp(records, transaction);
      known.push(hashes[at++]);
    }
    return known;
  }

  async finish(): Promise<void> {
    this.#known = NOTHING_KNOWN;
  }

  async abandon(): Promise<void> {
    this.#known = NOTHING_KNOWN;
  }

  async #now(transaction: SqlTransaction | undefined): Promise<number> {
    if (transaction !== undefined && this.#clock?.transaction === transaction) return this.#clock.now;
    const now = await storeTime(this.#database, transaction);
    this.#clock = transaction === undefined ? null : { transaction, now };
    return now;
  }

  #request(rows: SqlValue[][]): UpsertRequest {
    const keyColumns = this.#shape.key.map(({ name }) => name);
    return { table: this.#shape.table, columns: this.#columns, keyColumns, rows };
  }

  #upsert(rows: SqlValue[][], transaction: SqlTransaction | undefined): Promise<(IntegrationError | null)[]> {
    return upsertEach(transaction ?? this.#database, this.#request(rows));
  }

  #prepare(record: WriteRecord, isNew: boolean, now: number): Prepared {
    const names = this.#names;
    const convert = this.#convert;
    const { data } = record;
    const row = this.#emptyRow.slice();
    try {
      this.#checkRequired(record, isNew);
      for (let index = 0; index < names.length; index++) {
        row[index] = (convert[index] as ToColumn)(data[names[index] as string]);
      }
    } catch (error) {
      if (error instanceof IntegrationError) return error;
      throw error;
    }
    row[names.length] = this.#mappingId;
    // Most sources call a record as the platform does: what both share is kept once.
    row[names.length + 1] = record.sourceKey === record.key ? null : record.sourceKey;
    row[names.length + 2] = record.hash;
    row[names.length + 3] = now;
    return row;
  }

  /** A new record needs every required field; of one that exists, those that are written must not be emptied. */
  #checkRequired(record: WriteRecord, isNew: boolean): void {
    for (const name of this.#required) {
      const value = record.data[name];
      if (value === null || (value === undefined && isNew)) {
        throw new IntegrationError(
          'data',
          'PCP_RECORD_INVALID',
          `Field "${name}" of ${this.#shape.type} is required.`,
          {
            path: name,
            value: null,
          },
        );
      }
    }
  }

  /** The database tells a column by a pointer. */
  #nameField(error: IntegrationError): IntegrationError {
    if (!error.path?.startsWith('/')) return error;
    const { class: errorClass, code, said } = error;
    const details = { ...error.toJSON(), path: error.path.slice(1), cause: error };
    return new IntegrationError(errorClass, code, said, details);
  }
}

function checkFields(shape: EntityShape, target: WriteTarget): void {
  const unknown = target.fields.find((name) => !shape.byName.has(name));
  if (unknown !== undefined) {
    throw new IntegrationError('config', 'PCP_FIELD_UNKNOWN', `${shape.type} has no field "${unknown}".`, {
      path: '/field_mappings',
      value: unknown,
      hint: `Its fields: ${shape.fields.map(({ name }) => name).join(', ')}.`,
    });
  }
  const missing = shape.key.find(
    ({ name, default: fallback }) => fallback === undefined && !target.fields.includes(name),
  );
  if (missing !== undefined) {
    throw new IntegrationError(
      'config',
      'PCP_KEY_UNMAPPED',
      `"${missing.name}" identifies a ${shape.type} and is not mapped.`,
      {
        path: '/field_mappings',
        hint: `Map every part of the key that has no default: ${shape.key.map(({ name }) => name).join(', ')}.`,
      },
    );
  }
}
