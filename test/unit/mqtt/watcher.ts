import type { IntegrationError } from '../../../lib/model/errors';
import type { Follower } from '../../../lib/stream/shared-connection';

/** What a stream or a node sees of its subscription. */
export class Watcher implements Follower {
  readonly values: unknown[] = [];
  states: string[] = [];
  #changed = Promise.withResolvers<void>();

  async records(records: Record<string, unknown>[], acknowledge: (() => void) | undefined): Promise<void> {
    this.values.push(...records.map(({ value }) => value));
    acknowledge?.();
    this.#notice();
  }

  state(state: string, _error?: IntegrationError): void {
    this.states.push(state);
    this.#notice();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  #notice(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
