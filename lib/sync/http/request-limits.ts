import { IntegrationError } from '../../model/errors';
import type { Allowance, Pass, Quota, RequestLimits } from '../../protocols/http/request-gate';
import { TURN_KEPT_MS, Turns } from '../../protocols/http/turns';
import type { SqlDatabase } from '../../protocols/sql/database';
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
  private readonly quotas: QuotaNotes;

  constructor(
    private readonly row: LimitsRow,
    { perSecond, atOnce }: Allowance,
    private readonly log: Log,
  ) {
    this.quotas = new QuotaNotes(row, log);
    this.places = new SharedPlaces(row, PLACES, atOnce, log);
    this.turnPlaces = new SharedPlaces(row, TURNS, perSecond ?? 0, log);
    this.turns = new Turns(perSecond, this.turnPlaces);
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
    this.row.pause(ms).catch((error: unknown) => {
      this.log('warn', `Other processes were not told of a pause: ${IntegrationError.from(error).message}`);
    });
  }

  quota(status: Quota): void {
    this.quotas.note(status);
  }

  get pausedFor(): number {
    return this.row.pausedFor;
  }

  async close(): Promise<void> {
    await Promise.all([this.quotas.close(), this.places.close(), this.turnPlaces.close()]);
  }
}

/** What was said last about a quota, kept now and then. */
class QuotaNotes {
  private heard: Quota | undefined;
  private telling: NodeJS.Timeout | undefined;

  constructor(
    private readonly row: LimitsRow,
    private readonly log: Log,
  ) {}

  note(status: Quota): void {
    this.heard = status;
    this.telling ??= setTimeout(() => void this.close(), TELL_QUOTA_MS).unref();
  }

  /** Keeps what is not kept yet. */
  async close(): Promise<void> {
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
