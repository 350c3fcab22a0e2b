import type { WriteGuarantee } from '../../contract';
import type { RestEntity, RestSettings } from './settings';
import { placeholders } from './template';

/** What an entity's settings promise about writing a record again. */
export function guaranteeOf(entity: RestEntity, { timeoutMs }: RestSettings): WriteGuarantee {
  const { create, update, bulk, lookup, idempotency_header } = entity;
  const isAddressed = update !== undefined && !placeholders(update.path).includes('id');
  const isKeyed = isAddressed && (update.method ?? 'PUT') !== 'POST';
  return {
    upsertByKey: bulk?.upsert === true || (isKeyed && lookup === undefined),
    idempotencyKey: idempotency_header !== undefined && create !== undefined && bulk === undefined,
    lookup: lookup === undefined ? 'none' : (lookup.consistency ?? 'strong'),
    transactional: false,
    snapshot: false,
    settleMs: 2 * timeoutMs,
  };
}
