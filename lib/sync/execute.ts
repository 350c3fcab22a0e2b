import { setImmediate as turn } from 'node:timers/promises';
import type { Batch, SourceFailure, SourceRecord, Writer } from '../connectors/contract';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { Phrase } from '../model/phrase';
import type { Cursor, RunCounters } from '../model/sync';
import type { SqlDatabase } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import type { StoreClock } from './clock';
import { recordHasher } from './hash';
import { openKeys } from './letters/closing';
import { LetterKeeper } from './letters/dead-letters';
import { refetchFields, refetchKeyOf } from './letters/refetch';
import { type BatchPlan, batchPlanners, type Failure } from './plan';
import { ReadAhead } from './read-ahead';
import { openRepair } from './reconciliation/repair';
import { resumePoint } from './resume-point';
import type { Lease } from './runs/lease';
import { COUNTERS, countersAddUp, noCounters, type RunRow } from './runs/run-rows';
import { keepWarnings } from './runs/settle';
import { fieldsToRead, type Stream } from './stream';
import { judgeErrors, ToleranceExceeded } from './tolerance';
import { withUndecoded } from './undecoded';
import { apply, failureCounters } from './writes/apply';
import {
  addCounters,
  type BatchOptions,
  type CommittedBatch,
  commitBatch,
  type Page,
  type RunScope,
} from './writes/commit';
import { settleLeftIntents } from './writes/left-intents';
import { PagesUnderWay } from './writes/pages-under-way';

/** Of a store that joins the commit: what comes while the statements of a commit go back and forth. Such pages are small. */
const PAGES_AHEAD = 2;
/** Records that are mapped before others get their turn. */
const SLICE = 100;

/** A run that this worker holds, ready to be executed. */
export interface Execution {
  database: SqlDatabase;
  clock: StoreClock;
  lease: Lease;
  vault: Vault;
  /** Open dead letters that the store takes. */
  maxOpenLetters: number;
  run: RunRow;
  mapping: Mapping;
  stream: Stream;
  signal: AbortSignal;
  /** How often a worker died since the last commit. */
  crashes: number;
  /** Called after each commit, with the seconds that the batch took. */
  onProgress(seconds: number): void;
}

/**
 * Reads, maps, writes and commits until the source is drained. While one page is being written the next is read and
 * mapped, never more; where writes are announced, also announced.
 * @returns the run's counters over all its attempts
 * @throws cancelled PCP_CANCELLED when somebody asked for it, guard when the errors pass the tolerance, else what the
 * connectors, the mapping or the store throw; everything committed before stays committed
 */
export async function executeRun(execution: Execution): Promise<RunCounters> {
  const { run, signal } = execution;
  const counters = { ...run.counters };
  const { cursor, targetMoved } = await resumePoint(execution);
  const writer = await openWriter(execution);
  const scope = await scopeOf(execution, writer);
  // A run that writes has forgotten by now what the place before was given.
  if (targetMoved && run.dryRun) scope.ignoreLinks = true;
  try {
    // A target that was finished just before a crash would take nothing more: all that is left is to close the run.
    if (writer.finished !== true) await drain(execution, scope, cursor, counters);
    if (run.dryRun) await writer.abandon(false);
    else await finish(execution, writer);
  } catch (error) {
    const failure = reasonOf(error, signal);
    await abandon(writer, failure, !run.dryRun && counters.read > 0);
    throw failure;
  }
  return counters;
}

/** Publishes the target, when all that led there is sure to stay and the stream is still this worker's. */
async function finish({ database, lease, signal }: Execution, writer: Writer): Promise<void> {
  await database.flush();
  signal.throwIfAborted();
  lease.assertSafeToWrite();
  await writer.finish();
}

/** Closes what an unfinished run left at the target, when it is not going to be continued. */
export async function abandonRun(execution: Execution): Promise<void> {
  if (execution.run.writerState !== null) await (await openWriter(execution)).abandon(false);
}

