import { abortable, cancelled } from '../../abortable';

/** A time limit and the caller's signal in one signal. `clear` must be called when the work is over. */
export class Deadline {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly onAbort: () => void;
  private timer: NodeJS.Timeout | undefined;
  private startedAt = 0;

  constructor(
    private leftMs: number,
    private readonly outer: AbortSignal,
    private readonly expired: () => Error,
  ) {
    this.signal = this.controller.signal;
    this.onAbort = () => this.controller.abort(hasExpired(outer.reason) ? expired() : cancelled(outer.reason));
    this.start();
    if (outer.aborted) this.onAbort();
    else outer.addEventListener('abort', this.onAbort, { once: true });
  }

  clear(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.onAbort);
  }

  /** What the work gives; the clock stands meanwhile. For waiting that the other side is not to blame for. */
  async without<T>(work: Promise<T>): Promise<T> {
    clearTimeout(this.timer);
    this.leftMs -= performance.now() - this.startedAt;
    try {
      return await work;
    } finally {
      this.start();
    }
  }

  /** What the work gives, or the signal's reason if that comes first; work that cannot be stopped goes on unseen. */
  of<T>(work: Promise<T>): Promise<T> {
    return abortable(work, this.signal);
  }

  private start(): void {
    this.startedAt = performance.now();
    this.timer = setTimeout(() => this.controller.abort(this.expired()), this.leftMs);
  }
}

function hasExpired(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
