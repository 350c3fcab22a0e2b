import type { JsonSchema } from '../model/entity';
import type { FieldMapping, FieldType } from '../model/mapping';
import { phrase } from '../model/phrase';
import { type Conversion, canonicalConversion, conversionOf, OptionProblem } from './conversions/conversion';
import { textOf } from './conversions/texts';
import { nameOf } from './definition';
import { mappingError, show, ValueProblem } from './problems';

/** From the value as it is read to the value as it is written; takes empty ones too. @throws ValueProblem */
export type FieldFunction = (value: unknown) => unknown;

/** @returns the type a pair has: its own, that of its options, or that of the platform's field */
export function typeOf(pair: FieldMapping, schema: JsonSchema | undefined): FieldType | undefined {
  if (pair.type !== undefined) return pair.type;
  const inferred = schema === undefined ? undefined : typeOfSchema(schema);
  if (inferred !== undefined) return inferred;
  const { decimal_separator, scale, round, unit, to_unit, trim, pad } = pair;
  if ([decimal_separator, scale, round, unit, to_unit].some((option) => option !== undefined)) return 'decimal';
  return trim === true || pad !== undefined ? 'string' : undefined;
}

function typeOfSchema({ type, format }: JsonSchema): FieldType | undefined {
  const names = (Array.isArray(type) ? type : [type]).filter((name) => name !== 'null');
  if (names.length !== 1) return undefined;
  switch (names[0]) {
    case 'string':
      return format === 'decimal'
        ? 'decimal'
        : format === 'date'
          ? 'date'
          : format === 'date-time'
            ? 'datetime'
            : 'string';
    case 'integer':
    case 'number':
    case 'boolean':
      return names[0];
    case 'object':
    case 'array':
      return 'json';
    default:
      return undefined;
  }
}

/** What the values of a type are in JSON, and the format of their texts. */
const JSON_TYPES: Record<Exclude<FieldType, 'json'>, { types: string[]; format?: string }> = {
  string: { types: ['string'] },
  integer: { types: ['integer', 'number'] },
  number: { types: ['number'] },
  decimal: { types: ['string'], format: 'decimal' },
  boolean: { types: ['boolean'] },
  date: { types: ['string'], format: 'date' },
  datetime: { types: ['string'], format: 'date-time' },
};

/** Finds at save what would otherwise fail with every record. @throws config PCP_MAPPING_INVALID */
export function checkTypeFits(pair: FieldMapping, schema: JsonSchema | undefined, path: string): void {
  if (pair.type === undefined || pair.type === 'json' || schema?.type === undefined) return;
  const { types, format } = JSON_TYPES[pair.type];
  const wanted = [schema.type].flat().filter((name) => name !== 'null');
  const formats = format === undefined || schema.format === undefined || schema.format === format;
  if (formats && wanted.some((name) => types.includes(name))) return;
  throw mappingError(
    `${path}/type`,
    `${nameOf(pair)}: the platform keeps ${schema.format ?? wanted.join(' or ')} here, which the type ${pair.type} does not give.`,
    'Leave the type out to take the one of the platform.',
  );
}

/** @throws config PCP_MAPPING_INVALID */
export function pairConversion(
  pair: FieldMapping,
  type: FieldType | undefined,
  timezone: string,
  path: string,
): Conversion {
  const { format, decimal_separator, scale, round, unit, to_unit, trim, pad } = pair;
  if (format !== undefined && (type === undefined || !['date', 'datetime', 'boolean', 'json'].includes(type))) {
    throw mappingError(`${path}/format`, `${nameOf(pair)}: a format needs the type date, datetime, boolean or json.`);
  }
  if (pad !== undefined && type !== 'string')
    throw mappingError(`${path}/pad`, `${nameOf(pair)}: only a string can be padded.`);
  const options = { format, decimal_separator, scale, round, unit, to_unit, trim, pad };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  try {
    return conversionOf(type, { ...given, timezone: pair.timezone ?? timezone });
  } catch (problem) {
    if (!(problem instanceof OptionProblem)) throw problem;
    throw mappingError(`${path}/${problem.option}`, `${nameOf(pair)}: "${problem.option}" ${problem.message}.`);
  }
}

