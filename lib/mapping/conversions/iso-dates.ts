import type { DateParts } from './calendar';

/**
 * ISO 8601 as RFC 3339 restricts it: `YYYY-MM-DD`, then optionally `T` or a blank with `HH:mm`, `:ss` and a fraction
 * (`.` or `,`, cut to milliseconds, never rounded), then optionally `Z`, `±HH`, `±HHmm` or `±HH:mm`.
 */

const ZERO = 48;

/** Two digits as a number, or -1. */
function pair(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** @returns false when the text is not such a date, or one that does not exist */
export function parseIso(text: string, parts: DateParts): boolean {
  const century = pair(text, 0);
  const year = pair(text, 2);
  const month = pair(text, 5);
  const day = pair(text, 8);
  if (century < 0 || year < 0 || month < 0 || day < 0) return false;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false;
  parts.reset();
  parts.year = century * 100 + year;
  parts.month = month;
  parts.day = day;
  if (text.length === 10) return parts.exists();
  const separator = text.charCodeAt(10) | 32;
  if (separator !== 116 && separator !== 32) return false;
  const end = parseTime(text, 11, parts);
  if (end < 0 || !parts.exists()) return false;
  return end === text.length || parseOffset(text, end, parts) === text.length;
}

/** @returns where the time ends, or -1 */
function parseTime(text: string, start: number, parts: DateParts): number {
  parts.hour = pair(text, start);
  parts.minute = pair(text, start + 3);
  if (parts.hour < 0 || parts.minute < 0 || text.charCodeAt(start + 2) !== 58) return -1;
  let at = start + 5;
  if (text.charCodeAt(at) !== 58) return at;
  parts.second = pair(text, at + 1);
  if (parts.second < 0) return -1;
  at += 3;
  const point = text.charCodeAt(at);
  if (point !== 46 && point !== 44) return at;
  const first = ++at;
  let milliseconds = 0;
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
    if (at - first < 3) milliseconds = milliseconds * 10 + digit;
  }
  if (at === first) return -1;
  parts.millisecond = at - first === 1 ? milliseconds * 100 : at - first === 2 ? milliseconds * 10 : milliseconds;
  return at;
}

/**
 * Reads `Z`, `±HH`, `±HHmm` or `±HH:mm`, after blanks.
 * @returns where it ends, or -1
 */
export function parseOffset(text: string, start: number, parts: DateParts): number {
  let at = start;
  while (text.charCodeAt(at) === 32) at++;
  const sign = text.charCodeAt(at);
  if ((sign | 32) === 122) {
    parts.offset = 0;
    return at + 1;
  }
  if (sign !== 43 && sign !== 45) return -1;
  const hours = pair(text, at + 1);
  if (hours < 0 || hours > 23) return -1;
  at += 3;
  let minutes = 0;
  const colon = text.charCodeAt(at) === 58;
  if (colon || at < text.length) {
    minutes = pair(text, colon ? at + 1 : at);
    if (minutes < 0 || minutes > 59) return -1;
    at += colon ? 3 : 2;
  }
  parts.offset = (sign === 45 ? -1 : 1) * (hours * 60 + minutes);
  return at;
}
