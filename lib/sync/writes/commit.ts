import type { Batch, Writer } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import type { Cursor, RunCounters } from '../../model/sync';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import type { StoreClock } from '../clock';
import { supersede } from '../letters/closing';
import { keyHash, type LetterKeeper, type StreamOfRun } from '../letters/dead-letters';
import { placeText } from '../place';
import { BatchKeys, type BatchPlan, type Failure } from '../plan';
import type { Lease } from '../runs/lease';
import { COUNTERS, noCounters } from '../runs/run-rows';
import type { Stream } from '../stream';
import { ToleranceExceeded } from '../tolerance';
import { apply, type BatchOutcome, type BegunPage, beginPage, keepsLinks } from './apply';
import { needsIntents } from './guarantee';
import { keepingAnswers } from './keep';
import { endIntents, saveLinks } from './links';
import { announceRecords } from './record-events';

/** Everything that a batch needs to be written and accounted for. */
export interface RunScope {
  database: SqlDatabase;
  clock: StoreClock;
  lease: Lease;
  stream: Stream;
  writer: Writer;
  ids: StreamOfRun;
  /** Write every record, whatever the links say: the user asked for a full run and the target cannot be asked. */
  ignoreLinks: boolean;
  letters: LetterKeeper;
  /** Records of this stream with open dead letters. */
  openLetters: Set<string>;
  /** A person chose these records: their side wins, and what is past finding out is sent again. */
  decided: boolean;
  signal: AbortSignal;
}

export interface Checkpoint {
  /** Whether a later incremental run may go on from here. */
  mode: 'full' | 'incremental';
  cursor: Cursor;
}

/** What is read, mapped and written at once. */
export interface Page {
  batch: Batch;
  plan: Promise<BatchPlan>;
}

export interface BatchOptions {
  /** The next page for the same commit, or null when this one has to be the last. */
  following(read: number, page: Page): Promise<Page | null> | null;
  /** Null: the stream's place is left as it is. */
  mode: Checkpoint['mode'] | null;
  /** Called before anything is committed; throws when the failures pass the mapping's tolerance. */
  judge(outcome: Pick<BatchOutcome, 'counters' | 'failures'>): void;
  startedAt: number;
}

/** What was committed, over all pages of a batch. */
export interface CommittedBatch {
  counters: RunCounters;
  last: Page;
  /** Somebody asked to cancel the run. */
  cancel: boolean;
}

/**
 * Writes a batch and commits its result: links, dead letters, counters and cursor in one transaction of the store, together
 * with the records themselves when the target is the store (SEMANTICS: S5 joins S6). Such a batch may be many pages, since
 * each is forgotten once it is written; any other target gets one page, written before the transaction begins.
 */
export async function commitBatch(scope: RunScope, first: Page, options: BatchOptions): Promise<CommittedBatch> {
  if (scope.stream.guarantee.transactional) {
    // Nobody else writes to an embedded store while a transaction is open: it begins when there is something to write.
    await first.plan;
    return scope.database.transaction(async (transaction) => {
      await scope.lease.assertHeld(transaction);
      const total = { counters: noCounters(), failures: [] as Failure[], own: 0 };
      let last = first;
      let taken = 0;
      /** One that is being written while the next one is made ready. */
      let sent: BegunPage | null = null;
      const keys = new BatchKeys(scope.stream.plan);
      const finish = async (page: BegunPage | null): Promise<void> => {
        if (page === null) return;
        const outcome = await page.finish();
        keys.remove(outcome.refused.map(({ record }) => record));
        for (const name of COUNTERS) total.counters[name] += outcome.counters[name];
        total.failures.push(...outcome.failures);
        total.own += outcome.own;
        options.judge(total);
        await settleRecords(scope, transaction, outcome);
      };
      for (let page: Page | null = first; page !== null; page = await options.following(taken, last)) {
        last = page;
        taken += page.batch.records.length;
        const plan = await page.plan;
        if (keys.meet(plan)) {
          // Which record of a key was written is known when its page is.
          await finish(sent);
          sent = null;
          keys.sift(plan);
        }
        const next = await beginPage(scope, plan, transaction);
        keys.add(next.records);
        await finish(sent);
        sent = next.isSent ? next : null;
        if (sent === null) await finish(next);
      }
      await finish(sent);
      return { ...total, last, cancel: await record(scope, transaction, total, last.batch, null, options) };
    });
  }
  scope.lease.assertSafeToWrite();
  const outcome = await apply(scope, await first.plan, undefined, options);
  await judgeWritten(scope, outcome, options);
  return commitWritten(scope, first, outcome, options);
}