/** External value to platform value. @throws config PCP_MAPPING_INVALID */
export function importFunction(
  pair: FieldMapping,
  type: FieldType | undefined,
  timezone: string,
  path: string,
): FieldFunction {
  const conversion = pairConversion(pair, type, timezone, path);
  const parse = pair.lookup === undefined ? conversion.parse : lookupFunction(pair, type, path);
  const readsEmpty = pair.lookup === undefined ? conversion.readsEmpty === true : Object.hasOwn(pair.lookup, '');
  const fallback = pair.default === undefined ? null : ownValue(pair, 'default', pair.default, type, path);
  const required = pair.required === true && pair.default === undefined;
  const empty = required ? missing : () => fallback;
  if (readsEmpty) {
    return (value) => (value === undefined || value === null ? empty() : (parse(value) ?? empty()));
  }
  const convert: FieldFunction = (value) => {
    if (value === undefined || value === null || value === '') return empty();
    const converted = parse(value);
    return converted === undefined ? empty() : converted;
  };
  // Half of all fields are texts that stay as they are.
  return parse === textOf ? (value) => (typeof value === 'string' && value !== '' ? value : convert(value)) : convert;
}

/** Platform value to external value. @throws config PCP_MAPPING_INVALID when something would be lost on the way back */
export function exportFunction(
  pair: FieldMapping,
  type: FieldType | undefined,
  timezone: string,
  path: string,
): FieldFunction {
  const conversion = pairConversion(pair, type, timezone, path);
  if (conversion.lossy !== undefined && pair.lookup === undefined) {
    throw mappingError(path, `${nameOf(pair)}: the field cannot be exported, because it ${conversion.lossy}.`);
  }
  const format = pair.lookup === undefined ? conversion.format : invertedLookup(pair, type, path);
  const empty = pair.required === true ? missing : () => null;
  return (value) => {
    if (value === undefined || value === null) return empty();
    const converted = format(value);
    return converted === undefined ? empty() : converted;
  };
}

/** The value of `constant`, `default` or a lookup, in the platform's own notation. */
export function ownValue(
  pair: FieldMapping,
  member: string,
  value: unknown,
  type: FieldType | undefined,
  path: string,
): unknown {
  if (value === null) return null;
  try {
    return (
      canonicalConversion(type).parse(type === 'json' && typeof value === 'string' ? JSON.stringify(value) : value) ??
      null
    );
  } catch (problem) {
    if (!(problem instanceof ValueProblem)) throw problem;
    throw mappingError(`${path}/${member}`, phrase`${nameOf(pair)}: "${member}": ${problem.said}.`);
  }
}

function missing(): never {
  throw new ValueProblem('PCP_VALUE_REQUIRED', 'required', phrase`a value is required, but there is none`, null);
}

function lookupFunction(pair: FieldMapping, type: FieldType | undefined, path: string): (value: unknown) => unknown {
  const { lookup = {}, lookup_default: otherwise, trim } = pair;
  const table = new Map(
    Object.entries(lookup).map(([key, value]) => [key, ownValue(pair, 'lookup', value, type, path)]),
  );
  const hasDefault = otherwise !== undefined;
  const fallback = hasDefault ? ownValue(pair, 'lookup_default', otherwise, type, path) : undefined;
  return (value) => {
    const key = trim ? textOf(value).trim() : textOf(value);
    const found = table.get(key);
    if (found !== undefined) return found;
    if (key === '' && trim) return undefined;
    if (hasDefault) return fallback;
    throw unknownValue(value);
  };
}

function invertedLookup(pair: FieldMapping, type: FieldType | undefined, path: string): (value: unknown) => unknown {
  const canonical = canonicalConversion(type);
  const table = new Map<string, string>();
  for (const [key, value] of Object.entries(pair.lookup ?? {})) {
    const own = ownValue(pair, 'lookup', value, type, path);
    if (own === null) continue;
    const other = table.get(keyOf(own));
    if (other !== undefined) {
      throw mappingError(
        `${path}/lookup`,
        `${nameOf(pair)}: the lookup cannot be read backwards, because both "${other}" and "${key}" give ${show(own)}.`,
        'Make the platform values different, or use two mappings.',
      );
    }
    table.set(keyOf(own), key);
  }
  return (value) => {
    const own = canonical.parse(value);
    if (own === undefined) return undefined;
    const found = table.get(keyOf(own));
    if (found !== undefined) return found;
    throw unknownValue(value);
  };
}

function keyOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function unknownValue(value: unknown): ValueProblem {
  const hint = 'Add it to the lookup, or set lookup_default.';
  return new ValueProblem('PCP_VALUE_LOOKUP', 'lookup', phrase`the lookup does not know ${show(value)}`, value, hint);
}
