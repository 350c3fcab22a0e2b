import type { SqlRow } from '../../protocols/sql/database';
import type { FindFacts, Reader } from './facts';

/** What was said about a window whose end is not known is taken for true so long. */
const HEARD_MS = 3_600_000;
/** Nothing is foreseen from less. */
const SHORTEST_MEASURED_MS = 5 * 60_000;
const LEAST_USED = 50;
/** In percent: as bad is what will be used up before it begins anew. */
const FORESEEN = 90;

/** How much of what an API allows is used up, in percent; all of it while it wants to be left alone. */
export function apiLimitFacts(reader: Reader): FindFacts {
  return async (rule, now) => {
    const rows = await reader.query(
      `SELECT c.id, c.name, l.paused_until, l.quota, l.quota_remaining, l.quota_reset_at, l.quota_heard_at, l.quota_since,
         l.quota_first
       FROM integration_request_limits l JOIN integration_connections c ON c.id = l.connection_id
       WHERE c.is_active = ?${rule.connection_id === null ? '' : ' AND c.id = ?'}`,
      rule.connection_id === null ? [true] : [true, rule.connection_id],
    );
    return {
      observations: rows.flatMap((row) => {
        const pausedUntil = Number(row.paused_until);
        const isPaused = pausedUntil > now;
        const until = Number(row.quota_reset_at ?? Number(row.quota_heard_at ?? 0) + HEARD_MS);
        if (!isPaused && until <= now) return [];
        const used = usedOf(row);
        const usedUpAt = used < LEAST_USED ? null : usedUpBefore(row, until);
        return [
          {
            subject: `connection:${row.id}`,
            connectionId: Number(row.id),
            mappingId: null,
            value: isPaused ? 100 : Math.floor(usedUpAt === null ? used : Math.max(used, FORESEEN)),
            details: {
              connection: String(row.name),
              ...(row.quota_remaining !== null && {
                limit: numberOf(row.quota),
                remaining: Number(row.quota_remaining),
              }),
              reset_at: instant(row.quota_reset_at),
              used_up_at: instant(usedUpAt),
              paused_until: isPaused ? instant(pausedUntil) : null,
            },
          },
        ];
      }),
    };
  };
}

/** In percent. Where nobody said of how much, only the end is known. */
function usedOf({ quota, quota_remaining: remaining }: SqlRow): number {
  if (remaining === null) return 0;
  if (quota === null || Number(quota) === 0) return Number(remaining) === 0 ? 100 : 0;
  return 100 * (1 - Number(remaining) / Number(quota));
}

/** When nothing will be left if use goes on as it did; null where that is not before the window ends, or it ends nobody knows when. */
function usedUpBefore(row: SqlRow, end: number): number | null {
  if (row.quota_reset_at === null || row.quota_since === null) return null;
  const [since, heardAt] = [Number(row.quota_since), Number(row.quota_heard_at)];
  const [first, remaining] = [Number(row.quota_first), Number(row.quota_remaining)];
  if (heardAt - since < SHORTEST_MEASURED_MS || first <= remaining || remaining === 0) return null;
  const at = heardAt + (remaining * (heardAt - since)) / (first - remaining);
  return at < end ? at : null;
}

function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}

function instant(at: unknown): string | null {
  return at === null ? null : new Date(Number(at)).toISOString();
}
