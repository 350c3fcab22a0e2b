/** What arrives by events, taken out in the order of its coming, all that is there at once. */
export class Inbox<T> {
  #items: T[] = [];
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #taken: (() => void)[] = [];

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
    for (const taken of this.#taken.splice(0)) taken();
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
    const items = this.#items.splice(0);
    for (const taken of this.#taken.splice(0)) taken();
    return items;
  }

  /** Waits until fewer than `size` items are left, for those that can wait. @throws what it failed with */
  async room(size: number): Promise<void> {
    while (this.#items.length >= size && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#taken.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