export function openWriter({ run, stream, lease, signal }: Execution): Promise<Writer> {
  // A stream is only made with a target that can be written to.
  return stream.target.connector.openWriter!(
    {
      entity: stream.target.entity,
      keyFields: [...stream.compiled.keyFields],
      fields: [...stream.compiled.outputFields],
      resume: run.writerState,
      runId: run.id,
      mappingId: run.mappingId,
      hashOf: recordHasher(stream.compiled.outputFields),
      isDistrusted: run.kind === 'repair',
      assertSafeToWrite: () => lease.assertSafeToWrite(),
    },
    signal,
  );
}

export async function scopeOf(execution: Execution, writer: Writer): Promise<RunScope> {
  const { database, clock, lease, stream, run, mapping, signal, vault, maxOpenLetters: limit } = execution;
  const ids = { runId: run.id, mappingId: mapping.id, mappingVersion: mapping.version, direction: run.direction };
  return {
    database,
    clock,
    lease,
    stream,
    writer,
    ids,
    letters: new LetterKeeper({ stream: ids, vault, limit, fields: stream.compiled.inputFields }),
    // What is only ever added to would hold each record twice.
    ignoreLinks: run.full && stream.guarantee.resumable !== true,
    decided: false,
    openLetters: run.dryRun ? new Set() : await openKeys(database, run.mappingId, run.direction, true),
    signal,
  };
}

/** Why work ended: an abort's own reason says more than the AbortError that a driver makes of it. */
export function reasonOf(error: unknown, signal: AbortSignal): IntegrationError {
  return IntegrationError.from(signal.aborted && signal.reason instanceof IntegrationError ? signal.reason : error);
}

