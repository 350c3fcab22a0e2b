/** Seconds after a failed attempt until the next one, as the specification of Standard Webhooks recommends: 75 hours in all. */
export const RETRY_SECONDS: readonly number[] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
const JITTER = 0.2;

/** Failures in a row after which the receiver is left alone for a while, whatever waits for it. */
const FAILURES_BEFORE_PAUSE = 3;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/** A receiver that took nothing for so long is given up. */
const GIVEN_UP_AFTER_MS = 5 * 86_400_000;
const FAILURES_BEFORE_GIVING_UP = 5;

/**
 * How long to wait after an attempt that failed.
 * @param attempts how many there were
 * @param random from 0 to 1
 * @returns milliseconds; null when it was the last attempt
 */
export function retryDelay(
  attempts: number,
  schedule: readonly number[] = RETRY_SECONDS,
  random = Math.random(),
): number | null {
  const seconds = schedule[attempts - 1];
  return seconds === undefined ? null : Math.round(seconds * 1000 * (1 - JITTER + 2 * JITTER * random));
}

/** How long a receiver that fails again and again is left alone: what waits does not use its attempts up meanwhile. */
export function pauseAfter(failures: number): number {
  if (failures < FAILURES_BEFORE_PAUSE) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - FAILURES_BEFORE_PAUSE));
}

/** Whether nothing will arrive there any more, as far as can be told. */
export function isGivenUp(failures: number, failingSince: number, now: number): boolean {
  return failures >= FAILURES_BEFORE_GIVING_UP && now - failingSince >= GIVEN_UP_AFTER_MS;
}