/**
 * What the target refused may stop the run. Where it cannot be taken back, the rest of the page stands there: it is remembered
 * and counted, and only the cursor stays where it was.
 */
export async function judgeWritten(
  scope: RunScope,
  outcome: BatchOutcome,
  { judge, startedAt }: Pick<BatchOptions, 'judge' | 'startedAt'>,
): Promise<void> {
  try {
    judge(outcome);
  } catch (error) {
    const stays = scope.writer.state === undefined || needsIntents(scope.stream.guarantee);
    if (error instanceof ToleranceExceeded && stays) {
      await commitAnswers(scope, outcome, async (transaction) => {
        const activeMs = performance.now() - startedAt;
        await addCounters(scope, transaction, outcome, { total: undefined, writerState: null, activeMs });
      });
      error.failures = [];
    }
    throw error;
  }
}

/** Commits what became of a page that was written. */
export async function commitWritten(
  scope: RunScope,
  page: Page,
  outcome: BatchOutcome,
  options: Pick<BatchOptions, 'mode' | 'startedAt'>,
): Promise<CommittedBatch> {
  const writerState = (await scope.writer.state?.()) ?? null;
  return commitAnswers(scope, outcome, async (transaction) => {
    const cancel = await record(scope, transaction, outcome, page.batch, writerState, options);
    return { counters: outcome.counters, last: page, cancel };
  });
}

function commitAnswers<T>(
  scope: RunScope,
  outcome: BatchOutcome,
  account: (transaction: SqlTransaction) => Promise<T>,
): Promise<T> {
  return keepingAnswers(scope, outcome, () =>
    scope.database.transaction(async (transaction) => {
      await scope.lease.assertHeld(transaction);
      await settleRecords(scope, transaction, outcome);
      return account(transaction);
    }),
  );
}

/** What the run's row counts; `own` of those that the hub itself had written to the source. */
type Counted = Pick<BatchOutcome, 'counters'> & Partial<Pick<BatchOutcome, 'own'>>;

/** Adds a batch's counters to the run's row; those of all attempts add up there. */
export async function addCounters(
  scope: Pick<RunScope, 'clock' | 'ids'> & { lease: Pick<Lease, 'fence'> },
  transaction: SqlTransaction,
  { counters, own = 0 }: Counted,
  details: { total: number | undefined; writerState: Record<string, unknown> | null; activeMs: number },
): Promise<boolean> {
  const sums = COUNTERS.map((name) => `c_${name} = c_${name} + ?`).join(', ');
  const failed = counters.errors + counters.conflicts;
  const counted = transaction.execute(
    `UPDATE integration_sync_logs SET ${sums}, records_processed = records_processed + ?, records_success = records_success + ?,
       records_error = records_error + ?, no_progress = 0, active_ms = active_ms + ?, updated_at = ?,
       own_records = own_records + ?, total = COALESCE(?, total), writer_state = COALESCE(?, writer_state)
     WHERE id = ? AND fence = ? AND state IN ('running', 'cancelling')`,
    [
      ...COUNTERS.map((name) => counters[name]),
      counters.read,
      counters.read - failed,
      failed,
      Math.round(details.activeMs),
      scope.clock.now(),
      own,
      details.total ?? null,
      details.writerState === null ? null : JSON.stringify(details.writerState),
      scope.ids.runId,
      scope.lease.fence,
    ],
  );
  const asked = transaction.query('SELECT cancel_requested_at FROM integration_sync_logs WHERE id = ?', [
    scope.ids.runId,
  ]);
  const [changed, [row]] = await Promise.all([counted, asked]);
  if (changed !== 1) {
    throw new IntegrationError('conflict', 'PCP_LEASE_LOST', `Run ${scope.ids.runId} is no longer this worker's.`);
  }
  return row?.cancel_requested_at !== null;
}

