import type { IntegrationError } from '../../model/errors';
import { type Phrase, phrase, render } from '../../model/phrase';
import type { RunCounters, RunState } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import type { RunScope } from '../writes/commit';
import { type RetryPolicy, retryDelay } from './retry';
import { announceEnd, ENDED, kept, type RunRow, statusOf } from './run-rows';

/** What a run waits out for as long as it takes: a flow that is not deployed yet, a file that another run writes. */
const WAITS: ReadonlySet<string> = new Set(['PCP_FLOW_NOT_DEPLOYED', 'PCP_FILE_BUSY']);
const WAIT_MS = 10_000;
/** The longest pause of a stream before its next attempt. */
const LIVE_DELAY_MS = 30_000;

/** What an attempt came to. */
export type Ending =
  | { counters: RunCounters; failure?: undefined; goesOnAt?: undefined }
  | { failure: IntegrationError; counters?: undefined; goesOnAt?: undefined }
  /** It waits, as it meant to, until this moment in epoch milliseconds. */
  | { goesOnAt: number; counters?: undefined; failure?: undefined };

/** The state that a run goes to after an attempt. */
export interface End {
  state: RunState;
  nextAttemptAt: number | null;
  /** The attempt was cut short by nobody's fault and is not counted. */
  uncounted: boolean;
  failure: IntegrationError | undefined;
}

/** What follows from an attempt's result: the class of its failure decides alone. */
export function endingOf(run: RunRow, ending: Ending, policy: RetryPolicy, now: number): End {
  if (ending.goesOnAt !== undefined) {
    const isUnwanted = run.cancelRequestedAt !== null;
    const nextAttemptAt = isUnwanted ? null : ending.goesOnAt;
    return { state: isUnwanted ? 'cancelled' : 'waiting_retry', nextAttemptAt, uncounted: true, failure: undefined };
  }
  if (ending.failure === undefined) {
    const { errors, conflicts } = ending.counters;
    return {
      state: errors + conflicts > 0 ? 'partial' : 'succeeded',
      nextAttemptAt: null,
      uncounted: false,
      failure: undefined,
    };
  }
  const { failure } = ending;
  const end = (state: RunState, nextAttemptAt: number | null = null, uncounted = false): End => ({
    state,
    nextAttemptAt,
    uncounted,
    failure,
  });
  if (failure.class === 'cancelled' || run.cancelRequestedAt !== null) return end('cancelled');
  if (failure.code === 'PCP_INTERRUPTED') return { ...end('queued', null, true), failure: undefined };
  if (WAITS.has(failure.code)) return end('waiting_retry', now + WAIT_MS, true);
  // Values go on coming: a stream waits for its target as long as it takes.
  const budget =
    run.kind === 'live'
      ? {
          ...policy,
          maxAttempts: Number.POSITIVE_INFINITY,
          maxWithoutProgress: Number.POSITIVE_INFINITY,
          maxDelayMs: LIVE_DELAY_MS,
        }
      : policy;
  const delay = retryDelay(failure, { total: run.attempts, withoutProgress: run.withoutProgress }, budget);
  if (delay === null) return end('failed');
  // A pause that the other side asked for says nothing about the batch: neither budget nor batch size may shrink by it.
  const asked = failure.class === 'rate_limit' && failure.retryAfterMs !== undefined;
  return end(failure.class === 'rate_limit' ? 'waiting_quota' : 'waiting_retry', now + delay, asked);
}

/** Writes the end of an attempt to the run's row and, when the run is over, to its connection. */
export async function settle(transaction: SqlTransaction, run: RunRow, end: End, now: number): Promise<void> {
  const over = ENDED.includes(end.state);
  const { failure } = end;
  const errors = run.counters.errors + run.counters.conflicts;
  const said = failure?.said ?? (end.state === 'partial' ? partial(errors) : null);
  await transaction.execute(
    `UPDATE integration_sync_logs SET state = ?, status = ?, ended_at = ?, next_attempt_at = ?, error_class = ?, error_code = ?,
       error_message = ?, error_said = ?, hint = ?, attempts = attempts - ?, no_progress = no_progress - ?, updated_at = ?
     WHERE id = ? AND fence = ?`,
    [
      end.state,
      statusOf(end.state),
      over ? new Date(now) : null,
      end.nextAttemptAt,
      failure?.class ?? (end.state === 'partial' ? 'data' : null),
      failure?.code ?? null,
      said === null ? null : render(said),
      kept(said),
      failure?.hint ?? null,
      end.uncounted ? 1 : 0,
      end.uncounted && run.withoutProgress > 0 ? 1 : 0,
      now,
      run.id,
      run.fence,
    ],
  );
  if (!over || run.dryRun) return;
  if (run.kind !== 'reconcile') {
    await transaction.execute(
      'UPDATE integration_connections SET last_sync_at = ?, last_sync_status = ? WHERE id = ?',
      [new Date(now), statusOf(end.state), run.connectionId],
    );
  }
  await announceEnd(transaction, run.id);
}

function partial(errors: number): Phrase {
  return errors === 1
    ? phrase`One record could not be applied; it is kept as a dead letter with its reason.`
    : phrase`${errors} records could not be applied; they are kept as dead letters with their reasons.`;
}

/** What the source told of its read, for the log of the run. */
export async function keepWarnings(
  { database, lease, ids }: Pick<RunScope, 'database' | 'lease' | 'ids'>,
  warnings: readonly Phrase[],
): Promise<void> {
  await database.transaction((transaction) =>
    transaction.execute('UPDATE integration_sync_logs SET warnings = ? WHERE id = ? AND fence = ?', [
      JSON.stringify(warnings),
      ids.runId,
      lease.fence,
    ]),
  );
}
