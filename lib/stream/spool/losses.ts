import type { LiveAlarm } from '../../model/stream';

/** After so long without another loss it is history, and only the count of all of them tells of it. */
const OVER_MS = 10 * 60_000;

/** What a stream's limits cost, as something that a person is to see. */
export class Losses {
  private fullSince: number | null = null;
  private dropping: { since: number; count: number; lastAt: number } | null = null;

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
    if (this.dropping === null || now - this.dropping.lastAt > OVER_MS)
      this.dropping = { since: now, count: 0, lastAt: now };
    this.dropping.count += count;
    this.dropping.lastAt = now;
  }

  /** @param waiting records that were not taken yet, since there is no room */
  alarms(now: number, waiting: number): LiveAlarm[] {
    const { fullSince, dropping } = this;
    const alarms: LiveAlarm[] = [];
    if (dropping !== null && now - dropping.lastAt <= OVER_MS) {
      alarms.push({ kind: 'dropped', count: dropping.count, since: new Date(dropping.since).toISOString() });
    }
    if (fullSince !== null && waiting > 0) {
      alarms.push({ kind: 'full', count: waiting, since: new Date(fullSince).toISOString() });
    }
    return alarms;
  }
}
