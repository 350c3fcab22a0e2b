import { IntegrationError } from '../../model/errors';
import type { Direction, Mapping } from '../../model/mapping';
import type { OverlapPolicy } from '../../model/schedule';
import type { ReplaySelection } from '../../model/services';
import type { RunKind, RunState } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import { type Condition, values, where } from '../../store/lists';
import { streamName } from '../../store/stream-names';
import { reopenChosen } from '../letters/replay';
import { ACTIVE, AWAKE, announceEnd, type Beginning, insertRun, newJobId, newRun, stateList } from './run-rows';
import type { MappedStream } from './streams';

/** Runs of one stream that may wait for each other. */
export const MOST_QUEUED = 100;

/** Queues one run for the chosen dead letters of a stream, and marks them as its own. */
export async function queueReplay(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  chosen: readonly Condition[],
  { mode, created_by: createdBy }: Pick<ReplaySelection, 'mode' | 'created_by'>,
): Promise<string> {
  const now = Date.now();
  const refusal = await secondRunRefusal(transaction, mapping, direction, now);
  if (refusal !== null) throw refusal;
  const jobId = newJobId();
  const runId = await insertRun(
    transaction,
    { ...newRun(mapping, direction, jobId), kind: 'replay', replayMode: mode ?? null, createdBy: createdBy ?? null },
    now,
  );
  const conditions: Condition[] = [...chosen, ['mapping_id = ?', mapping.id], ['direction = ?', direction]];
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'replaying', replay_log_id = ?${where(conditions)}`,
    [runId, ...values(conditions)],
  );
  return jobId;
}

/**
 * One run per mapping and direction at a time, beside those that let others pass: a live one, one that waits for the end of a
 * blackout. Runs inside the transaction that inserts the new one.
 * @param room how many may be there: the new one waits behind them
 * @returns why there must not be another one, or null
 */
export async function secondRunRefusal(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  now: number,
  room = 0,
): Promise<IntegrationError | null> {
  const others = (await activeRuns(transaction, mapping, direction, now)).filter(({ isAwake }) => isAwake);
  const [active] = others;
  if (active === undefined || others.length <= room) return null;
  return new IntegrationError(
    'conflict',
    'PCP_RUN_ACTIVE',
    `Mapping "${mapping.name}" has an ${direction} that is ${active.state}: sync log ${active.id}, job ${active.jobId}.`,
    {
      value: { sync_log_id: active.id, job_id: active.jobId },
      hint: 'Wait for it, or cancel its job. A start with overlap=queue waits behind it, up to 100 do.',
    },
  );
}

/** The row of a stream is a lock, which is held until the transaction ends. */
export async function lockStream(transaction: SqlTransaction, mappingId: number): Promise<void> {
  await transaction.execute('UPDATE integration_stream_locks SET stream = stream WHERE stream = ?', [
    streamName(mappingId),
  ]);
}

/**
 * Of several mappings, always in the same order. Before any row is read: on MariaDB a transaction goes on seeing what it saw
 * first.
 */
export async function lockStreams(transaction: SqlTransaction, mappingIds: Iterable<number>): Promise<void> {
  for (const id of [...new Set(mappingIds)].sort((a, b) => a - b)) await lockStream(transaction, id);
}

interface ActiveRun {
  id: number;
  jobId: string;
  state: RunState;
  kind: RunKind;
  /** False while it waits for the end of a blackout. */
  isAwake: boolean;
}

/** Runs of a stream that write and are not over, oldest first, live ones aside. Until the transaction ends no other is inserted. */
async function activeRuns(
  transaction: SqlTransaction,
  { id }: Pick<Mapping, 'id'>,
  direction: Direction,
  now: number,
): Promise<ActiveRun[]> {
  // Of two starts at the same moment, the second waits here and then sees the first's run.
  await lockStream(transaction, id);
  const rows = await transaction.query(
    `SELECT id, job_id, state, kind, CASE WHEN ${AWAKE} THEN 1 ELSE 0 END AS is_awake FROM integration_sync_logs
     WHERE mapping_id = ? AND direction = ? AND kind NOT IN ('live', 'reconcile') AND state IN (${stateList(ACTIVE)}) ORDER BY id`,
    [now, id, direction],
  );
  return rows.map((row) => ({
    id: Number(row.id),
    jobId: String(row.job_id),
    state: row.state as RunState,
    kind: row.kind as RunKind,
    isAwake: Number(row.is_awake) === 1,
  }));
}

/**
 * What becomes of a run whose stream has others already. Undefined: it may begin, or waits behind them.
 * @param waits it would wait for the end of a blackout: one that does so already is before it
 */
export async function beginningBehind(
  transaction: SqlTransaction,
  { mapping, direction }: MappedStream,
  policy: OverlapPolicy,
  now: number,
  waits = false,
): Promise<Beginning | undefined> {
  const active = (await activeRuns(transaction, mapping, direction, now)).filter(({ isAwake }) => isAwake || waits);
  const [first] = active;
  if (first === undefined) return undefined;
  if (policy === 'cancel_running') {
    // What somebody asked to be replayed is no earlier state of what is read now.
    for (const { id, kind } of active) if (kind === 'sync') await cancelRun(transaction, id, now);
    return undefined;
  }
  const room = { skip: 0, queue_one: 1, queue_all: MOST_QUEUED }[policy];
  if (active.length <= room) return undefined;
  const others = active.length === 1 ? '' : `, with ${active.length - 1} behind it`;
  const failure = new IntegrationError(
    'cancelled',
    'PCP_SKIPPED_OVERLAP',
    `Mapping "${mapping.name}" has an ${direction} that is ${first.state}: sync log ${first.id}${others}.`,
  );
  return { state: 'skipped', failure: failure.toJSON() };
}

/** Ends a run that has not begun; one that has is told to end by its worker. A run that is over stays as it is. */
export async function cancelRun(transaction: SqlTransaction, runId: number, now: number): Promise<void> {
  const ended = await transaction.execute(
    `UPDATE integration_sync_logs SET state = 'cancelled', status = 'error', ended_at = ?, error_class = 'cancelled',
       error_code = 'PCP_CANCELLED', error_message = 'The run was cancelled before it began.', cancel_requested_at = ?,
       next_attempt_at = NULL
     WHERE id = ? AND writer_state IS NULL AND state IN ('queued', 'waiting_retry', 'waiting_quota')`,
    [new Date(now), now, runId],
  );
  if (ended > 0) {
    await reopenChosen(transaction, runId);
    await announceEnd(transaction, runId);
    return;
  }
  await transaction.execute(
    `UPDATE integration_sync_logs SET state = 'cancelling', cancel_requested_at = ?, next_attempt_at = NULL
     WHERE id = ? AND state IN ('queued', 'waiting_retry', 'waiting_quota', 'running')`,
    [now, runId],
  );
}
