/**
 * Work that is done once for all who ask for it, and whose outcome is kept; a failure is not. Whoever asks first begins it by
 * a signal of its own: when that one gives up, those who wait begin it anew.
 */
export class SharedWork<T> {
  #begun: { outcome: Promise<T>; by: AbortSignal } | undefined;

  constructor(private readonly work: (signal: AbortSignal) => Promise<T>) {}

  async get(signal: AbortSignal): Promise<T> {
    for (;;) {
      const begun = this.#begun ?? { outcome: this.work(signal), by: signal };
      this.#begun = begun;
      try {
        return await begun.outcome;
      } catch (thrown) {
        if (this.#begun === begun) this.#begun = undefined;
        if (!begun.by.aborted || signal.aborted) throw thrown;
      }
    }
  }
}
