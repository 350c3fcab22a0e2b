import { checkSchedule, scheduleOf } from '../../calendar/definition';
import { nextRuns } from '../../calendar/due';
import type { Connection } from '../../model/connection';
import type { Mapping } from '../../model/mapping';
import type { Scheduled } from '../../model/schedule';
import type { Call, Route } from '../route';
import { instant } from '../schemas/common';
import { ok } from './shared';

const SHOWN = 3;

type ActiveConnection = Pick<Connection, 'is_active' | 'timezone' | keyof Scheduled>;

/** Adds to a connection when its schedule begins runs. */
export function withNextRuns<T extends ActiveConnection>(connection: T): T & { next_runs: string[] } {
  return { ...connection, next_runs: connection.is_active ? nextOf(connection, connection) : [] };
}

/** Adds the same to mappings, which are told by their connections what they do not say themselves. */
export async function withNextRunsEach<T extends Mapping>(
  { hub }: Call,
  mappings: readonly T[],
): Promise<(T & { next_runs: string[] })[]> {
  const connections = new Map<number, ActiveConnection>();
  for (const { connection_id: id, schedule } of mappings) {
    if (schedule !== null && !connections.has(id)) connections.set(id, await hub.connections.get(id));
  }
  return mappings.map((mapping) => {
    const connection = connections.get(mapping.connection_id);
    const runs = mapping.is_active && connection?.is_active ? nextOf(mapping, connection) : [];
    return { ...mapping, next_runs: runs };
  });
}

function nextOf({ schedule, schedule_options: options }: Scheduled, connection: ActiveConnection): string[] {
  if (schedule === null) return [];
  const times = nextRuns(scheduleOf(schedule, options, connection), Date.now(), SHOWN);
  return times.map((time) => new Date(time).toISOString());
}

export const scheduleRoutes: Route[] = [
  {
    method: 'GET',
    path: '/schedules/next',
    operation: 'getNextRuns',
    tag: 'sync',
    summary: 'Tells when a schedule is due',
    permission: 'integrations.read',
    query: {
      schedule: {
        description: 'Cron expression.',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
        example: '0 6 * * 1-5',
      },
      timezone: {
        description: 'IANA zone; absent = UTC.',
        schema: { type: 'string', minLength: 1, maxLength: 100 },
        example: 'America/Sao_Paulo',
      },
    },
    responses: {
      200: {
        description: 'The next due times.',
        schema: {
          type: 'object',
          required: ['next_runs'],
          properties: { next_runs: { type: 'array', items: instant('It is due.') } },
        },
      },
    },
    problems: [422],
    handle: async ({ query }) => {
      const schedule = String(query.schedule ?? '');
      const timezone = typeof query.timezone === 'string' ? query.timezone : null;
      const unsaved = { is_active: true, timezone, schedule, schedule_options: {} };
      checkSchedule(unsaved);
      return ok({ next_runs: withNextRuns(unsaved).next_runs });
    },
  },
];
