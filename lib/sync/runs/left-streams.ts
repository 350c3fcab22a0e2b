import { IntegrationError } from '../../model/errors';
import type { SqlDatabase } from '../../protocols/sql/database';
import { streamName } from '../../store/stream-names';
import { endAttempt } from './attempts';
import { Lease } from './lease';
import { ACTIVE, getRun, stateList } from './run-rows';
import { type End, settle } from './settle';

/**
 * Ends the open runs of mappings that are not live any more, or not active, and whose worker is away: it cannot end them, and
 * nobody else goes on with them.
 * @returns their jobs
 */
export async function settleLeftStreams(database: SqlDatabase, now: number): Promise<string[]> {
  const rows = await database.query(
    `SELECT r.id, r.mapping_id, r.job_id FROM integration_sync_logs r
       JOIN integration_mappings m ON m.id = r.mapping_id
       JOIN integration_connections c ON c.id = m.connection_id
     WHERE r.kind = 'live' AND r.state IN (${stateList(ACTIVE)})
       AND (m.sync_mode <> 'live' OR m.is_active = ? OR c.is_active = ?)`,
    [false, false],
  );
  const jobs: string[] = [];
  for (const row of rows) {
    if (await settleLeft(database, Number(row.mapping_id), Number(row.id), now)) jobs.push(String(row.job_id));
  }
  return jobs;
}

/**
 * Ends an open run that nobody holds.
 * @returns whether it was nobody's
 */
export async function settleLeft(
  database: SqlDatabase,
  mappingId: number,
  runId: number,
  now: number,
): Promise<boolean> {
  const end: End = {
    state: 'cancelled',
    nextAttemptAt: null,
    uncounted: false,
    failure: new IntegrationError('cancelled', 'PCP_STREAM_GONE', 'The mapping is not live here any more.'),
  };
  const lease = await Lease.acquire(
    database,
    streamName(mappingId),
    runId,
    async (transaction, fence) => {
      const run = await getRun(transaction, runId);
      if (!ACTIVE.includes(run.state)) return false;
      await endAttempt(transaction, run, end, now);
      await transaction.execute('UPDATE integration_sync_logs SET fence = ? WHERE id = ?', [fence, runId]);
      await settle(transaction, { ...run, fence }, end, now);
      return true;
    },
    async () => undefined,
  );
  if (lease === null) return false;
  lease.stop();
  await database.transaction((transaction) => lease.release(transaction));
  return true;
}
