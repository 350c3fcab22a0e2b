import { IntegrationError } from '../../model/errors';
import type { Cursor } from '../../model/sync';
import { afterPosition, type Condition, pushedConditions } from '../../platform/conditions';
import { type EntityShape, type FieldShape, HIDDEN } from '../../platform/shape';
import { storeTime } from '../../platform/store-time';
import { type EntityRecord, TableReader } from '../../platform/table-reader';
import { toColumn } from '../../platform/values';
import type { SqlDatabase, SqlValue } from '../../protocols/sql/database';
import type { Batch, ReadQuery } from '../contract';

/** Longer than a batch of ours takes from setting `_updated_at` to its commit. */
const DEFAULT_LOOKBACK_SECONDS = 30;

/**
 * What orders an incremental read. `window`: instants and dates, read up to the moment at which the pass began.
 * `sequence`: whole numbers that grow, and texts, of which the last one is read again.
 */
interface Growth {
  name: string;
  kind: 'window' | 'sequence';
  field: FieldShape;
  inclusive: boolean;
}

/** A pass over changes: from `lo` to `hi`, both in the form of records; `progress` is where a batch ended. */
interface WindowCursor extends Cursor {
  kind: 'window';
  lo: unknown;
  hi: unknown;
  progress: { at: unknown; key: unknown[] } | null;
}

interface SequenceCursor extends Cursor {
  kind: 'sequence';
  last: unknown;
  progress: { at: unknown; key: unknown[] } | null;
}

/** Pages through a type's records in the order of their key, or, with a cursor field, through what changed. */
export function readRecords(
  database: SqlDatabase,
  shape: EntityShape,
  query: ReadQuery,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const growth = query.cursorField === undefined ? null : growthBy(shape, query.cursorField);
  const fields = query.fields === undefined ? undefined : [...query.fields, ...(growth === null ? [] : [growth.name])];
  const reader = new TableReader(database, shape, fields);
  const filters = pushedConditions(database, shape, query.filters ?? []);
  if (growth === null) return readByKey(reader, query, filters, signal);
  return readChanges(reader, growth, query, filters, signal);
}

async function* readByKey(
  reader: TableReader,
  query: ReadQuery,
  filters: Condition[],
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const { batchSize, cursor } = query;
  let after = cursor?.kind === 'keyset' && Array.isArray(cursor.key) ? (cursor.key as unknown[]) : null;
  const total = after === null ? await reader.count(filters) : undefined;
  const hidden = query.fields?.includes(HIDDEN.mapping) ? [HIDDEN.mapping] : [];
  for (;;) {
    signal.throwIfAborted();
    const conditions = after === null ? filters : [...filters, afterKey(reader, after)];
    const records = await reader.select(conditions, reader.keyColumns, batchSize, hidden);
    const last = records.at(-1);
    if (last === undefined) return;
    after = reader.keyOf(last);
    yield toBatch(reader, records, { v: 1, kind: 'keyset', key: after }, total);
    if (records.length < batchSize) return;
  }
}

async function* readChanges(
  reader: TableReader,
  growth: Growth,
  query: ReadQuery,
  filters: Condition[],
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const { database } = reader;
  await indexGrowth(reader, growth);
  let pass = await beginPass(database, growth, query.cursor);
  const limits = [...filters, ...bounds(reader, growth, pass)];
  const order = [database.quote(growth.name), ...reader.keyColumns];
  const hidden = growth.name === HIDDEN.updatedAt ? [growth.name] : [];
  const total = pass.progress === null ? await reader.count(limits) : undefined;
  for (;;) {
    signal.throwIfAborted();
    const conditions =
      pass.progress === null ? limits : [...limits, afterProgress(reader, growth, order, pass.progress)];
    const records = await reader.select(conditions, order, query.batchSize, hidden);
    const last = records.at(-1);
    if (last !== undefined) pass = { ...pass, progress: { at: last[growth.name], key: reader.keyOf(last) } };
    const drained = records.length < query.batchSize;
    if (hidden.length > 0) for (const record of records) delete record[growth.name];
    yield toBatch(reader, records, drained ? endPass(growth, pass, query.lookbackSeconds) : pass, total);
    if (drained) return;
  }
}

