import { IntegrationError } from '../../model/errors';
import type { Budget } from '../../protocols/http/budget';
import type { Allowance, Pass, Quota, RequestLimits } from '../../protocols/http/request-gate';
import { TURN_KEPT_MS, Turns } from '../../protocols/http/turns';
import type { SqlDatabase } from '../../protocols/sql/database';
import { DailyBudget } from './daily-budget';
import { LimitsRow } from './limits-row';
import { type Kind, type Log, SharedPlaces } from './request-places';

/** Limits of connections that all processes of a store keep together. Their times are the database's. */
export class SharedRequestLimits {
  private readonly limits: SharedLimits[] = [];

  constructor(
    private readonly database: SqlDatabase,
    private readonly log: Log,
  ) {}

  of(connectionId: number, allowance: Allowance): RequestLimits {
    const limits = new SharedLimits(new LimitsRow(this.database, connectionId), allowance, this.log);
    this.limits.push(limits);
    return limits;
  }

  /** Gives all places back; requests must have ended. */
  async close(): Promise<void> {
    await Promise.all(this.limits.map((limits) => limits.close()));
  }
}

/** A quota is noted so often; each answer may tell of it. */
const TELL_QUOTA_MS = 5_000;

const PLACES: Kind = { table: 'integration_request_places', keptMs: 0 };
const TURNS: Kind = { table: 'integration_request_turns', keptMs: TURN_KEPT_MS };

class SharedLimits implements RequestLimits {
  private readonly places: SharedPlaces;
  private readonly turnPlaces: SharedPlaces;
  private readonly turns: Turns;
  private readonly notes: LimitNotes;
  private readonly daily: DailyBudget | undefined;

  constructor(
    private readonly row: LimitsRow,
    { perSecond, atOnce, perDay }: Allowance,
    log: Log,
  ) {
    this.notes = new LimitNotes(row, log);
    this.daily = perDay === undefined ? undefined : new DailyBudget(row, perDay, (quota) => this.notes.quota(quota));
    this.places = new SharedPlaces(row, PLACES, atOnce, log);
    this.turnPlaces = new SharedPlaces(row, TURNS, perSecond ?? 0, log);
    this.turns = new Turns(perSecond, this.turnPlaces);
  }

  get budget(): Budget | undefined {
    return this.daily;
  }

  now(): Pass | null {
    const answered = this.turns.takeNow();
    const leave = answered && this.places.takeNow();
    return answered && leave && { answered, leave };
  }

  place(signal: AbortSignal): Promise<() => void> {
    return this.places.take(signal);
  }

  turn(signal: AbortSignal): Promise<() => void> {
    return this.turns.take(signal);
  }

  pause(ms: number): void {
    this.notes.pause(ms);
  }

  quota(status: Quota): void {
    this.notes.quota(this.daily?.stricter(status) ?? status);
  }

  get pausedFor(): number {
    return this.row.pausedFor;
  }

  async close(): Promise<void> {
    await Promise.all([this.notes.close(), this.places.close(), this.turnPlaces.close(), this.daily?.close()]);
  }
}

/** What the other side says, for alerts and other processes. Never throws: what cannot be kept is said again. */
class LimitNotes {
  private heard: Quota | undefined;
  private telling: NodeJS.Timeout | undefined;
  private pausing: Promise<void> = Promise.resolve();

  constructor(
    private readonly row: LimitsRow,
    private readonly log: Log,
  ) {}

  /** Each answer may tell of it: kept now and then, as it was said last. */
  quota(status: Quota): void {
    this.heard = status;
    this.telling ??= setTimeout(() => void this.keepQuota(), TELL_QUOTA_MS).unref();
  }

  pause(ms: number): void {
    const noted: Promise<void> = this.row.pause(ms).catch((error: unknown) => {
      this.log('warn', `A pause could not be noted: ${IntegrationError.from(error).message}`);
    });
    const before = this.pausing;
    this.pausing = noted.then(() => before);
  }

  /** Keeps what is not kept yet. */
  async close(): Promise<void> {
    await Promise.all([this.pausing, this.keepQuota()]);
  }

  private async keepQuota(): Promise<void> {
    clearTimeout(this.telling);
    this.telling = undefined;
    const { heard } = this;
    this.heard = undefined;
    if (heard === undefined) return;
    await this.row.quota(heard).catch((error: unknown) => {
      this.log('warn', `A quota could not be noted: ${IntegrationError.from(error).message}`);
    });
  }
}
