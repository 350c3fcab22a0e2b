import type { SourceRecord } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { DeadLetter, DeadLetterState, RunCounters } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { type Execution, openWriter, reasonOf, scopeOf } from '../execute';
import { followTarget } from '../moved-target';
import { type BatchPlan, batchPlanners, type Failure } from '../plan';
import { COUNTERS, text, toDate } from '../runs/run-rows';
import { apply, type BatchOutcome, keepsLinks } from '../writes/apply';
import { addCounters, type RunScope } from '../writes/commit';
import { needsIntents } from '../writes/guarantee';
import { keepingAnswers } from '../writes/keep';
import { endIntents, linksOf, saveLinks } from '../writes/links';
import { announceRecords } from '../writes/record-events';
import { keyHash } from './dead-letters';
import { type AsRead, asRead, idsAtOnce, LETTER_SIZE, payloadOf, toDeadLetter } from './letter-rows';
import { keyAt, refetch } from './refetch';

const LETTERS_PER_BATCH = 200;

/**
 * Sends the dead letters chosen for this run through the newest version of their mapping. Each is resolved or open again
 * when the run ends; repeating a part after a crash changes nothing, because a letter leaves the choice with its commit.
 */
export async function executeReplay(execution: Execution): Promise<RunCounters> {
  const { run, stream, signal } = execution;
  if (stream.guarantee.snapshot) {
    throw new IntegrationError(
      'config',
      'PCP_REPLAY_SNAPSHOT',
      phrase`"${stream.target.entity}" is written anew by every run, so single records cannot be added to it.`,
      { hint: 'Run the mapping again: it writes the corrected records too.' },
    );
  }
  await followTarget(execution);
  const counters = { ...run.counters };
  const writer = await openWriter(execution);
  const scope = { ...(await scopeOf(execution, writer)), decided: true };
  try {
    for (;;) {
      const startedAt = performance.now();
      const letters = await chosen(scope, execution.vault);
      if (letters.length === 0) break;
      signal.throwIfAborted();
      const outcome = await replayBatch(execution, scope, letters);
      for (const name of COUNTERS) counters[name] += outcome.counters[name];
      execution.onProgress((performance.now() - startedAt) / 1000);
    }
    await writer.finish();
  } catch (error) {
    const failure = reasonOf(error, signal);
    // What another worker has taken over is its own to go on with.
    const resumable = ['transient', 'rate_limit'].includes(failure.class) || failure.code === 'PCP_LEASE_LOST';
    await writer.abandon(resumable).catch((cause: unknown) => {
      failure.cause ??= cause;
    });
    throw failure;
  }
  return counters;
}

