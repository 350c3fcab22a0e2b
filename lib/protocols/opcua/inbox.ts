/** What arrives by events, taken out in the order of its coming, all that is there at once. */
export class Inbox<T> {
  #items: T[] = [];
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#failure !== undefined) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** What came before is still given. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** Waits for at least one item. @throws what it failed with, once it is empty */
  async take(): Promise<T[]> {
    while (this.#items.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#items.splice(0);
  }
}
