import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
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
 * workers.
 */
export async function noteAttempt(
  transaction: SqlTransaction,
  run: RunRow,
  { failure, uncounted }: End,
  now: number,
): Promise<void> {
  const { connectionId } = run;
  const asked = failure?.class === 'rate_limit' && failure.retryAfterMs !== undefined;
  // What was cut short says nothing about the other side, unless that is what cut it short.
  if ((uncounted && !asked) || failure?.class === 'cancelled') return;
  if (failure === undefined || (failure.class !== 'transient' && failure.class !== 'rate_limit')) {
    await transaction.execute('DELETE FROM integration_connection_pauses WHERE connection_id = ?', [connectionId]);
    return;
  }
  const [row] = await transaction.query('SELECT failures FROM integration_connection_pauses WHERE connection_id = ?', [
    connectionId,
  ]);
  // An attempt that committed something has shown that the other side is there.
  const before = run.withoutProgress > 0 ? Number(row?.failures ?? 0) : 0;
  const failures = asked ? before : before + 1;
  const surplus = failures - FAILURES_BEFORE_PAUSE;
  const pause = asked
    ? (failure.retryAfterMs ?? 0)
    : surplus < 0
      ? null
      : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** surplus);
  await transaction.upsert({
    table: { name: 'integration_connection_pauses' },
    columns: ['connection_id', 'failures', 'paused_until', 'reason'],
    keyColumns: ['connection_id'],
    rows: [[connectionId, failures, pause === null ? null : now + pause, failure.message]],
  });
}

/** The other side was seen to work: what waits for it goes on. */
export async function endPause(database: SqlDatabase, connectionId: number): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.execute('DELETE FROM integration_connection_pauses WHERE connection_id = ?', [connectionId]);
    await transaction.execute(
      `UPDATE integration_sync_logs SET next_attempt_at = NULL WHERE connection_id = ? AND error_code = '${PAUSED}'
         AND state = 'waiting_quota'`,
      [connectionId],
    );
  });
}

/** Lets a run wait for the end of its connection's pause, and says why. */
export async function waitForPause(database: SqlTransaction, run: RunRow, pause: Pause): Promise<boolean> {
  const changed = await database.execute(
    `UPDATE integration_sync_logs SET state = 'waiting_quota', next_attempt_at = ?, error_class = 'transient',
       error_code = '${PAUSED}', error_message = ?, hint = ?
     WHERE id = ? AND state IN (${stateList(['queued', 'waiting_retry', 'waiting_quota'])})`,
    [
      pause.until,
      `The connection is left alone until ${new Date(pause.until).toISOString()}. Last: ${pause.reason}`,
      'It goes on by itself. A successful test of the connection ends the pause at once.',
      run.id,
    ],
  );
  return changed === 1;
}
