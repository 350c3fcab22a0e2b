import type { SourceRecord } from '../connectors/contract';

/** More tags than any line has; beyond them values are not compared. */
const MOST_TAGS = 20_000;
const REPORTED_TAGS = 100;

export interface WatchdogLimits {
  /** No record for so long is a silence. */
  silenceMs?: number;
  /** A tag whose value stays the same for so long is stuck. */
  stuckMs?: number;
}

/** Judges a stream by what arrives, and not by what its connection says of itself. */
export class Watchdog {
  private lastRecordAt: number;
  private readonly changes = new Map<string, { value: string; at: number }>();

  constructor(
    private readonly limits: WatchdogLimits,
    startedAt: number,
  ) {
    this.lastRecordAt = startedAt;
  }

  note(records: readonly SourceRecord[], now: number): void {
    this.lastRecordAt = now;
    if (this.limits.stuckMs === undefined) return;
    for (const { tag, value } of records) {
      if (typeof tag !== 'string') continue;
      const text = JSON.stringify(value);
      const known = this.changes.get(tag);
      if (known === undefined && this.changes.size >= MOST_TAGS) continue;
      if (known?.value !== text) this.changes.set(tag, { value: text, at: now });
    }
  }

  /** A connection that has just come back gets its time anew. */
  restart(now: number): void {
    this.lastRecordAt = now;
  }

  isSilent(now: number): boolean {
    return this.limits.silenceMs !== undefined && now - this.lastRecordAt > this.limits.silenceMs;
  }

  /** When the last record came, or the connection. */
  get heardAt(): number {
    return this.lastRecordAt;
  }

  stuckTags(now: number): { tags: string[]; count: number; since: number } {
    const { stuckMs } = this.limits;
    const stuck = stuckMs === undefined ? [] : [...this.changes].filter(([, { at }]) => now - at > stuckMs);
    return {
      tags: stuck.slice(0, REPORTED_TAGS).map(([tag]) => tag),
      count: stuck.length,
      since: stuck.reduce((earliest, [, { at }]) => Math.min(earliest, at), now),
    };
  }
}
