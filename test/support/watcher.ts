import type { SourceRecord } from '../../lib/connectors/contract';
import type { Follower } from '../../lib/stream/shared-connection';

/** What a stream or a node sees of its subscription, to be waited for. */
export class Watcher implements Follower {
  readonly seen: SourceRecord[] = [];
  states: string[] = [];
  #changed = Promise.withResolvers<void>();

  async records(records: SourceRecord[], acknowledge: (() => void) | undefined): Promise<void> {
    this.seen.push(...records);
    acknowledge?.();
    this.#notice();
  }

  state(state: string): void {
    this.states.push(state);
    this.#notice();
  }

  /** What the tag holds now. */
  value(tag: string): unknown {
    return this.seen.findLast((record) => record.tag === tag)?.value;
  }

  /** Bounded by the test's own time limit. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  #notice(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
