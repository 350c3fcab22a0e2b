import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { redactText } from '../../security/redact';
import type { Delivery } from './delivery';
import { type DueExecution, giveUp } from './executions';
import type { Hold } from './hold';
import { isGivenUp, pauseAfter, retryDelay } from './retry';

/** Attempts that an execution remembers. */
const REMEMBERED = 50;

/** How the attempts at one webhook went, as its row keeps it. */
export interface Health {
  failures: number;
  failingSince: number | null;
}

export interface Attempt {
  execution: DueExecution;
  /** Null: its template gave nothing, so there was nothing to send. */
  delivery: Delivery | null;
  startedAt: number;
  endedAt: number;
}

/** What follows from an attempt. */
export interface Outcome {
  status: 'pending' | 'success' | 'error' | 'skipped';
  nextAttemptAt: number | null;
  health: Health;
  /** A pause that another answer asked for is as long as it was. */
  pausedUntil: number;
  disable: 'gone' | 'failing' | null;
}

export function outcomeOf(
  { execution, delivery, endedAt: now }: Attempt,
  health: Health,
  schedule?: readonly number[],
): Outcome {
  const well: Outcome = {
    status: 'skipped',
    nextAttemptAt: null,
    health,
    pausedUntil: 0,
    disable: null,
  };
  if (delivery === null) return well;
  const disable = delivery.isGone ? 'gone' : null;
  if (delivery.delivered) {
    return { ...well, status: 'success', health: { failures: 0, failingSince: null }, disable };
  }
  // What could not be made into a message says nothing about the receiver.
  const isReceivers = !delivery.isFinal || delivery.status !== null;
  const failures = health.failures + (isReceivers ? 1 : 0);
  const failingSince = isReceivers ? (health.failingSince ?? now) : health.failingSince;
  const delay = delivery.isFinal ? null : retryDelay(execution.attempts + 1, schedule);
  const isOver = failingSince !== null && isGivenUp(failures, failingSince, now);
  return {
    status: delay === null ? 'error' : 'pending',
    nextAttemptAt: delay === null ? null : now + Math.max(delay, delivery.pauseMs),
    health: { failures, failingSince },
    pausedUntil: isReceivers ? now + Math.max(delivery.pauseMs, pauseAfter(failures)) : 0,
    disable: disable ?? (isOver ? 'failing' : null),
  };
}

/**
 * Writes what an attempt came to, unless another process sends by now: then that one makes its own.
 * @throws conflict PCP_LEASE_LOST
 */
export function saveOutcome(
  database: SqlDatabase,
  hold: Hold,
  { execution, delivery, startedAt, endedAt }: Attempt,
  outcome: Outcome,
  secrets: readonly string[],
): Promise<void> {
  const failure = delivery?.failure ?? null;
  const message = failure === null ? null : redactText(failure.message, secrets);
  const entry = {
    at: new Date(startedAt).toISOString(),
    duration_ms: Math.max(0, Math.round(endedAt - startedAt)),
    response_status: delivery?.status ?? null,
    error_code: failure?.code ?? null,
    error_message: message,
  };
  return database.transaction(async (transaction) => {
    await hold.assertHeld(transaction);
    await transaction.execute(
      `UPDATE integration_webhook_executions SET status = ?, attempts = ?, executed_at = ?, next_attempt_at = ?,
         response_status = ?, response_body = ?, error_code = ?, error_message = ?, attempt_log = ? WHERE id = ?`,
      [
        outcome.status,
        execution.attempts + 1,
        startedAt,
        outcome.nextAttemptAt,
        entry.response_status,
        delivery?.body ?? null,
        entry.error_code,
        message,
        JSON.stringify([...execution.attemptLog, entry].slice(-REMEMBERED)),
        execution.id,
      ],
    );
    const { failures, failingSince } = outcome.health;
    await transaction.execute(
      `UPDATE integration_webhooks SET failures = ?, failing_since = ?,
         paused_until = CASE WHEN paused_until < ? THEN ? ELSE paused_until END WHERE id = ?`,
      [failures, failingSince, outcome.pausedUntil, outcome.pausedUntil, hold.webhookId],
    );
    if (outcome.disable !== null) {
      await transaction.execute(
        `UPDATE integration_webhooks SET is_active = ?, disabled_reason = ?, disabled_at = ?, revision = revision + 1 WHERE id = ?`,
        [false, outcome.disable, endedAt, hold.webhookId],
      );
    }
    // Also what was under way when another answer switched the webhook off.
    if (await isDisabled(transaction, hold.webhookId)) await giveUp(transaction, hold.webhookId);
  });
}

async function isDisabled(transaction: SqlTransaction, webhookId: number): Promise<boolean> {
  const sql = 'SELECT id FROM integration_webhooks WHERE id = ? AND disabled_reason IS NOT NULL';
  return (await transaction.query(sql, [webhookId])).length > 0;
}
