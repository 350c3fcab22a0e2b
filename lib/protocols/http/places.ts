/** Places for requests under way, given in the order they are asked for. */
export class Places {
  used = 0;
  private readonly queue: { resolve(): void; reject(error: Error): void }[] = [];

  /** @param capacity how many there are now; call `fill` when there are more */
  constructor(private readonly capacity: () => number) {}

  get waiting(): number {
    return this.queue.length;
  }

  /** What gives the place back, harmless to call twice; null when it has to be waited for. */
  takeNow(): (() => void) | null {
    if (this.queue.length > 0 || this.used >= this.capacity()) return null;
    this.used += 1;
    return this.taken();
  }

  /**
   * Resolves with what gives the place back; harmless to call twice.
   * @throws the signal's reason
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const free = this.takeNow();
    if (free !== null) return free;
    await this.turn(signal);
    return this.taken();
  }

  private taken(): () => void {
    let isTaken = true;
    return () => {
      if (isTaken) this.used -= 1;
      isTaken = false;
      this.fill();
    };
  }

  private async turn(signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    this.queue.push(turn);
    const giveUp = () => {
      const index = this.queue.indexOf(turn);
      if (index !== -1) this.queue.splice(index, 1);
      turn.reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.fill();
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  fill(): void {
    while (this.used < this.capacity()) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.used += 1;
      next.resolve();
    }
  }

  /** Tells all that wait that there will be no place. */
  fail(error: Error): void {
    for (const { reject } of this.queue.splice(0)) reject(error);
  }
}