function growthBy(shape: EntityShape, name: string): Growth {
  if (name === HIDDEN.updatedAt) {
    const field = { name, type: 'integer', isKey: false, required: true } as FieldShape;
    return { name, kind: 'window', field, inclusive: true };
  }
  const field = shape.byName.get(name);
  const type = field?.type;
  if (field !== undefined && (type === 'datetime' || type === 'date')) {
    return { name, kind: 'window', field, inclusive: true };
  }
  if (field !== undefined && (type === 'integer' || type === 'text' || type === 'key')) {
    return { name, kind: 'sequence', field, inclusive: type !== 'integer' };
  }
  throw new IntegrationError(
    'config',
    'PCP_CURSOR_FIELD',
    field === undefined
      ? `${shape.type} has no field "${name}" to read changes by.`
      : `Changes cannot be read by "${name}": it is neither an instant, a date, a whole number nor a text.`,
    {
      path: '/cursor_field',
      hint: `"${HIDDEN.updatedAt}" always works: the moment at which the record last changed here.`,
    },
  );
}

async function beginPass(
  database: SqlDatabase,
  growth: Growth,
  cursor: Cursor | null,
): Promise<WindowCursor | SequenceCursor> {
  const previous = cursor?.kind === growth.kind ? (cursor as WindowCursor | SequenceCursor) : null;
  if (growth.kind === 'sequence') {
    return { v: 1, kind: 'sequence', last: previous?.last ?? null, progress: previous?.progress ?? null };
  }
  const window = previous as WindowCursor | null;
  return {
    v: 1,
    kind: 'window',
    lo: window?.lo ?? null,
    hi: window?.hi ?? momentOf(growth, await storeTime(database)),
    progress: window?.progress ?? null,
  };
}

function endPass(
  growth: Growth,
  pass: WindowCursor | SequenceCursor,
  lookbackSeconds = DEFAULT_LOOKBACK_SECONDS,
): WindowCursor | SequenceCursor {
  if (pass.kind === 'sequence') {
    return { v: 1, kind: 'sequence', last: pass.progress?.at ?? pass.last, progress: null };
  }
  const lo = momentOf(growth, timeOf(pass.hi) - lookbackSeconds * 1000);
  return { v: 1, kind: 'window', lo, hi: null, progress: null };
}

function bounds(reader: TableReader, growth: Growth, pass: WindowCursor | SequenceCursor): Condition[] {
  const column = reader.database.quote(growth.name);
  const parameter = (value: unknown) => toColumn(growth.field, reader.database.dialect)(value);
  if (pass.kind === 'sequence') {
    if (pass.last === null) return [{ sql: `${column} IS NOT NULL`, parameters: [] }];
    return [{ sql: `${column} ${growth.inclusive ? '>=' : '>'} ?`, parameters: [parameter(pass.last)] }];
  }
  const upper = { sql: `${column} <= ?`, parameters: [parameter(pass.hi)] };
  return pass.lo === null ? [upper] : [{ sql: `${column} >= ?`, parameters: [parameter(pass.lo)] }, upper];
}

function afterKey(reader: TableReader, key: readonly unknown[]): Condition {
  return afterPosition(reader.database.dialect, reader.keyColumns, reader.keyParameters(key));
}

function afterProgress(
  reader: TableReader,
  growth: Growth,
  order: string[],
  progress: { at: unknown; key: unknown[] },
): Condition {
  const at: SqlValue = toColumn(growth.field, reader.database.dialect)(progress.at);
  return afterPosition(reader.database.dialect, order, [at, ...reader.keyParameters(progress.key)]);
}

/** Indexes that this process has seen to, by database: asking again would wait for whoever writes to the table. */
const indexed = new WeakMap<SqlDatabase, Set<string>>();

/** Without an index every page would sort the whole table. */
async function indexGrowth({ database, shape }: TableReader, { name, field }: Growth): Promise<void> {
  // MariaDB indexes no unlimited text.
  if (field.isKey || field.type === 'text') return;
  const index = `${shape.table.name}_by_${name.replace(/^_/, '')}`.slice(0, 63);
  const known = indexed.get(database) ?? new Set();
  indexed.set(database, known);
  if (known.has(index)) return;
  try {
    await database.execute(
      `CREATE INDEX IF NOT EXISTS ${database.quote(index)} ON ${database.tableName(shape.table)} (${database.quote(name)})`,
    );
  } catch (error) {
    // MySQL knows no IF NOT EXISTS here, and two readers may begin at once.
    const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
    if (!/syntax|duplicate|already exists/i.test(text)) throw error;
  }
  known.add(index);
}

function momentOf(growth: Growth, time: number): unknown {
  if (growth.field.type === 'integer') return time;
  const text = new Date(time).toISOString();
  return growth.field.type === 'date' ? text.slice(0, 10) : text;
}

function timeOf(moment: unknown): number {
  return typeof moment === 'number' ? moment : Date.parse(String(moment));
}

function toBatch(reader: TableReader, records: EntityRecord[], cursorAfter: Cursor, total: number | undefined): Batch {
  return {
    records,
    positions: (index) => reader.keyOf(records[index] as EntityRecord).join(','),
    cursorAfter,
    ...(total !== undefined && { total }),
  };
}
