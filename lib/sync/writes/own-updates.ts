import type { SourceRecord, WriteRecord, WriteResult } from '../../connectors/contract';
import type { SqlTransaction } from '../../protocols/sql/database';
import { canonicalJson, recordHasher } from '../hash';
import type { OwnRecord } from '../own-records';
import type { BatchPlan } from '../plan';
import type { Stream } from '../stream';
import type { RunScope } from './commit';

type Scope = Pick<RunScope, 'stream' | 'ids' | 'signal'>;

/** A change of the platform's record that is there in the source already. */
export interface OwnUpdate {
  record: WriteRecord;
  origin: SourceRecord;
  theirs: readonly string[];
}

/** A page of an import, less what the hub itself had written to the source. */
export interface WithoutOwn {
  plan: BatchPlan;
  /** What the source says of such records beyond what it was given. */
  updates: OwnUpdate[];
  /** The others of them. */
  left: WriteRecord[];
}

/** A record of the platform that is in the source already. */
interface Own extends OwnRecord {
  /** As the platform has it; null where that cannot be told. */
  held: SourceRecord | null;
}

/**
 * Takes out of a page what would become a second record of what the platform has already: under the key of its own it is
 * written as any other.
 */
export async function withoutOwn(
  { stream, signal }: Scope,
  plan: BatchPlan,
  transaction: SqlTransaction | undefined,
): Promise<WithoutOwn> {
  const result: WithoutOwn = { plan, updates: [], left: [] };
  // Every page of every run comes by here, and few imports stand beside an export.
  if (stream.own === null) return result;
  const own = await ownAmong(stream, plan.writes, plan.origins, signal, transaction);
  if (own.every((record) => record === undefined)) return result;
  result.plan = { ...plan, writes: [], origins: [] };
  const met = new Set<string | null>();
  plan.writes.forEach((write, index) => {
    const origin = plan.origins[index] as SourceRecord;
    const record = own[index];
    if (record === undefined) {
      result.plan.writes.push(write);
      result.plan.origins.push(origin);
      return;
    }
    write.sourceKey = stream.plan.sourceKey(origin) ?? write.sourceKey;
    // One record of ours may have become several there: the first of them speaks for it.
    const update = met.has(record.originKey) ? null : updateOf(write, record, stream.own!.keyFields);
    met.add(record.originKey);
    if (update === null) result.left.push(write);
    else result.updates.push({ record: update, origin, theirs: record.theirs });
  });
  return result;
}

/** Those of an import's records that the platform has under another key, in their order; what was deleted here is as any other. */
export async function ownAmong(
  { own, target, plan: { keyFields } }: Pick<Stream, 'own' | 'target' | 'plan'>,
  records: readonly { data: Record<string, unknown> }[],
  origins: readonly SourceRecord[],
  signal: AbortSignal,
  transaction?: SqlTransaction,
): Promise<(Own | undefined)[]> {
  const none = records.map(() => undefined);
  if (own === null || records.length === 0) return none;
  const found = await own.find(origins, transaction);
  const elsewhere = found.map((record, index) =>
    record !== undefined && own.isElsewhere(record, records[index]!.data, keyFields) ? record : undefined,
  );
  if (elsewhere.every((record) => record === undefined)) return none;
  const keys = new Set(elsewhere.flatMap((record) => record?.originKey ?? []));
  const held = target.descriptor.type === 'platform' ? await heldOf([...keys]) : null;
  return elsewhere.map((record) => {
    if (record === undefined) return undefined;
    if (held === null || record.originKey === null) return { ...record, held: null };
    const there = held.get(record.originKey);
    return there && { ...record, held: there };
  });

  async function heldOf(originKeys: readonly string[]): Promise<Map<string, SourceRecord>> {
    const fields = [...own!.keyFields];
    const wanted = originKeys.map((key) => keyOf(key, fields));
    const rows = await target.connector.lookup!(
      { entity: target.entity, keyFields: fields },
      wanted,
      signal,
      transaction,
    );
    return new Map(originKeys.flatMap((key, index) => (rows[index] == null ? [] : [[key, rows[index]] as const])));
  }
}

/** What the source says of a record of the platform beyond what it was given; null where that is there already. */
function updateOf(
  { data: imported, sourceKey }: WriteRecord,
  { originKey, held, theirs }: Own,
  keyFields: readonly string[],
): WriteRecord | null {
  if (originKey === null || held === null) return null;
  const told = (field: string) => (isBlank(imported[field]) ? held[field] : imported[field]) ?? null;
  if (theirs.every((field) => canonicalJson(told(field)) === canonicalJson(held[field] ?? null))) return null;
  const data = { ...keyOf(originKey, keyFields), ...Object.fromEntries(theirs.map((field) => [field, told(field)])) };
  return { data, key: originKey, hash: recordHasher([...keyFields, ...theirs])(data), sourceKey };
}

/** Writes them as part of the store's transaction, each export's with the fields that it leaves to the source. @returns one result for each */
export async function writeOwn(
  { stream: { target, own }, ids: { runId, mappingId }, signal }: Scope,
  updates: readonly OwnUpdate[],
  transaction: SqlTransaction | undefined,
): Promise<WriteResult[]> {
  const results = new Map<OwnUpdate, WriteResult>();
  for (const [theirs, part] of Map.groupBy(updates, (update) => update.theirs)) {
    const keyFields = [...own!.keyFields];
    const fields = [...keyFields, ...theirs];
    const options = { entity: target.entity, keyFields, fields, resume: null, runId, mappingId };
    const writer = await target.connector.openWriter!({ ...options, hashOf: recordHasher(fields) }, signal);
    const records = part.map(({ record }) => record);
    const written = await writer.write(records, signal, transaction);
    for (const [index, update] of part.entries()) results.set(update, written[index] as WriteResult);
    await writer.finish();
  }
  return updates.map((update) => results.get(update) as WriteResult);
}

function keyOf(text: string, keyFields: readonly string[]): Record<string, unknown> {
  const parts = JSON.parse(text) as unknown[];
  return Object.fromEntries(keyFields.map((field, index) => [field, parts[index]]));
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}
