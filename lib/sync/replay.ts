import { IntegrationError } from '../model/errors';
import type { DeadLetter, RunCounters } from '../model/sync';
import type { SqlTransaction } from '../protocols/sql/database';
import { addCounters, apply, type BatchOutcome, type RunScope } from './commit';
import { keyHash, payloadOf, reopen, toDeadLetter } from './dead-letters';
import { type Execution, openWriter, reasonOf, scopeOf } from './execute';
import { endIntents, saveLinks } from './links';
import { batchPlanner, type Failure } from './plan';
import { COUNTERS } from './run-rows';
import { needsIntents } from './stream';

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
      `"${stream.target.entity}" is written anew by every run, so single records cannot be added to it.`,
      { hint: 'Run the mapping again: it writes the corrected records too.' },
    );
  }
  const counters = { ...run.counters };
  const writer = await openWriter(execution);
  const scope = { ...(await scopeOf(execution, writer)), resend: true };
  try {
    for (let letters = await chosen(scope); letters.length > 0; letters = await chosen(scope)) {
      signal.throwIfAborted();
      const outcome = await replayBatch(execution, scope, letters);
      for (const name of COUNTERS) counters[name] += outcome.counters[name];
      execution.onProgress();
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

async function chosen(scope: RunScope): Promise<DeadLetter[]> {
  const rows = await scope.database.query(
    `SELECT * FROM integration_dead_letters WHERE replay_log_id = ? AND state = 'replaying' ORDER BY id LIMIT ${LETTERS_PER_BATCH}`,
    [scope.ids.runId],
  );
  return rows.map(toDeadLetter);
}

async function replayBatch(execution: Execution, scope: RunScope, letters: DeadLetter[]): Promise<BatchOutcome> {
  const { stream, signal, database } = execution;
  const startedAt = performance.now();
  const { records, owners, refused } = readLetters(letters);
  const letterOf = new Map(records.map((record, index) => [record as unknown, owners[index] as DeadLetter]));
  const mapped = await stream.compiled.map(records, signal);
  const plan = batchPlanner(stream.plan)(records, mapped, (index) => owners[index]?.source_key ?? '');
  plan.failures.push(...refused.keys());
  const commit = async (transaction: SqlTransaction, outcome: BatchOutcome): Promise<BatchOutcome> => {
    const now = scope.clock.now();
    if (scope.writer.hashes === undefined) await saveLinks(transaction, scope.ids, outcome.written, now);
    if (needsIntents(stream.guarantee)) await endIntents(transaction, scope.ids, outcome.refused, now);
    const letterIn = (failure: Failure) => refused.get(failure) ?? letterOf.get(failure.payload);
    const failed = new Map(outcome.failures.map((failure) => [letterIn(failure)?.id, failure]));
    for (const letter of letters) {
      const failure = failed.get(letter.id);
      if (failure === undefined) await resolve(transaction, letter, now);
      else await reopen(transaction, letter.id, scope.ids, failure, now);
    }
    const writerState = (await scope.writer.state?.()) ?? null;
    const activeMs = performance.now() - startedAt;
    const cancel = await addCounters(scope, transaction, outcome.counters, { total: undefined, writerState, activeMs });
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
  return database.transaction(async (transaction) => {
    await scope.lease.assertHeld(transaction);
    return commit(transaction, outcome);
  });
}

interface ReadLetters {
  records: Record<string, unknown>[];
  /** For each record, its letter. */
  owners: DeadLetter[];
  /** Letters that hold no record any more: they fail alone. */
  refused: Map<Failure, DeadLetter>;
}

function readLetters(letters: readonly DeadLetter[]): ReadLetters {
  const read: ReadLetters = { records: [], owners: [], refused: new Map() };
  for (const letter of letters) {
    try {
      read.records.push(payloadOf(letter));
      read.owners.push(letter);
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      const { source_key: sourceKey, stage } = letter;
      read.refused.set({ sourceKey, payload: null, stage, field: null, rule: null, value: null, error }, letter);
    }
  }
  return read;
}

/** What was refused of the same record before says less than what now holds: replayed, it would bring the past back. */
async function resolve(transaction: SqlTransaction, letter: DeadLetter, now: number): Promise<void> {
  const at = new Date(now);
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'resolved', attempts = attempts + 1, replay_log_id = NULL, last_at = ? WHERE id = ?`,
    [at, letter.id],
  );
  if (letter.source_key === null) return;
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
     WHERE mapping_id = ? AND direction = ? AND state = 'open' AND source_key_hash = ? AND id < ?`,
    [at, letter.mapping_id, letter.direction, keyHash(letter.source_key), letter.id],
  );
}
