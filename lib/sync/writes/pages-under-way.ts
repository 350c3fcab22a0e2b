import type { BatchPlan } from '../plan';
import { COUNTERS } from '../runs/run-rows';
import { type BatchOutcome, keepsLinks, type PreparedPage, preparePage } from './apply';
import {
  type BatchOptions,
  type CommittedBatch,
  commitWritten,
  judgeWritten,
  type Page,
  type RunScope,
} from './commit';
import { needsIntents } from './guarantee';

/** A page that is being sent. */
interface Sending {
  page: Page;
  keys: BatchPlan['keys'];
  outcome: Promise<BatchOutcome>;
  startedAt: number;
}

/** One whose outcome is there, and is not committed yet. */
interface Sent extends Omit<Sending, 'outcome'> {
  outcome: BatchOutcome;
}

/**
 * Pages on their way to another system that the store remembers the records of. While one is sent, the page before is
 * committed and the next one prepared, so that the target does not wait for the store.
 */
export class PagesUnderWay {
  private sending: Sending | null = null;
  private committedAt = 0;

  constructor(
    private readonly scope: RunScope,
    private readonly options: Pick<BatchOptions, 'mode' | 'judge'>,
    private readonly onCommitted: (batch: CommittedBatch, startedAt: number) => Promise<void>,
  ) {}

  /** Where a write that was announced and not sent would have to be asked about, pages go one by one. */
  static fit(scope: RunScope): boolean {
    const { guarantee, twoWay } = scope.stream;
    if (scope.writer.state !== undefined || !keepsLinks(scope)) return false;
    if (needsIntents(guarantee)) return guarantee.idempotencyKey || guarantee.lookup === 'strong';
    // What both sides agreed on is asked for again at the commit.
    return guarantee.upsertByKey && !guarantee.transactional && twoWay === null;
  }

  /** Resolves when the page is being sent and the one before is committed. */
  async add(page: Page): Promise<void> {
    const startedAt = performance.now();
    const plan = await page.plan;
    // What the target holds of a record is known once the page that it was in is committed.
    const { sending } = this;
    if (sending !== null && plan.writes.some(({ key }) => sending.keys.has(key))) await this.end();
    const next = await preparePage(this.scope, plan);
    let before: Sent | null;
    try {
      before = await this.sent();
      if (before !== null && this.scope.signal.aborted) await this.commit(before);
      this.scope.signal.throwIfAborted();
      await this.judge(before, next);
    } catch (error) {
      await next.withdraw().catch((failure: unknown) => {
        if (error instanceof Error) error.cause ??= failure;
      });
      throw error;
    }
    const outcome = next.deliver();
    // It is told to whoever waits for the page.
    outcome.catch(() => undefined);
    this.sending = { page, keys: plan.keys, outcome, startedAt };
    if (before === null) return;
    try {
      await this.commit(before);
    } catch (error) {
      // No page is committed without those before it: what became of this one is found out again.
      this.sending = null;
      await outcome.catch(() => undefined);
      throw error;
    }
  }

  /** Nothing is sent of a page when what is known of it stops the run; the one before is committed all the same. */
  private async judge(before: Sent | null, { known }: PreparedPage): Promise<void> {
    const counters = { ...known.counters };
    if (before !== null) for (const name of COUNTERS) counters[name] += before.outcome.counters[name];
    try {
      this.options.judge({ counters, failures: known.failures });
    } catch (error) {
      if (before !== null) await this.commit(before);
      throw error;
    }
  }

  /** Waits for the page that is being sent, and commits it. */
  async end(): Promise<void> {
    const sent = await this.sent();
    if (sent !== null) await this.commit(sent);
  }

  private async sent(): Promise<Sent | null> {
    const { sending } = this;
    this.sending = null;
    if (sending === null) return null;
    const outcome = await sending.outcome;
    await judgeWritten(this.scope, outcome, { ...this.options, startedAt: sending.startedAt });
    return { ...sending, outcome };
  }

  private async commit({ page, outcome, startedAt }: { page: Page; outcome: BatchOutcome; startedAt: number }) {
    const { mode } = this.options;
    // The time of two pages at once is counted once.
    const options = { mode, startedAt: Math.max(startedAt, this.committedAt) };
    const committed = await commitWritten(this.scope, page, outcome, options);
    this.committedAt = performance.now();
    await this.onCommitted(committed, options.startedAt);
  }
}
