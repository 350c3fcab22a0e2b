import { phrase } from '../../model/phrase';
import { ValueProblem } from '../problems';
import { type DateParts, threeDigits, twoDigits, yearText } from './calendar';
import { parseOffset } from './iso-dates';

/** A pattern such as `DD/MM/YYYY HH:mm`, compiled for both ways. */
export interface DatePattern {
  /** False when the text does not follow the pattern or names a date that does not exist. */
  parse(text: string, parts: DateParts): boolean;
  format(parts: DateParts): string;
  /** Whether the pattern holds a year, month and day. */
  hasDate: boolean;
  hasTime: boolean;
  hasOffset: boolean;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TOKEN =
  /\[[^\]]*\]|'[^']*'|YYYY|yyyy|YY|yy|MMM|MM|M|DD|dd|D|d|HH|H|hh|h|mm|m|ss|s|S{1,9}|ZZ|Z|A|a|[^A-Za-z]|[A-Za-z]/g;
/** Two-digit years from here on are 19xx, smaller ones 20xx. */
const PIVOT = 70;

interface Token {
  /** @returns where it ends, or -1 when the text does not fit */
  read(text: string, at: number, parts: DateParts): number;
  write(parts: DateParts): string;
}

type NumericPart = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';

/** @throws Error with a message that continues "the format ..." */
export function compilePattern(pattern: string): DatePattern {
  const words = pattern.match(TOKEN) ?? [];
  const tokens = words.map((word) => tokenOf(word, words));
  const has = (...names: string[]) => words.some((word) => names.includes(word));
  const walk: DatePattern['parse'] = (text, parts) => {
    parts.reset();
    let at = 0;
    for (const token of tokens) {
      at = token.read(text, at, parts);
      if (at < 0) return false;
    }
    return at === text.length && parts.exists();
  };
  const hasMonth = has('MM', 'M', 'MMM');
  if (!hasMonth && has('mm', 'm') && has('YYYY', 'yyyy', 'YY', 'yy')) {
    throw new Error('has no month: "mm" means minutes, write "MM" for the month');
  }
  if (has('hh', 'h') !== has('A', 'a')) throw new Error('needs "hh" and "A" together, or "HH" for 24 hours');
  return {
    hasDate: has('YYYY', 'yyyy', 'YY', 'yy') && hasMonth && has('DD', 'dd', 'D', 'd'),
    hasTime: has('HH', 'H', 'hh', 'h'),
    hasOffset: has('Z', 'ZZ'),
    parse: compileFixed(words) ?? walk,
    format(parts) {
      let text = '';
      for (const token of tokens) text += token.write(parts);
      return text;
    },
  };
}

const FIXED: Record<string, NumericPart> = {
  YYYY: 'year',
  yyyy: 'year',
  MM: 'month',
  DD: 'day',
  dd: 'day',
  HH: 'hour',
  mm: 'minute',
  ss: 'second',
};

/** The common patterns have every digit at a known place: they are read without walking over tokens. */
function compileFixed(words: string[]): DatePattern['parse'] | undefined {
  const places = new Map<NumericPart, number>();
  const literals: { at: number; code: number }[] = [];
  let length = 0;
  for (const word of words) {
    const part = FIXED[word];
    if (part === undefined ? word.length !== 1 || /[A-SU-Za-z]/.test(word) : places.has(part)) return undefined;
    if (part === undefined) literals.push({ at: length, code: word.charCodeAt(0) });
    else places.set(part, length);
    length += word.length;
  }
  const [year, month, day] = [places.get('year'), places.get('month'), places.get('day')];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const [hour = -1, minute = -1, second = -1] = [places.get('hour'), places.get('minute'), places.get('second')];
  return (text, parts) => {
    if (text.length !== length) return false;
    for (const { at, code } of literals) if (text.charCodeAt(at) !== code) return false;
    parts.reset();
    parts.year = twoDigitsAt(text, year) * 100 + twoDigitsAt(text, year + 2);
    parts.month = twoDigitsAt(text, month);
    parts.day = twoDigitsAt(text, day);
    if (hour >= 0) parts.hour = twoDigitsAt(text, hour);
    if (minute >= 0) parts.minute = twoDigitsAt(text, minute);
    if (second >= 0) parts.second = twoDigitsAt(text, second);
    return parts.exists();
  };
}

