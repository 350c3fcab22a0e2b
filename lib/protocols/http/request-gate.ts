import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { type Budget, quotaReserved } from './budget';
import { Places } from './places';
import type { RateLimitStatus } from './quota-headers';
import { Turns } from './turns';

/** What the settings of a connection allow. */
export interface Allowance {
  perSecond: number | undefined;
  /** Requests at the same time. */
  atOnce: number;
  perDay?: number | undefined;
}

/** What is left of it. */
export type Quota = RateLimitStatus & Required<Pick<RateLimitStatus, 'remaining'>>;

/** A request that was let through. Both are harmless to call twice. */
export interface Pass {
  /** The other side has counted it by now, if it ever will. */
  answered(): void;
  /** Gives the place back. */
  leave(): void;
}

/** Counts the requests of one connection: of this process, or of all processes that share a store. */
export interface RequestLimits {
  /** Absent: as many as wanted. */
  readonly budget?: Budget | undefined;
  /** Place and turn of a request that need not wait for either; null else. */
  now(): Pass | null;
  /** Resolves with what gives the place back; harmless to call twice. @throws the signal's reason */
  place(signal: AbortSignal): Promise<() => void>;
  /**
   * Resolves when one more request may leave, with what tells that it was answered.
   * @throws the signal's reason
   */
  turn(signal: AbortSignal): Promise<() => void>;
  /** The other side wants to be left alone. */
  pause(ms: number): void;
  /** What the other side says about our quota. */
  quota(status: Quota): void;
  /** How much longer, in milliseconds. */
  readonly pausedFor: number;
}

/** The limits of a connection that only this process uses. */
export class OwnLimits implements RequestLimits {
  private readonly places: Places;
  private readonly turns: Turns;
  private pausedUntil = 0;

  constructor({ perSecond, atOnce }: Allowance) {
    this.places = new Places(() => atOnce);
    this.turns = new Turns(perSecond, new Places(() => perSecond ?? 0));
  }

  now(): Pass | null {
    const answered = this.turns.takeNow();
    if (answered === null) return null;
    const leave = this.places.takeNow();
    return leave && { answered, leave };
  }

  place(signal: AbortSignal): Promise<() => void> {
    return this.places.take(signal);
  }

  turn(signal: AbortSignal): Promise<() => void> {
    return this.turns.take(signal);
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, performance.now() + ms);
  }

  /** Nobody else is to know. */
  quota(_status: Quota): void {}

  get pausedFor(): number {
    return Math.max(0, this.pausedUntil - performance.now());
  }
}

/** Longer than any request may take: who waits while nobody gets a place may wait for itself. */
const LONGEST_STANDSTILL_MS = 15 * 60_000;

/** What unattended runs leave of a quota to what people ask for. */
const RESERVE = 0.05;
/** Whoever needs a window that is over sooner waits for it. */
const BRIEF_WINDOW_MS = 60_000;
/** Nobody said when it begins anew: then it is looked again. */
const UNKNOWN_WINDOW_MS = 15 * 60_000;

/** Lets the requests of one connection through: so many at a time, so many per second, none while the other side wants a pause. */
export class RequestGate {
  private movedAt = 0;
  /** Until then next to nothing is left of the quota. */
  private reservedUntil = 0;

  constructor(private readonly limits: RequestLimits) {}

  /**
   * Lets a request through that need not wait; null else.
   * @throws rate_limit PCP_HTTP_PAUSED, PCP_HTTP_RESERVED
   */
  enterNow(isUnattended = false): Pass | null {
    this.check(isUnattended);
    const pass = this.limits.now();
    if (pass === null) return null;
    if (this.limits.budget?.spendNow(isUnattended) === false) {
      pass.answered();
      pass.leave();
      return null;
    }
    this.movedAt = performance.now();
    return pass;
  }

  /** @throws rate_limit PCP_HTTP_PAUSED, PCP_HTTP_RESERVED, PCP_HTTP_BUDGET, transient PCP_HTTP_NO_PLACE, the signal's reason */
  async enter(signal: AbortSignal, isUnattended = false): Promise<Pass> {
    this.check(isUnattended);
    const leave = await this.place(signal);
    this.movedAt = performance.now();
    let answered: (() => void) | undefined;
    try {
      answered = await this.limits.turn(signal);
      this.check(isUnattended);
      await this.limits.budget?.spend(isUnattended);
      return { answered, leave };
    } catch (error) {
      answered?.();
      leave();
      throw error;
    }
  }

  /** A place, unless for too long nobody gets one. */
  private async place(signal: AbortSignal): Promise<() => void> {
    const standstill = new AbortController();
    const began = performance.now();
    const look = (): void => {
      const left = Math.max(began, this.movedAt) + LONGEST_STANDSTILL_MS - performance.now();
      if (left <= 0) standstill.abort(noPlace());
      else timer = setTimeout(look, left);
    };
    let timer: NodeJS.Timeout | undefined;
    look();
    try {
      return await this.limits.place(AbortSignal.any([signal, standstill.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  pause(ms: number): void {
    this.limits.pause(ms);
  }

  quota(status: RateLimitStatus | undefined): void {
    if (status?.remaining === undefined) return;
    const { limit, remaining, resetAt } = status;
    const window = resetAt === undefined ? UNKNOWN_WINDOW_MS : Date.parse(resetAt) - Date.now();
    const isShort = limit !== undefined && remaining <= limit * RESERVE && window > BRIEF_WINDOW_MS;
    this.reservedUntil = isShort ? performance.now() + window : 0;
    this.limits.quota({ ...status, remaining });
  }

  private check(isUnattended: boolean): void {
    const reservedMs = this.reservedUntil - performance.now();
    if (isUnattended && reservedMs > 0) throw quotaReserved(Math.ceil(reservedMs));
    const left = Math.ceil(this.limits.pausedFor);
    if (left <= 0) return;
    const message = phrase`The other side asked for a pause of ${Math.ceil(left / 1000)} s more.`;
    throw new IntegrationError('rate_limit', 'PCP_HTTP_PAUSED', message, {
      retryAfterMs: left,
      hint: 'It goes on by itself. Lower requests_per_second if it happens often.',
    });
  }
}

function noPlace(): IntegrationError {
  const message = phrase`All places of the connection have been taken for ${LONGEST_STANDSTILL_MS / 60_000} min.`;
  return new IntegrationError('transient', 'PCP_HTTP_NO_PLACE', message, {
    hint: 'Raise max_concurrency, or lower timeout_ms, and look whether the API answers at all.',
  });
}
