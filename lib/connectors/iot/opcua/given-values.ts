import type { EarlierValues } from '../../../protocols/opcua/monitor';
import { CONNECTION_LOST, type LiveEvent, type TagValue } from '../../live';

/** More subscriptions than a hub has; beyond them the oldest are forgotten. */
const MOST = 200;
const given = new Map<string, Given>();

interface Given {
  times: Map<string, string>;
  lost: Map<string, string>;
}

/**
 * What a subscription has given, by tag: it outlives the subscription and its connection. So nothing is lost that a server recorded
 * until the next one begins, whatever ended this one, and what was told to be lost is told to be good again.
 * @param key the same for subscriptions of the same nodes
 */
export class GivenValues {
  readonly #given: Given;
  /** Given last: whoever takes it may fail before it is kept. */
  #latest: readonly TagValue[] = [];

  constructor(key: string) {
    this.#given = given.get(key) ?? { times: new Map(), lost: new Map() };
    given.delete(key);
    given.set(key, this.#given);
    const [oldest] = given.keys();
    if (given.size > MOST && oldest !== undefined) given.delete(oldest);
  }

  get before(): EarlierValues {
    return { times: new Map(this.#given.times), lost: new Map(this.#given.lost) };
  }

  /** Before the event is given. */
  note(event: LiveEvent): void {
    if (event.kind !== 'records') return;
    this.settle();
    this.#latest = event.records as TagValue[];
  }

  /** What was given last has been taken. */
  settle(): void {
    const { times, lost } = this.#given;
    for (const { tag, status, received_at, source_timestamp: time } of this.#latest) {
      if (status === CONNECTION_LOST) lost.set(tag, received_at);
      // Others may watch the same tag, and have to tell that it is good again as well: a later value ends it for all.
      else if (time === null || time > (lost.get(tag) ?? '')) lost.delete(tag);
      if (time !== null && time > (times.get(tag) ?? '')) times.set(tag, time);
    }
    this.#latest = [];
  }
}
