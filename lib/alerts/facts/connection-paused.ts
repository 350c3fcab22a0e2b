import type { FindFacts, Reader } from './facts';

/** Attempts that failed in a row at connections that the hub leaves alone for it: their runs wait, so that none of them fails. */
export function connectionPausedFacts(reader: Reader): FindFacts {
  return async ({ connection_id: connectionId }) => {
    const rows = await reader.query(
      `SELECT c.id, c.name, p.failures, p.paused_until, p.reason
       FROM integration_connection_pauses p JOIN integration_connections c ON c.id = p.connection_id
       WHERE c.is_active = ? AND p.paused_until IS NOT NULL${connectionId === null ? '' : ' AND c.id = ?'}
       ORDER BY c.id`,
      connectionId === null ? [true] : [true, connectionId],
    );
    return {
      observations: rows.map((row) => ({
        subject: `connection:${row.id}`,
        connectionId: Number(row.id),
        mappingId: null,
        value: Number(row.failures),
        details: {
          connection: String(row.name),
          paused_until: new Date(Number(row.paused_until)).toISOString(),
          reason: String(row.reason),
        },
      })),
    };
  };
}
