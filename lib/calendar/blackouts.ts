import { DAY_MS } from '../mapping/conversions/calendar';
import { zoneOf } from '../mapping/conversions/time-zones';
import type { Blackout, ScheduleOptions, Weekday } from '../model/schedule';

/** Blackouts in their zone, and what becomes of a fire in them. */
export interface Closure {
  blackouts: readonly Blackout[];
  timezone: string;
  policy: NonNullable<ScheduleOptions['in_blackout']>;
}

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE_MS = 60_000;
/** One may follow another: a weekend, holidays written day by day. More are a mistake in the settings. */
const MOST_IN_A_ROW = 14;

/** @returns until when an instant is in blackouts, and the policy of the first of them; null when it is in none */
export function closedUntil(
  closures: readonly Closure[],
  instant: number,
): { until: number; policy: Closure['policy'] } | null {
  let policy: Closure['policy'] | null = null;
  let until = instant;
  for (let count = 0; count < MOST_IN_A_ROW; count++) {
    const found = closures.flatMap((closure) => endsOf(closure, until).map((end) => ({ end, closure })));
    const [last] = found.sort((a, b) => b.end - a.end);
    if (last === undefined) break;
    policy ??= last.closure.policy;
    until = last.end;
  }
  return policy === null ? null : { until, policy };
}

export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Ends of the blackouts that an instant is in. */
function endsOf({ blackouts, timezone }: Closure, instant: number): number[] {
  const zone = zoneOf(timezone);
  const today = Math.floor((instant + zone.offsetAt(instant)) / DAY_MS) * DAY_MS;
  return blackouts.flatMap(({ days, from, to }) =>
    [today - DAY_MS, today].flatMap((day) => {
      if (days !== undefined && !days.includes(WEEKDAYS[new Date(day).getUTCDay()] as Weekday)) return [];
      const [first, last] = [minutesOf(from), minutesOf(to)];
      const begin = zone.toInstant(day + first * MINUTE_MS);
      const end = zone.toInstant(day + last * MINUTE_MS + (last <= first ? DAY_MS : 0));
      return begin <= instant && instant < end ? [end] : [];
    }),
  );
}
