import { type Schedule, scheduleOf } from '../../calendar/definition';
import { nextRuns } from '../../calendar/due';
import type { Scheduled, ScheduleOptions } from '../../model/schedule';
import type { SqlRow } from '../../protocols/sql/database';
import { stateList, toDate } from '../../sync/runs/run-rows';
import type { Observation } from '../step';
import { type FindFacts, inUse, type Reader } from './facts';
import { endedRuns, lastRuns } from './streams';

const WELL = stateList(['succeeded', 'partial']);
/** Runs of which the usual duration is taken. */
const MEASURED = 20;
const MOST_REMEMBERED = 10_000;

/** A mapping that runs by itself, with what it takes from its connection. */
interface Expected {
  row: SqlRow;
  schedule: Schedule | null;
}

/**
 * How long ago each stream last went well, in seconds. Where the rule has no threshold, it is late when two due times of its
 * schedule have passed since, and the time that its runs usually take: a schedule of weekdays is not late on Sunday.
 */
export function dataDelayFacts(reader: Reader): FindFacts {
  /** By stream, schedule and newest run: when it is late. Due times take a while to reckon. */
  const deadlines = new Map<string, number | null>();

  async function deadlineOf(key: string, reckon: () => Promise<number | null>): Promise<number | null> {
    const known = deadlines.get(key);
    if (known !== undefined) return known;
    if (deadlines.size >= MOST_REMEMBERED) deadlines.clear();
    const deadline = await reckon();
    deadlines.set(key, deadline);
    return deadline;
  }

  return async (rule, now) => {
    const mappings = await expectedOf(reader, rule);
    const observations: Observation[] = [];
    for (const stream of await lastRuns(reader, rule, WELL, 'id')) {
      const expected = mappings.get(stream.mappingId);
      if (expected === undefined) continue;
      const { row, schedule } = expected;
      if (schedule === null && rule.threshold === null) continue;
      const [last] = stream.last === null ? [] : await endedRuns(reader, stream, WELL, 1);
      const changed = Math.max(time(row.updated_at), time(row.connection_updated_at));
      // Whoever was changed, or switched on again, has its time anew. A host whose clock is slow ends before it is due.
      const base = Math.max(changed, last?.endedAt ?? 0, last?.dueAt ?? 0);
      const reckon = async (): Promise<number | null> => {
        const [, second] = schedule === null ? [] : nextRuns(schedule, base, 2);
        if (schedule === null || second === undefined) return null;
        const measured = await endedRuns(reader, stream, WELL, MEASURED);
        const usual = measured.map(({ startedAt, endedAt }) => endedAt - startedAt).sort((a, b) => a - b);
        return second + schedule.jitterMs + (usual[Math.ceil(0.95 * usual.length) - 1] ?? 0);
      };
      const { mappingId, connectionId, mapping, connection, direction } = stream;
      const subject = `mapping:${mappingId}:${direction}`;
      const deadline = rule.threshold === null ? await deadlineOf(`${subject} ${schedule?.key} ${base}`, reckon) : null;
      if (rule.threshold === null && deadline === null) continue;
      const lastWell = Math.max(changed, last?.endedAt ?? 0);
      observations.push({
        subject,
        connectionId,
        mappingId,
        value: Math.max(0, Math.floor((now - lastWell) / 1000)),
        ...(deadline !== null && { threshold: Math.max(0, (deadline - lastWell) / 1000) }),
        details: {
          mapping,
          connection,
          direction,
          last_success_at: last === undefined ? null : new Date(last.endedAt).toISOString(),
          expected_by: deadline === null ? null : new Date(deadline).toISOString(),
        },
      });
    }
    return { observations, knows: (subject) => !subject.startsWith('stream:') };
  };
}

async function expectedOf(reader: Reader, rule: Parameters<FindFacts>[0]): Promise<Map<number, Expected>> {
  const { sql, parameters } = inUse({ ...rule, connection_id: null, mapping_id: null });
  const rows = await reader.query(
    `SELECT m.id, m.schedule, m.schedule_options, m.depends_on, m.sync_mode, m.updated_at, c.schedule AS connection_schedule,
       c.schedule_options AS connection_options, c.timezone, c.updated_at AS connection_updated_at
     FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id WHERE ${sql}`,
    parameters,
  );
  const byId = new Map(rows.map((row) => [Number(row.id), row]));
  const expected = [...byId].filter(([, row]) => row.sync_mode !== 'live');
  return new Map(expected.map(([id, row]) => [id, { row, schedule: scheduleFor(row, byId, new Set()) }]));
}

/** What starts a mapping: its own schedule, else that of what it follows, else its connection's. */
function scheduleFor(row: SqlRow, byId: ReadonlyMap<number, SqlRow>, seen: Set<number>): Schedule | null {
  const connection: Scheduled & { timezone: string | null } = {
    schedule: textOf(row.connection_schedule),
    schedule_options: optionsOf(row.connection_options),
    timezone: textOf(row.timezone),
  };
  const own = textOf(row.schedule);
  try {
    if (own !== null) return scheduleOf(own, optionsOf(row.schedule_options), connection);
    const leaders = typeof row.depends_on === 'string' ? (JSON.parse(row.depends_on) as number[]) : [];
    const leader = leaders.map((id) => byId.get(id)).find((found) => found !== undefined);
    if (leader !== undefined && !seen.has(Number(leader.id))) {
      return scheduleFor(leader, byId, seen.add(Number(leader.id)));
    }
    if (connection.schedule === null) return null;
    return scheduleOf(connection.schedule, connection.schedule_options, connection);
  } catch {
    // What is no schedule here is said by the scheduler.
    return null;
  }
}

function optionsOf(text: unknown): ScheduleOptions {
  return typeof text === 'string' ? (JSON.parse(text) as ScheduleOptions) : {};
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function time(value: unknown): number {
  return toDate(value)?.getTime() ?? 0;
}
