import type { Property } from '../../../protocols/odata/model';

/** "20261127060000" and "20261127", as many services write the time of a change. */
const STAMP = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?$/;

const MIDNIGHT = /T00:00:00(\.0+)?$/;

/** Later of two values of a field that grows with each change; null counts as nothing. */
export function later(a: unknown, b: unknown): unknown {
  if (b === null || b === undefined || b === '') return a;
  if (a === null || a === undefined || a === '') return b;
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
  const [left, right] = [String(a), String(b)];
  const areNumbers = /^-?\d+$/.test(left) && /^-?\d+$/.test(right);
  return (areNumbers ? BigInt(left) > BigInt(right) : instantOf(left) > instantOf(right)) ? a : b;
}

/** The value less some seconds, in its own notation; what is no time stays as it is. */
export function earlier(value: unknown, seconds: number, { type }: Property): unknown {
  if (typeof value !== 'string' || seconds <= 0) return value;
  const stamp = type === 'Edm.String' ? STAMP.exec(value) : null;
  if (stamp !== null) {
    const [, year, month, day, hour = '00', minute = '00', second = '00'] = stamp;
    const moved = moveBack(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`, seconds);
    return moved === undefined ? value : moved.replace(/\D/g, '').slice(0, value.length);
  }
  switch (type) {
    case 'Edm.DateTime':
    case 'Edm.Date': {
      const moved = moveBack(value.length === 10 ? `${value}T00:00:00Z` : `${value}Z`, seconds);
      if (moved === undefined) return value;
      // Midnight may be all that a field for days can say; services compare it with nothing but days.
      return MIDNIGHT.test(value) ? `${moved.slice(0, 10)}T00:00:00` : moved.slice(0, value.length);
    }
    case 'Edm.DateTimeOffset':
      return moveBack(value, seconds) ?? value;
  }
  return value;
}

/** What is less than any time in the notation of a field; undefined where it holds none. */
export function earliest({ type }: Property): string | undefined {
  switch (type) {
    case 'Edm.String':
      return '1';
    case 'Edm.DateTime':
    case 'Edm.Date':
      return '1900-01-01';
    case 'Edm.DateTimeOffset':
      return '1900-01-01T00:00:00Z';
  }
  return undefined;
}

function moveBack(instant: string, seconds: number): string | undefined {
  const time = Date.parse(instant) - seconds * 1000;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** Comparable whatever the fraction and offset; other texts are compared as they are. */
function instantOf(text: string): string {
  const isInstant = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text);
  return isInstant && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : text;
}
