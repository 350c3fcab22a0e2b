import { SEQUENCE_LENGTH } from '../metrics';

/** Puts messages of one edge node into the order in which it sent them. */
export class Sequence<T> {
  #next: number | undefined;
  readonly #waiting = new Map<number, T>();

  /** Some message is missing. */
  get hasGap(): boolean {
    return this.#waiting.size > 0;
  }

  /** @returns the messages whose turn it is now; none while one before them is missing */
  add(number: number, message: T): T[] {
    this.#next ??= number;
    this.#waiting.set(number, message);
    return this.#takeReady();
  }

  /** All that wait, as what is missing does not come. The next message is then the one after the last of them. */
  giveUp(): T[] {
    const messages = this.takeWaiting(() => true);
    this.#next = undefined;
    return messages;
  }

  /** Those of the waiting messages that `wanted` chooses, in order. */
  takeWaiting(wanted: (message: T) => boolean): T[] {
    const next = this.#next ?? 0;
    const distance = (number: number) => (number - next + SEQUENCE_LENGTH) % SEQUENCE_LENGTH;
    const chosen = [...this.#waiting].filter(([, message]) => wanted(message));
    for (const [number] of chosen) this.#waiting.delete(number);
    return chosen.sort(([a], [b]) => distance(a) - distance(b)).map(([, message]) => message);
  }

  /** A birth begins anew. @returns messages after it that were here first */
  restart(number: number | undefined): T[] {
    this.#next = number === undefined ? undefined : (number + 1) % SEQUENCE_LENGTH;
    return this.#takeReady();
  }

  #takeReady(): T[] {
    const ready: T[] = [];
    while (this.#next !== undefined && this.#waiting.has(this.#next)) {
      ready.push(this.#waiting.get(this.#next)!);
      this.#waiting.delete(this.#next);
      this.#next = (this.#next + 1) % SEQUENCE_LENGTH;
    }
    return ready;
  }
}
