import { isDate } from '../../model/formats';

/** Times of OData 2 in JSON, and durations that stand for a time of day. */

const TICKS = /^\/Date\((-?\d+)(?:([+-])(\d{1,4}))?\)\/$/;
const LOCAL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d+)?)?$/;
const TIME_SPAN = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(\.\d+)?S)?$/;

/** "/Date(1764547200000)/" as a time without a zone, "2025-12-01T00:00:00"; other texts as they are. */
export function localTime(text: string): string {
  const iso = instantOf(text);
  return iso === undefined ? text : iso.slice(0, -1);
}

/** "/Date(1764547200000+0060)/" as an instant, "2025-12-01T00:00:00Z"; other texts as they are. */
export function instant(text: string): string {
  return instantOf(text) ?? text;
}

/** The other way, of a time without a zone; undefined for what is none, or is finer than milliseconds. */
export function ticksOfLocal(text: string): string | undefined {
  const [, day, time = '00:00:00'] = LOCAL.exec(text) ?? [];
  if (day === undefined || !isDate(day) || isFiner(time)) return undefined;
  const milliseconds = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(milliseconds) ? undefined : `/Date(${milliseconds})/`;
}

export function ticksOfInstant(text: string): string | undefined {
  if (!isInstant(text) || isFiner(text)) return undefined;
  return `/Date(${Date.parse(text)}+0000)/`;
}

/** "2026-11-23" or "2026-11-23T06:00" with all that a literal of Edm.DateTime needs. */
export function fullLocal(text: string): string | undefined {
  const [, day, time = '00:00:00'] = LOCAL.exec(text) ?? [];
  if (day === undefined || !isDate(day) || Number.isNaN(Date.parse(`${day}T${time}Z`))) return undefined;
  return `${day}T${time.length === 5 ? `${time}:00` : time}`;
}

export function isInstant(text: string): boolean {
  return INSTANT.test(text) && isDate(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
}

/** "PT14H30M00S" as "14:30:00"; other texts as they are. */
export function timeOfDay(text: string): string {
  const match = TIME_SPAN.exec(text);
  if (match === null || text === 'PT') return text;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = match;
  const rest = /^\.0*$/.test(fraction) ? '' : fraction;
  return `${hours.padStart(2, '0')}:${minutes.padStart(2, '0')}:${seconds.padStart(2, '0')}${rest}`;
}

/** "14:30:00" as "PT14H30M00S"; undefined for what is no time of day. */
export function timeSpan(text: string): string | undefined {
  if (TIME_SPAN.test(text) && text !== 'PT') return text;
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds = '00', fraction = ''] = match;
  return `PT${hours}H${minutes}M${seconds}${fraction}S`;
}

export function isTimeOfDay(text: string): boolean {
  return TIME.test(text);
}

function isFiner(text: string): boolean {
  return /\.\d{3}\d*[1-9]/.test(text);
}

/** A list has the same few days again and again. */
const recent = new Map<string, string | null>();
const MOST_RECENT = 1000;

function instantOf(text: string): string | undefined {
  let instant = recent.get(text);
  if (instant === undefined) {
    instant = readTicks(text) ?? null;
    if (recent.size >= MOST_RECENT) recent.clear();
    recent.set(text, instant);
  }
  return instant ?? undefined;
}

function readTicks(text: string): string | undefined {
  const match = TICKS.exec(text);
  if (match === null) return undefined;
  const date = new Date(Number(match[1]));
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 1) return undefined;
  return date.toISOString().replace('.000Z', 'Z');
}
