import type { FindFacts, Reader } from './facts';

const DAY_MS = 86_400_000;

/** Webhooks that the hub has switched off, and deliveries of a day that were given up. */
export function webhookFacts(reader: Reader): FindFacts {
  return async ({ connection_id: connectionId }, now) => {
    const rows = await reader.query(
      `SELECT w.id, w.name, w.connection_id, w.disabled_reason, w.disabled_at,
         (SELECT COUNT(*) FROM integration_webhook_executions x
          WHERE x.webhook_id = w.id AND x.status = 'error' AND x.executed_at >= ?) AS given_up
       FROM integration_webhooks w
       WHERE (w.is_active = ? OR w.disabled_reason IS NOT NULL)${connectionId === null ? '' : ' AND w.connection_id = ?'}`,
      [now - DAY_MS, true, ...(connectionId === null ? [] : [connectionId])],
    );
    const failing = rows.filter((row) => row.disabled_reason !== null || Number(row.given_up) > 0);
    return {
      observations: failing.map((row) => ({
        subject: `webhook:${row.id}`,
        connectionId: row.connection_id === null ? null : Number(row.connection_id),
        mappingId: null,
        // One that is told nothing any more is wrong without a delivery.
        value: Math.max(row.disabled_reason === null ? 0 : 1, Number(row.given_up)),
        details: {
          webhook: String(row.name),
          given_up: Number(row.given_up),
          disabled_reason: row.disabled_reason,
          disabled_at: row.disabled_at === null ? null : new Date(Number(row.disabled_at)).toISOString(),
        },
      })),
    };
  };
}
