import type { Property } from '../../../protocols/odata/model';

/** "20261127060000" and "20261127", as many services write the time of a change. */
const STAMP = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?$/;

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
    case 'Edm.Date':
      return (
        moveBack(value.length === 10 ? `${value}T00:00:00Z` : `${value}Z`, seconds)?.slice(0, value.length) ?? value
      );
    case 'Edm.DateTimeOffset':
      return moveBack(value, seconds) ?? value;
  }
  return value;
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
