import { IntegrationError } from '../../model/errors';
import type { Allowance, RequestLimits, Turn } from '../../protocols/http/request-gate';
import type { SqlDatabase } from '../../protocols/sql/database';
import { LimitsRow } from './limits-row';
import { type Log, SharedPlaces } from './request-places';
import { SharedTurns } from './request-turns';

/** Limits of connections that all processes of a store keep together. Their times are the database's. */
export class SharedRequestLimits {
  private readonly limits: SharedLimits[] = [];

  constructor(
    private readonly database: SqlDatabase,
    private readonly log: Log,
  ) {}

  of(connectionId: number, allowance: Allowance): RequestLimits {
    const row = new LimitsRow(this.database, connectionId);
    const limits = new SharedLimits(row, allowance, this.log);
    this.limits.push(limits);
    return limits;
  }

  /** Gives all places back; requests must have ended. */
  async close(): Promise<void> {
    await Promise.all(this.limits.map((limits) => limits.close()));
  }
}

class SharedLimits implements RequestLimits {
  private readonly places: SharedPlaces;
  private readonly turns: SharedTurns | undefined;

  constructor(
    private readonly row: LimitsRow,
    { perSecond, atOnce }: Allowance,
    private readonly log: Log,
  ) {
    this.places = new SharedPlaces(row, atOnce, log);
    this.turns = perSecond === undefined ? undefined : new SharedTurns(row, perSecond);
  }

  place(signal: AbortSignal): Promise<() => void> {
    return this.places.take(signal);
  }

  reserve(): Promise<Turn> | undefined {
    return this.turns?.reserve();
  }

  pause(ms: number): void {
    this.row.pause(ms).catch((error: unknown) => {
      this.log('warn', `Other processes were not told of a pause: ${IntegrationError.from(error).message}`);
    });
  }

  get pausedFor(): number {
    return this.row.pausedFor;
  }

  close(): Promise<void> {
    return this.places.close();
  }
}
