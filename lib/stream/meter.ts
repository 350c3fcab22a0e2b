const SECONDS = 10;

/** Counts what comes, and how much of it per second over the last ten. */
export class Meter {
  total = 0;
  lastAt: number | null = null;
  /** Count of each second, by its number; older ones are overwritten. */
  private readonly counts: { second: number; count: number }[] = [];

  note(count: number, now: number): void {
    this.total += count;
    this.lastAt = now;
    const second = Math.floor(now / 1000);
    const place = second % SECONDS;
    const known = this.counts[place];
    if (known?.second === second) known.count += count;
    else this.counts[place] = { second, count };
  }

  /** Over the seconds that are complete. */
  perSecond(now: number): number {
    const second = Math.floor(now / 1000);
    const sum = this.counts.reduce(
      (total, each) => (each.second < second && each.second >= second - SECONDS + 1 ? total + each.count : total),
      0,
    );
    return Math.round((sum * 10) / (SECONDS - 1)) / 10;
  }
}
