import { IntegrationError } from '../model/errors';
import type { Direction } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { MovedTarget } from '../model/services';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import type { Execution } from './execute';
import { forgetCorrections } from './letters/closing';
import { isElsewhere, placeOfText, placeText } from './place';
import { takesTwice } from './writes/guarantee';
import { forgetTarget } from './writes/links';

/**
 * The target is another place than in the run before: what it was given is forgotten, so that it is given everything. Where a
 * record cannot be given twice without harm, only a person knows whether another address is another system.
 * @throws config PCP_TARGET_MOVED
 */
export async function leaveTarget(execution: Execution, before: string): Promise<void> {
  const { database, lease, run, mapping, stream } = execution;
  const { target } = stream.places;
  if (!takesTwice(stream.guarantee) && placeOfText(before).entity === target.entity) {
    throw new IntegrationError(
      'config',
      'PCP_TARGET_MOVED',
      phrase`The connection that mapping "${mapping.name}" writes to points to another address than in its last run.`,
      {
        hint: `Say which it is, before anything is sent: POST /integrations/mappings/${mapping.id}/target with {"is": "same"} (the same system under a new address) or {"is": "other"} (another system, which is to get every record).`,
      },
    );
  }
  if (run.dryRun) return;
  await database.transaction(async (transaction) => {
    await lease.assertHeld(transaction);
    await beginAnew(transaction, run.mappingId, run.direction, placeText(target));
  });
}

/**
 * Before records are sent that no run has read just now: what is known of the target was learnt at the place of the last run.
 * @throws config PCP_TARGET_MOVED
 */
export async function followTarget(execution: Execution): Promise<void> {
  const { database, run, stream } = execution;
  const [row] = await database.query(
    'SELECT target_place FROM integration_checkpoints WHERE mapping_id = ? AND direction = ?',
    [run.mappingId, run.direction],
  );
  if (row === undefined || !isElsewhere(row.target_place, stream.places.target)) return;
  await leaveTarget(execution, String(row.target_place));
}

/** What a person says of targets that have moved. */
export async function decideTarget(database: SqlDatabase, mappingId: number, is: MovedTarget): Promise<void> {
  await database.transaction(async (transaction) => {
    if (is === 'same') {
      await transaction.execute('UPDATE integration_checkpoints SET target_place = NULL WHERE mapping_id = ?', [
        mappingId,
      ]);
      return;
    }
    for (const direction of ['import', 'export'] as const) await beginAnew(transaction, mappingId, direction, null);
  });
}

/** In one transaction with the reading anew: a run that is killed now must not go on from the old checkpoint. */
async function beginAnew(
  transaction: SqlTransaction,
  mappingId: number,
  direction: Direction,
  targetPlace: string | null,
): Promise<void> {
  await forgetTarget(transaction, { mappingId, direction });
  await forgetCorrections(transaction, { mappingId, direction });
  await transaction.execute(
    'UPDATE integration_checkpoints SET target_place = ?, mapping_version = 0 WHERE mapping_id = ? AND direction = ?',
    [targetPlace, mappingId, direction],
  );
}
