import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../model/errors';
import { Places } from './places';

/** What the settings of a connection allow. */
export interface Allowance {
  perSecond: number | undefined;
  /** Requests at the same time. */
  atOnce: number;
}

/** When a request may be sent, by `performance.now()`. One that is sent later would meet the turns of the next second. */
export interface Turn {
  at: number;
  latest: number;
}

/** A request that was let through. */
export interface Pass {
  /** Gives the place back; harmless to call twice. */
  leave(): void;
  /** To be asked in the moment of sending: true when it is too late, and the next turn must be waited for. */
  isLate(): boolean;
  nextTurn(): Promise<void>;
}

/** Counts the requests of one connection: of this process, or of all processes that share a store. */
export interface RequestLimits {
  /** Resolves with what gives the place back; harmless to call twice. @throws the signal's reason */
  place(signal: AbortSignal): Promise<() => void>;
  /** Counts one request; undefined when it may be sent at any time. */
  reserve(): Turn | undefined | Promise<Turn | undefined>;
  /** The other side wants to be left alone. */
  pause(ms: number): void;
  /** How much longer, in milliseconds. */
  readonly pausedFor: number;
}

/** How long a turn lasts: dialling and a busy machine may take longer. */
export const LATEST_MS = 50;
/** What turns taken late and ways of different length can move requests together, as the other side sees them. */
const SLACK_MS = 2 * LATEST_MS;
/** Where nothing is ever in time, as with a server far away that ends each connection, the last of these is taken late. */
const MOST_TURNS = 3;

/** Between turns: far enough apart that any second sees no more than `perSecond` requests arrive. */
export function intervalMs(perSecond: number): number {
  return (1000 + SLACK_MS) / perSecond;
}

/** The limits of a connection that only this process uses. */
export class OwnLimits implements RequestLimits {
  private readonly places: Places;
  private readonly intervalMs: number | undefined;
  private nextAt = Number.NEGATIVE_INFINITY;
  private pausedUntil = 0;

  constructor(
    { perSecond, atOnce }: Allowance,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.places = new Places(() => atOnce);
    this.intervalMs = perSecond === undefined ? undefined : intervalMs(perSecond);
  }

  place(signal: AbortSignal): Promise<() => void> {
    return this.places.take(signal);
  }

  reserve(): Turn | undefined {
    if (this.intervalMs === undefined) return undefined;
    const at = Math.max(this.nextAt, this.now());
    this.nextAt = at + this.intervalMs;
    return { at, latest: at + LATEST_MS };
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.now() + ms);
  }

  get pausedFor(): number {
    return Math.max(0, this.pausedUntil - this.now());
  }
}

/** Lets the requests of one connection through: so many at a time, so many per second, none while the other side wants a pause. */
export class RequestGate {
  constructor(private readonly limits: RequestLimits) {}

  /** @throws rate_limit PCP_HTTP_PAUSED, the signal's reason */
  async enter(signal: AbortSignal): Promise<Pass> {
    this.checkPause();
    const leave = await this.limits.place(signal);
    let turn: Turn | undefined;
    let turns = 0;
    const isLate = () => turn !== undefined && turns < MOST_TURNS && performance.now() > turn.latest;
    const nextTurn = async () => {
      try {
        do {
          turn = await this.limits.reserve();
          turns += 1;
          const wait = (turn?.at ?? 0) - performance.now();
          if (wait > 0) await delay(wait, undefined, { signal });
        } while (isLate());
        this.checkPause();
      } catch (error) {
        leave();
        throw signal.aborted ? signal.reason : error;
      }
    };
    await nextTurn();
    return { leave, isLate, nextTurn };
  }

  pause(ms: number): void {
    this.limits.pause(ms);
  }

  private checkPause(): void {
    const left = Math.ceil(this.limits.pausedFor);
    if (left <= 0) return;
    const message = `The other side asked for a pause of ${Math.ceil(left / 1000)} s more.`;
    throw new IntegrationError('rate_limit', 'PCP_HTTP_PAUSED', message, {
      retryAfterMs: left,
      hint: 'It goes on by itself. Lower requests_per_second if it happens often.',
    });
  }
}
