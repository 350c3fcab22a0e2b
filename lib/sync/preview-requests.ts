import type { DescribedRequest, SourceRecord } from '../connectors/contract';
import { IntegrationError } from '../model/errors';
import type { SqlDatabase } from '../protocols/sql/database';
import type { BatchPlan } from './plan';
import type { Stream } from './stream';
import { address, keyOfChange } from './writes/announced-writes';
import { needsIntents } from './writes/guarantee';
import { type LinkScope, linksOf } from './writes/links';

/**
 * For each write of a plan, the request that a run would send now, or why it cannot be made; null where none would be, or where
 * the target cannot tell.
 */
export async function requestsFor(
  database: SqlDatabase,
  stream: Stream,
  mappingId: number,
  { writes, origins }: BatchPlan,
  signal: AbortSignal,
): Promise<(DescribedRequest | IntegrationError | null)[]> {
  const { connector, entity } = stream.target;
  if (connector.describeWrite === undefined) return writes.map(() => null);
  const target = { entity, keyFields: [...stream.compiled.keyFields] };
  const ids: LinkScope & { direction: Stream['direction'] } = { mappingId, direction: stream.direction, runId: 0 };
  const isAnnounced = needsIntents(stream.guarantee);
  const links = isAnnounced ? await linksOf(database, ids, writes) : [];
  return Promise.all(
    writes.map(async (write, index) => {
      const record = { ...write };
      if (isAnnounced) {
        record.sourceKey = stream.plan.sourceKey(origins[index] as SourceRecord) ?? write.sourceKey;
        address(record, links[index]);
        record.idempotencyKey = keyOfChange(ids, record, links[index]);
      }
      return connector.describeWrite!(target, record, signal).catch((thrown: unknown) => {
        const error = IntegrationError.from(thrown);
        if (error.class === 'data' || error.class === 'conflict') return error;
        throw error;
      });
    }),
  );
}
