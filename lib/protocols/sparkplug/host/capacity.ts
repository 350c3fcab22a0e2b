/** Metrics and values of all edge nodes together: whoever may publish to the broker can make up names, each takes memory. */
const MOST_KNOWN = 1_000_000;

/** How much a host remembers. */
export class Capacity {
  #used = 0;

  constructor(private readonly most = MOST_KNOWN) {}

  /** True when there was room; names that no birth declared have half of it. */
  take(count: number, isDeclared: boolean): boolean {
    if (this.#used + count > (isDeclared ? this.most : this.most / 2)) return false;
    this.#used += count;
    return true;
  }

  giveBack(count: number): void {
    this.#used -= count;
  }
}
