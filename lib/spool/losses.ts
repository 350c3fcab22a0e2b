import type { LiveAlarm } from '../model/stream';

/** After so long without another loss it is history, and only the count of all of them tells of it. */
const OVER_MS = 10 * 60_000;

/** Records that were lost, as something that a person is to see. */
export class Loss {
  private run: { since: number; count: number; lastAt: number } | null = null;

  constructor(private readonly kind: LiveAlarm['kind']) {}

  note(count: number, now: number): void {
    if (count === 0) return;
    if (this.run === null || now - this.run.lastAt > OVER_MS) this.run = { since: now, count: 0, lastAt: now };
    this.run.count += count;
    this.run.lastAt = now;
  }

  alarms(now: number): LiveAlarm[] {
    const { kind, run } = this;
    if (run === null || now - run.lastAt > OVER_MS) return [];
    return [{ kind, count: run.count, since: new Date(run.since).toISOString() }];
  }
}

/** What a stream's limits cost. */
export class Losses {
  private fullSince: number | null = null;
  private readonly dropped = new Loss('dropped');

  get isFull(): boolean {
    return this.fullSince !== null;
  }

  fill(now: number): void {
    this.fullSince ??= now;
  }

  refill(): void {
    this.fullSince = null;
  }

  drop(count: number, now: number): void {
    this.dropped.note(count, now);
  }

  /** @param waiting records that were not taken yet, since there is no room */
  alarms(now: number, waiting: number): LiveAlarm[] {
    const { fullSince } = this;
    const alarms = this.dropped.alarms(now);
    if (fullSince !== null && waiting > 0) {
      alarms.push({ kind: 'full', count: waiting, since: new Date(fullSince).toISOString() });
    }
    return alarms;
  }
}
