import { IntegrationError } from '../../model/errors';
import { abandonRun, type Execution } from '../execute';
import { type RunRow, toRun } from './run-rows';

/** Takes a target back to what a run that is over had last committed. */
export async function takeBack(execution: Execution, run: RunRow): Promise<void> {
  await abandonRun({ ...execution, run, signal: new AbortController().signal });
  await forgetTarget(execution, run);
}

/** What earlier runs of this stream could not take back when they ended: their target was away, their worker died. */
export async function takeBackEarlier(execution: Execution): Promise<void> {
  const { database, run } = execution;
  if (run.dryRun) return;
  // What stood before a run that succeeded is part of what that run left, and must not be touched any more.
  const rows = await database.query(
    `SELECT * FROM integration_sync_logs WHERE mapping_id = ? AND direction = ? AND state IN ('failed', 'cancelled')
       AND writer_state IS NOT NULL AND id < ? AND id > (
         SELECT COALESCE(MAX(id), 0) FROM integration_sync_logs
         WHERE mapping_id = ? AND direction = ? AND kind <> 'reconcile' AND dry_run = ?
           AND state IN ('succeeded', 'partial'))
     ORDER BY id DESC`,
    [run.mappingId, run.direction, run.id, run.mappingId, run.direction, false],
  );
  for (const row of rows) {
    const earlier = toRun(row);
    await takeBack(execution, earlier).catch(async (error: unknown) => {
      const failure = IntegrationError.from(error);
      if (failure.class !== 'config') throw failure;
      // What is gone, or belongs to a target that the mapping no longer has, cannot be taken back by anybody, ever.
      await forgetTarget(execution, earlier);
    });
  }
}

async function forgetTarget({ database }: Execution, { id }: RunRow): Promise<void> {
  await database.execute('UPDATE integration_sync_logs SET writer_state = NULL WHERE id = ?', [id]);
}