async function drain(
  execution: Execution,
  scope: RunScope,
  resume: Cursor | null,
  counters: RunCounters,
): Promise<void> {
  const { run, mapping, stream, signal, database } = execution;
  scope.letters.refetchKey = refetchKeyOf(stream.source, await refetchFields(stream.source, signal));
  const batchSize = afterCrashes(stream.batchSize, execution.crashes);
  const pageSize = Math.min(batchSize, stream.pageSize);
  const source = read(execution, resume, pageSize)[Symbol.asyncIterator]();
  // Reading on while this thread writes gains nothing and holds another page in memory.
  // And a live source may keep whoever asks waiting for as long as nothing happens.
  const overlaps = run.kind !== 'live' && (database.isConcurrent || !stream.guarantee.transactional);
  const newPlanner = batchPlanners(stream.plan, () => scope.writer.comparesTexts !== true);
  const repair = run.kind === 'repair' ? await openRepair(execution) : null;
  const planOf = async ({ records, positions }: Batch): Promise<BatchPlan> => {
    const { plan, add } = newPlanner();
    const size = overlaps ? SLICE : Math.max(1, records.length);
    for (let from = 0; from < records.length; from += size) {
      // Whatever the page before waits for goes first, so that its writing never stands still for this one.
      if (overlaps) await turn();
      const slice = records.slice(from, from + size);
      const mapped = await stream.compiled.convert(slice, signal);
      const wanted =
        repair === null
          ? mapped
          : mapped.filter(
              (item) => item.outcome === 'mapped' && repair.wants(slice[item.index] as SourceRecord, item.data),
            );
      const judged = run.kind === 'live' ? withUndecoded(slice, mapped) : wanted;
      add(slice, judged, positions && ((index) => positions(from + index)));
    }
    if (positions) plan.positionOf = placeFinder(records, positions);
    await repair?.prepare(plan);
    return plan;
  };
  const warnings: Phrase[] = [];
  let planned: Promise<unknown> = Promise.resolve();
  const pull = async (): Promise<Page | null> => {
    await planned;
    signal.throwIfAborted();
    const result = await source.next();
    if (result.done === true) return null;
    warnings.push(...(result.value.warnings ?? []));
    const plan = planOf(result.value);
    planned = plan.then(forget, forget);
    // Computing is not waiting: a page counts as there once it is read. What an expression asks of its sandbox is.
    if (stream.compiled.usesExpressions || !overlaps) await plan;
    return { batch: result.value, plan };
  };
  const pages = new ReadAhead(pull, overlaps ? (stream.guarantee.transactional ? PAGES_AHEAD : 1) : 0);
  // What a machine sends does not stop the machine: each bad record is a dead letter, and the stream goes on.
  const tolerance =
    run.kind === 'live'
      ? { max_errors: Number.POSITIVE_INFINITY, max_error_ratio: 1, ...mapping.options }
      : mapping.options;
  const judge: BatchOptions['judge'] = (outcome) => judgeErrors(tolerance, counters, outcome);
  // A transaction never waits for the source: what is not there yet goes into the next batch.
  const following: BatchOptions['following'] = (taken, { batch }) =>
    pages.ready && taken + pageSize <= batchSize && batch.acknowledge === undefined ? pages.take() : null;
  // A repair reads anew what others have read, and leaves their place alone.
  const mode = run.kind === 'repair' ? null : readsChanges(execution) ? 'incremental' : 'full';
  let isCancelled = false;
  const count = ({ counters: added, cancel }: Pick<CommittedBatch, 'counters' | 'cancel'>, startedAt: number): void => {
    for (const name of COUNTERS) counters[name] += added[name];
    execution.onProgress((performance.now() - startedAt) / 1000);
    isCancelled ||= cancel;
  };
  const finished = async (committed: CommittedBatch, startedAt: number): Promise<void> => {
    if (mode !== null) await acknowledge(scope, committed.last);
    count(committed, startedAt);
  };
  // The page in hand of a live source may be the last one for hours.
  const overlapsWrites = !run.dryRun && run.kind !== 'live' && PagesUnderWay.fit(scope);
  const underWay = overlapsWrites ? new PagesUnderWay(scope, { mode, judge }, finished) : null;
  try {
    try {
      for (let page = await pages.take(); page !== null; page = await pages.take()) {
        const startedAt = performance.now();
        if (underWay !== null) await underWay.add(page);
        else if (run.dryRun) count(await compareOnly(scope, page, startedAt), startedAt);
        else await finished(await commitBatch(scope, page, { following, mode, judge, startedAt }), startedAt);
        signal.throwIfAborted();
        if (isCancelled) throw new IntegrationError('cancelled', 'PCP_CANCELLED', 'The run was cancelled.');
      }
    } catch (error) {
      // Whatever ended the read: what is being sent counts, and hides not why the read ended.
      await underWay?.end().catch(async (other: unknown) => {
        if (other === error) return;
        await settleSource(scope, other, run.dryRun);
        if (error instanceof Error) error.cause ??= other;
      });
      throw error;
    }
    await underWay?.end();
    const left = run.dryRun ? noCounters() : await settleLeftIntents(scope);
    for (const name of COUNTERS) counters[name] += left[name];
    assertAddedUp(counters);
    if (warnings.length > 0) await keepWarnings(scope, warnings);
  } catch (error) {
    await settleSource(scope, error, run.dryRun);
    throw error;
  } finally {
    await pages.settle();
    await source.return?.();
  }
}

/** Tells the source, once what it gave is sure to stay. */
async function acknowledge({ database }: RunScope, { batch }: Page): Promise<void> {
  if (batch.acknowledge === undefined) return;
  await database.flush();
  await batch.acknowledge();
}

/** A dry run: only the counters are kept. */
async function compareOnly(
  scope: RunScope,
  { batch, plan }: Page,
  startedAt: number,
): Promise<Pick<CommittedBatch, 'counters' | 'cancel'>> {
  const outcome = await apply(scope, await plan, undefined, { dryRun: true });
  const cancel = await scope.database.transaction(async (transaction) => {
    await scope.lease.assertHeld(transaction);
    const activeMs = performance.now() - startedAt;
    return addCounters(scope, transaction, outcome, { total: batch.total, writerState: null, activeMs });
  });
  return { counters: outcome.counters, cancel };
}

