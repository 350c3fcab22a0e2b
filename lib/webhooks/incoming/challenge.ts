import { createHash, timingSafeEqual } from 'node:crypto';
import type { ChallengeKind, IncomingWebhook } from '../../model/incoming-webhook';

interface Challenge {
  method: 'GET' | 'POST';
  /** Parameter of the query that is to be given back. */
  parameter: string;
  /** Parameter that proves who asks. */
  verifyParameter?: string;
}

export const CHALLENGES: Record<ChallengeKind, Challenge> = {
  microsoft_graph: { method: 'POST', parameter: 'validationToken' },
  hub_challenge: { method: 'GET', parameter: 'hub.challenge', verifyParameter: 'hub.verify_token' },
  query_challenge: { method: 'GET', parameter: 'challenge' },
};
const LONGEST = 4096;

/** The text to give back, null when this is no challenge, or not one of whoever may ask. */
export function challengeReply(
  { challenge }: IncomingWebhook,
  method: string | undefined,
  query: URLSearchParams,
): string | null {
  if (challenge === null) return null;
  const kind = CHALLENGES[challenge.kind];
  const asked = query.get(kind.parameter);
  if (method !== kind.method || asked === null || asked.length > LONGEST) return null;
  if (kind.verifyParameter === undefined || challenge.verifyToken === null) return asked;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const given = digest(query.get(kind.verifyParameter) ?? '');
  return timingSafeEqual(given, digest(challenge.verifyToken)) ? asked : null;
}
