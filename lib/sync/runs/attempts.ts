import type { ErrorClass } from '../../model/errors';
import type { RunState, SyncAttempt, SyncLog } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import { WORKER } from '../../store/worker-name';
import { kept, type RunRow, saidOf, text } from './run-rows';
import type { End } from './settle';

/** Notes that this worker begins an attempt of a run. */
export async function beginAttempt(
  transaction: SqlTransaction,
  runId: number,
  fence: number,
  now: number,
): Promise<void> {
  await transaction.execute(
    'INSERT INTO integration_sync_attempts (sync_log_id, fence, worker, started_at) VALUES (?, ?, ?, ?)',
    [runId, fence, WORKER, now],
  );
}

/**
 * Notes how it ended. One that was not counted because it waited is forgotten: a run may wait for a file a thousand times. One
 * that Node-RED's stop interrupted did part of the work.
 */
export async function endAttempt(
  transaction: SqlTransaction,
  { id, fence }: RunRow,
  { state, uncounted, failure }: End,
  now: number,
): Promise<void> {
  const which = 'WHERE sync_log_id = ? AND fence = ?';
  if (uncounted && state !== 'queued') {
    await transaction.execute(`DELETE FROM integration_sync_attempts ${which}`, [id, fence]);
    return;
  }
  await transaction.execute(
    `UPDATE integration_sync_attempts SET ended_at = ?, state = ?, error_class = ?, error_code = ?, error_message = ?, error_said = ?
     ${which}`,
    [
      now,
      state,
      failure?.class ?? null,
      failure?.code ?? null,
      failure?.message ?? null,
      kept(failure?.said),
      id,
      fence,
    ],
  );
}

/** Adds its attempts to each log. */
export async function withAttempts(
  database: Pick<SqlTransaction, 'query'>,
  logs: readonly SyncLog[],
): Promise<SyncLog[]> {
  if (logs.length === 0) return [];
  const rows = await database.query(
    `SELECT * FROM integration_sync_attempts WHERE sync_log_id IN (${logs.map(({ id }) => id).join(', ')}) ORDER BY fence`,
  );
  const byLog = Map.groupBy(rows, (row) => Number(row.sync_log_id));
  return logs.map((log) => {
    const history = (byLog.get(log.id) ?? []).map((row): SyncAttempt => {
      return {
        started_at: new Date(Number(row.started_at)).toISOString(),
        ended_at: row.ended_at === null ? null : new Date(Number(row.ended_at)).toISOString(),
        worker: String(row.worker),
        state: text(row.state) as RunState | null,
        error_class: text(row.error_class) as ErrorClass | null,
        error_code: text(row.error_code),
        error_message: text(row.error_message),
        ...saidOf(row),
      };
    });
    return { ...log, details: { ...log.details, history } };
  });
}
