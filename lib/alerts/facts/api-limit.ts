import type { FindFacts, Reader } from './facts';

/** What was said about a window whose end is not known is taken for true so long. */
const HEARD_MS = 3_600_000;

/** How much of what an API allows is used up, in percent; all of it while it wants to be left alone. */
export function apiLimitFacts(reader: Reader): FindFacts {
  return async (rule, now) => {
    const rows = await reader.query(
      `SELECT c.id, c.name, l.paused_until, l.quota, l.quota_remaining, l.quota_reset_at, l.quota_heard_at
       FROM integration_request_limits l JOIN integration_connections c ON c.id = l.connection_id
       WHERE c.is_active = ?${rule.connection_id === null ? '' : ' AND c.id = ?'}`,
      rule.connection_id === null ? [true] : [true, rule.connection_id],
    );
    return {
      observations: rows.flatMap((row) => {
        const [limit, remaining, pausedUntil] = [row.quota, row.quota_remaining, row.paused_until].map(Number);
        const isPaused = Number(pausedUntil) > now;
        const until = Number(row.quota_reset_at ?? Number(row.quota_heard_at ?? 0) + HEARD_MS);
        if (!isPaused && until <= now) return [];
        const used = Number(limit) > 0 ? 100 * (1 - Number(remaining) / Number(limit)) : 0;
        const instant = (at: unknown) => (at === null ? null : new Date(Number(at)).toISOString());
        return [
          {
            subject: `connection:${row.id}`,
            connectionId: Number(row.id),
            mappingId: null,
            value: isPaused ? 100 : Math.floor(used),
            details: {
              connection: String(row.name),
              ...(row.quota !== null && { limit: Number(limit), remaining: Number(remaining) }),
              reset_at: instant(row.quota_reset_at),
              paused_until: isPaused ? instant(pausedUntil) : null,
            },
          },
        ];
      }),
    };
  };
}
