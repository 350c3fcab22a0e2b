/** A connection that was given up has said all when nothing comes for so long. */
const QUIET_MS = 500;

/**
 * How long to listen to a connection that another user found broken: what its source has queued is taken, and what it says of
 * the loss by itself, such as values that are stale from now on.
 */
export class LastWords {
  private readonly quiet = new AbortController();
  private isAwaiting = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param lost aborted when the connection is given up */
  constructor(private readonly lost: AbortSignal) {
    lost.addEventListener('abort', this.arm, { once: true });
  }

  /** Aborted when there is nothing more to expect. */
  get over(): AbortSignal {
    return this.quiet.signal;
  }

  /** Waits for the next event; the time that its records take afterwards is not counted. */
  async awaiting<T>(next: Promise<T>): Promise<T> {
    this.isAwaiting = true;
    this.arm();
    try {
      return await next;
    } finally {
      this.isAwaiting = false;
      clearTimeout(this.timer);
    }
  }

  stop(): void {
    this.lost.removeEventListener('abort', this.arm);
    clearTimeout(this.timer);
  }

  private readonly arm = (): void => {
    if (!this.lost.aborted || !this.isAwaiting) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.quiet.abort(this.lost.reason), QUIET_MS);
  };
}