/** Links and dead letters of what was written and refused. */
async function settleRecords(scope: RunScope, transaction: SqlTransaction, outcome: BatchOutcome): Promise<void> {
  const now = scope.clock.now();
  if (keepsLinks(scope)) await saveLinks(transaction, scope.ids, outcome.written, now);
  if (needsIntents(scope.stream.guarantee)) await endIntents(transaction, scope.ids, outcome.refused);
  await scope.stream.twoWay?.remember(scope.ids, transaction, outcome.agreed, now, scope.signal);
  await closeLetters(scope, transaction, outcome, now);
  await scope.letters.keep(transaction, outcome.failures, now);
  await announceRecords(scope, transaction, outcome.written, now);
}

/** Cursor and counters: statements that go to the store together, and are done in their order. @returns whether somebody asked to cancel the run */
async function record(
  scope: RunScope,
  transaction: SqlTransaction,
  counted: Counted,
  { cursorAfter, total }: Batch,
  writerState: Record<string, unknown> | null,
  { mode, startedAt }: Pick<BatchOptions, 'mode' | 'startedAt'>,
): Promise<boolean> {
  const details = { total, writerState, activeMs: performance.now() - startedAt };
  const [, cancel] = await Promise.all([
    mode !== null && saveCheckpoint(scope, transaction, { mode, cursor: cursorAfter }, scope.clock.now()),
    addCounters(scope, transaction, counted, details),
  ]);
  return cancel;
}

async function closeLetters(
  scope: RunScope,
  transaction: SqlTransaction,
  outcome: BatchOutcome,
  now: number,
): Promise<void> {
  const failedNow = hashesOf(outcome.failures);
  if (scope.openLetters.size > 0) {
    const closed: string[] = [];
    // Records that came out of one share its key: one that is good says nothing of another.
    const stays = failedNow.union(hashesOf(outcome.decided));
    for (const { sourceKey } of [...outcome.written.map(({ record }) => record), ...outcome.unchanged]) {
      const hash = keyHash(sourceKey);
      if (scope.openLetters.has(hash) && !stays.has(hash)) closed.push(hash);
    }
    await supersede(transaction, scope.ids, closed, now);
  }
  for (const hash of failedNow) scope.openLetters.add(hash);
}

function hashesOf(failures: readonly Failure[]): Set<string> {
  return new Set(failures.flatMap(({ sourceKey }) => (sourceKey === null ? [] : [keyHash(sourceKey)])));
}

async function saveCheckpoint(
  scope: RunScope,
  transaction: SqlTransaction,
  checkpoint: Checkpoint,
  now: number,
): Promise<void> {
  const { places } = scope.stream;
  await transaction.upsert({
    table: { name: 'integration_checkpoints' },
    columns: [
      'mapping_id',
      'direction',
      'cursor',
      'mapping_version',
      'run_id',
      'updated_at',
      'source_place',
      'target_place',
    ],
    keyColumns: ['mapping_id', 'direction'],
    rows: [
      [
        scope.ids.mappingId,
        scope.ids.direction,
        JSON.stringify(checkpoint),
        scope.ids.mappingVersion,
        scope.ids.runId,
        now,
        placeText(places.source),
        placeText(places.target),
      ],
    ],
  });
}
