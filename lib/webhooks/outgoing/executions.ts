import type { EventType } from '../../model/events';
import { phrase } from '../../model/phrase';
import type { Page, PageRequest } from '../../model/services';
import type { DeliveryAttempt, Envelope, ExecutionFilter, WebhookExecution } from '../../model/webhook';
import type { SqlDatabase, SqlRow, SqlTransaction } from '../../protocols/sql/database';
import { type Condition, equalities, newestFirst } from '../../store/lists';
import { enqueueFor, SWITCHED_OFF } from '../../store/outbox';
import { notFound } from '../../store/rows';

const TABLE = 'integration_webhook_executions';

/** An event that is to be delivered now, with all that is known of earlier attempts. */
export interface DueExecution {
  id: number;
  eventId: string;
  /** Since it was last asked for. */
  attempts: number;
  attemptLog: DeliveryAttempt[];
  envelope: Envelope;
}

/** What is, was and will be delivered. */
export class Executions {
  constructor(private readonly database: SqlDatabase) {}

  list(
    webhookId: number,
    { limit, cursor, from, to, ...columns }: ExecutionFilter & PageRequest,
  ): Promise<Page<WebhookExecution>> {
    const conditions: Condition[] = equalities({ webhook_id: webhookId, ...columns });
    if (from !== undefined) conditions.push(['created_at >= ?', Date.parse(from)]);
    if (to !== undefined) conditions.push(['created_at < ?', Date.parse(to)]);
    return newestFirst(this.database, TABLE, conditions, { limit, cursor }, toExecution);
  }

  async get(webhookId: number, id: number): Promise<WebhookExecution> {
    const sql = `SELECT * FROM ${TABLE} WHERE id = ? AND webhook_id = ?`;
    const [row] = await this.database.query(sql, [id, webhookId]);
    if (row === undefined) throw notFound(phrase`execution ${id} of webhook ${webhookId}`);
    return toExecution(row);
  }

  /** An event for one webhook alone. */
  async add(webhookId: number, type: EventType, data: Record<string, unknown>, now: number): Promise<WebhookExecution> {
    const eventId = await this.database.transaction((transaction) =>
      enqueueFor(transaction, webhookId, { type, at: now, data }),
    );
    const sql = `SELECT * FROM ${TABLE} WHERE event_id = ? AND webhook_id = ?`;
    const [row] = await this.database.query(sql, [eventId, webhookId]);
    return toExecution(row as SqlRow);
  }

  /** It is due once more, and has all its attempts before it. */
  async redeliver(webhookId: number, id: number, now: number): Promise<void> {
    await this.again(webhookId, ['id = ?', id], now);
  }

  redeliverFailed(webhookId: number, since: number, isUnsent: boolean, now: number): Promise<number> {
    const which = isUnsent ? " AND attempt_log = '[]'" : '';
    return this.again(webhookId, [`status = 'error'${which} AND created_at >= ?`, since], now);
  }

  private again(webhookId: number, [condition, value]: [string, number], now: number): Promise<number> {
    return this.database.execute(
      `UPDATE ${TABLE} SET status = 'pending', attempts = 0, next_attempt_at = ?, error_code = NULL, error_message = NULL
       WHERE webhook_id = ? AND ${condition}`,
      [now, webhookId, value],
    );
  }

  /** What a webhook is to be told now, the first that is due first. What is new is due since it is there. */
  async due(webhookId: number, now: number, limit: number): Promise<DueExecution[]> {
    const of = (condition: string, order: string, values: number[]) =>
      this.waiting(webhookId, `AND x.next_attempt_at ${condition} ORDER BY ${order} LIMIT ${limit}`, values);
    // Two questions that the index answers, however much waits.
    const fresh = await of('= 0', 'x.id', []);
    const overdue = await of('BETWEEN 1 AND ?', 'x.next_attempt_at, x.id', [now]);
    return [...fresh, ...overdue]
      .sort((a, b) => dueTime(a) - dueTime(b))
      .slice(0, limit)
      .map(toDue);
  }

  /** The oldest of what waits, when its time has come: what is behind it waits for it. */
  async nextInOrder(webhookId: number, now: number): Promise<DueExecution[]> {
    const oldest = await this.waiting(webhookId, 'ORDER BY x.id LIMIT 1');
    return oldest.filter((row) => Number(row.next_attempt_at) <= now).map(toDue);
  }

  private waiting(webhookId: number, which: string, values: number[] = []): Promise<SqlRow[]> {
    return this.database.query(
      `SELECT x.id, x.event_id, x.attempts, x.attempt_log, x.created_at, x.next_attempt_at, e.event_type, e.occurred_at, e.data
       FROM ${TABLE} x JOIN integration_webhook_events e ON e.id = x.event_id
       WHERE x.status = 'pending' AND x.webhook_id = ? ${which}`,
      [webhookId, ...values],
    );
  }
}

/** What waits is given up, until somebody asks for it. */
export async function giveUp(transaction: SqlTransaction, webhookId: number): Promise<void> {
  await transaction.execute(
    `UPDATE ${TABLE} SET status = 'error', next_attempt_at = NULL, error_code = ?, error_message = ?
     WHERE webhook_id = ? AND status = 'pending'`,
    [SWITCHED_OFF.code, SWITCHED_OFF.message, webhookId],
  );
}

function dueTime({ next_attempt_at, created_at }: SqlRow): number {
  return Number(next_attempt_at) || Number(created_at);
}

function toDue(row: SqlRow): DueExecution {
  return {
    id: Number(row.id),
    eventId: String(row.event_id),
    attempts: Number(row.attempts),
    attemptLog: JSON.parse(String(row.attempt_log)),
    envelope: {
      type: row.event_type as EventType,
      timestamp: new Date(Number(row.occurred_at)).toISOString(),
      data: JSON.parse(String(row.data)),
    },
  };
}

function toExecution(row: SqlRow): WebhookExecution {
  const instant = (value: unknown) => (value === null ? null : new Date(Number(value)).toISOString());
  const text = (value: unknown) => (value === null ? null : String(value));
  return {
    id: Number(row.id),
    webhook_id: Number(row.webhook_id),
    event_id: String(row.event_id),
    event_type: row.event_type as EventType,
    status: row.status as WebhookExecution['status'],
    created_at: instant(row.created_at) as string,
    executed_at: instant(row.executed_at),
    // What is due at once is due since it is there.
    next_attempt_at: instant(row.next_attempt_at === null ? null : dueTime(row)),
    response_status: row.response_status === null ? null : Number(row.response_status),
    response_body: text(row.response_body),
    error_code: text(row.error_code),
    error_message: text(row.error_message),
    attempts: JSON.parse(String(row.attempt_log)),
  };
}