/** Keeps and counts the bad records that stopped a run, alone of their batch; lets a broken source put itself aside. */
async function settleSource(scope: RunScope, error: unknown, dryRun: boolean): Promise<void> {
  if (dryRun) return;
  try {
    if (error instanceof ToleranceExceeded) await keepFailures(scope, error.failures);
    await (error as SourceFailure | null)?.quarantine?.();
  } catch (failure) {
    // Why the run stopped is what the log must tell; that nothing could be kept or put aside shows by itself.
    if (error instanceof Error) error.cause ??= failure;
  }
}

async function keepFailures(scope: RunScope, failures: readonly Failure[]): Promise<void> {
  const counters = { ...noCounters(), read: failures.length, ...failureCounters(failures) };
  await scope.database.transaction(async (transaction) => {
    await scope.lease.assertHeld(transaction);
    await scope.letters.keep(transaction, failures, scope.clock.now());
    await addCounters(scope, transaction, { counters }, { total: undefined, writerState: null, activeMs: 0 });
  });
}

/** What a promise came to: whoever waits only for its end must not keep it. */
function forget(): void {}

/**
 * A function of its own rather than a closure of what awaits the mapping: such a one kept the records of all pages in memory until
 * the next full collection, which cost an import a quarter of its processor time.
 */
function placeFinder(
  records: readonly SourceRecord[],
  positions: NonNullable<Batch['positions']>,
): NonNullable<BatchPlan['positionOf']> {
  return (record) => {
    const at = records.indexOf(record as SourceRecord);
    return at === -1 ? null : positions(at);
  };
}

/** Whether the run reads only what changed since the last one. */
export function readsChanges({ run, mapping, stream }: Pick<Execution, 'run' | 'mapping' | 'stream'>): boolean {
  return mapping.sync_mode === 'incremental' && run.kind !== 'repair' && stream.guarantee.replaces !== true;
}

function read(execution: Execution, cursor: Cursor | null, pageSize: number): AsyncIterable<Batch> {
  const { run, mapping, stream, signal } = execution;
  const { connector, entity, descriptor } = stream.source;
  if (connector.read === undefined) {
    throw new IntegrationError('config', 'PCP_NOT_READABLE', `${descriptor.title['en-US']} cannot be read.`, {
      path: '/direction',
    });
  }
  const incremental = readsChanges(execution);
  const { namedFields, pushdown } = stream.compiled;
  const cursorField = incremental ? (mapping.cursor_field ?? descriptor.defaultCursor ?? null) : null;
  const fields = fieldsToRead(stream, cursorField);
  return connector.read(
    {
      entity,
      ...(fields !== undefined && { fields }),
      namedFields,
      filters: pushdown,
      ...(cursorField !== null && { cursorField }),
      cursor,
      ...(mapping.options.lookback_seconds !== undefined && { lookbackSeconds: mapping.options.lookback_seconds }),
      batchSize: pageSize,
      acknowledges: run.kind !== 'repair' && !run.dryRun,
    },
    signal,
  );
}

/** A worker that died with a batch in hand gets smaller ones, so that what kills it is narrowed down. */
function afterCrashes(size: number, crashes: number): number {
  return Math.max(1, Math.floor(size / 4 ** crashes));
}

/**
 * Lets go of the target. What was committed before stays with it: the worker takes the target back to the last commit when
 * the run is over, and another worker may already go on there when the lease was lost.
 */
async function abandon(writer: Writer, failure: IntegrationError, committed: boolean): Promise<void> {
  const goesOn = failure.class === 'transient' || failure.class === 'rate_limit' || failure.code === 'PCP_LEASE_LOST';
  const resumable = committed || goesOn;
  try {
    await writer.abandon(resumable);
  } catch (error) {
    // The run's own failure is what the log must tell; what could not be cleaned up is found again by the next run.
    failure.cause ??= error;
  }
}

function assertAddedUp(counters: RunCounters): void {
  if (countersAddUp(counters)) return;
  throw new IntegrationError(
    'guard',
    'PCP_COUNTERS_DIFFER',
    `The run's counters do not add up: ${COUNTERS.map((name) => `${name} ${counters[name]}`).join(', ')}.`,
  );
}
