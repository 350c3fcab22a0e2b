import type { ExpressionEvaluator } from '../../mapping/contract';
import { IntegrationError } from '../../model/errors';
import type { Mapping } from '../../model/mapping';
import type { Difference, KnownReason, SideSummary } from '../../model/reconciliation';
import type { RunCounters } from '../../model/sync';
import type { SqlTransaction, SqlValue } from '../../protocols/sql/database';
import { enqueueEvents } from '../../store/outbox';
import type { Execution } from '../execute';
import { openKeys } from '../letters/closing';
import { keyHash } from '../letters/dead-letters';
import { lockStream } from '../runs/queue';
import { noCounters } from '../runs/run-rows';
import { addCounters } from '../writes/commit';
import { Checksums } from './checksums';
import { type Comparison, comparisonOf } from './comparison';
import { type Found, judge, type Verdict } from './judgement';
import { type Pair, Pairs } from './pairs';
import { queueRepair, REPAIRED } from './repair';
import {
  type Candidate,
  changeReconciliation,
  forgetKeys,
  keysOf,
  type ReconciliationRow,
  reconciliationOfRun,
  sampleContext,
  saveKeys,
  TABLE,
  withRuns,
} from './rows';
import { linkPages, type Seen, sourcePages, targetPages } from './sides';

/** Differences that are looked at again; with more of them the mapping is to be run anew as a whole. */
const MOST_KEPT = 50_000;
const SAMPLE = 100;
/** Of so many the values are kept at the second look: some of them will have gone. */
const MOST_SHOWN = 300;
const LONGEST_VALUE = 500;
const TELL_EVERY_MS = 1000;
const DEFAULT_LAG_SECONDS = 30;

/** What a look works with. */
interface Look extends Execution {
  expressions: ExpressionEvaluator;
  comparison: Comparison;
  reconciliation: ReconciliationRow;
  /** Counts what was read, and ends the look when somebody cancels it. */
  tell(records: number): Promise<void>;
}

/**
 * Compares both sides of a mapping (SEMANTICS 2.15): a look at everything, and after a while one at what differed.
 * @returns the counters when it is over, or when it is to go on
 */
export async function executeReconciliation(
  execution: Execution,
  expressions: ExpressionEvaluator,
): Promise<{ counters: RunCounters } | { goesOnAt: number }> {
  const { database, run, mapping, stream, clock, signal } = execution;
  const reconciliation = await reconciliationOfRun(database, run.id);
  const counters = { ...run.counters };
  if (reconciliation.endedAt !== null) return { counters };
  const look: Look = {
    ...execution,
    expressions,
    reconciliation,
    comparison: await comparisonOf(stream, mapping, signal),
    tell: progressOf(execution, counters),
  };
  // What was seen under an earlier version of the mapping says nothing about this one.
  const isSecond = reconciliation.settledAt !== null && reconciliation.mappingVersion === mapping.version;
  const settledAt = isSecond ? (reconciliation.settledAt as number) : await firstLook(look);
  if (settledAt > clock.now()) return { goesOnAt: settledAt };
  await secondLook({ ...look, reconciliation: await reconciliationOfRun(database, run.id) });
  await look.tell(0);
  return { counters };
}

/** Reads all of both sides, and keeps what differs. @returns when it is to be looked at again */
async function firstLook(look: Look): Promise<number> {
  const { database, lease, clock, run, mapping, stream, comparison, reconciliation, signal } = look;
  const pairs = await Pairs.open();
  try {
    for await (const page of sourcePages(stream, mapping, comparison, signal)) {
      pairs.add('source', page);
      await look.tell(page.length);
    }
    for await (const page of targetPages(stream, mapping, comparison, look.expressions, signal)) {
      pairs.add('target', page);
      await look.tell(page.length);
    }
    for await (const page of linkPages(database, { id: mapping.id, direction: run.direction }, comparison)) {
      pairs.add('link', page);
    }
    const candidates: Candidate[] = [];
    let isComplete = true;
    for await (const { key, link, ...sides } of pairs.groups()) {
      const verdict = judge({ ...sides, isLinked: link.length > 0 });
      if (verdict === null) continue;
      if (candidates.length < MOST_KEPT) candidates.push({ key, ...verdict });
      else isComplete = false;
    }
    const [source, target] = [pairs.summary('source'), pairs.summary('target')];
    const settledAt = candidates.length === 0 ? clock.now() : clock.now() + reconciliation.settleSeconds * 1000;
    await database.transaction(async (transaction) => {
      // Nobody queues a repair of what is forgotten here.
      await lockStream(transaction, mapping.id);
      await lease.assertHeld(transaction);
      await forgetKeys(transaction, run);
      await saveKeys(transaction, reconciliation.id, candidates);
      await changeReconciliation(transaction, reconciliation.id, {
        mapping_version: mapping.version,
        ...summariesOf(source, target),
        is_complete: isComplete,
        settled_at: settledAt,
        repair_of: null,
      });
    });
    return settledAt;
  } finally {
    pairs.close();
  }
}

