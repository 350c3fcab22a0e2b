import type { Direction } from '../../model/mapping';
import type { SqlTransaction } from '../../protocols/sql/database';
import { ACTIVE, insertRun, newJobId, type RunRow, stateList, truth } from '../runs/run-rows';
import { copyKeys, insertReconciliation, reconciliationOfRun, TABLE } from './rows';

/**
 * Once a repair has gone over, what it was about is looked at again: nobody is told for a week of differences that are gone.
 * In the transaction that ends a run of the repair, whose stream is locked.
 */
export async function lookAtRepaired(transaction: SqlTransaction, run: RunRow, now: number): Promise<void> {
  const runs = await transaction.query('SELECT state FROM integration_sync_logs WHERE job_id = ?', [run.jobId]);
  const states = new Set(runs.map(({ state }) => state));
  // Of a mapping that goes both ways the other direction may still be at it.
  if (ACTIVE.some((state) => states.has(state)) || !(states.has('succeeded') || states.has('partial'))) return;
  const [repaired] = await transaction.query(
    `SELECT * FROM ${TABLE} r WHERE r.repair_job_id = ? AND NOT EXISTS (
       SELECT 1 FROM integration_sync_logs l WHERE l.mapping_id = r.mapping_id AND l.direction = r.direction
         AND l.kind = 'reconcile' AND l.state IN (${stateList(ACTIVE)}))`,
    [run.jobId],
  );
  // One that goes on anyway tells as much.
  if (repaired === undefined) return;
  const { connectionId, mappingId, trigger } = run;
  const mappingVersion = Number(repaired.mapping_version);
  const stream = { connectionId, mappingId, direction: repaired.direction as Direction, jobId: newJobId() };
  const asked = { kind: 'reconcile' as const, full: false, dryRun: false, createdBy: null, mappingVersion };
  const id = await insertRun(transaction, { ...stream, ...asked, trigger: trigger ?? undefined }, now);
  const from = Number(repaired.id);
  // Where there were more differences than were kept, it looks at everything.
  const isComplete = truth(repaired.is_complete);
  await insertReconciliation(
    transaction,
    {
      ...{ run: { ...stream, id }, mappingVersion, trigger, createdBy: null, dueAt: null },
      ...{ action: 'report', settleSeconds: Number(repaired.settle_seconds) },
      ...(isComplete && { repairOf: from, settledAt: now }),
    },
    now,
  );
  if (isComplete) await copyKeys(transaction, from, (await reconciliationOfRun(transaction, id)).id);
}
