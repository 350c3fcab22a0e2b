import { IntegrationError } from '../../model/errors';
import type { DependencyOutcome, Mapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { RunState } from '../../model/sync';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { streamName } from '../../store/stream-names';
import { ensureStream } from './lease';
import { beginningBehind, lockStreams } from './queue';
import { ACTIVE, type Beginning, ENDED, insertRun, newRun, type RunRow } from './run-rows';
import { streamsOf } from './streams';

export interface FollowerOptions {
  database: SqlDatabase;
  mapping(id: number): Promise<Mapping>;
  /** Refuses a mapping that must not be started. @throws config */
  check(mapping: Mapping): Promise<void>;
}

/** A run that is over, as those who follow see it. */
export type Leader = Pick<RunRow, 'jobId' | 'mappingId' | 'full' | 'dryRun'> &
  Partial<Pick<RunRow, 'cancelRequestedAt'>>;

/** The states of a leader that let its followers run. */
const GOES_ON: Record<DependencyOutcome, readonly RunState[]> = {
  success: ['succeeded'],
  success_or_partial: ['succeeded', 'partial'],
  completed: ['succeeded', 'partial', 'failed', 'skipped'],
};

/** Active mappings of active connections that depend on others, and what keeps them from being started. */
export type Followers = ReadonlyMap<number, { mapping: Mapping; refusal?: IntegrationError | undefined }>;

/** To be read before the transaction that ends a run: which mappings may have to be started by it. */
export async function followersOf(options: FollowerOptions): Promise<Followers> {
  const { database, check } = options;
  const rows = await database.query(
    `SELECT m.id FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id
     WHERE m.depends_on IS NOT NULL AND m.depends_on <> '[]' AND m.is_active = ? AND c.is_active = ? ORDER BY m.id`,
    [true, true],
  );
  const found = new Map<number, { mapping: Mapping; refusal?: IntegrationError | undefined }>();
  for (const row of rows) {
    const mapping = await options.mapping(Number(row.id)).catch((error: unknown) => {
      // Deleted meanwhile.
      if (IntegrationError.from(error).code === 'PCP_NOT_FOUND') return null;
      throw error;
    });
    if (mapping === null || mapping.sync_mode === 'live') continue;
    await ensureStream(database, streamName(mapping.id));
    const refusal = await check(mapping).then(
      () => undefined,
      (error: unknown) => {
        const refused = IntegrationError.from(error);
        if (refused.class === 'transient') throw error;
        return refused;
      },
    );
    found.set(mapping.id, { mapping, refusal });
  }
  return found;
}

/**
 * Begins a transaction that ends a run of this mapping: of two runs that one mapping waits for, the second to end sees the
 * first. No row may have been read before.
 */
export async function lockFollowers(
  transaction: SqlTransaction,
  followers: Followers,
  mappingId: number,
): Promise<void> {
  await lockStreams(transaction, [mappingId, ...comingAfter(followers, new Set([mappingId]))]);
}

/** Continues a job after one of its runs: mappings whose leaders in it all came to what they want are started, the others skipped. */
export async function startFollowers(
  transaction: SqlTransaction,
  followers: Followers,
  leader: Leader,
  now: number,
): Promise<void> {
  // It was to end, and had nothing left to do.
  if (typeof leader.cancelRequestedAt === 'number') return;
  for (const { mapping, refusal } of followers.values()) {
    if (!mapping.depends_on.includes(leader.mappingId)) continue;
    const runs = await transaction.query('SELECT mapping_id, state FROM integration_sync_logs WHERE job_id = ?', [
      leader.jobId,
    ]);
    const present = new Set(runs.map(({ mapping_id }) => Number(mapping_id)));
    const coming = comingAfter(followers, present);
    if (present.has(mapping.id) || mapping.depends_on.some((id) => coming.has(id))) continue;
    const leaders = runs.filter(({ mapping_id }) => mapping.depends_on.includes(Number(mapping_id)));
    const states = leaders.map(({ state }) => state as RunState);
    // A job that was cancelled ends there.
    if (states.some((state) => ACTIVE.includes(state) || state === 'cancelled')) continue;
    const goesOn = GOES_ON[mapping.options.depends_on_outcome ?? 'success_or_partial'];
    const failed = leaders.find(({ state }) => !goesOn.includes(state as RunState));
    await insertFollower(transaction, followers, mapping, leader, now, refusal, failed && Number(failed.mapping_id));
  }
}

/** Mappings that follow in a job sooner or later, itself or by others that do. */
export function comingAfter(followers: Followers, present: ReadonlySet<number>): Set<number> {
  const coming = new Set<number>();
  let found: number;
  do {
    found = coming.size;
    for (const { mapping } of followers.values()) {
      const follows = mapping.depends_on.some((id) => present.has(id) || coming.has(id));
      if (follows && !present.has(mapping.id)) coming.add(mapping.id);
    }
  } while (coming.size > found);
  return coming;
}

async function insertFollower(
  transaction: SqlTransaction,
  followers: Followers,
  mapping: Mapping,
  { jobId, full, dryRun }: Leader,
  now: number,
  refusal: IntegrationError | undefined,
  failed: number | undefined,
): Promise<void> {
  let isOver = false;
  for (const stream of streamsOf(mapping)) {
    const overlap = mapping.schedule_options.overlap ?? 'queue_one';
    const begins: Beginning | undefined =
      failed !== undefined
        ? upstream(failed)
        : refusal !== undefined
          ? { state: 'failed', failure: refusal.toJSON() }
          : await beginningBehind(transaction, stream, overlap, now);
    await insertRun(
      transaction,
      { ...newRun(mapping, stream.direction, jobId), full, dryRun, trigger: 'mapping' },
      now,
      begins,
    );
    isOver ||= begins !== undefined && ENDED.includes(begins.state);
  }
  if (isOver) await startFollowers(transaction, followers, { jobId, mappingId: mapping.id, full, dryRun }, now);
}

function upstream(mappingId: number): Beginning {
  const failure = new IntegrationError(
    'cancelled',
    'PCP_SKIPPED_UPSTREAM',
    phrase`Mapping ${mappingId}, which it depends on, did not go through.`,
  );
  return { state: 'skipped', failure: failure.toJSON() };
}
