import { IntegrationError } from '../../model/errors';
import type { IncomingWebhookState, KeptDelivery, KeptFilter, KeptState } from '../../model/incoming-webhook';
import { phrase } from '../../model/phrase';
import type { Page, PageRequest } from '../../model/services';
import type { SqlDatabase, SqlRow } from '../../protocols/sql/database';
import { type Condition, equalities, newestFirst } from '../../store/lists';
import { notFound } from '../../store/rows';
import { AGAIN, INBOX } from './inbox-rows';

const COLUMNS = 'id, webhook, state, received_at, attempts, error_code, error_message';

/** Deliveries that are not done with, for those who look after them. */
export class KeptDeliveries {
  constructor(private readonly database: SqlDatabase) {}

  /** By webhook, those alone of which something waits or was given up. */
  async states(): Promise<Omit<IncomingWebhookState, 'name' | 'repeated'>[]> {
    const rows = await this.database.query(
      `SELECT webhook, state, COUNT(*) AS n, MIN(received_at) AS oldest FROM ${INBOX}
       WHERE state IN ('waiting', 'failed') GROUP BY webhook, state ORDER BY webhook`,
    );
    return [...Map.groupBy(rows, ({ webhook }) => String(webhook))].map(([webhook, some]) => {
      const count = (state: KeptState) => Number(some.find((row) => row.state === state)?.n ?? 0);
      const oldest = Math.min(...some.map(({ oldest }) => Number(oldest)));
      const oldest_at = new Date(oldest).toISOString();
      return { webhook, waiting: count('waiting'), failed: count('failed'), oldest_at };
    });
  }

  /** By webhook, how many were taken for earlier ones. */
  async repeats(): Promise<Map<string, number>> {
    const rows = await this.database.query('SELECT webhook, repeated FROM integration_webhook_repeats');
    return new Map(rows.map(({ webhook, repeated }) => [String(webhook), Number(repeated)]));
  }

  list({ from, to, limit, cursor, ...columns }: KeptFilter & PageRequest): Promise<Page<KeptDelivery>> {
    const conditions: Condition[] = equalities(columns);
    if (from !== undefined) conditions.push(['received_at >= ?', Date.parse(from)]);
    if (to !== undefined) conditions.push(['received_at < ?', Date.parse(to)]);
    return newestFirst(this.database, INBOX, conditions, { limit, cursor }, toKept);
  }

  /** @throws conflict PCP_DELIVERY_NOT_FAILED */
  async redeliver(id: number): Promise<KeptDelivery> {
    const again = await this.database.execute(`UPDATE ${INBOX} SET ${AGAIN} WHERE id = ? AND state = 'failed'`, [id]);
    const [row] = await this.database.query(`SELECT ${COLUMNS} FROM ${INBOX} WHERE id = ?`, [id]);
    if (row === undefined) throw notFound(phrase`delivery ${id}`);
    if (again === 1) return toKept(row);
    throw new IntegrationError('conflict', 'PCP_DELIVERY_NOT_FAILED', phrase`Delivery ${id} was not given up.`);
  }

  redeliverFailed(since: number, webhook: string | undefined): Promise<number> {
    const of = webhook === undefined ? '' : ' AND webhook = ?';
    return this.database.execute(
      `UPDATE ${INBOX} SET ${AGAIN} WHERE state = 'failed' AND received_at >= ?${of}`,
      webhook === undefined ? [since] : [since, webhook],
    );
  }

  /** Their keys stay: what comes again was here before. */
  discard(webhook: string): Promise<number> {
    return this.database.execute(
      `UPDATE ${INBOX} SET state = 'discarded', holder = NULL, delivery = NULL
       WHERE webhook = ? AND state IN ('waiting', 'failed')`,
      [webhook],
    );
  }
}

function toKept(row: SqlRow): KeptDelivery {
  const text = (value: unknown) => (value === null ? null : String(value));
  return {
    id: Number(row.id),
    webhook: String(row.webhook),
    state: row.state as KeptState,
    received_at: new Date(Number(row.received_at)).toISOString(),
    attempts: Number(row.attempts),
    error_code: text(row.error_code),
    error_message: text(row.error_message),
  };
}
