import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { WORKER } from '../../store/worker-name';
import { beginAttempt } from './attempts';
import { ACTIVE, AWAKE, COUNTERS, type RunRow, stateList, toRun } from './run-rows';

/**
 * Runs that are not over and that no other of their stream goes before, by id. One that has begun goes first, also while it
 * waits; one that waits for the end of a blackout lets others pass. Live ones make way by themselves, comparisons are in nobody's.
 */
export async function firstOfStreams(database: SqlDatabase, now: number): Promise<RunRow[]> {
  const active = `state IN (${stateList(ACTIVE)})`;
  const rows = await database.query(
    `SELECT * FROM integration_sync_logs WHERE ${active} AND (kind = 'live' OR id IN (
       SELECT COALESCE(MIN(CASE WHEN fence > 0 THEN id END), MIN(CASE WHEN ${AWAKE} THEN id END), MIN(id))
       FROM integration_sync_logs WHERE ${active} AND kind <> 'live'
       GROUP BY mapping_id, direction, CASE WHEN kind = 'reconcile' THEN 1 ELSE 0 END)) ORDER BY id`,
    [now],
  );
  return rows.map(toRun);
}

/** Moves a run to this worker: what ended its last attempt is history. What writes nothing begins its counting anew. */
export async function claimRun(transaction: SqlTransaction, run: RunRow, fence: number, now: number): Promise<boolean> {
  const restart =
    run.dryRun || run.kind === 'reconcile' ? `, ${COUNTERS.map((name) => `c_${name} = 0`).join(', ')}` : '';
  const changed = await transaction.execute(
    `UPDATE integration_sync_logs
     SET state = CASE WHEN state = 'cancelling' THEN 'cancelling' ELSE 'running' END, fence = ?, worker = ?,
       attempts = attempts + 1, no_progress = no_progress + 1, next_attempt_at = NULL, updated_at = ?,
       error_class = NULL, error_code = NULL, error_message = NULL, hint = NULL${restart}
     WHERE id = ? AND (state IN ('queued', 'waiting_retry', 'waiting_quota')
       OR (state IN ('running', 'cancelling') AND fence < ?))`,
    [fence, WORKER, now, run.id, fence],
  );
  if (changed !== 1) return false;
  await beginAttempt(transaction, run.id, fence, now);
  return true;
}
