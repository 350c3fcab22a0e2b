import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { deleteRows } from './rows';
import { heldBy, streamName } from './stream-names';

/**
 * Takes mappings away with what the engine keeps for them. A run in progress is ended here; it loses its lease with the
 * stream's row and stops at its next commit. Sync logs stay; open dead letters are discarded, since nothing could replay them.
 */
export async function deleteMappings(database: SqlDatabase, transaction: SqlTransaction, ids: number[]): Promise<void> {
  for (const id of ids) {
    await deleteRows(database, transaction, 'integration_stream_locks', { stream: streamName(id) });
    const comparing = heldBy({ mappingId: id, kind: 'reconcile' });
    await deleteRows(database, transaction, 'integration_stream_locks', { stream: comparing });
    await transaction.execute(
      `DELETE FROM integration_reconciliation_keys WHERE reconciliation_id IN (
         SELECT id FROM integration_reconciliations WHERE mapping_id = ?)`,
      [id],
    );
    await deleteRows(database, transaction, 'integration_reconciliations', { mapping_id: id });
    await deleteRows(database, transaction, 'integration_checkpoints', { mapping_id: id });
    await deleteRows(database, transaction, 'integration_arrivals', { mapping_id: id });
    await deleteRows(database, transaction, 'integration_record_links', { mapping_id: id });
    await transaction.execute(
      `UPDATE integration_dead_letters SET state = 'discarded', note = ?, last_at = ?
       WHERE mapping_id = ? AND state IN ('open', 'replaying')`,
      ['The mapping was deleted.', new Date(), id],
    );
    // Without its stream no worker could take a run over, and it would seem to go on for ever.
    await transaction.execute(
      `UPDATE integration_sync_logs SET state = 'cancelled', status = 'error', ended_at = ?, next_attempt_at = NULL,
         error_class = 'cancelled', error_code = 'PCP_MAPPING_DELETED', error_message = ?
       WHERE mapping_id = ? AND status = 'in_progress'`,
      [new Date(), 'The mapping was deleted during the run.', id],
    );
    await deleteRows(database, transaction, 'integration_mappings', { id });
  }
}
