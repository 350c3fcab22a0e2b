import { Bell } from './bell';

/** What arrives by events, taken out in the order of its coming. */
export class Queue<T> {
  #items: T[] = [];
  #failure: { error: unknown } | undefined;
  readonly #arrived = new Bell();
  readonly #taken = new Bell();

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#failure !== undefined) return;
    this.#items.push(item);
    this.#arrived.ring();
  }

  /** What came before is still given. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#arrived.ring();
    this.#taken.ring();
  }

  /** Waits for at least one item. @throws what it failed with, once it is empty */
  async take(most = Number.POSITIVE_INFINITY): Promise<T[]> {
    while (this.#items.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#arrived.rung();
    }
    const items = this.#items.splice(0, most);
    this.#taken.ring();
    return items;
  }

  /** Waits until fewer than `size` items are left, for those that can wait. @throws what it failed with */
  async room(size: number): Promise<void> {
    while (this.#items.length >= size && this.#failure === undefined) await this.#taken.rung();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
