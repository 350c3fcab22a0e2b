import type { SqlDatabase } from '../../protocols/sql/database';

const DAY_MS = 86_400_000;
/** Rows of one step: other writers wait no longer than that takes. */
const ROWS_PER_STEP = 200;

const EXECUTIONS = 'integration_webhook_executions';
const EVENTS = 'integration_webhook_events';

type Store = Pick<SqlDatabase, 'query' | 'execute'>;

/** Lets go of what ended long ago. What waits stays, however old it is, as long as there is a webhook to tell. */
export async function tidy(database: Store, now: number, days: number): Promise<void> {
  const before = now - days * DAY_MS;
  const ended = `created_at < ? AND (status <> 'pending'
    OR NOT EXISTS (SELECT 1 FROM integration_webhooks w WHERE w.id = ${EXECUTIONS}.webhook_id))`;
  await removeAll(database, EXECUTIONS, ended, before);
  const unused = `occurred_at < ? AND NOT EXISTS (SELECT 1 FROM ${EXECUTIONS} x WHERE x.event_id = ${EVENTS}.id)`;
  await removeAll(database, EVENTS, unused, before);
}

async function removeAll(database: Store, table: string, condition: string, before: number): Promise<void> {
  for (;;) {
    const rows = await database.query(`SELECT id FROM ${table} WHERE ${condition} LIMIT ${ROWS_PER_STEP}`, [before]);
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id as string | number);
    const places = ids.map(() => '?').join(', ');
    // Somebody may have asked for one of them again meanwhile.
    await database.execute(`DELETE FROM ${table} WHERE ${condition} AND id IN (${places})`, [before, ...ids]);
  }
}
