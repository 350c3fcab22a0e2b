import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { retryAfterOf } from '../../../protocols/http/rate-headers';
import type { WriteResult } from '../../contract';
import type { WriteRequest } from './write-request';

/** "A request is outstanding for this Idempotency-Key", "idempotency_key_in_use". That an order is in progress is no such word. */
const AT_WORK =
  /idempot|request[^.]{0,80}(in[ _-]progress|outstanding|being processed)|(concurrent|in[ _-]progress) request/i;
/** "Idempotency-Key is already used", "can only be used with the same parameters" */
const OTHER_BODY = /already|reuse|re-use|same|different|mismatch/i;

/**
 * What an API says of a key that it has seen (draft-ietf-httpapi-idempotency-key-header, 2.7): 409 while the first request is
 * in work, 422 when that one had other contents; Stripe and others say the latter with a 400. Undefined when it is a refusal as
 * any other. A 409 without words is one of a key that was never sent.
 *
 * @param error the refusal, with the API's words
 */
export function usedKeyResult(
  { key }: WriteRequest,
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
  text: string,
  error: Error,
): WriteResult | undefined {
  if (key === undefined || !(error instanceof IntegrationError)) return undefined;
  if (status === 409) {
    const retryAfterMs = retryAfterOf(headers);
    return key.wasSent || retryAfterMs !== undefined || AT_WORK.test(text)
      ? { outcome: 'unknown', error: stillInWork(error, retryAfterMs), isInWork: true }
      : undefined;
  }
  const isOther = (status === 422 || status === 400) && /idempot/i.test(text) && OTHER_BODY.test(text);
  return isOther ? { outcome: 'failed', error: otherContents(error, key.value) } : undefined;
}

function stillInWork(error: IntegrationError, retryAfterMs: number | undefined): IntegrationError {
  const message = phrase`The API is still at work on this record, as far as it says: ${error.said}`;
  return new IntegrationError('transient', 'PCP_REST_IN_WORK', message, {
    hint: 'It is asked again under the same idempotency key.',
    outcomeUnknown: true,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Under another key it could be done a second time. */
function otherContents(error: IntegrationError, key: string): IntegrationError {
  const message = phrase`The API had another request under the idempotency key of this record: ${error.said}`;
  return new IntegrationError('unknown_outcome', 'PCP_REST_KEY_REUSED', message, {
    value: key,
    hint: 'Look for the record in the other system. Discard this letter if it is there; replay it if it is not.',
  });
}
