import { isDeepStrictEqual } from 'node:util';
import type { FieldMapping, FieldType } from '../model/mapping';
import { phrase } from '../model/phrase';
import { DateParts } from './conversions/calendar';
import { compareDecimals, decimalOf, type Separator } from './conversions/decimals';
import { parseIso } from './conversions/iso-dates';
import { textOf } from './conversions/texts';
import { nameOf } from './definition';
import { exportFunction, type FieldFunction, typeOf } from './fields';
import { mappingError, show, ValueProblem } from './problems';

/**
 * Mappings for both ways write back what they read, so nothing may be lost on the way in. What loses something with every
 * value is refused when the mapping is saved; what depends on the value is tried with each value that is read. Mappings
 * for one way pay for neither.
 */

/** Options that turn many external values into one, and what to do instead. */
const LOSSY: Partial<Record<keyof FieldMapping, string>> = {
  default: 'Name what the empty value stands for in a lookup, {"": ...}, or use one mapping for each direction.',
  lookup_default: 'Name every external value in the lookup, or use one mapping for each direction.',
  round: 'Keep all decimals, or use one mapping for each direction.',
};

/** @throws config PCP_MAPPING_INVALID for an option that would write something else back than what was read */
export function refuseLossyOptions(pair: FieldMapping, path: string): void {
  for (const [option, hint] of Object.entries(LOSSY)) {
    const value = pair[option as keyof FieldMapping];
    if (value === undefined || value === false) continue;
    const message = `${nameOf(pair)}: "${option}" cannot be read backwards, so the mapping cannot go both ways.`;
    throw mappingError(`${path}/${option}`, message, hint);
  }
  const nulled = Object.entries(pair.lookup ?? {}).find(([key, value]) => value === null && key !== '');
  if (nulled === undefined) return;
  const message = `${nameOf(pair)}: the lookup cannot be read backwards, because "${nulled[0]}" gives nothing.`;
  throw mappingError(`${path}/lookup`, message, 'Give it a value, or use one mapping for each direction.');
}

/** The conversion of an import, refusing each value that an export would write back as another one. */
export function reversible(
  pair: FieldMapping,
  type: FieldType | undefined,
  timezone: string,
  path: string,
  forward: FieldFunction,
): FieldFunction {
  const backward = exportFunction(pair, typeOf(pair, undefined), timezone, path);
  const same = sameness(pair, type);
  return (value) => {
    const own = forward(value);
    if (own === null) return own;
    const back = backward(own);
    if (!same(value, back)) {
      throw new ValueProblem(
        'PCP_VALUE_ROUND_TRIP',
        'round_trip',
        phrase`${show(value)} would be written back as ${show(back)}`,
        value,
        'Choose options that keep the value as it is, or use one mapping for each direction.',
      );
    }
    return own;
  };
}

/** Whether what is written back is what was read. The side that takes it may write the same number or instant otherwise. */
function sameness(pair: FieldMapping, type: FieldType | undefined): (given: unknown, back: unknown) => boolean {
  if (pair.lookup !== undefined) return sameText;
  switch (type) {
    case 'integer':
    case 'number':
    case 'decimal':
      return (given, back) => sameNumber(given, back, pair.decimal_separator);
    case 'date':
    case 'datetime':
      return pair.format === 'unix' || pair.format === 'unix_ms' ? sameNumber : sameInstant;
    case 'boolean':
      return (given, back) => typeof given !== 'string' || sameText(given, back);
    case 'json':
      return () => true;
    default:
      return sameText;
  }
}

function sameText(given: unknown, back: unknown): boolean {
  if (typeof given === 'object' && !(given instanceof Date)) return isDeepStrictEqual(given, back);
  return textOf(given) === textOf(back);
}

/** "1.500" and "1.5" are one number to any column; "007" and " 7" may be texts that only look like one. */
function sameNumber(given: unknown, back: unknown, separator?: Separator): boolean {
  if (typeof given === 'string' && /^[+\s]|^-?0\d|\s$/.test(given)) return false;
  const [before, after] = [decimalOf(given, separator), decimalOf(back, separator)];
  return before !== undefined && after !== undefined && compareDecimals(before, after) === 0;
}

/** A time without an offset is not the same as one with: a column without a zone would keep other digits. */
function sameInstant(given: unknown, back: unknown): boolean {
  if (sameText(given, back)) return true;
  const [before, after] = [instantOf(textOf(given)), instantOf(textOf(back))];
  return before !== undefined && before === after;
}

const parts = new DateParts();

/** Undefined for what no instant of ours can be, as finer than a millisecond. */
function instantOf(text: string): number | undefined {
  if (/[.,]\d{3}\d*[1-9]/.test(text) || !parseIso(text, parts)) return undefined;
  return parts.milliseconds() - (parts.offset ?? 0) * 60_000;
}
