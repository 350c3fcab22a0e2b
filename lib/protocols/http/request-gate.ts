import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../model/errors';

/** Grants requests in the order they are asked for. One that is shared by several processes may take blocks from a store. */
export interface Reservations {
  /** Counts one request; resolves with the milliseconds to wait before it is sent. */
  reserve(): number | Promise<number>;
}

/** A token bucket of this process: `perSecond` requests, and `burst` of them at once after a pause. */
export class TokenBucket implements Reservations {
  private readonly intervalMs: number;
  private nextAt = Number.NEGATIVE_INFINITY;

  constructor(
    perSecond: number,
    private readonly burst = 1,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.intervalMs = 1000 / perSecond;
  }

  reserve(): number {
    const now = this.now();
    const at = Math.max(this.nextAt, now - (this.burst - 1) * this.intervalMs);
    this.nextAt = at + this.intervalMs;
    return Math.max(0, at - now);
  }
}

/** Lets the requests of one connection through: so many at a time, so many per second, none while the other side wants a pause. */
export class RequestGate {
  private readonly waiting: (() => void)[] = [];
  private pausedUntil = 0;

  constructor(
    private free: number,
    private readonly reservations: Reservations | undefined,
  ) {}

  /**
   * Resolves with what gives the place back; harmless to call twice.
   * @throws rate_limit PCP_HTTP_PAUSED, the signal's reason
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    this.checkPause();
    await this.place(signal);
    let inside = true;
    const leave = () => {
      if (inside) this.giveBack();
      inside = false;
    };
    try {
      const wait = (await this.reservations?.reserve()) ?? 0;
      if (wait > 0) await delay(wait, undefined, { signal });
      this.checkPause();
      return leave;
    } catch (error) {
      leave();
      throw signal.aborted ? signal.reason : error;
    }
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, performance.now() + ms);
  }

  private checkPause(): void {
    const left = Math.ceil(this.pausedUntil - performance.now());
    if (left <= 0) return;
    const message = `The other side asked for a pause of ${Math.ceil(left / 1000)} s more.`;
    throw new IntegrationError('rate_limit', 'PCP_HTTP_PAUSED', message, {
      retryAfterMs: left,
      hint: 'It goes on by itself. Lower requests_per_second if it happens often.',
    });
  }

  private async place(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    this.waiting.push(turn.resolve);
    const giveUp = () => {
      const index = this.waiting.indexOf(turn.resolve);
      if (index !== -1) this.waiting.splice(index, 1);
      turn.reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  private giveBack(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}
