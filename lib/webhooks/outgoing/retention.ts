import type { SqlDatabase } from '../../protocols/sql/database';

const DAY_MS = 86_400_000;
/** Rows of one step: other writers wait no longer than that takes. */
const ROWS_PER_STEP = 200;

/** Lets go of what ended long ago. What waits stays, however old it is. */
export async function tidy(database: SqlDatabase, now: number, days: number): Promise<void> {
  const before = now - days * DAY_MS;
  const ended = "integration_webhook_executions WHERE status <> 'pending' AND created_at < ?";
  await removeAll(database, 'integration_webhook_executions', ended, before);
  const unused = `integration_webhook_events e WHERE e.occurred_at < ?
    AND NOT EXISTS (SELECT 1 FROM integration_webhook_executions x WHERE x.event_id = e.id)`;
  await removeAll(database, 'integration_webhook_events', unused, before);
}

async function removeAll(database: SqlDatabase, table: string, from: string, before: number): Promise<void> {
  for (;;) {
    const rows = await database.query(`SELECT id FROM ${from} LIMIT ${ROWS_PER_STEP}`, [before]);
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id as string | number);
    await database.execute(`DELETE FROM ${table} WHERE id IN (${ids.map(() => '?').join(', ')})`, ids);
  }
}
