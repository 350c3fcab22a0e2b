import type { Batch, SourceRecord } from '../../connectors/contract';
import type { CompiledMapping, ExpressionEvaluator, Mapped } from '../../mapping/contract';
import { planFilters } from '../../mapping/plan-filters';
import { IntegrationError } from '../../model/errors';
import type { Filter, Mapping } from '../../model/mapping';
import { HIDDEN } from '../../platform/shape';
import type { SqlDatabase } from '../../protocols/sql/database';
import { recordFilter } from '../record-filter';
import { toDate } from '../runs/run-rows';
import { type End, fieldsToRead, type Stream } from '../stream';
import { ownAmong } from '../writes/own-updates';
import type { Compared, Comparison } from './comparison';
import type { Pair } from './pairs';

const LINKS_AT_ONCE = 1000;

/** A record as a look sees it. */
export interface Seen extends Pair {
  /** Of a record that can be compared, what its fields hold. */
  values: Compared['values'] | null;
  /** False: of a record that the mapping refuses it cannot be told which one of the target it is. */
  hasKey?: boolean;
  /** Of the source: by which its dead letters are found. */
  sourceKey?: string | null;
  /** Of the source: when it last changed there, where it says so. */
  changedAt?: number | null;
}

/**
 * What the mapping brings from the source, page by page.
 * @throws config PCP_NOT_COMPARABLE
 */
export async function* sourcePages(
  stream: Stream,
  { sync_mode, cursor_field: cursorField }: Pick<Mapping, 'sync_mode' | 'cursor_field'>,
  comparison: Comparison,
  signal: AbortSignal,
): AsyncGenerator<Seen[]> {
  const { source, compiled, compileKey, plan, pageSize } = stream;
  if (sync_mode === 'live') throw notComparable('a live mapping has no source that could be read once more');
  if (source.connector.place?.(source.entity)?.isEmptied) {
    throw notComparable(`what is read of "${source.entity}" is moved or deleted`);
  }
  const { namedFields, pushdown } = compiled;
  const fields = fieldsToRead(stream, cursorField);
  const query = { ...(fields && { fields }), namedFields, filters: pushdown, batchSize: pageSize };
  let ofKey: CompiledMapping | undefined;
  for await (const { records, positions } of pagesOf(source, query, signal)) {
    const seen: Seen[] = [];
    const items = await compiled.map(records, signal);
    const own = await ownOf(stream, items, records, signal);
    for (const item of items) {
      if (item.outcome === 'filtered') continue;
      const record = records[item.index] as SourceRecord;
      const sourceKey = plan.sourceKey(record);
      if (item.outcome === 'failed') {
        ofKey ??= compileKey();
        const [keyed] = await ofKey.convert([record], signal);
        const hasKey = keyed?.outcome === 'mapped';
        const key = hasKey
          ? comparison.keyOf(keyed.data)
          : comparison.keyOfParts([sourceKey ?? positions?.(item.index)]);
        seen.push({ key, hash: '', isSetAside: true, values: null, sourceKey, hasKey });
        continue;
      }
      // The platform has it under a key of its own.
      if (own.has(item)) continue;
      const changedAt = cursorField === null ? null : instantOf(record[cursorField]);
      seen.push({ ...comparison.of(item.data), sourceKey, changedAt });
    }
    yield seen;
  }
}

/** Those that the hub itself has written to the source. */
async function ownOf(
  stream: Stream,
  items: readonly Mapped[],
  records: readonly SourceRecord[],
  signal: AbortSignal,
): Promise<Set<Mapped>> {
  const mapped = items.filter((item) => item.outcome === 'mapped');
  const origins = mapped.map(({ index }) => records[index] as SourceRecord);
  const own = await ownAmong(stream, mapped, origins, signal);
  return new Set(mapped.filter((_, index) => own[index] !== undefined));
}

/** What the target holds, page by page. */
export async function* targetPages(
  { target, compiled, direction, pageSize }: Stream,
  mapping: Pick<Mapping, 'id' | 'field_mappings' | 'options'>,
  comparison: Comparison,
  expressions: ExpressionEvaluator,
  signal: AbortSignal,
): AsyncGenerator<Seen[]> {
  const filters = targetFilters(mapping, direction === 'import');
  const filtered = filters.flatMap((filter) => ('field' in filter ? [filter.field] : []));
  const isPlatform = target.descriptor.type === 'platform';
  const fields = new Set([...compiled.keyFields, ...comparison.fields, ...filtered]);
  if (isPlatform) fields.add(HIDDEN.mapping);
  const keep = recordFilter(filters, expressions);
  const pushdown = planFilters(filters, () => undefined, 'UTC').pushdown;
  const query = {
    ...(filters.length === filtered.length && { fields: [...fields] }),
    filters: pushdown,
    batchSize: pageSize,
  };
  for await (const { records } of pagesOf(target, query, signal)) {
    yield (await keep(records, signal)).map((record) => {
      const owner = isPlatform ? record[HIDDEN.mapping] : null;
      return { ...comparison.of(record), isSetAside: owner != null && Number(owner) !== mapping.id };
    });
  }
}

/**
 * Keys of the records that the hub remembers to have written, or, of a mapping that goes both ways, both sides to have agreed on;
 * and whether one of their writes is on its way.
 */
export async function* linkPages(
  database: SqlDatabase,
  { id, direction }: { id: number; direction: Stream['direction'] },
  comparison: Comparison,
): AsyncGenerator<(Pair & { isPending: boolean })[]> {
  let after = '';
  for (;;) {
    const rows = await database.query(
      `SELECT source_key, MAX(pending_op) AS pending_op FROM integration_record_links
       WHERE mapping_id = ? AND direction IN (?, 'both') AND source_key > ?
       GROUP BY source_key ORDER BY source_key LIMIT ${LINKS_AT_ONCE}`,
      [id, direction, after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = String(last.source_key);
    // A key that is too long stands there by its digest, from which nothing follows.
    const readable = rows.filter(({ source_key: key }) => String(key).startsWith('['));
    yield readable.map((row) => ({
      key: comparison.keyOfParts(JSON.parse(String(row.source_key)) as unknown[]),
      hash: '',
      isPending: row.pending_op !== null,
    }));
  }
}

/** What the mapping fills with a constant tells its records from others, beside what it says itself. */
export function targetFilters(
  { field_mappings, options }: Pick<Mapping, 'field_mappings' | 'options'>,
  importing: boolean,
): Filter[] {
  const constants = field_mappings.flatMap(({ target, constant }): Filter[] =>
    importing && ['string', 'number', 'boolean'].includes(typeof constant)
      ? [{ field: target, operator: 'eq', value: constant }]
      : [],
  );
  return [...constants, ...(options.reconciliation?.target_filters ?? [])];
}

function pagesOf(
  { connector, entity, descriptor }: End,
  query: { fields?: string[]; namedFields?: string[]; filters: Filter[]; batchSize: number },
  signal: AbortSignal,
): AsyncIterable<Batch> {
  if (connector.read !== undefined) return connector.read({ entity, cursor: null, ...query }, signal);
  throw notComparable(`${descriptor.title['en-US']} cannot be read`);
}

export function notComparable(why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_NOT_COMPARABLE', `The two sides cannot be compared: ${why}.`, {
    path: '/direction',
  });
}

function instantOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (value instanceof Date || /^\d{4}-\d\d-\d\d[T ]\d\d:/.test(String(value))) return toDate(value)?.getTime() ?? null;
  return null;
}
