import { isOwnThrift } from '../../protocols/http/budget';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { connectionOf } from './blame';
import { LONGEST_ASKED_PAUSE_MS } from './retry';
import { type RunRow, stateList } from './run-rows';
import type { End } from './settle';

/** Attempts in a row that failed before the other side is left alone for a while. */
const FAILURES_BEFORE_PAUSE = 5;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
const PAUSED = 'PCP_CONNECTION_PAUSED';

/** A connection that is left alone: the other side asked for it, or keeps failing. */
export interface Pause {
  connectionId: number;
  /** Epoch milliseconds. Once it has passed one run tries, and the others follow when that works. */
  until: number;
  reason: string;
}

/** All pauses, those included that have passed and wait for a run that works. By connection. */
export async function pauses(database: SqlTransaction): Promise<Map<number, Pause>> {
  const rows = await database.query(
    'SELECT connection_id, paused_until, reason FROM integration_connection_pauses WHERE paused_until IS NOT NULL',
  );
  return new Map(
    rows.map((row) => {
      const connectionId = Number(row.connection_id);
      return [connectionId, { connectionId, until: Number(row.paused_until), reason: String(row.reason) }];
    }),
  );
}

/**
 * Learns from the end of an attempt how the other side is (SEMANTICS 2.8, circuit breaker). What is kept is shared by all
 * workers. An attempt that ended well has shown that both of its ends work.
 */
export async function noteAttempt(
  transaction: SqlTransaction,
  run: RunRow,
  ends: readonly number[],
  { failure, uncounted }: End,
  now: number,
): Promise<void> {
  const asked = failure?.class === 'rate_limit' && failure.retryAfterMs !== undefined;
  // What was cut short says nothing about the other side, unless that is what cut it short.
  if (uncounted && !asked) return;
  if (failure === undefined) return noteWorking(transaction, ends, now);
  // A wrong mapping or record, a safety limit, a wish to cancel say nothing about it either, and nor does the store.
  const connectionId = connectionOf(failure);
  if (connectionId === undefined || !ends.includes(connectionId)) return;
  if (failure.class !== 'transient' && failure.class !== 'rate_limit') return;
  if (isOwnThrift(failure)) return;
  const [row] = await transaction.query(
    'SELECT failures, paused_until FROM integration_connection_pauses WHERE connection_id = ?',
    [connectionId],
  );
  // An attempt that committed something has shown that the other side is there.
  const before = run.withoutProgress > 0 ? Number(row?.failures ?? 0) : 0;
  const failures = asked ? before : before + 1;
  const surplus = failures - FAILURES_BEFORE_PAUSE;
  const pause = asked
    ? Math.min(LONGEST_ASKED_PAUSE_MS, failure.retryAfterMs ?? 0)
    : surplus < 0
      ? null
      : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** surplus);
  // Runs that were in flight together end one after the other: none takes back what another was told.
  const until = Math.max(Number(row?.paused_until ?? 0), pause === null ? 0 : now + pause);
  await transaction.upsert({
    table: { name: 'integration_connection_pauses' },
    columns: ['connection_id', 'failures', 'paused_until', 'reason'],
    keyColumns: ['connection_id'],
    rows: [[connectionId, failures, until === 0 ? null : until, failure.message]],
  });
}

/** Forgets the failures of connections that were seen to work, unless they asked to be left alone for longer. */
export async function noteWorking(database: SqlTransaction, ends: readonly number[], now: number): Promise<void> {
  await database.execute(
    `DELETE FROM integration_connection_pauses
     WHERE connection_id IN (${ends.map(() => '?').join(', ')}) AND (paused_until IS NULL OR paused_until <= ?)`,
    [...ends, now],
  );
}

/** The other side was seen to work: what waits for it goes on. */
export async function endPause(database: SqlDatabase, connectionId: number): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.execute('DELETE FROM integration_connection_pauses WHERE connection_id = ?', [connectionId]);
    await transaction.execute(
      `UPDATE integration_sync_logs SET next_attempt_at = NULL
       WHERE error_code = '${PAUSED}' AND state = 'waiting_quota' AND (connection_id = ?
         OR mapping_id IN (SELECT id FROM integration_mappings WHERE peer_connection_id = ?))`,
      [connectionId, connectionId],
    );
  });
}

/** Lets a run wait for the end of a pause, or for the run that finds out whether it is over, and says why. */
export async function waitForPause(
  database: SqlTransaction,
  run: RunRow,
  { until, reason }: Pause,
  now: number,
): Promise<boolean> {
  const isOver = until <= now;
  const why = isOver
    ? 'Another run finds out whether the connection works again.'
    : `The connection is left alone until ${new Date(until).toISOString()}.`;
  const message = `${why} Last: ${reason}`;
  if (run.state === 'waiting_quota' && run.errorMessage === message) return false;
  const changed = await database.execute(
    `UPDATE integration_sync_logs SET state = 'waiting_quota', next_attempt_at = ?, error_class = 'transient',
       error_code = '${PAUSED}', error_message = ?, hint = ?
     WHERE id = ? AND state IN (${stateList(['queued', 'waiting_retry', 'waiting_quota'])})`,
    [
      isOver ? null : until,
      message,
      'It goes on by itself. A successful test of the connection ends the pause at once.',
      run.id,
    ],
  );
  return changed === 1;
}
