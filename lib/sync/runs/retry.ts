import type { ErrorClass, IntegrationError } from '../../model/errors';

/** How often a run that makes no progress is tried again, and how long it waits between. */
export interface RetryPolicy {
  /** Attempts in a row that committed nothing. */
  maxWithoutProgress: number;
  maxAttempts: number;
  /** First delay; each further one is three times as long, up to `maxDelayMs`, with full jitter. */
  baseDelayMs: number;
  maxDelayMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxWithoutProgress: 5,
  maxAttempts: 20,
  baseDelayMs: 10_000,
  maxDelayMs: 30 * 60_000,
};

/** Other errors need a person: a new password, another mapping, a look at the log. */
const RETRIED: ReadonlySet<ErrorClass> = new Set(['transient', 'rate_limit']);
/** Whatever the other side asks for: nobody would see a run again that waits for days. */
export const LONGEST_ASKED_PAUSE_MS = 60 * 60_000;

/**
 * When to try a failed run again, in milliseconds from now, or null when its budget is used or its class forbids it.
 * A pause that the other side asked for costs no attempt.
 */
export function retryDelay(
  error: IntegrationError,
  attempts: { total: number; withoutProgress: number },
  policy: RetryPolicy,
  random: () => number = Math.random,
): number | null {
  if (!RETRIED.has(error.class)) return null;
  if (error.class === 'rate_limit' && error.retryAfterMs !== undefined) {
    return Math.min(LONGEST_ASKED_PAUSE_MS, error.retryAfterMs);
  }
  if (attempts.total >= policy.maxAttempts || attempts.withoutProgress >= policy.maxWithoutProgress) return null;
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 3 ** Math.max(0, attempts.withoutProgress - 1));
  return Math.round(random() * ceiling);
}
