import { abortable, cancelled } from '../../abortable';

/**
 * A time limit and the caller's signal in one. `clear` must be called when the work is over. Every request has one, so it
 * makes an AbortSignal only for those who ask for it.
 */
export class Deadline {
  private controller: AbortController | undefined;
  private watcher: ((reason: Error) => void) | undefined;
  private reason: Error | undefined;
  private timer: NodeJS.Timeout | undefined;
  private startedAt = 0;

  constructor(
    private leftMs: number,
    private readonly outer: AbortSignal,
    private readonly expired: () => Error,
  ) {
    this.start();
    if (outer.aborted) this.onAbort();
    else AbortListeners.of(outer).add(this.onAbort);
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  /** Calls when it is over, at once if it is already. There is one watcher at a time. */
  watch(watcher: (reason: Error) => void): void {
    this.watcher = watcher;
    if (this.reason !== undefined) watcher(this.reason);
  }

  throwIfOver(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  clear(): void {
    clearTimeout(this.timer);
    AbortListeners.of(this.outer).delete(this.onAbort);
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
    this.timer = setTimeout(() => this.end(this.expired()), Math.max(0, this.leftMs));
  }

  private readonly onAbort = (): void => {
    const { reason } = this.outer;
    this.end(hasExpired(reason) ? this.expired() : cancelled(reason));
  };

  private end(reason: Error): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.controller?.abort(reason);
    this.watcher?.(reason);
  }
}

function hasExpired(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

/**
 * Those who wait for one signal at the same time share its listener: to come and go there by itself takes a short request a
 * fifth of its processor time. Nothing listens when nobody waits, since some signals live for as long as anything does.
 * They stand in a list: a Set that is always added to and taken from leaves tables behind, and each keeps the next one in
 * memory, with the requests in it, until a full collection.
 */
class AbortListeners {
  private static readonly known = new WeakMap<AbortSignal, AbortListeners>();
  private readonly actions: (() => void)[] = [];

  private constructor(private readonly signal: AbortSignal) {}

  static of(signal: AbortSignal): AbortListeners {
    let listeners = AbortListeners.known.get(signal);
    if (listeners === undefined) {
      listeners = new AbortListeners(signal);
      AbortListeners.known.set(signal, listeners);
    }
    return listeners;
  }

  add(action: () => void): void {
    if (this.actions.length === 0) this.signal.addEventListener('abort', this.tell, { once: true });
    this.actions.push(action);
  }

  delete(action: () => void): void {
    const place = this.actions.indexOf(action);
    if (place === -1) return;
    this.actions.splice(place, 1);
    if (this.actions.length === 0) this.signal.removeEventListener('abort', this.tell);
  }

  private readonly tell = (): void => {
    for (const action of [...this.actions]) action();
  };
}
