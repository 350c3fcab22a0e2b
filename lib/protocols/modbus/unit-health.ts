const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;

/**
 * Which units are silent. One that did not answer twice in a row is left alone for a while, longer each time, so that it
 * costs the others of its bus one timeout now and then.
 */
export class UnitHealth {
  readonly #silent = new Map<number, { failures: number; failedAt: number; askAgainAt: number }>();

  answered(unit: number): void {
    this.#silent.delete(unit);
  }

  /** @param askedAt requests that were under way together fail once */
  failed(unit: number, askedAt: number): void {
    const { failures: before = 0, failedAt = 0 } = this.#silent.get(unit) ?? {};
    if (askedAt < failedAt) return;
    const failures = before + 1;
    const pause = failures < 2 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 2), LAST_PAUSE_MS);
    const now = performance.now();
    this.#silent.set(unit, { failures, failedAt: now, askAgainAt: now + pause });
  }

  /** It did not answer last time: one request is enough to find out whether it does now. */
  isDoubtful(unit: number): boolean {
    return this.#silent.has(unit);
  }

  /** Milliseconds for which it is to be left alone. */
  pause(unit: number): number {
    return Math.max(0, (this.#silent.get(unit)?.askAgainAt ?? 0) - performance.now());
  }
}
