import { phrase } from '../model/phrase';
import { Problem } from './problem';
import type { Route } from './route';

/** How many requests of a kind may wait for other systems at the same time. */
const LIMITS = { test: 4, explore: 8 } as const;

/** Counts the requests that wait for other systems, and refuses more than the runner should be asked for at once. */
export class Slots {
  readonly #used = { test: 0, explore: 0 };

  async run<T>(kind: Route['external'], work: () => Promise<T>): Promise<T> {
    if (kind === undefined) return work();
    if (this.#used[kind] >= LIMITS[kind]) {
      throw new Problem(
        429,
        'PCP_TOO_MANY_REQUESTS',
        phrase`At most ${LIMITS[kind]} requests of this kind run at once.`,
        { headers: { 'Retry-After': '5' } },
      );
    }
    this.#used[kind]++;
    try {
      return await work();
    } finally {
      this.#used[kind]--;
    }
  }
}
