import type { WriteGuarantee } from '../../connectors/contract';
import type { GuaranteeLevel } from '../../model/processes';

/** Writes to all other targets can be repeated without harm. */
export function needsIntents({ transactional, upsertByKey, snapshot, resumable }: WriteGuarantee): boolean {
  return !transactional && !upsertByKey && !snapshot && resumable !== true;
}

/** What the engine makes of what a target promises. */
export function levelOf(guarantee: WriteGuarantee): GuaranteeLevel {
  if (guarantee.transactional) return 'exactly_once';
  if (guarantee.snapshot) return 'snapshot';
  if (!needsIntents(guarantee)) return guarantee.upsertByKey ? 'once' : 'resumable';
  return guarantee.idempotencyKey || guarantee.lookup === 'strong' ? 'once' : 'asks';
}
