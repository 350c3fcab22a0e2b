import type { SqlDatabase } from '../protocols/sql/database';

/**
 * The store's time in epoch milliseconds, for moments that several hosts compare or show. It is as good as its last
 * measurement; leases ask the database itself.
 */
export class StoreClock {
  private offsetMs = 0;

  private constructor(private readonly database: SqlDatabase) {}

  static async of(database: SqlDatabase): Promise<StoreClock> {
    const clock = new StoreClock(database);
    await clock.measure();
    return clock;
  }

  /** To be repeated now and then: the clock of this host may be set at any time. */
  async measure(): Promise<void> {
    // A file has no clock of its own.
    if (this.database.dialect === 'sqlite') return;
    const before = Date.now();
    const theirs = (await this.database.now()).getTime();
    this.offsetMs = theirs - (before + Date.now()) / 2;
  }

  now(): number {
    return Math.round(Date.now() + this.offsetMs);
  }
}
