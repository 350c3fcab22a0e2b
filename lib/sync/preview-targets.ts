import type { DescribedWrite, SourceRecord, WriteRecord } from '../connectors/contract';
import { IntegrationError } from '../model/errors';
import type { SqlDatabase } from '../protocols/sql/database';
import { isElsewhere } from './place';
import type { BatchPlan } from './plan';
import type { Stream } from './stream';
import { address, keyOfChange, obstacle } from './writes/announced-writes';
import { needsIntents } from './writes/guarantee';
import { type Link, type LinkScope, linksOf } from './writes/links';

/** How one write of a plan meets its target. */
export interface Meeting extends Pick<DescribedWrite, 'current' | 'request'> {
  /** Where it is known without a comparison of the fields. */
  action?: 'update' | 'unchanged';
  /** Why nothing can be sent. */
  error?: IntegrationError;
}

/** Compares the writes of a plan with what the target holds. */
async function meetTarget(stream: Stream, writes: readonly WriteRecord[], signal: AbortSignal): Promise<Meeting[]> {
  const { connector, entity } = stream.target;
  const keyFields = [...stream.compiled.keyFields];
  const keys = writes.map(({ data }) => Object.fromEntries(keyFields.map((field) => [field, data[field]])));
  const held = keys.length > 0 ? await connector.lookup?.({ entity, keyFields }, keys, signal) : undefined;
  return writes.map((_, index) => ({ current: held?.[index], request: null }));
}

/**
 * Compares them with what the target was given as well, where it takes requests that can be told.
 * @param told whether the requests are wanted
 */
export async function meetGiven(
  database: SqlDatabase,
  stream: Stream,
  mappingId: number,
  plan: BatchPlan,
  told: boolean,
  signal: AbortSignal,
): Promise<Meeting[]> {
  const { connector, entity } = stream.target;
  if (connector.describeWrite === undefined) return meetTarget(stream, plan.writes, signal);
  const { writes, origins } = plan;
  const target = { entity, keyFields: [...stream.compiled.keyFields] };
  const ids: LinkScope & { direction: Stream['direction'] } = { mappingId, direction: stream.direction, runId: 0 };
  const links = stream.guarantee.snapshot ? [] : await knownLinks(database, stream, ids, writes);
  const foreseen = writes.map((write, index) => foresee(stream, write, links[index]));
  const met = told
    ? []
    : await meetTarget(
        stream,
        writes.filter((_, index) => foreseen[index] === null),
        signal,
      );
  return Promise.all(
    writes.map(async (write, index): Promise<Meeting> => {
      const link = links[index];
      const known = foreseen[index] ?? met.shift();
      if (known !== undefined) return known.current === undefined ? { ...asGiven(link), ...known } : known;
      const record: WriteRecord = { ...write, hash: write.hash };
      if (needsIntents(stream.guarantee)) {
        record.sourceKey = stream.plan.sourceKey(origins[index] as SourceRecord) ?? write.sourceKey;
        address(record, link);
        record.idempotencyKey = keyOfChange(ids, record, link);
      }
      try {
        const { current, request, unchanged } = await connector.describeWrite!(target, record, signal);
        if (unchanged === true) return { current, request, action: 'unchanged' };
        if (current === undefined) return { ...asGiven(link), current, request };
        return { current, request, ...(current !== null && unchanged === false && { action: 'update' }) };
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        if (error.class === 'data' || error.class === 'conflict') return { current: undefined, request: null, error };
        throw error;
      }
    }),
  );
}

/** What the store alone tells: the target was given the record as it is, or it cannot be sent. */
function foresee({ guarantee, twoWay }: Stream, record: WriteRecord, link: Link | undefined): Meeting | null {
  const nothing = { current: undefined, request: null };
  if (link?.intent === null && link.hash === record.hash && twoWay === null) return { ...nothing, action: 'unchanged' };
  const error = needsIntents(guarantee) ? obstacle(record, link, guarantee) : null;
  return error && { ...nothing, error };
}

/** What the target was given once is there, though it cannot be asked. */
function asGiven(link: Link | undefined): Pick<Meeting, 'action'> {
  return link?.hash == null ? {} : { action: 'update' };
}

/** Of another place than the one that is written to now, only what was never answered counts. */
async function knownLinks(
  database: SqlDatabase,
  { places }: Stream,
  ids: LinkScope,
  writes: BatchPlan['writes'],
): Promise<(Link | undefined)[]> {
  const links = await linksOf(database, ids, writes);
  const [row] = await database.query(
    'SELECT target_place FROM integration_checkpoints WHERE mapping_id = ? AND direction = ?',
    [ids.mappingId, ids.direction],
  );
  if (!isElsewhere(row?.target_place ?? null, places.target)) return links;
  return links.map((link) => link && { ...link, hash: null, targetKey: null });
}
