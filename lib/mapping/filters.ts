import type { Filter, FilterOperator } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { PlainRecord } from './contract';
import { parseUsualBoolean } from './conversions/booleans';
import { DateParts } from './conversions/calendar';
import { compareDecimals, decimalOf } from './conversions/decimals';
import { parseIso } from './conversions/iso-dates';
import { textOf } from './conversions/texts';
import { checkedPath, OPERATORS } from './definition';
import { compileReader } from './paths';
import { mappingError, show, ValueProblem } from './problems';

/**
 * Conditions on a record as it is read.
 *
 * Null: a missing field, null, an empty text and what a notation reads as "nothing" count as null. Null satisfies `is_null`,
 * and `ne` and `not_in`, since it is not what they exclude (SQL would drop it); nothing else.
 *
 * Comparison: where the field is mapped with a type, both sides are read with the notation of that pair ("31/12/2026" of a
 * date, "1.234,50" of a decimal). Elsewhere a number on either side compares as an exact decimal, two texts as texts; in
 * lt, le, gt, ge and between, two texts that are both numbers or both ISO dates compare as such. `like` knows `%` (any
 * characters), `_` (one character) and the backslash before them; upper and lower case differ.
 */

export type RecordTest = (record: PlainRecord) => boolean;
export type FieldFilter = Exclude<Filter, { expression: string }>;

/** How a filter's field is read when a pair maps it. */
export interface FilterNotation {
  kind: 'decimal' | 'instant' | 'date' | 'boolean' | 'text';
  /** To a canonical value. @throws ValueProblem */
  parse(value: unknown): unknown;
}

/** -1, 0 or 1; undefined when the two are different and cannot be ordered. */
type Compare = (value: unknown, wanted: unknown) => number | undefined;

const DECIMAL_TEXT = /^\s*[+-]?\d+(?:\.\d+)?\s*$/;

export function isFieldFilter(filter: Filter): filter is FieldFilter {
  return !('expression' in filter);
}

/**
 * @param path pointer of the filter in the mapping
 * @throws config PCP_MAPPING_INVALID; the test throws ValueProblem for a value that cannot be judged
 */
export function compileFilter(filter: FieldFilter, notation: FilterNotation | undefined, path: string): RecordTest {
  checkFilter(filter, path);
  const read = compileReader(checkedPath(filter.field, `${path}/field`, 'The filter'));
  const holds = compileOperator(filter, notation, path);
  const forNull = filter.operator === 'is_null' || excludes(filter.operator);
  return (record) => {
    const value = read(record);
    if (value === undefined || value === null || value === '') return forNull;
    return holds(value);
  };
}

function checkFilter(filter: FieldFilter, path: string): void {
  if (filter === null || typeof filter !== 'object') throw mappingError(path, 'A filter must be an object.');
  if (!OPERATORS.includes(filter.operator)) {
    throw mappingError(`${path}/operator`, `The filter on ${filter.field} has no operator of ${OPERATORS.join(', ')}.`);
  }
  const refuse = (message: string): never => {
    throw mappingError(`${path}/value`, `The filter on ${filter.field} ${message}.`);
  };
  if (filter.operator === 'is_null' || filter.operator === 'not_null') return;
  if (isListOperator(filter.operator)) {
    if (!Array.isArray(filter.value)) refuse(`needs a list of values for ${filter.operator}`);
    const values = filter.value as unknown[];
    if (filter.operator === 'between' && values.length !== 2)
      refuse('needs two values for between, the lower one first');
    for (const value of values) checkScalar(value, refuse);
  } else {
    checkScalar(filter.value, refuse);
  }
}

function checkScalar(value: unknown, refuse: (message: string) => never): void {
  if (value === undefined || value === null || value === '') refuse('has an empty value; use is_null or not_null');
  if (typeof value === 'object') refuse('needs plain values');
}

function excludes(operator: FilterOperator): boolean {
  return operator === 'ne' || operator === 'not_in';
}

function isListOperator(operator: FilterOperator): boolean {
  return operator === 'in' || operator === 'not_in' || operator === 'between';
}

function compileOperator(
  filter: FieldFilter,
  notation: FilterNotation | undefined,
  path: string,
): (value: unknown) => boolean {
  const { operator } = filter;
  if (operator === 'is_null') return () => false;
  if (operator === 'not_null') return () => true;
  if (operator === 'like') return likeTest(textOf(filter.value));
  const values = (isListOperator(operator) ? (filter.value as unknown[]) : [filter.value]).map((value) =>
    notation === undefined ? value : parsedValue(notation, value, filter, path),
  );
  const ordering = !['eq', 'ne', 'in', 'not_in'].includes(operator);
  const compare = notation === undefined ? (ordering ? orderLoosely : equalLoosely) : typedCompare(notation);
  const test = operatorTest(operator, values, compare);
  if (notation === undefined) return test;
  return (value) => {
    const parsed = notation.parse(value);
    return parsed === undefined || parsed === null ? excludes(operator) : test(parsed);
  };
}

