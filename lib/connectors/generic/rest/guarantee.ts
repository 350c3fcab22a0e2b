import type { WriteGuarantee } from '../../contract';
import type { RestEntity, RestSettings } from './settings';
import { placeholders } from './template';

/** What an entity's settings promise about writing a record again. */
export function guaranteeOf(entity: RestEntity, { timeoutMs }: RestSettings): WriteGuarantee {
  const { create, bulk, lookup, idempotency_header } = entity;
  const isKeyed = isFoundByUpdate(entity);
  // A create that is still on its way makes a second record beside one that follows it at once: it has to be waited for.
  const mayCreate = create !== undefined || bulk !== undefined;
  return {
    upsertByKey: bulk?.upsert === true || (isKeyed && !mayCreate),
    idempotencyKey: idempotency_header !== undefined && create !== undefined && bulk === undefined,
    lookup: lookup === undefined ? (isKeyed && mayCreate ? 'strong' : 'none') : (lookup.consistency ?? 'strong'),
    transactional: false,
    snapshot: false,
    settleMs: 2 * timeoutMs,
  };
}

/** The update goes to the record's own fields, and tells by itself whether the record is there. */
export function isFoundByUpdate({ update, lookup }: RestEntity): boolean {
  if (update === undefined || lookup !== undefined) return false;
  return !placeholders(update.path).includes('id') && (update.method ?? 'PUT') !== 'POST';
}
