import { IntegrationError } from '../model/errors';
import type { Scheduled, ScheduleOptions, Weekday } from '../model/schedule';
import { type Closure, minutesOf } from './blackouts';
import { type CronTimes, checkZone, cronTimes, invalid } from './cron';

/** A schedule with everything that it takes from its connection. */
export interface Schedule {
  /** What its due times follow from: when it changes, they are reckoned anew. */
  key: string;
  times: CronTimes;
  jitterMs: number;
  overlap: NonNullable<ScheduleOptions['overlap']>;
  misfire: NonNullable<ScheduleOptions['misfire']>;
  catchUpMs: number;
  closures: Closure[];
}

interface OfConnection extends Pick<Scheduled, 'schedule_options'> {
  timezone: string | null;
}

const DAY_SECONDS = 86_400;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Limits and values of `schedule_options`, for all who let them be written. */
export const DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const MOST = { jitter_seconds: 3600, catch_up_seconds: 31 * DAY_SECONDS, blackouts: 50 } as const;
export const CHOICES = {
  overlap: ['skip', 'queue_one', 'queue_all', 'cancel_running'],
  misfire: ['run_once', 'skip', 'run_all'],
  in_blackout: ['wait', 'skip'],
} as const;
const NAMES = ['timezone', ...Object.keys(MOST), ...Object.keys(CHOICES)];

/**
 * @param owner the connection itself, or a mapping of it
 * @throws config PCP_SCHEDULE_INVALID, PCP_TIMEZONE_UNKNOWN
 */
export function scheduleOf(expression: string, owner: ScheduleOptions, connection: OfConnection): Schedule {
  const timezone = zoneNameOf(owner, connection);
  return {
    key: JSON.stringify([expression, timezone]),
    times: cronTimes(expression, timezone),
    jitterMs: (owner.jitter_seconds ?? 0) * 1000,
    overlap: owner.overlap ?? 'skip',
    misfire: owner.misfire ?? 'run_once',
    catchUpMs: (owner.catch_up_seconds ?? DAY_SECONDS) * 1000,
    closures: closuresOf(owner, connection),
  };
}

/** Blackouts of a connection, or of a mapping of it and its own. */
export function closuresOf(owner: ScheduleOptions, connection: OfConnection): Closure[] {
  const all = owner === connection.schedule_options ? [owner] : [owner, connection.schedule_options];
  return all.map((options) => ({
    blackouts: options.blackouts ?? [],
    timezone: zoneNameOf(options, connection),
    policy: options.in_blackout ?? 'wait',
  }));
}

function zoneNameOf({ timezone }: ScheduleOptions, connection: OfConnection): string {
  return timezone ?? connection.schedule_options.timezone ?? connection.timezone ?? 'UTC';
}

/** @throws config PCP_SCHEDULE_INVALID, PCP_SCHEDULE_OPTIONS_INVALID, PCP_TIMEZONE_UNKNOWN with the path of what is wrong */
export function checkSchedule({ schedule, schedule_options: options }: Scheduled): void {
  checkOptions(options);
  if (schedule === null) return;
  if (cronTimes(schedule, options.timezone ?? 'UTC').after(Date.now()) === null) {
    throw invalid('no day that there is fits it');
  }
}

function checkOptions(options: ScheduleOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong('', 'they must be an object');
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw wrong(`/${unknown}`, `"${unknown}" is not one of them`);
  for (const [name, values] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    if (value !== undefined && !(values as readonly string[]).includes(value)) {
      throw wrong(`/${name}`, `${name} must be one of ${values.join(', ')}`);
    }
  }
  checkSeconds('jitter_seconds', options);
  checkSeconds('catch_up_seconds', options);
  if (options.timezone !== undefined) checkZone(String(options.timezone), '/schedule_options/timezone');
  checkBlackouts(options.blackouts ?? []);
}

function checkSeconds(name: 'jitter_seconds' | 'catch_up_seconds', options: ScheduleOptions): void {
  const value: unknown = options[name];
  const most = MOST[name];
  if (value === undefined || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most)) return;
  throw wrong(`/${name}`, `${name} must be a whole number from 0 to ${most}`);
}

function checkBlackouts(blackouts: NonNullable<ScheduleOptions['blackouts']>): void {
  if (!Array.isArray(blackouts) || blackouts.length > MOST.blackouts) {
    throw wrong('/blackouts', `blackouts must be a list of at most ${MOST.blackouts}`);
  }
  for (const [index, blackout] of blackouts.entries()) {
    const { days, from, to, ...rest } = blackout ?? {};
    const refuse = (why: string): never => {
      throw wrong(`/blackouts/${index}`, `${why}, as in {"days": ["sat", "sun"], "from": "22:00", "to": "06:00"}`);
    };
    if (Object.keys(rest).length > 0) refuse('a blackout has days, from and to');
    if (!TIME.test(from) || (to !== '24:00' && !TIME.test(to)))
      refuse('a blackout goes from one time of the day to another');
    if (minutesOf(from) === minutesOf(to)) refuse('a blackout ends at another time than it begins');
    if (days === undefined) continue;
    if (!Array.isArray(days) || days.length === 0 || days.some((day) => !DAYS.includes(day))) {
      refuse('the days of a blackout are the first three letters of their English names');
    }
  }
}

function wrong(place: string, why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SCHEDULE_OPTIONS_INVALID', `The options of the schedule: ${why}.`, {
    path: `/schedule_options${place}`,
  });
}
