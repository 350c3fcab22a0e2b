import { type Phrase, phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';
import { DateParts, MAX_INSTANT, MIN_INSTANT } from './calendar';
import { compilePattern, type DatePattern } from './date-patterns';
import { decimalOf } from './decimals';
import { parseIso } from './iso-dates';
import { type Zone, zoneOf } from './time-zones';

const ISO_DATE = phrase`an ISO 8601 date`;
const ODATA_DATE = phrase`a date as OData V2 writes it`;

export interface DateOptions {
  /** A pattern, "iso", "local" (ISO 8601 without an offset), "unix" (seconds), "unix_ms" or "odata-v2"; absent = "iso". */
  format?: string;
  /** IANA zone of times without an offset. */
  timezone: string;
}

/** Both ways of a date or datetime. `parse` gives undefined for what stands for "no date". */
export interface DateConversion {
  /** @throws ValueProblem PCP_VALUE_DATE, PCP_VALUE_TYPE, PCP_VALUE_RANGE */
  parse(value: unknown): string | undefined;
  /** @param canonical what `parse` gives */
  format(canonical: string): unknown;
  /** False when the format holds a day only. */
  keepsTime: boolean;
}

const ODATA_V2 = /^\/Date\((-?\d{1,17})(?:[+-]\d{1,4})?\)\/$/;
const CANONICAL_INSTANT_LENGTH = 24;

/** Dates without a time, as "YYYY-MM-DD". An instant given for a date is the day it falls on in the zone. */
export function dateConversion(options: DateOptions): DateConversion {
  const notation = notationOf(options);
  if (notation.pattern !== undefined && !notation.pattern.hasDate) throw new Error('needs year, month and day');
  const { zone } = notation;
  const parts = new DateParts();
  return {
    keepsTime: false,
    parse(value) {
      if (!notation.read(value, parts)) return undefined;
      if (parts.offset !== null) {
        const instant = parts.milliseconds() - parts.offset * 60_000;
        parts.setMilliseconds(inRange(instant + zone.offsetAt(instant), value));
      }
      return parts.dateText();
    },
    format(canonical) {
      // A day is written alike in both ISO notations.
      if (notation.write === undefined || options.format === 'local') return canonical;
      parseIso(canonical, parts);
      if (!notation.isNumeric) return notation.write(parts, Number.NaN);
      const local = parts.milliseconds();
      const instant = zone.toInstant(local);
      return notation.write(parts, instant);
    },
  };
}

/** Instants, as "YYYY-MM-DDTHH:mm:ss.SSSZ" in UTC. */
export function datetimeConversion(options: DateOptions): DateConversion {
  const notation = notationOf(options);
  if (notation.pattern !== undefined && !notation.pattern.hasDate) throw new Error('needs year, month and day');
  const { zone } = notation;
  const parts = new DateParts();
  return {
    keepsTime: notation.pattern?.hasTime ?? true,
    parse(value) {
      if (!notation.read(value, parts)) return undefined;
      if (parts.offset === 0 || (parts.offset === null && zone.isUtc)) {
        if (typeof value === 'string' && value.length === CANONICAL_INSTANT_LENGTH && isCanonicalEnd(value))
          return value;
        return parts.instantText();
      }
      const local = parts.milliseconds();
      const instant = parts.offset === null ? zone.toInstant(local) : local - parts.offset * 60_000;
      parts.setMilliseconds(inRange(instant, value));
      return parts.instantText();
    },
    format(canonical) {
      if (notation.write === undefined) return canonical;
      parseIso(canonical, parts);
      const instant = parts.milliseconds();
      if (!notation.isNumeric && !zone.isUtc) {
        const offset = zone.offsetAt(instant);
        parts.setMilliseconds(inRange(instant + offset, canonical));
        parts.offset = Math.trunc(offset / 60_000);
      }
      return notation.write(parts, instant);
    },
  };
}

interface Notation {
  zone: Zone;
  pattern?: DatePattern;
  /** Counts from the epoch, so `write` looks at the instant instead of at the parts. */
  isNumeric: boolean;
  /** @returns false for what stands for "no date"; sets the parts otherwise */
  read(value: unknown, parts: DateParts): boolean;
  /** Absent for ISO: the canonical text is written as it is. */
  write?(parts: DateParts, instant: number): unknown;
}

function notationOf({ format = 'iso', timezone }: DateOptions): Notation {
  const zone = knownZone(timezone);
  switch (format) {
    case 'iso':
      return { zone, isNumeric: false, read: (value, parts) => readText(value, parts, ISO_DATE, parseIso) };
    case 'local':
      return {
        zone,
        isNumeric: false,
        read: (value, parts) => readText(value, parts, ISO_DATE, parseIso),
        write: (parts) => parts.instantText().slice(0, -1),
      };
    case 'unix':
      return {
        zone,
        isNumeric: true,
        read: (value, parts) => readCount(value, 1000, phrase`seconds`, parts),
        write: (_parts, instant) => instant / 1000,
      };
    case 'unix_ms':
      return {
        zone,
        isNumeric: true,
        read: (value, parts) => readCount(value, 1, phrase`milliseconds`, parts),
        write: (_parts, instant) => instant,
      };
    case 'odata-v2':
      return {
        zone,
        isNumeric: true,
        read: (value, parts) => readText(value, parts, ODATA_DATE, parseOdata),
        write: (_parts, instant) => `/Date(${instant})/`,
      };
    default:
      return patternNotation(format, zone);
  }
}

function patternNotation(format: string, zone: Zone): Notation {
  const pattern = compilePattern(format);
  const { parse } = pattern;
  const wanted = phrase`a date of the format ${format}`;
  return {
    zone,
    pattern,
    isNumeric: false,
    read(value, parts) {
      if (typeof value === 'string') {
        if (parse(value, parts)) return true;
        if (isZeros(value)) return false;
      }
      return readText(typeof value === 'number' ? String(value) : value, parts, wanted, parse);
    },
    write: (parts) => pattern.format(parts),
  };
}

/** The initial date of SAP and others ("00000000", "00.00.0000"), which means that there is none. */
function isZeros(text: string): boolean {
  return text.charCodeAt(0) === 48 && text.length >= 6 && /^[0./: -]+$/.test(text);
}

function readText(
  value: unknown,
  parts: DateParts,
  wanted: Phrase,
  parse: (text: string, parts: DateParts) => boolean,
): boolean {
  if (typeof value === 'string') {
    if (parse(value, parts)) return true;
    const trimmed = value.trim();
    if (trimmed === '') return false;
    if (trimmed !== value && parse(trimmed, parts)) return true;
    throw new ValueProblem('PCP_VALUE_DATE', 'date', phrase`${show(value)} is not ${wanted}, or does not exist`, value);
  }
  if (value instanceof Date && Number.isFinite(value.getTime())) {
    setInstant(parts, inRange(value.getTime(), value));
    return true;
  }
  const hint =
    typeof value === 'number' ? 'A number of seconds or milliseconds needs the format unix or unix_ms.' : undefined;
  throw new ValueProblem('PCP_VALUE_DATE', 'date', phrase`${show(value)} is not ${wanted}`, value, hint);
}

function readCount(value: unknown, factor: number, noun: Phrase, parts: DateParts): boolean {
  if (value instanceof Date) return readText(value, parts, ISO_DATE, parseIso);
  let count: string | undefined;
  try {
    count = decimalOf(value);
  } catch (problem) {
    if (!(problem instanceof ValueProblem)) throw problem;
    throw new ValueProblem(
      'PCP_VALUE_DATE',
      'date',
      phrase`${show(value)} is not a number of ${noun} since 1970`,
      value,
    );
  }
  if (count === undefined) return false;
  setInstant(parts, inRange(Math.round(Number(count) * factor), value));
  return true;
}

function parseOdata(text: string, parts: DateParts): boolean {
  const found = ODATA_V2.exec(text);
  if (found === null) return false;
  setInstant(parts, inRange(Number(found[1]), text));
  return true;
}

function setInstant(parts: DateParts, instant: number): void {
  parts.setMilliseconds(instant);
  parts.offset = 0;
}

function inRange(milliseconds: number, value: unknown): number {
  if (milliseconds >= MIN_INSTANT && milliseconds <= MAX_INSTANT) return milliseconds;
  throw new ValueProblem('PCP_VALUE_RANGE', 'date', phrase`${show(value)} is outside of the years 1 to 9999`, value);
}

/** What ISO parsing has accepted with 24 characters is canonical when it ends in milliseconds and a capital Z. */
function isCanonicalEnd(text: string): boolean {
  return text.charCodeAt(23) === 90 && text.charCodeAt(19) === 46 && text.charCodeAt(10) === 84;
}

function knownZone(timezone: string): Zone {
  try {
    return zoneOf(timezone);
  } catch {
    throw new Error(`has the unknown time zone "${timezone}"`);
  }
}
