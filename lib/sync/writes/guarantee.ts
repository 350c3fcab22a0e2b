import type { WriteGuarantee } from '../../connectors/contract';
import type { GuaranteeLevel } from '../../model/processes';

/** A record that is given once more, by whatever run, is there once all the same. */
export function takesTwice({ transactional, upsertByKey, snapshot }: WriteGuarantee): boolean {
  return transactional || upsertByKey || snapshot;
}

/** Writes to all other targets can be repeated without harm, if need be since what was not committed is taken back. */
export function needsIntents(guarantee: WriteGuarantee): boolean {
  return !takesTwice(guarantee) && guarantee.resumable !== true;
}

/** What the engine makes of what a target promises. */
export function levelOf(guarantee: WriteGuarantee): GuaranteeLevel {
  if (guarantee.transactional) return 'exactly_once';
  if (guarantee.snapshot) return 'snapshot';
  if (!needsIntents(guarantee)) return guarantee.upsertByKey ? 'once' : 'resumable';
  return guarantee.idempotencyKey || guarantee.lookup === 'strong' ? 'once' : 'asks';
}
