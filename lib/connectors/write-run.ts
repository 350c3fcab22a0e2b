import { IntegrationError } from '../model/errors';
import type { WriteInterruption, WriteResult, WriteTarget } from './contract';

/** An outage shows with a few lost answers: what is not sent yet then stays unsent, and so certain. */
const MOST_LOST = 2;

/** A request of a write that got no answer, or one that says nothing about the record. */
export class LostAnswer extends Error {
  constructor(
    readonly error: IntegrationError,
    /** Sending it again has the same effect. */
    readonly repeatable: boolean,
  ) {
    super(error.message, { cause: error });
  }
}

/** The results of one batch, in the order of its records, while several requests are under way. */
export class WriteRun {
  readonly results: (WriteResult | undefined)[];
  #interruption: IntegrationError | undefined;
  #firstLoss: IntegrationError | undefined;
  #lost = 0;

  constructor(
    records: number,
    private readonly concurrency: number,
    private readonly signal: AbortSignal,
    private readonly target: Pick<WriteTarget, 'assertSafeToWrite'> = {},
  ) {
    this.results = new Array(records).fill(undefined);
  }

  /** Works on groups of records, several at a time; stops starting new ones when the other side is out of order. */
  async each(
    groups: readonly (readonly number[])[],
    work: (indexes: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const queue = groups.values();
    const worker = async (): Promise<void> => {
      for (const indexes of queue) {
        if (this.#interruption !== undefined) return;
        try {
          this.signal.throwIfAborted();
          this.target.assertSafeToWrite?.();
          await work(indexes);
        } catch (thrown) {
          this.fail(indexes, thrown);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.concurrency, groups.length) }, worker));
  }

  /** @throws what ended the batch early, as a `WriteInterruption`; permission when no record is allowed */
  end(): WriteResult[] {
    const failures = this.results.map((result) => (result?.outcome === 'failed' ? result.error : undefined));
    if (failures.length > 0 && failures.every((error) => error?.class === 'permission')) {
      // Refused for certain: none of them is to be asked about.
      throw Object.assign(failures[0] as IntegrationError, { results: failures.map(() => undefined) });
    }
    if (!this.results.includes(undefined)) return this.results as WriteResult[];
    const reason = this.#interruption ?? this.#firstLoss;
    const error = reason ?? new IntegrationError('bug', 'PCP_INTERNAL', 'A record has no result.');
    throw Object.assign(error, { results: this.results } satisfies WriteInterruption);
  }

  /** What went wrong with records; those that have a result keep it. */
  fail(indexes: readonly number[], thrown: unknown): void {
    const lost = thrown instanceof LostAnswer ? thrown : undefined;
    const error = lost?.error ?? IntegrationError.from(thrown);
    if (lost !== undefined) {
      if (!lost.repeatable) this.#set(indexes, { outcome: 'unknown', error });
      this.#firstLoss ??= error;
      if (++this.#lost >= MOST_LOST) this.#interruption ??= error;
    } else if (['data', 'conflict', 'permission'].includes(error.class)) {
      this.#set(indexes, { outcome: 'failed', error });
    } else {
      this.#interruption ??= error;
    }
  }

  #set(indexes: readonly number[], result: WriteResult): void {
    for (const index of indexes) this.results[index] ??= result;
  }
}
