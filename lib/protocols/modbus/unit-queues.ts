/** What waits for its turn on a line: units take turns, so that none waits for all that another one asks. */
export class UnitQueues<T> {
  readonly #queues = new Map<number, T[]>();

  add(unit: number, item: T, isUrgent: boolean): void {
    const queue = this.#queues.get(unit);
    if (queue === undefined) this.#queues.set(unit, [item]);
    else if (isUrgent) queue.unshift(item);
    else queue.push(item);
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