/** NaN, which no date has, when one of the two is no digit. */
function twoDigitsAt(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function tokenOf(word: string, words: string[]): Token {
  switch (word) {
    case 'YYYY':
    case 'yyyy':
      return numeric('year', 4, 4, yearText);
    case 'YY':
    case 'yy':
      return shortYear();
    case 'MMM':
      return monthName();
    case 'MM':
      return numeric('month', 2, 2, twoDigits);
    case 'M':
      return numeric('month', 1, 2, String);
    case 'DD':
    case 'dd':
      return numeric('day', 2, 2, twoDigits);
    case 'D':
    case 'd':
      return numeric('day', 1, 2, String);
    case 'HH':
      return numeric('hour', 2, 2, twoDigits);
    case 'H':
      return numeric('hour', 1, 2, String);
    case 'hh':
    case 'h':
      return hourOfHalfDay(word.length);
    case 'A':
    case 'a':
      return halfDay(word === 'a');
    case 'mm':
      return numeric('minute', 2, 2, twoDigits);
    case 'm':
      return numeric('minute', 1, 2, String);
    case 'ss':
      return numeric('second', 2, 2, twoDigits);
    case 's':
      return numeric('second', 1, 2, String);
    case 'Z':
    case 'ZZ':
      return offset(word === 'Z' ? ':' : '');
    default:
      if (word.startsWith('S')) return fraction(word.length);
      return literal(word, words);
  }
}

function numeric(part: NumericPart, min: number, max: number, write: (value: number) => string): Token {
  return {
    read(text, start, parts) {
      let at = start;
      let value = 0;
      for (; at < start + max; at++) {
        const digit = text.charCodeAt(at) - 48;
        if (!(digit >= 0 && digit <= 9)) break;
        value = value * 10 + digit;
      }
      if (at - start < min) return -1;
      parts[part] = value;
      return at;
    },
    write: (parts) => write(parts[part]),
  };
}

function shortYear(): Token {
  const digits = numeric('year', 2, 2, (year) => {
    if (year >= 1900 + PIVOT && year < 2000 + PIVOT) return twoDigits(year % 100);
    throw new ValueProblem('PCP_VALUE_RANGE', 'date', phrase`the year ${year} cannot be written with two digits`, year);
  });
  return {
    read(text, start, parts) {
      const end = digits.read(text, start, parts);
      parts.year += parts.year < PIVOT ? 2000 : 1900;
      return end;
    },
    write: digits.write,
  };
}

function monthName(): Token {
  const numbers = new Map(MONTHS.map((name, index) => [name.toLowerCase(), index + 1]));
  return {
    read(text, start, parts) {
      const month = numbers.get(text.slice(start, start + 3).toLowerCase());
      if (month === undefined) return -1;
      parts.month = month;
      return start + 3;
    },
    write: (parts) => MONTHS[parts.month - 1]!,
  };
}

/** Hours 1 to 12 stay as read until AM or PM settles them; 12 counts as 0. */
function hourOfHalfDay(min: number): Token {
  const digits = numeric('hour', min, 2, String);
  return {
    read(text, start, parts) {
      const half = parts.hour;
      const end = digits.read(text, start, parts);
      if (end < 0 || parts.hour < 1 || parts.hour > 12) return -1;
      parts.hour = (parts.hour % 12) + half;
      return end;
    },
    write(parts) {
      const hour = parts.hour % 12 === 0 ? 12 : parts.hour % 12;
      return min === 2 ? twoDigits(hour) : String(hour);
    },
  };
}

function halfDay(lowerCase: boolean): Token {
  return {
    read(text, start, parts) {
      const word = text.slice(start, start + 2).toUpperCase();
      if (word !== 'AM' && word !== 'PM') return -1;
      if (word === 'PM') parts.hour += 12;
      return start + 2;
    },
    write(parts) {
      const word = parts.hour < 12 ? 'AM' : 'PM';
      return lowerCase ? word.toLowerCase() : word;
    },
  };
}

/** Digits behind the seconds; what is finer than milliseconds is cut when read and zero when written. */
function fraction(length: number): Token {
  return {
    read(text, start, parts) {
      const digits = /^\d*/.exec(text.slice(start, start + length))![0];
      if (digits === '') return -1;
      parts.millisecond = Number(digits.slice(0, 3).padEnd(3, '0'));
      return start + digits.length;
    },
    write: (parts) => threeDigits(parts.millisecond).padEnd(length, '0').slice(0, length),
  };
}

function offset(colon: string): Token {
  return {
    read: (text, start, parts) => parseOffset(text, start, parts),
    write(parts) {
      const minutes = parts.offset ?? 0;
      const size = Math.abs(minutes);
      return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}${colon}${twoDigits(size % 60)}`;
    },
  };
}

function literal(word: string, words: string[]): Token {
  const quoted = (word.startsWith('[') || word.startsWith("'")) && word.length > 1;
  if (!quoted && /[A-Za-z]/.test(word) && word !== 'T') {
    throw new Error(`holds "${word}", which is no part of a date; put plain text in [brackets] ("${words.join('')}")`);
  }
  const text = quoted ? word.slice(1, -1) : word;
  return {
    read: (input, start) => (input.startsWith(text, start) ? start + text.length : -1),
    write: () => text,
  };
}
