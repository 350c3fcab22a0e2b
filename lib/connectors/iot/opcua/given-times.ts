import type { LiveEvent, TagValue } from '../../live';

/** More subscriptions than a hub has; beyond them the oldest are forgotten. */
const MOST = 200;
const given = new Map<string, Map<string, string>>();

/**
 * Times of the values that a subscription has given, by tag. They outlive it and its connection: what a server recorded until the
 * next one begins is not lost, whatever ended this one.
 * @param key the same for subscriptions of the same nodes
 */
export class GivenTimes {
  readonly #times: Map<string, string>;
  /** Given last: whoever takes it may fail before it is kept. */
  #latest: readonly TagValue[] = [];

  constructor(key: string) {
    this.#times = given.get(key) ?? new Map();
    given.delete(key);
    given.set(key, this.#times);
    const [oldest] = given.keys();
    if (given.size > MOST && oldest !== undefined) given.delete(oldest);
  }

  get times(): ReadonlyMap<string, string> {
    return new Map(this.#times);
  }

  /** Before the event is given. */
  note(event: LiveEvent): void {
    if (event.kind !== 'records') return;
    this.settle();
    this.#latest = event.records as TagValue[];
  }

  /** What was given last has been taken. */
  settle(): void {
    for (const { tag, source_timestamp: time } of this.#latest) {
      if (time !== null && time > (this.#times.get(tag) ?? '')) this.#times.set(tag, time);
    }
    this.#latest = [];
  }
}