function summariesOf(source: SideSummary, target: SideSummary): Record<string, SqlValue> {
  return {
    source_count: source.count,
    source_checksum: source.checksum,
    target_count: target.count,
    target_checksum: target.checksum,
  };
}

/** A key that differed, and what is found of it now. */
interface Again extends Candidate, Found {
  source: Pair[];
  target: Pair[];
  sourceKey: string | null;
  changedAt: number | null;
  isPending: boolean;
  /** Whether its values are kept. */
  isShown: boolean;
  values: Record<'source' | 'target', Seen['values']>;
}

/** Looks at what differed, and ends the comparison. */
async function secondLook(look: Look): Promise<void> {
  const { database, run, mapping, stream, comparison, reconciliation, signal } = look;
  const sums = { source: new Checksums(), target: new Checksums() };
  const candidates = await keysOf(database, reconciliation.id);
  let keyless = 0;
  const again = new Map(candidates.map((candidate, index) => [candidate.key, againOf(candidate, index < MOST_SHOWN)]));
  if (again.size > 0) {
    const note = (side: 'source' | 'target', page: readonly Seen[]): void => {
      for (const { key, hash, isSetAside, values, sourceKey, changedAt, hasKey } of page) {
        if (hasKey === false) keyless++;
        sums[side].add(key, hash);
        const known = again.get(key);
        if (known === undefined) continue;
        known[side].push({ key, hash, ...(isSetAside && { isSetAside }) });
        if (known.isShown) known.values[side] = values;
        known.sourceKey = sourceKey ?? known.sourceKey;
        known.changedAt = changedAt ?? known.changedAt;
      }
    };
    for await (const page of sourcePages(stream, mapping, comparison, signal)) {
      note('source', page);
      await look.tell(page.length);
    }
    for await (const page of targetPages(stream, mapping, comparison, look.expressions, signal)) {
      note('target', page);
      await look.tell(page.length);
    }
    for await (const page of linkPages(database, { id: mapping.id, direction: run.direction }, comparison)) {
      for (const { key, isPending } of page) Object.assign(again.get(key) ?? {}, { isLinked: true, isPending });
    }
  }
  // Of what was repaired there was no first look.
  const sides = reconciliation.repairOf === null ? {} : summariesOf(sums.source.summary(), sums.target.summary());
  await conclude(look, [...again.values()], sides, keyless);
}

function againOf(candidate: Candidate, isShown: boolean): Again {
  return {
    ...candidate,
    source: [],
    target: [],
    isLinked: false,
    isPending: false,
    sourceKey: null,
    changedAt: null,
    isShown,
    values: { source: null, target: null },
  };
}

/** A difference that is still there. */
interface Left {
  found: Again;
  verdict: Verdict;
  known: KnownReason | null;
}

/** @param keyless records that the mapping refuses without their being a key: the target has as many that stand alone */
async function conclude(
  look: Look,
  again: readonly Again[],
  sides: Record<string, SqlValue>,
  keyless: number,
): Promise<void> {
  const { database, lease, clock, run, mapping, reconciliation, comparison, vault } = look;
  const [letters, ranSince] = [await openLetters(look), await hasRunSince(look)];
  const left = again.flatMap((found): Left[] => {
    const verdict = judge(found);
    return verdict === null ? [] : [{ found, verdict, known: knownReason(look, found, verdict, letters, ranSince) }];
  });
  for (const one of left
    .filter(({ verdict, known }) => verdict.kind === 'only_target' && known === null)
    .slice(0, keyless)) {
    one.known = 'rejected';
  }
  const counted = left.filter(({ known }) => known === null);
  const repairable = counted.filter(({ verdict }) => REPAIRED.has(verdict.kind));
  const columns: Record<string, number> = {};
  for (const { verdict } of counted) add(columns, `n_${verdict.kind}`);
  for (const { known } of left) if (known !== null) add(columns, `known_${known}`);
  const sample = [...counted, ...left.filter(({ known }) => known !== null)].slice(0, SAMPLE);
  const now = clock.now();
  await database.transaction(async (transaction) => {
    await lockStream(transaction, mapping.id);
    await lease.assertHeld(transaction);
    await forgetKeys(transaction, run);
    const kept = counted.map(({ found, verdict }) => ({ ...verdict, key: found.key }));
    await saveKeys(transaction, reconciliation.id, kept);
    await changeReconciliation(transaction, reconciliation.id, {
      ...columns,
      ...sides,
      repairable: repairable.length,
      sample: vault.encrypt(
        sample.map((one) => toDifference(one, comparison.fields)),
        sampleContext(reconciliation.id),
      ),
      ended_at: now,
    });
    if (reconciliation.action === 'repair' && repairable.length > 0) {
      await queueRepair(transaction, mapping, run.direction, { ...reconciliation, trigger: run.trigger }, now);
    }
    await announce(transaction, look, now);
  });
}

