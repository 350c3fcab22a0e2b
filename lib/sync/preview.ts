import type { SourceRecord } from '../connectors/contract';
import { decimalOf } from '../mapping/conversions/decimals';
import type { JsonSchema } from '../model/entity';
import { IntegrationError } from '../model/errors';
import type { PreviewRecord, PreviewRequest, PreviewResult } from '../model/services';
import { canonicalJson } from './hash';
import { batchPlanner } from './plan';
import { type EngineContext, type MappingLike, openStream, type Stream } from './stream';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

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
    const limit = Math.max(1, Math.min(MAX_LIMIT, request.limit ?? DEFAULT_LIMIT));
    const sample = request.records
      ? { records: request.records.slice(0, MAX_LIMIT), position: () => null }
      : await readSample(stream, limit, signal);
    return await compare(stream, sample, signal);
  } finally {
    await stream.close();
  }
}

interface Sample {
  records: SourceRecord[];
  position(index: number): string | null;
}

async function readSample(stream: Stream, limit: number, signal: AbortSignal): Promise<Sample> {
  const { connector, entity } = stream.source;
  if (connector.read === undefined) {
    throw new IntegrationError('config', 'PCP_NOT_READABLE', 'The source cannot be read.', { path: '/direction' });
  }
  const { inputFields, namedFields, pushdown } = stream.compiled;
  const query = {
    entity,
    ...(inputFields !== undefined && { fields: inputFields }),
    namedFields,
    filters: pushdown,
    cursor: null,
    batchSize: limit,
  };
  for await (const batch of connector.read(query, signal)) {
    return {
      records: batch.records.slice(0, limit),
      position: (index) => batch.positions?.(index) ?? null,
    };
  }
  return { records: [], position: () => null };
}

async function compare(stream: Stream, sample: Sample, signal: AbortSignal): Promise<PreviewResult> {
  const { records } = sample;
  const mapped = await stream.compiled.map(records, signal);
  const plan = batchPlanner(stream.plan)(records, mapped);
  const { keyFields, outputFields } = stream.compiled;
  const { connector, entity } = stream.target;
  const keys = plan.writes.map(({ data }) => Object.fromEntries(keyFields.map((field) => [field, data[field]])));
  const current =
    keys.length > 0 ? await connector.lookup?.({ entity, keyFields: [...keyFields] }, keys, signal) : undefined;
  const { schema = {} } = (current && (await connector.describe?.(entity, signal))) ?? {};
  const indexOf = new Map(records.map((record, index) => [record as unknown, index]));
  const result: (PreviewRecord & { index: number })[] = [];
  plan.writes.forEach(({ data }, at) => {
    const index = indexOf.get(plan.origins[at]) ?? 0;
    const now = current?.[at];
    const action =
      now === undefined
        ? 'write'
        : now === null
          ? 'create'
          : same(data, now, outputFields, schema)
            ? 'unchanged'
            : 'update';
    result.push({ index, ...base(sample, index), after: data, current: now ?? null, action, errors: [] });
  });
  for (const { payload, error, field, rule } of plan.failures) {
    const index = indexOf.get(payload) ?? 0;
    const errors = [{ ...error.toJSON(), field, rule: rule ?? error.code }];
    result.push({ index, ...base(sample, index), after: null, current: null, action: 'error', errors });
  }
  for (const item of mapped) {
    if (item.outcome !== 'filtered') continue;
    result.push({
      index: item.index,
      ...base(sample, item.index),
      after: null,
      current: null,
      action: 'filtered',
      errors: [],
    });
  }
  result.sort((a, b) => a.index - b.index);
  const totals: PreviewResult['totals'] = {
    create: 0,
    update: 0,
    unchanged: plan.repeated,
    write: 0,
    filtered: 0,
    error: 0,
  };
  for (const { action } of result) totals[action]++;
  return { records: result.map(({ index: _, ...record }) => record), totals };
}

function base(sample: Sample, index: number): Pick<PreviewRecord, 'position' | 'before'> {
  return { position: sample.position(index), before: sample.records[index] as SourceRecord };
}

function same(
  data: Record<string, unknown>,
  current: Record<string, unknown>,
  fields: readonly string[],
  schema: JsonSchema,
): boolean {
  return fields.every((field) => {
    const property = schema.properties?.[field] ?? {};
    return canonical(data[field], property) === canonical(current[field], property);
  });
}

/** One text for all spellings that a type of the target has for a value: "1.5" and "1.500". */
function canonical(value: unknown, { type, format }: JsonSchema): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object') return canonicalJson(value);
  const text = String(value);
  const types = [type].flat();
  if (format === 'decimal' || types.includes('integer') || types.includes('number')) return decimalText(text);
  // Without zone and idle zeros of the fraction: what the target does not keep, it cannot give back.
  if (format === 'date-time')
    return text.replace(' ', 'T').replace(/(?:\.(\d*?)0*)?Z?$/, (_, digits) => (digits ? `.${digits}` : ''));
  return text;
}

function decimalText(text: string): string {
  try {
    return decimalOf(text) ?? text;
  } catch {
    return text;
  }
}
