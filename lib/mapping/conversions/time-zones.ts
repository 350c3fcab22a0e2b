import { DAY_MS } from './calendar';

/** Offsets of an IANA zone, cached per day: Intl answers in microseconds, a batch asks millions of times. */
export interface Zone {
  readonly name: string;
  readonly isUtc: boolean;
  /** Milliseconds that local time is ahead of UTC at an instant. */
  offsetAt(instant: number): number;
  /**
   * The instant of a local time (given as if it were UTC). A time that the clocks skip counts with the offset before
   * the change, so it comes out later by the length of the gap; of a time that happens twice the first is taken
   * (the "compatible" rule of ECMAScript Temporal).
   */
  toInstant(local: number): number;
}

const MAX_CACHED_DAYS = 40_000;
const QUARTER_HOUR_MS = 900_000;
const utc = (name: string): Zone => ({ name, isUtc: true, offsetAt: () => 0, toInstant: (local) => local });
/** What most mappings need is there without Intl, whose first formatter takes ten milliseconds. */
const zones = new Map([['UTC', utc('UTC')]]);

/** @throws Error when the name is no IANA zone that this Node knows */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = makeZone(name);
    zones.set(name, zone);
  }
  return zone;
}

function makeZone(name: string): Zone {
  const formatter = formatterOf(name);
  if (['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT'].includes(formatter.resolvedOptions().timeZone)) {
    return utc(name);
  }
  const days = new Map<number, number | null>();
  const quarters = new Map<number, number>();

  const offsetAt = (instant: number): number => {
    const day = Math.floor(instant / DAY_MS);
    let offset = days.get(day);
    if (offset === undefined) {
      if (days.size >= MAX_CACHED_DAYS) days.clear();
      const atStart = askIntl(formatter, day * DAY_MS);
      offset = atStart === askIntl(formatter, (day + 1) * DAY_MS - 1000) ? atStart : null;
      days.set(day, offset);
    }
    return offset ?? offsetInQuarter(instant);
  };

  const offsetInQuarter = (instant: number): number => {
    const quarter = Math.floor(instant / QUARTER_HOUR_MS);
    let offset = quarters.get(quarter);
    if (offset === undefined) {
      if (quarters.size >= MAX_CACHED_DAYS) quarters.clear();
      offset = askIntl(formatter, quarter * QUARTER_HOUR_MS);
      quarters.set(quarter, offset);
    }
    return offset;
  };

  const toInstant = (local: number): number => {
    const before = offsetAt(local - DAY_MS);
    const after = offsetAt(local + DAY_MS);
    const first = local - before;
    if (before === after || offsetAt(first) === before) return first;
    const second = local - after;
    return offsetAt(second) === after ? second : first;
  };

  return { name, isUtc: false, offsetAt, toInstant };
}

function formatterOf(name: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}

function askIntl(formatter: Intl.DateTimeFormat, instant: number): number {
  const parts: Record<string, number> = {};
  let beforeChrist = false;
  for (const { type, value } of formatter.formatToParts(instant)) {
    if (type === 'era') beforeChrist = value.startsWith('B');
    else if (type !== 'literal') parts[type] = Number(value);
  }
  const year = beforeChrist ? 1 - parts.year! : parts.year!;
  const local = new Date(0);
  local.setUTCFullYear(year, parts.month! - 1, parts.day!);
  local.setUTCHours(parts.hour!, parts.minute!, parts.second!);
  return local.getTime() - Math.floor(instant / 1000) * 1000;
}
