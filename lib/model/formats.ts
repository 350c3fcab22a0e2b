/**
 * The string formats of entity schemas: "decimal", "date" and "date-time". Written by hand over character codes because
 * every field of every record of a run passes here.
 */

const ZERO = 48;
const NINE = 57;

/** Longest decimal accepted: more digits than any ERP keeps, few enough for every arithmetic that follows. */
const MAX_DECIMAL_LENGTH = 80;

/** Plain notation without exponent: "-12.50", "0", "007.1". Nothing is said about the number of digits. */
export function isDecimal(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > MAX_DECIMAL_LENGTH) return false;
  let index = text.charCodeAt(0) === 45 ? 1 : 0;
  const start = index;
  while (index < length && isDigit(text.charCodeAt(index))) index++;
  if (index === start) return false;
  if (index === length) return true;
  if (text.charCodeAt(index) !== 46 || ++index === length) return false;
  while (index < length && isDigit(text.charCodeAt(index))) index++;
  return index === length;
}

/** A day that exists, "2026-02-28", in the years 0001 to 9999. */
export function isDate(text: string): boolean {
  return text.length === 10 && isDay(text);
}

/**
 * An instant, "2026-11-24T05:00:00.000Z": seconds are needed, up to nine digits of fraction, "Z" or an offset of at most
 * 14 hours. A leap second is refused: nothing downstream can hold one.
 */
export function isDateTime(text: string): boolean {
  if (text.length < 20 || text.length > 35 || text.charCodeAt(10) !== 84 || !isDay(text)) return false;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  let index = 19;
  if (text.charCodeAt(index) === 46) {
    const start = ++index;
    while (index < text.length && isDigit(text.charCodeAt(index))) index++;
    if (index === start || index - start > 9) return false;
  }
  const zone = text.charCodeAt(index);
  if (zone === 90) return index + 1 === text.length;
  if ((zone !== 43 && zone !== 45) || index + 6 !== text.length || text.charCodeAt(index + 3) !== 58) return false;
  const offsetHour = twoDigits(text, index + 1);
  const offsetMinute = twoDigits(text, index + 4);
  return offsetHour >= 0 && offsetHour <= 14 && offsetMinute >= 0 && offsetMinute <= 59;
}

/** For `new Ajv({ formats })`. */
export const formats: Record<'decimal' | 'date' | 'date-time', (text: string) => boolean> = {
  decimal: isDecimal,
  date: isDate,
  'date-time': isDateTime,
};

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** -1 when one of the two is no digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : -1;
}

function isDay(text: string): boolean {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false;
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return false;
  const year = century * 100 + yearOfCentury;
  return year > 0 && day <= daysOfMonth(year, month);
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
