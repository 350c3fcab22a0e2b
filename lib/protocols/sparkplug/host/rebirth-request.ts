const LONGEST_PAUSE_MS = 60_000;

/** When to ask one edge node for its births: never more often than the throttle, and less often while it does not answer. */
export class RebirthRequest {
  #due: number | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #unanswered = 0;

  constructor(private readonly throttleMs: number) {}

  get deadline(): number | undefined {
    return this.#due;
  }

  want(now: number): void {
    const pause = Math.min(LONGEST_PAUSE_MS, this.throttleMs * 2 ** Math.max(0, this.#unanswered - 1));
    this.#due ??= Math.max(now, this.#sentAt + pause);
  }

  /** True when it is to be sent now. */
  take(now: number): boolean {
    if (this.#due === undefined || this.#due > now) return false;
    this.#due = undefined;
    this.#sentAt = now;
    this.#unanswered += 1;
    return true;
  }

  answered(): void {
    this.#due = undefined;
    this.#unanswered = 0;
  }
}
