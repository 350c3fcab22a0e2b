import { IntegrationError } from '../../model/errors';
import type { Direction, Mapping } from '../../model/mapping';
import type { OverlapPolicy } from '../../model/schedule';
import type { ReplaySelection } from '../../model/services';
import type { RunState } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import { type Condition, values, where } from '../../store/lists';
import { reopenChosen } from '../letters/replay';
import { streamName } from './lease';
import { ACTIVE, type Beginning, insertRun, newJobId, newRun, type RunRow, stateList } from './run-rows';

/** Runs of one stream that may wait for each other. */
const MOST_QUEUED = 100;

/** Queues one run for the chosen dead letters of a stream, and marks them as its own. */
export async function queueReplay(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  chosen: readonly Condition[],
  { mode, created_by: createdBy }: Pick<ReplaySelection, 'mode' | 'created_by'>,
): Promise<string> {
  await refuseSecondRun(transaction, mapping, direction);
  const jobId = newJobId();
  const runId = await insertRun(
    transaction,
    { ...newRun(mapping, direction, jobId), kind: 'replay', replayMode: mode ?? null, createdBy: createdBy ?? null },
    Date.now(),
  );
  const conditions: Condition[] = [...chosen, ['mapping_id = ?', mapping.id], ['direction = ?', direction]];
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'replaying', replay_log_id = ?${where(conditions)}`,
    [runId, ...values(conditions)],
  );
  return jobId;
}

/**
 * One run per mapping and direction at a time, beside a live one, which makes way for others. Runs inside the transaction that
 * inserts the new one.
 */
export async function refuseSecondRun(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
): Promise<void> {
  const [active] = await activeRuns(transaction, mapping, direction);
  if (active === undefined) return;
  throw new IntegrationError(
    'conflict',
    'PCP_RUN_ACTIVE',
    `Mapping "${mapping.name}" has an ${direction} that is ${active.state}: sync log ${active.id}, job ${active.job_id}.`,
    {
      value: { sync_log_id: active.id, job_id: active.job_id },
      hint: 'Wait for it, or cancel its job.',
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

/** Runs of a stream that are not over, oldest first, live ones aside. Until the transaction ends no other is inserted. */
export async function activeRuns(
  transaction: SqlTransaction,
  { id }: Pick<Mapping, 'id'>,
  direction: Direction,
): Promise<{ id: number; job_id: string; state: RunState }[]> {
  // Of two starts at the same moment, the second waits here and then sees the first's run.
  await lockStream(transaction, id);
  const rows = await transaction.query(
    `SELECT id, job_id, state FROM integration_sync_logs WHERE mapping_id = ? AND direction = ? AND kind <> 'live'
       AND state IN (${stateList(ACTIVE)}) ORDER BY id`,
    [id, direction],
  );
  return rows.map((row) => ({ id: Number(row.id), job_id: String(row.job_id), state: row.state as RunState }));
}

/** What becomes of a run whose stream has others already. Undefined: it may begin, or waits behind them. */
export async function beginningBehind(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  policy: OverlapPolicy,
  now: number,
): Promise<Beginning | undefined> {
  const active = await activeRuns(transaction, mapping, direction);
  const [first] = active;
  if (first === undefined) return undefined;
  if (policy === 'cancel_running') {
    for (const { id } of active) await cancelRun(transaction, id, now);
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

/** Of the runs that are not over, oldest first, those that may be worked on: runs of a stream go one after the other, also while the first of them waits; live ones make way by themselves. */
export function withoutFollowers(runs: readonly RunRow[]): RunRow[] {
  const streams = new Set<string>();
  return runs.filter(({ kind, mappingId, direction }) => {
    const stream = `${mappingId} ${direction}`;
    if (kind === 'live') return true;
    if (streams.has(stream)) return false;
    streams.add(stream);
    return true;
  });
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
    return;
  }
  await transaction.execute(
    `UPDATE integration_sync_logs SET state = 'cancelling', cancel_requested_at = ?, next_attempt_at = NULL
     WHERE id = ? AND state IN ('queued', 'waiting_retry', 'waiting_quota', 'running')`,
    [now, runId],
  );
}
