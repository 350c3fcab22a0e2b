import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';

/** Gone, if the API had it once. */
export function absent(id: string | undefined): IntegrationError {
  if (id === undefined) return missing();
  return new IntegrationError('conflict', 'PCP_TARGET_DELETED', phrase`Record ${id} is gone from the other system.`, {
    hint: 'Create it there again, or take it out of the mapping.',
  });
}

export function unchangeable(): IntegrationError {
  const message = phrase`The API has this record already, and cannot change it.`;
  return new IntegrationError('data', 'PCP_REST_NO_UPDATE', message, {
    isFixed: true,
    hint: 'Add "update" to the entity, if the API can change records.',
  });
}

export function nameless(): IntegrationError {
  const message = phrase`The API has an earlier version of this record, under a name that it did not tell.`;
  return new IntegrationError('data', 'PCP_REST_NO_UPDATE', message, {
    hint: 'Say where it stands in the answer ("id" of "create"), add "lookup", or use fields of the record in the path of "update".',
  });
}

export function missing(): IntegrationError {
  const message = phrase`The API does not have this record, and cannot create it.`;
  return new IntegrationError('data', 'PCP_REST_NOT_THERE', message, {
    hint: 'Add "create" to the entity, if the API can create records.',
  });
}

/** A repeated change that was refused for its version: the first one may have been there, and been changed by others since. */
export function overtaken(refusal: IntegrationError, idempotencyKey: string | undefined): IntegrationError {
  const message = phrase`The answer to an earlier request of this change was lost, and the record was changed since: ${refusal.said}`;
  return new IntegrationError('unknown_outcome', 'PCP_REST_OVERTAKEN', message, {
    value: idempotencyKey,
    hint: 'Compare the record there with this one. Discard this letter if it may stay as it is; replay it to write these values.',
  });
}
