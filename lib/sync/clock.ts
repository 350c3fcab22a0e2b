import type { SqlDatabase } from '../protocols/sql/database';

/** The store's time in epoch milliseconds: several hosts agree on leases only when one clock counts. */
export class StoreClock {
  private constructor(private readonly offsetMs: number) {}

  static async of(database: SqlDatabase): Promise<StoreClock> {
    if (database.dialect === 'sqlite') return new StoreClock(0);
    const before = Date.now();
    const theirs = (await database.now()).getTime();
    return new StoreClock(theirs - (before + Date.now()) / 2);
  }

  now(): number {
    return Math.round(Date.now() + this.offsetMs);
  }
}
