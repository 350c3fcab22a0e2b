import type { Direction } from '../../model/mapping';
import type { DeadLetterState } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import { keyHash, type StreamOfRun } from './dead-letters';
import { inChunks, marks } from './value-lists';

/** A record on which both sides agree again closes the conflicts that both directions had with it. */
export async function closeConflicts(
  transaction: SqlTransaction,
  mappingId: number,
  keys: readonly string[],
  now: number,
): Promise<void> {
  for (const chunk of inChunks(keys.map(keyHash))) {
    await transaction.execute(
      `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
       WHERE mapping_id = ? AND state = 'open' AND code = 'PCP_CONFLICT'
         AND source_key_hash IN (${marks(chunk)})`,
      [new Date(now), mappingId, ...chunk],
    );
  }
}

/** A later success of the same record closes what is still open for it, and takes the place of what somebody corrected. */
export async function supersede(
  transaction: SqlTransaction,
  stream: StreamOfRun,
  hashes: string[],
  now: number,
): Promise<void> {
  for (const chunk of inChunks(hashes)) {
    await transaction.execute(
      `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
       WHERE mapping_id = ? AND direction = ? AND (state IN ('open', 'replaying') OR (state = 'resolved' AND edited = ?))
         AND source_key_hash IN (${marks(chunk)})`,
      [new Date(now), stream.mappingId, stream.direction, true, ...chunk],
    );
  }
}

/** What was corrected was given to a target that is another one now. */
export async function forgetCorrections(
  transaction: SqlTransaction,
  { mappingId, direction }: Pick<StreamOfRun, 'mappingId' | 'direction'>,
): Promise<void> {
  await transaction.execute(
    `UPDATE integration_dead_letters SET state = 'superseded'
     WHERE mapping_id = ? AND direction = ? AND state = 'resolved' AND edited = ?`,
    [mappingId, direction, true],
  );
}

/**
 * Keys of the records of a stream that are open or being replayed.
 * @param corrected also of those that the target was given as somebody corrected them
 */
export async function openKeys(
  database: SqlTransaction,
  mappingId: number,
  direction: Direction,
  corrected = false,
): Promise<Set<string>> {
  const states: DeadLetterState[] = ['open', 'replaying', ...(corrected ? (['resolved'] as const) : [])];
  const rows = await database.query(
    `SELECT DISTINCT source_key_hash FROM integration_dead_letters
     WHERE mapping_id = ? AND direction = ? AND state IN (${marks(states)}) AND (state <> 'resolved' OR edited = ?)
       AND source_key_hash IS NOT NULL`,
    [mappingId, direction, ...states, true],
  );
  return new Set(rows.map((row) => String(row.source_key_hash)));
}