function knownReason(
  { clock, mapping, reconciliation }: Look,
  found: Again,
  { kind, isRejected, sourceMark, targetMark }: Verdict,
  letters: ReadonlySet<string>,
  ranSince: boolean,
): KnownReason | null {
  if (isRejected) return 'rejected';
  const isOther = kind !== found.kind;
  const [sourceChanged, targetChanged] = [sourceMark !== found.sourceMark, targetMark !== found.targetMark];
  // The source goes on, and a run that should have brought what it held before has brought nothing.
  const isRepaired = reconciliation.repairOf !== null;
  const isStuck = sourceChanged && !targetChanged && !isOther && (ranSince || isRepaired);
  if (!isStuck) {
    // What a repair has written is to be what was to be written.
    if (isOther || sourceChanged || (targetChanged && !isRepaired)) return 'changing';
    if (found.changedAt !== null && found.changedAt > clock.now() - lagOf(mapping)) return 'recent';
  }
  if (found.isPending) return 'pending';
  return letters.has(keyHash(found.sourceKey ?? found.key)) || letters.has(keyHash(found.key)) ? 'dead_letter' : null;
}

function lagOf({ options }: Pick<Mapping, 'options'>): number {
  return (options.reconciliation?.safety_lag_seconds ?? DEFAULT_LAG_SECONDS) * 1000;
}

/** Whether a run of the stream has gone well that began so late after the first look that it brought what was there then. */
async function hasRunSince({ database, run, mapping, reconciliation }: Look): Promise<boolean> {
  const lookedAt = (reconciliation.settledAt ?? 0) - reconciliation.settleSeconds * 1000 + lagOf(mapping);
  const [found] = await database.query(
    `SELECT MAX(id) AS id FROM integration_sync_logs WHERE mapping_id = ? AND direction = ? AND kind = 'sync'
       AND dry_run = ? AND started_at >= ? AND state IN ('succeeded', 'partial')`,
    [run.mappingId, run.direction, false, new Date(lookedAt)],
  );
  return found?.id != null;
}

/** Records that wait as dead letters, by digest of their keys; of a conflict either side may have one. */
async function openLetters({ database, mapping }: Look): Promise<ReadonlySet<string>> {
  const [ofImport, ofExport] = await Promise.all([
    openKeys(database, mapping.id, 'import'),
    openKeys(database, mapping.id, 'export'),
  ]);
  return ofImport.union(ofExport);
}

function toDifference({ found, verdict, known }: Left, fields: readonly string[]): Difference {
  const { source, target } = found.values;
  const cut = (value: string | null | undefined): string | null => value?.slice(0, LONGEST_VALUE) ?? null;
  return {
    kind: verdict.kind,
    key: JSON.parse(found.key) as unknown[],
    known,
    fields:
      verdict.kind !== 'different' || source === null || target === null
        ? []
        : fields.flatMap((field, index) => {
            const [one, other] = [source[index], target[index]];
            return one === other ? [] : [{ field, source: cut(one), target: cut(other) }];
          }),
  };
}

async function announce(transaction: SqlTransaction, { run, reconciliation }: Look, now: number): Promise<void> {
  const rows = await transaction.query(`SELECT * FROM ${TABLE} WHERE id = ?`, [reconciliation.id]);
  const [told] = await withRuns(transaction, rows);
  await enqueueEvents(transaction, [
    {
      type: 'reconciliation.completed',
      connection_id: run.connectionId,
      mapping_id: run.mappingId,
      at: now,
      data: { reconciliation: { ...told, status: 'success', state: 'succeeded' } },
    },
  ]);
}

function progressOf(execution: Execution, counters: RunCounters): Look['tell'] {
  const { database, lease, clock, run, mapping, signal, onProgress } = execution;
  const ids = { runId: run.id, mappingId: mapping.id, mappingVersion: mapping.version, direction: run.direction };
  let [untold, toldAt] = [0, performance.now()];
  return async (records) => {
    signal.throwIfAborted();
    untold += records;
    if (records > 0 && performance.now() - toldAt < TELL_EVERY_MS) return;
    const added = { ...noCounters(), read: untold, unchanged: untold };
    const activeMs = performance.now() - toldAt;
    const cancel = await database.transaction(async (transaction) => {
      await lease.assertHeld(transaction);
      return addCounters(
        { clock, ids, lease },
        transaction,
        { counters: added },
        { total: undefined, writerState: null, activeMs },
      );
    });
    counters.read += untold;
    counters.unchanged += untold;
    [untold, toldAt] = [0, performance.now()];
    onProgress(activeMs / 1000);
    if (cancel) throw new IntegrationError('cancelled', 'PCP_CANCELLED', 'The comparison was cancelled.');
  };
}

function add(columns: Record<string, number>, name: string): void {
  columns[name] = (columns[name] ?? 0) + 1;
}
