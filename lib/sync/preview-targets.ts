import type { DescribedWrite, SourceRecord } from '../connectors/contract';
import { IntegrationError } from '../model/errors';
import type { SqlDatabase } from '../protocols/sql/database';
import type { BatchPlan } from './plan';
import type { Stream } from './stream';
import { address, keyOfChange } from './writes/announced-writes';
import { needsIntents } from './writes/guarantee';
import { type LinkScope, linksOf } from './writes/links';

/** How one write of a plan meets its target. */
export interface Meeting extends DescribedWrite {
  /** Why nothing can be sent. */
  error?: IntegrationError;
}

/** Compares the writes of a plan with what the target holds. */
export async function meetTarget(stream: Stream, { writes }: BatchPlan, signal: AbortSignal): Promise<Meeting[]> {
  const { connector, entity } = stream.target;
  const keyFields = [...stream.compiled.keyFields];
  const keys = writes.map(({ data }) => Object.fromEntries(keyFields.map((field) => [field, data[field]])));
  const held = keys.length > 0 ? await connector.lookup?.({ entity, keyFields }, keys, signal) : undefined;
  return writes.map((_, index) => ({ current: held?.[index], request: null }));
}

/** As `meetTarget`, with the requests where the target describes them. */
export async function describeWrites(
  database: SqlDatabase,
  stream: Stream,
  mappingId: number,
  plan: BatchPlan,
  signal: AbortSignal,
): Promise<Meeting[]> {
  const { connector, entity } = stream.target;
  if (connector.describeWrite === undefined) return meetTarget(stream, plan, signal);
  const { writes, origins } = plan;
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
        if (error.class === 'data' || error.class === 'conflict') return { current: undefined, request: null, error };
        throw error;
      });
    }),
  );
}
