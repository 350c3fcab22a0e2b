import type { FieldMapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';

/** @throws ValueProblem PCP_VALUE_TYPE for objects and lists */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value === 0 ? 0 : value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date && Number.isFinite(value.getTime())) return value.toISOString();
  throw new ValueProblem('PCP_VALUE_TYPE', 'string', phrase`${show(value)} is not a text`, value);
}

export type Padding = NonNullable<FieldMapping['pad']>;

/** Brings a text to at least `length` characters; longer ones stay as they are. */
export function padText(text: string, { length, with: filler = ' ', side = 'start' }: Padding): string {
  return side === 'start' ? text.padStart(length, filler) : text.padEnd(length, filler);
}

/** Takes the padding away. A text of nothing but padding keeps one character of it, unless that is a blank. */
export function stripText(text: string, { with: filler = ' ', side = 'start' }: Padding): string {
  const code = filler.charCodeAt(0);
  let start = 0;
  let end = text.length;
  if (side === 'start') while (start < end && text.charCodeAt(start) === code) start++;
  else while (end > start && text.charCodeAt(end - 1) === code) end--;
  if (start === end && text !== '' && filler !== ' ') return filler;
  return text.slice(start, end);
}
