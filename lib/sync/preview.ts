import type { Batch, ReadQuery, SourceRecord } from '../connectors/contract';
import type { JsonSchema } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { PreviewRecord, PreviewRequest, PreviewResult } from '../model/processes';
import { canonical } from './canonical';
import { refetch } from './letters/refetch';
import { liveRecord } from './live-record';
import { type BatchPlan, batchPlanners } from './plan';
import { type Meeting, meetGiven } from './preview-targets';
import { RejectionReasons } from './rejection-reasons';
import { type EngineContext, fieldsToRead, type MappingLike, openStream, type Stream } from './stream';
import { levelOf } from './writes/guarantee';
import { ownAmong } from './writes/own-updates';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
/** Less than a request of the API may take. */
const LONGEST_MS = 40_000;
const ACTIONS = ['create', 'update', 'unchanged', 'write', 'filtered', 'error'] as const;

/**
 * Reads or takes a few records, maps them and compares them with what the target holds. Nothing is written, acknowledged or
 * remembered.
 * @throws config when the mapping cannot be compiled or the source does not know the entity
 */
export async function preview(
  context: EngineContext,
  request: PreviewRequest,
  signal: AbortSignal,
): Promise<PreviewResult> {
  const mapping: MappingLike = {
    description: null,
    transformations: [],
    filters: [],
    key_fields: [],
    sync_mode: 'full',
    cursor_field: null,
    peer_connection_id: null,
    options: {},
    is_active: true,
    ...request.mapping,
  };
  const direction = request.direction ?? (mapping.direction === 'export' ? 'export' : 'import');
  if (mapping.direction !== 'bidirectional' && mapping.direction !== direction) {
    throw new IntegrationError('config', 'PCP_DIRECTION', `The mapping goes one way only: ${mapping.direction}.`, {
      path: '/direction',
    });
  }
  const stream = await openStream(context, mapping, direction, signal);
  try {
    // For a whole source many requests would be described that nobody sees.
    const told = request.mode !== 'full_plan';
    const meet: Meet = (plan) => meetGiven(context.database, stream, request.mapping.id ?? 0, plan, told, signal);
    return await previewOf(stream, request, meet, signal);
  } finally {
    await stream.close();
  }
}

type Meet = (plan: BatchPlan) => Promise<Meeting[]>;

async function previewOf(
  stream: Stream,
  request: PreviewRequest,
  meet: Meet,
  signal: AbortSignal,
): Promise<PreviewResult> {
  const limit = Math.max(1, Math.min(MAX_LIMIT, request.limit ?? DEFAULT_LIMIT));
  const shown = request.mode === 'full_plan' || (request.records ?? request.keys) === undefined ? limit : MAX_LIMIT;
  const { connector, entity } = stream.target;
  const { schema = {} } = (connector.lookup && (await connector.describe?.(entity, signal))) ?? {};
  const end = performance.now() + LONGEST_MS;
  const guarantee = levelOf(stream.guarantee);
  const result: PreviewResult = { guarantee, records: [], totals: noTotals(), complete: true };
  const reasons = new RejectionReasons();
  const isLive = request.mapping.sync_mode === 'live';
  for await (const sample of samples(stream, request, limit, signal)) {
    signal.throwIfAborted();
    if (isLive) sample.records = sample.records.map((record) => liveRecord(record, Date.now()));
    const { records, totals } = await compare(stream, sample, schema, meet, signal);
    result.records.push(...records.slice(0, Math.max(0, shown - result.records.length)));
    for (const action of ACTIONS) result.totals[action] += totals[action];
    if (request.mode === 'full_plan') reasons.add(records);
    if (request.mode !== 'full_plan' || performance.now() < end) continue;
    result.complete = false;
    break;
  }
  if (request.mode === 'full_plan') result.reasons = reasons.list();
  return result;
}

interface Sample {
  records: SourceRecord[];
  position(index: number): string | null;
  /** Keys of which the source has no record. */
  missing?: Record<string, unknown>[];
}

