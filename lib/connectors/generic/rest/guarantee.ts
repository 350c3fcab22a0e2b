import type { WriteGuarantee } from '../../contract';
import type { RestEntity } from './settings';
import { placeholders } from './template';

/** What an entity's settings promise about writing a record again. */
export function guaranteeOf({ create, update, bulk, lookup, idempotency_header }: RestEntity): WriteGuarantee {
  const isAddressed = update !== undefined && !placeholders(update.path).includes('id');
  const isKeyed = isAddressed && (update.method ?? 'PUT') !== 'POST';
  return {
    upsertByKey: bulk?.upsert === true || (isKeyed && lookup === undefined),
    idempotencyKey: idempotency_header !== undefined && create !== undefined && bulk === undefined,
    lookup: lookup === undefined ? 'none' : (lookup.consistency ?? 'strong'),
    transactional: false,
    snapshot: false,
  };
}