/** Letters that a run which ended did not get to are open again. */
export async function reopenChosen(transaction: SqlTransaction, runId: number): Promise<void> {
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'open', replay_log_id = NULL WHERE replay_log_id = ? AND state = 'replaying'`,
    [runId],
  );
}

/** A dead letter that this run has in hand. */
interface ChosenLetter extends DeadLetter {
  refetchKey: string | null;
  /** When its payload was read or corrected, in epoch milliseconds of the store. */
  readAt: number;
  asRead: AsRead;
}

async function chosen({ database, ids }: RunScope, vault: Vault): Promise<ChosenLetter[]> {
  const found = await database.query(
    `SELECT id, ${LETTER_SIZE} AS size FROM integration_dead_letters
     WHERE replay_log_id = ? AND state = 'replaying' ORDER BY id LIMIT ${LETTERS_PER_BATCH}`,
    [ids.runId],
  );
  if (found.length === 0) return [];
  const rows = await database.query(
    `SELECT * FROM integration_dead_letters WHERE id IN (${idsAtOnce(found).join(', ')})`,
  );
  const letters = rows.map((row) => ({
    ...toDeadLetter(row, vault),
    refetchKey: text(row.refetch_key),
    readAt: Number(row.read_at ?? toDate(row.last_at)?.getTime()),
    asRead: asRead(row, vault),
  }));
  // Of two with the same key the first one counts.
  return letters.sort((a, b) => b.readAt - a.readAt);
}

async function replayBatch(execution: Execution, scope: RunScope, letters: ChosenLetter[]): Promise<BatchOutcome> {
  const { stream, signal, database } = execution;
  const startedAt = performance.now();
  const read = await readLetters(execution, letters, await newestVersions(scope, letters));
  const { owners, refused, superseded } = read;
  const records = [...owners.keys()];
  const mapped = await stream.compiled.map(records, signal);
  const { plan, add } = batchPlanners(stream.plan)();
  add(records, mapped, (index) => owners.get(records[index]!)?.source_key ?? '');
  for (const letter of await outdated(scope, plan, read)) superseded.add(letter);
  leaveOut(plan, superseded, owners);
  plan.failures.push(...refused.keys());
  const commit = async (transaction: SqlTransaction, outcome: BatchOutcome): Promise<BatchOutcome> => {
    const now = scope.clock.now();
    if (keepsLinks(scope)) await saveLinks(transaction, scope.ids, outcome.written, now);
    if (needsIntents(stream.guarantee)) await endIntents(transaction, scope.ids, outcome.refused);
    await stream.twoWay?.remember(scope.ids, transaction, outcome.agreed, now, signal);
    await announceRecords(scope, transaction, outcome.written, now);
    const letterIn = (failure: Failure) => refused.get(failure) ?? owners.get(failure.payload as SourceRecord);
    const failed = new Map(outcome.failures.map((failure) => [letterIn(failure)?.id, failure]));
    for (const letter of letters) {
      const failure = failed.get(letter.id);
      if (superseded.has(letter)) await moveTo(transaction, letter, 'superseded', now);
      else if (failure === undefined) await resolve(transaction, letter, read.anew.has(letter), now);
      // What cannot be opened stays as it is: its key may be found again.
      else if (failure.error.code.startsWith('PCP_VAULT_')) await moveTo(transaction, letter, 'open', now);
      else await scope.letters.reopen(transaction, letter, failure, read.anew.has(letter), now);
    }
    await transaction.execute('UPDATE integration_sync_logs SET refetched = refetched + ? WHERE id = ?', [
      read.anew.size,
      scope.ids.runId,
    ]);
    const writerState = (await scope.writer.state?.()) ?? null;
    const activeMs = performance.now() - startedAt;
    const cancel = await addCounters(scope, transaction, outcome, { total: undefined, writerState, activeMs });
    if (cancel) scope.lease.lost.abort(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The run was cancelled.'));
    return outcome;
  };
  if (stream.guarantee.transactional) {
    return database.transaction(async (transaction) => {
      await scope.lease.assertHeld(transaction);
      return commit(transaction, await apply(scope, plan, transaction));
    });
  }
  scope.lease.assertSafeToWrite();
  const outcome = await apply(scope, plan, undefined);
  return keepingAnswers(scope, outcome, () =>
    database.transaction(async (transaction) => {
      await scope.lease.assertHeld(transaction);
      return commit(transaction, outcome);
    }),
  );
}

/** When the newest version of each record was read, of those that wait as dead letters; by digest of the key. */
async function newestVersions(
  { database, ids }: RunScope,
  letters: readonly ChosenLetter[],
): Promise<Map<string, number>> {
  const hashes = letters.flatMap(({ source_key }) => (source_key === null ? [] : [keyHash(source_key)]));
  if (hashes.length === 0) return new Map();
  const rows = await database.query(
    `SELECT source_key_hash, MAX(read_at) AS newest FROM integration_dead_letters
     WHERE mapping_id = ? AND direction = ? AND state IN ('open', 'replaying')
       AND source_key_hash IN (${hashes.map(() => '?').join(', ')}) GROUP BY source_key_hash`,
    [ids.mappingId, ids.direction, ...hashes],
  );
  return new Map(rows.map((row) => [String(row.source_key_hash), Number(row.newest)]));
}

interface ReadLetters {
  /** For each record, its letter. */
  owners: Map<SourceRecord, ChosenLetter>;
  /** Letters without a record to try: they fail alone. */
  refused: Map<Failure, ChosenLetter>;
  /** Letters whose record was read anew. */
  anew: Set<ChosenLetter>;
  /** Letters whose kept record is the past. */
  superseded: Set<ChosenLetter>;
}

/** Reads each record as the run's mode, or else its letter, says. */
async function readLetters(
  { run, stream: { source }, signal }: Execution,
  letters: readonly ChosenLetter[],
  newest: Map<string, number>,
): Promise<ReadLetters> {
  const read: ReadLetters = { owners: new Map(), refused: new Map(), anew: new Set(), superseded: new Set() };
  const refuse = (letter: ChosenLetter, error: IntegrationError): void => {
    const { source_key: sourceKey } = letter;
    read.refused.set({ sourceKey, payload: null, stage: 'read', field: null, rule: null, value: null, error }, letter);
  };
  const toRefetch = new Map<ChosenLetter, Record<string, unknown>>();
  for (const letter of letters) {
    const key = keyAt(source, letter.refetchKey);
    if ((run.replayMode ?? letter.replay_mode) === 'refetch' && key !== null) {
      toRefetch.set(letter, key);
    } else if (run.replayMode === 'refetch') {
      refuse(letter, notRefetchable(letter));
    } else if (letter.source_key !== null && (newest.get(keyHash(letter.source_key)) ?? 0) > letter.readAt) {
      read.superseded.add(letter);
    } else {
      try {
        read.owners.set(payloadOf(letter), letter);
      } catch (error) {
        refuse(letter, IntegrationError.from(error));
      }
    }
  }
  const found = await refetch(source, [...toRefetch.values()], signal);
  [...toRefetch.keys()].forEach((letter, index) => {
    const record = found[index] ?? null;
    if (record === null) {
      refuse(letter, gone(letter, toRefetch.get(letter)));
    } else {
      read.anew.add(letter);
      read.owners.set(record, letter);
    }
  });
  return read;
}

function notRefetchable({ id }: ChosenLetter): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_NOT_REFETCHABLE',
    phrase`The record of dead letter ${id} cannot be read anew: its source finds no single record by its key. Replay it as stored.`,
  );
}

function gone(letter: ChosenLetter, key: Record<string, unknown> | undefined): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_RECORD_GONE',
    phrase`The source does not hold the record ${JSON.stringify(key)} any more. Discard dead letter ${letter.id}, or replay it as stored.`,
  );
}

/**
 * Letters whose kept record says less than what the target was given since: replayed, they would bring the past back. One of
 * two records with the same key is nobody's past; whoever replays it lets it win.
 */
async function outdated(scope: RunScope, plan: BatchPlan, { owners, anew }: ReadLetters): Promise<Set<ChosenLetter>> {
  const { database, ids, writer } = scope;
  const times =
    writer.writtenAt === undefined
      ? (await linksOf(database, ids, plan.writes)).map((link) => link?.writtenAt ?? null)
      : await writer.writtenAt(plan.writes);
  const found = new Set<ChosenLetter>();
  plan.origins.forEach((origin, index) => {
    const letter = owners.get(origin);
    if (letter === undefined || anew.has(letter) || letter.code === 'PCP_DUPLICATE_KEY') return;
    if ((times[index] ?? 0) > letter.readAt) found.add(letter);
  });
  return found;
}

/** Counts what is superseded among what is left as it is. */
function leaveOut(plan: BatchPlan, superseded: Set<ChosenLetter>, owners: ReadLetters['owners']): void {
  const stays = (origin: unknown): boolean => !superseded.has(owners.get(origin as SourceRecord) as ChosenLetter);
  const { origins } = plan;
  plan.writes = plan.writes.filter((_, index) => stays(origins[index]));
  plan.origins = origins.filter(stays);
  plan.failures = plan.failures.filter(({ payload }) => stays(payload));
  plan.repeated += superseded.size;
}

/** What was refused of the same record before says less than what now holds; read anew, that goes for all that was. */
async function resolve(
  transaction: SqlTransaction,
  letter: ChosenLetter,
  readAnew: boolean,
  now: number,
): Promise<void> {
  await moveTo(transaction, letter, 'resolved', now);
  if (letter.source_key === null) return;
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
     WHERE mapping_id = ? AND direction = ? AND state = 'open' AND source_key_hash = ?
       AND (COALESCE(read_at, 0) < ? OR refetch_key = ?)`,
    [
      new Date(now),
      letter.mapping_id,
      letter.direction,
      keyHash(letter.source_key),
      letter.readAt,
      readAnew ? letter.refetchKey : null,
    ],
  );
}

async function moveTo(
  transaction: SqlTransaction,
  letter: ChosenLetter,
  state: DeadLetterState,
  now: number,
): Promise<void> {
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = ?, attempts = attempts + 1, replay_log_id = NULL, last_at = ? WHERE id = ?`,
    [state, new Date(now), letter.id],
  );
}
