/** What waits for its turn on a line: units take turns, so that none waits for all that another one asks. */
export class UnitQueues<T> {
  readonly #queues = new Map<number, T[]>();

  constructor(private readonly isUrgent: (item: T) => boolean) {}

  /** Behind all that came before; what is urgent comes before the rest, and among itself in order. */
  add(unit: number, item: T): void {
    const queue = this.#of(unit);
    const place = this.isUrgent(item) ? queue.findIndex((other) => !this.isUrgent(other)) : -1;
    queue.splice(place < 0 ? queue.length : place, 0, item);
  }

  /** Before everything else: it had its turn before. */
  addAgain(unit: number, item: T): void {
    this.#of(unit).unshift(item);
  }

  remove(unit: number, item: T): void {
    const queue = this.#queues.get(unit) ?? [];
    const index = queue.indexOf(item);
    if (index >= 0) queue.splice(index, 1);
    if (queue.length === 0) this.#queues.delete(unit);
  }

  /** The next of a unit that may be asked now; that unit is the last in turn then. */
  take(mayAsk: (unit: number) => boolean): T | undefined {
    for (const [unit, queue] of this.#queues) {
      if (!mayAsk(unit)) continue;
      const item = queue.shift();
      this.#queues.delete(unit);
      if (queue.length > 0) this.#queues.set(unit, queue);
      return item;
    }
    return undefined;
  }

  #of(unit: number): T[] {
    const queue = this.#queues.get(unit) ?? [];
    this.#queues.set(unit, queue);
    return queue;
  }

  /** Everything that waits, of one unit or of all. */
  drain(unit?: number): T[] {
    const units = unit === undefined ? [...this.#queues.keys()] : [unit];
    return units.flatMap((each) => {
      const items = this.#queues.get(each) ?? [];
      this.#queues.delete(each);
      return items;
    });
  }
}
