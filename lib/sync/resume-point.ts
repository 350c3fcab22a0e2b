import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { Cursor } from '../model/sync';
import { type Execution, readsChanges } from './execute';
import { leaveTarget } from './moved-target';
import { isElsewhere } from './place';
import type { Checkpoint } from './writes/commit';

export interface ResumePoint {
  cursor: Cursor | null;
  /** The target is another place than the one that was given what is known of it. */
  targetMoved: boolean;
}

/**
 * Where to read on: this run's own checkpoint after an interruption; the last one of an incremental mapping; else the
 * beginning, also when one of the two ends is another place by now. A dry run reads everything.
 * @throws config PCP_MAPPING_CHANGED, PCP_TARGET_MOVED
 */
export async function resumePoint(execution: Execution): Promise<ResumePoint> {
  const { run, mapping, stream, database } = execution;
  const [row] = await database.query(
    `SELECT ${database.quote('cursor')}, run_id, mapping_version, source_place, target_place
     FROM integration_checkpoints WHERE mapping_id = ? AND direction = ?`,
    [run.mappingId, run.direction],
  );
  if (row === undefined) return { cursor: null, targetMoved: false };
  const checkpoint = JSON.parse(String(row.cursor)) as Checkpoint;
  const targetMoved = isElsewhere(row.target_place, stream.places.target);
  // A mapping that reads other records, or reads them otherwise, begins anew: what is unchanged costs a look each.
  const isSame =
    Number(row.mapping_version) === mapping.version &&
    !isElsewhere(row.source_place, stream.places.source) &&
    !targetMoved;
  const isOwn = Number(row.run_id) === run.id && run.kind !== 'live';
  if (isOwn && !isSame) {
    throw new IntegrationError(
      'config',
      'PCP_MAPPING_CHANGED',
      phrase`Mapping "${mapping.name}", or where its connections point to, was changed while its run was interrupted.`,
      { hint: 'Start the mapping again: it reads everything under its new version.' },
    );
  }
  if (targetMoved) await leaveTarget(execution, String(row.target_place));
  // Of a live stream it only tells what of the spool was committed.
  const goesOn = isOwn || run.kind === 'live';
  const readsOn = isSame && readsChanges(execution) && !run.full && checkpoint.mode === 'incremental';
  return { cursor: !run.dryRun && (goesOn || readsOn) ? checkpoint.cursor : null, targetMoved };
}