function operatorTest(operator: FilterOperator, values: unknown[], compare: Compare): (value: unknown) => boolean {
  const [first, second] = values;
  switch (operator) {
    case 'eq':
      return (value) => compare(value, first) === 0;
    case 'ne':
      return (value) => compare(value, first) !== 0;
    case 'lt':
      return (value) => compare(value, first) === -1;
    case 'le':
      return (value) => atMost(compare(value, first));
    case 'gt':
      return (value) => compare(value, first) === 1;
    case 'ge':
      return (value) => atLeast(compare(value, first));
    case 'between':
      return (value) => atLeast(compare(value, first)) && atMost(compare(value, second));
    case 'in':
      return (value) => values.some((wanted) => compare(value, wanted) === 0);
    default:
      return (value) => !values.some((wanted) => compare(value, wanted) === 0);
  }
}

function atMost(order: number | undefined): boolean {
  return order === 0 || order === -1;
}

function atLeast(order: number | undefined): boolean {
  return order === 0 || order === 1;
}

function parsedValue(notation: FilterNotation, value: unknown, filter: FieldFilter, path: string): unknown {
  try {
    const parsed = notation.parse(value);
    if (parsed !== undefined && parsed !== null) return parsed;
  } catch (problem) {
    if (!(problem instanceof ValueProblem)) throw problem;
    throw mappingError(`${path}/value`, phrase`The filter on ${filter.field}: ${problem.said}.`);
  }
  throw mappingError(`${path}/value`, `The filter on ${filter.field}: ${show(value)} stands for no value.`);
}

function typedCompare({ kind }: FilterNotation): Compare {
  if (kind === 'decimal') return (value, wanted) => compareDecimals(decimalOf(value)!, decimalOf(wanted)!);
  return (value, wanted) => order(value as string, wanted as string);
}

function order<T extends string | number | boolean>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function equalLoosely(value: unknown, wanted: unknown): number | undefined {
  if (typeof wanted === 'boolean') {
    const truth = parseUsualBoolean(value);
    return truth === undefined ? undefined : order(truth, wanted);
  }
  if (isNumber(value) || isNumber(wanted)) {
    const left = looseDecimal(value);
    const right = looseDecimal(wanted);
    return left === undefined || right === undefined ? undefined : compareDecimals(left, right);
  }
  return textOf(value) === textOf(wanted) ? 0 : undefined;
}

function orderLoosely(value: unknown, wanted: unknown): number | undefined {
  const left = looseDecimal(value);
  const right = looseDecimal(wanted);
  if (left !== undefined && right !== undefined) return compareDecimals(left, right);
  if (isNumber(wanted) || typeof wanted === 'boolean') {
    const said = phrase`${show(value)} cannot be compared with ${show(wanted)}`;
    throw new ValueProblem('PCP_VALUE_TYPE', 'filter', said, value);
  }
  const a = textOf(value);
  const b = textOf(wanted);
  const from = instantOf(a);
  const to = from === undefined ? undefined : instantOf(b);
  return from !== undefined && to !== undefined ? order(from, to) : order(a, b);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function looseDecimal(value: unknown): string | undefined {
  if (isNumber(value)) return decimalOf(value);
  return typeof value === 'string' && DECIMAL_TEXT.test(value) ? decimalOf(value) : undefined;
}

const parts = new DateParts();

function instantOf(text: string): number | undefined {
  return parseIso(text, parts) ? parts.milliseconds() - (parts.offset ?? 0) * 60_000 : undefined;
}

/** Linear in practice and quadratic at worst, whatever the pattern: no regular expression, no recursion. */
export function likeTest(pattern: string): (value: unknown) => boolean {
  const tokens: string[] = [];
  const kinds: ('text' | 'any' | 'one')[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    const escaped = character === '\\' && at + 1 < characters.length;
    tokens.push(escaped ? characters[++at]! : character);
    kinds.push(escaped ? 'text' : character === '%' ? 'any' : character === '_' ? 'one' : 'text');
  }
  return (value) => {
    const text = [...textOf(value)];
    let at = 0;
    let token = 0;
    let lastAny = -1;
    let resumeAt = 0;
    while (at < text.length) {
      if (kinds[token] === 'any') {
        lastAny = token++;
        resumeAt = at;
      } else if (kinds[token] === 'one' || (kinds[token] === 'text' && tokens[token] === text[at])) {
        token++;
        at++;
      } else if (lastAny >= 0) {
        token = lastAny + 1;
        at = ++resumeAt;
      } else {
        return false;
      }
    }
    while (kinds[token] === 'any') token++;
    return token === tokens.length;
  };
}
