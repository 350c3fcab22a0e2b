import { IntegrationError } from '../model/errors';
import type { Direction, Mapping } from '../model/mapping';
import type { SqlTransaction } from '../protocols/sql/database';
import { streamName } from './lease';
import { type Condition, values, where } from './lists';
import { ACTIVE, insertRun, newJobId, stateList } from './run-rows';

/** Queues one run for the chosen dead letters of a stream, and marks them as its own. */
export async function queueReplay(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  chosen: readonly Condition[],
  createdBy: string | null,
): Promise<string> {
  await refuseSecondRun(transaction, mapping, direction);
  const jobId = newJobId();
  const runId = await insertRun(
    transaction,
    {
      jobId,
      connectionId: mapping.connection_id,
      mappingId: mapping.id,
      mappingVersion: mapping.version,
      direction,
      kind: 'replay',
      full: false,
      dryRun: false,
      createdBy,
    },
    Date.now(),
  );
  const conditions: Condition[] = [...chosen, ['mapping_id = ?', mapping.id], ['direction = ?', direction]];
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'replaying', replay_log_id = ?${where(conditions)}`,
    [runId, ...values(conditions)],
  );
  return jobId;
}

/** One run per mapping and direction at a time. Runs inside the transaction that inserts the new one. */
export async function refuseSecondRun(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
): Promise<void> {
  // The stream's row is a lock: of two starts at the same moment, the second waits here and then sees the first's run.
  await transaction.execute('UPDATE integration_stream_locks SET stream = stream WHERE stream = ?', [
    streamName(mapping.id, direction),
  ]);
  const [active] = await transaction.query(
    `SELECT id, job_id, state FROM integration_sync_logs WHERE mapping_id = ? AND direction = ? AND state IN (${stateList(ACTIVE)})`,
    [mapping.id, direction],
  );
  if (active === undefined) return;
  throw new IntegrationError(
    'conflict',
    'PCP_RUN_ACTIVE',
    `Mapping "${mapping.name}" has an ${direction} that is ${active.state}: sync log ${active.id}, job ${active.job_id}.`,
    {
      value: { sync_log_id: Number(active.id), job_id: String(active.job_id) },
      hint: 'Wait for it, or cancel its job.',
    },
  );
}
