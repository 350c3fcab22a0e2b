import type { Cron } from 'croner';
import { zoneOf } from '../mapping/conversions/time-zones';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import { loadPackage } from '../protocols/load-package';

/** When a cron expression is due, in epoch milliseconds. */
export interface CronTimes {
  /** The first due time after an instant. Null: there is none any more. */
  after(instant: number): number | null;
}

const FIELDS = /^\S+(?:\s+\S+){4,5}$/;

/**
 * A local time that the clocks skip is due at the next one that there is, one that they repeat is due once; an expression for
 * every so many minutes keeps to real time.
 * @throws config PCP_SCHEDULE_INVALID, PCP_TIMEZONE_UNKNOWN
 */
export function cronTimes(expression: string, timezone: string): CronTimes {
  checkZone(timezone, '/timezone');
  const cron = parse(expression.trim(), timezone);
  return { after: (instant) => cron.nextRun(new Date(instant))?.getTime() ?? null };
}

/** @throws config PCP_TIMEZONE_UNKNOWN */
export function checkZone(timezone: string, path: string): void {
  try {
    zoneOf(timezone);
  } catch {
    throw new IntegrationError('config', 'PCP_TIMEZONE_UNKNOWN', phrase`There is no time zone "${timezone}".`, {
      path,
      hint: 'Use a name of the IANA database, such as America/Sao_Paulo.',
    });
  }
}

function parse(expression: string, timezone: string): Cron {
  // The library takes nicknames and dates as well.
  if (!FIELDS.test(expression)) throw invalid('it has neither five fields nor six');
  const library = loadPackage<typeof import('croner')>('croner');
  try {
    return new library.Cron(expression, { timezone, mode: '5-or-6-parts' });
  } catch (error) {
    throw invalid((error as Error).message.replace(/^CronPattern: /, ''));
  }
}

export function invalid(why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SCHEDULE_INVALID', `The schedule is no cron expression: ${why}.`, {
    path: '/schedule',
    hint: 'Five fields, or six with seconds first: "0 6 * * 1-5" is six in the morning from Monday to Friday.',
  });
}
