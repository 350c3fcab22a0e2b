import { setTimeout as delay } from 'node:timers/promises';

/**
 * How long a turn is kept after the answer: a second, and what a clock of the other side may be coarse by. Of any two
 * requests that have one turn after another the second leaves this much later than the first was counted, whatever stalls.
 */
export const TURN_KEPT_MS = 1020;

/** As many turns as requests are allowed per second. Those of one process are spread over the second. */
export class Turns {
  private nextAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly perSecond: number | undefined,
    private readonly places: { take(signal: AbortSignal): Promise<() => void> },
  ) {}

  /** Null when it has to be waited for. */
  takeNow(): (() => void) | null {
    return this.perSecond === undefined ? () => undefined : null;
  }

  /** @throws the signal's reason */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.perSecond === undefined) return () => undefined;
    const giveBack = await this.places.take(signal);
    const at = Math.max(this.nextAt, performance.now());
    this.nextAt = at + 1000 / this.perSecond;
    try {
      // Node cuts off the fractions of a millisecond: a timer by itself may be early by nearly two.
      for (let left = at - performance.now(); left > 0; left = at - performance.now()) {
        await delay(left, undefined, { signal });
      }
    } catch {
      giveBack();
      throw signal.reason;
    }
    return () => setTimeout(giveBack, TURN_KEPT_MS).unref();
  }
}