/** One page is held at a time, whatever the size of the source. */
async function* samples(
  stream: Stream,
  { records, keys, mode, mapping }: PreviewRequest,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Sample> {
  if (records !== undefined) return yield { records: records.slice(0, MAX_LIMIT), position: () => null };
  if (keys !== undefined) return yield await sampleOfKeys(stream, keys.slice(0, MAX_LIMIT), signal);
  const { namedFields, pushdown } = stream.compiled;
  const inputFields = fieldsToRead(stream);
  const batchSize = mode === 'full_plan' ? stream.pageSize : limit;
  // Of what is live some fields are the hub's own, which no source could give.
  const fields =
    mapping.sync_mode === 'live' ? {} : { namedFields, ...(inputFields !== undefined && { fields: inputFields }) };
  const wanted = { ...fields, filters: pushdown, batchSize };
  for await (const batch of readAll(stream, wanted, signal)) {
    const page = mode === 'full_plan' ? batch.records : batch.records.slice(0, limit);
    yield { records: page, position: (index) => batch.positions?.(index) ?? null };
    if (mode !== 'full_plan') return;
  }
}

function readAll(
  { source: { connector, entity } }: Stream,
  query: Pick<ReadQuery, 'fields' | 'namedFields' | 'filters' | 'batchSize'>,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  if (connector.read !== undefined) return connector.read({ entity, cursor: null, ...query }, signal);
  throw new IntegrationError('config', 'PCP_NOT_READABLE', phrase`The source cannot be read.`, { path: '/direction' });
}

/** Asks the source for single records, or looks through all of them where it cannot be asked. */
async function sampleOfKeys(stream: Stream, keys: Record<string, unknown>[], signal: AbortSignal): Promise<Sample> {
  const found =
    stream.source.connector.lookup === undefined
      ? await search(stream, keys, signal)
      : await refetch(stream.source, keys, signal);
  return {
    records: found.filter((record) => record !== null),
    position: () => null,
    missing: keys.filter((_, index) => found[index] === null),
  };
}

async function search(
  stream: Stream,
  keys: Record<string, unknown>[],
  signal: AbortSignal,
): Promise<(SourceRecord | null)[]> {
  const end = performance.now() + LONGEST_MS;
  const found: (SourceRecord | null)[] = keys.map(() => null);
  const tests = keys.map((key) =>
    Object.entries(key).map(([field, value]) => ({ field, text: value === null ? '' : String(value) })),
  );
  for await (const { records } of readAll(stream, { batchSize: stream.pageSize }, signal)) {
    for (const record of records) {
      const at = tests.findIndex((test, index) => {
        return found[index] === null && test.every(({ field, text }) => String(record[field] ?? '') === text);
      });
      if (at >= 0) found[at] = record;
    }
    if (found.every((record) => record !== null) || performance.now() > end) break;
  }
  return found;
}

async function compare(
  stream: Stream,
  sample: Sample,
  schema: JsonSchema,
  meet: Meet,
  signal: AbortSignal,
): Promise<Pick<PreviewResult, 'records' | 'totals'>> {
  const { records } = sample;
  const mapped = await stream.compiled.map(records, signal);
  const { plan, add } = batchPlanners(stream.plan)();
  add(records, mapped);
  const own = await ownAmong(stream, plan.writes, plan.origins, signal);
  const meetings = await meet(plan);
  const indexOf = new Map(records.map((record, index) => [record as unknown, index]));
  const result: (PreviewRecord & { index: number })[] = [];
  const nothing = { after: null, current: null, diff: [], request: null };
  plan.writes.forEach(({ data }, at) => {
    const index = indexOf.get(plan.origins[at]) ?? 0;
    if (own[at] !== undefined) {
      // It is in the platform under a key of its own.
      result.push({ index, ...base(sample, index), ...nothing, after: data, action: 'unchanged', errors: [] });
      return;
    }
    const { current: now, request, error, action: told } = meetings[at]!;
    const diff = now == null || told === 'unchanged' ? [] : changes(data, now, stream.compiled.outputFields, schema);
    const seen = now === undefined ? 'write' : now === null ? 'create' : diff.length === 0 ? 'unchanged' : 'update';
    const action = told ?? seen;
    const shown = { index, ...base(sample, index), after: data, current: now ?? null, diff };
    if (error !== undefined) {
      const errors = [{ ...error.toJSON(), field: error.path ?? null, rule: error.code }];
      result.push({ ...shown, action: 'error', request: null, errors });
    } else result.push({ ...shown, action, request: action === 'unchanged' ? null : request, errors: [] });
  });
  for (const { payload, error, field, rule, further = [] } of plan.failures) {
    const index = indexOf.get(payload) ?? 0;
    const errors = [{ ...error.toJSON(), field, rule: rule ?? error.code }, ...further];
    result.push({ index, ...base(sample, index), ...nothing, action: 'error', errors });
  }
  for (const key of sample.missing ?? []) {
    const error = new IntegrationError(
      'data',
      'PCP_NOT_FOUND',
      phrase`The source has no record ${JSON.stringify(key)}.`,
    );
    const errors = [{ ...error.toJSON(), field: null, rule: 'keys' }];
    result.push({ index: records.length, position: null, before: key, ...nothing, action: 'error', errors });
  }
  for (const item of mapped) {
    if (item.outcome !== 'filtered') continue;
    result.push({ index: item.index, ...base(sample, item.index), ...nothing, action: 'filtered', errors: [] });
  }
  result.sort((a, b) => a.index - b.index);
  const totals = { ...noTotals(), unchanged: plan.repeated };
  for (const { action } of result) totals[action]++;
  return { records: result.map(({ index: _, ...record }) => record), totals };
}

function base(sample: Sample, index: number): Pick<PreviewRecord, 'position' | 'before'> {
  return { position: sample.position(index), before: sample.records[index] as SourceRecord };
}

function changes(
  data: Record<string, unknown>,
  current: Record<string, unknown>,
  fields: readonly string[],
  schema: JsonSchema,
): PreviewRecord['diff'] {
  return fields.flatMap((field) => {
    const property = schema.properties?.[field] ?? {};
    const [before, after] = [current[field] ?? null, data[field] ?? null];
    return canonical(before, property) === canonical(after, property) ? [] : [{ field, old: before, new: after }];
  });
}

function noTotals(): PreviewResult['totals'] {
  return { create: 0, update: 0, unchanged: 0, write: 0, filtered: 0, error: 0 };
}
