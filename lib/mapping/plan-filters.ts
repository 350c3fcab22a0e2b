import type { FieldMapping, FieldType, Filter } from '../model/mapping';
import { canonicalConversion } from './conversions/conversion';
import { checkExpression } from './expressions/check';
import { importFunction, pairConversion } from './fields';
import { compileFilter, type FieldFilter, type FilterNotation, isFieldFilter } from './filters';
import type { Plan } from './plan';
import { mappingError, ValueProblem } from './problems';

/** A pair as filters see it. */
export interface TypedPair {
  pair: FieldMapping;
  type: FieldType | undefined;
  path: string;
}

const KINDS: Partial<Record<FieldType, FilterNotation['kind']>> = {
  integer: 'decimal',
  number: 'decimal',
  decimal: 'decimal',
  boolean: 'boolean',
  date: 'date',
  datetime: 'instant',
};

/** Filters over external records read a value as the pair with that source does. */
export function externalNotation(
  pairs: readonly TypedPair[],
  field: string,
  timezone: string,
): FilterNotation | undefined {
  const found = pairs.find(({ pair }) => pair.source === field && pair.expression === undefined);
  if (found === undefined || found.pair.lookup !== undefined) return undefined;
  const { pair, type, path } = found;
  const kind = type === undefined ? undefined : KINDS[type];
  if (kind === undefined) {
    return pair.trim
      ? {
          kind: 'text',
          parse: pairConversion({ target: pair.target, type: 'string', trim: true }, 'string', timezone, path).parse,
        }
      : undefined;
  }
  const { target, format, timezone: zone, decimal_separator } = pair;
  const plain = {
    target,
    ...(format !== undefined && { format }),
    ...(zone !== undefined && { timezone: zone }),
    ...(decimal_separator !== undefined && { decimal_separator }),
  };
  return { kind, parse: pairConversion(plain, type, timezone, path).parse };
}

/** Filters over platform records compare canonical values of the pair's type. */
export function platformNotation(pairs: readonly TypedPair[], field: string): FilterNotation | undefined {
  const type = pairs.find(({ pair }) => pair.target === field)?.type;
  const kind = type === undefined ? undefined : KINDS[type];
  return kind === undefined ? undefined : { kind, parse: canonicalConversion(type).parse };
}

/** @throws config PCP_MAPPING_INVALID, PCP_EXPRESSION_INVALID */
export function planFilters(
  filters: readonly Filter[],
  notationOf: (field: string) => FilterNotation | undefined,
  timezone: string,
): Pick<Plan, 'tests' | 'testExpressions' | 'pushdown'> {
  const plan: Pick<Plan, 'tests' | 'testExpressions' | 'pushdown'> = { tests: [], testExpressions: [], pushdown: [] };
  filters.forEach((filter, index) => {
    const path = `/filters/${index}`;
    if (filter === null || typeof filter !== 'object') throw mappingError(path, 'A filter must be an object.');
    if (!isFieldFilter(filter)) {
      checkExpression(filter.expression, `${path}/expression`);
      plan.testExpressions.push(filter.expression);
      return;
    }
    const notation = notationOf(filter.field);
    plan.tests.push({ field: filter.field, test: compileFilter(filter, notation, path) });
    if (!canPushDown(filter, notation, timezone)) return;
    const comparesTexts = notation === undefined || filter.operator === 'not_null';
    plan.pushdown.push(comparesTexts ? filter : { ...filter, byValue: true });
  });
  return plan;
}

/**
 * What a connector evaluates must never exclude a record that the local filter keeps. So nothing goes down whose meaning
 * depends on collation (order of texts), on a notation (decimal commas, DD/MM) or on what counts as empty.
 */
function canPushDown(
  { operator, value, field }: FieldFilter,
  notation: FilterNotation | undefined,
  timezone: string,
): boolean {
  if (/[.[\]]/.test(field) || operator === 'is_null') return false;
  if (operator === 'not_null') return true;
  const values = Array.isArray(value) ? value : [value];
  const isPlain = values.every((one) => typeof one === 'number' || isPlainText(one, notation, timezone));
  const ordering = ['lt', 'le', 'gt', 'ge', 'between'].includes(operator);
  if (ordering)
    return isPlain && values.every((one) => typeof one === 'number' || /^\d{4}-\d\d-\d\d/.test(String(one)));
  if (operator === 'like') return notation === undefined && !String(value).includes('\\');
  return isPlain;
}

/** True for a text that means the same to a database: no notation, or the canonical one. */
function isPlainText(value: unknown, notation: FilterNotation | undefined, timezone: string): boolean {
  if (typeof value !== 'string') return false;
  if (notation === undefined) return true;
  if (notation.kind === 'boolean' || notation.kind === 'text') return false;
  if (notation.kind === 'instant') return notation.parse(value) === value;
  return notation.parse(value) === value && (notation.kind !== 'date' || timezone === 'UTC');
}

/**
 * The filters of a mapping for both ways name external fields; an export needs them in terms of the platform.
 * @throws config PCP_MAPPING_INVALID for a filter that has no counterpart
 */
export function invertFilters(filters: readonly Filter[], pairs: readonly TypedPair[], timezone: string): Filter[] {
  return filters.map((filter, index) => {
    const path = `/filters/${index}`;
    if (!isFieldFilter(filter)) {
      throw mappingError(path, 'A filter expression cannot be read backwards: use one mapping for each direction.');
    }
    const found = pairs.find(({ pair }) => pair.source === filter.field && pair.expression === undefined);
    if (found === undefined) {
      throw mappingError(
        `${path}/field`,
        `The filter on ${filter.field} cannot be read backwards, because no field mapping has it as its source.`,
        'Map the field, or use one mapping for each direction.',
      );
    }
    return { ...filter, field: found.pair.target, ...invertedValue(filter, found, timezone, path) };
  });
}

function invertedValue(filter: FieldFilter, found: TypedPair, timezone: string, path: string): { value?: unknown } {
  const { operator, value } = filter;
  if (operator === 'is_null' || operator === 'not_null') return {};
  const { pair, type } = found;
  const ordered = ['lt', 'le', 'gt', 'ge', 'between'].includes(operator);
  if ((ordered || operator === 'like') && pair.lookup !== undefined) {
    throw mappingError(
      `${path}/operator`,
      `The filter on ${filter.field} cannot be read backwards through its lookup.`,
    );
  }
  if (operator === 'like') {
    if (type === undefined || (type === 'string' && pair.pad === undefined)) return { value };
    throw mappingError(
      `${path}/operator`,
      `The filter on ${filter.field}: like cannot be read backwards through a conversion.`,
    );
  }
  const convert = importFunction(pair, type, timezone, found.path);
  const converted = (one: unknown): unknown => {
    try {
      return convert(one);
    } catch (problem) {
      if (!(problem instanceof ValueProblem)) throw problem;
      throw mappingError(`${path}/value`, `The filter on ${filter.field}: ${problem.message}.`);
    }
  };
  return { value: Array.isArray(value) ? value.map(converted) : converted(value) };
}
