import Big from 'big.js';
import { isDate, isDecimal } from '../../model/formats';
import { type Phrase, phrase, render, type Said } from '../../model/phrase';
import type { EnumType, ODataVersion, Property } from './model';
import * as temporal from './temporal';

/** What a property needs to say for its values to be read and written. */
export type ValueType = Pick<Property, 'type' | 'enumeration' | 'maxLength' | 'precision' | 'scale' | 'isDay'>;

/** How JSON and URLs write values: by version, and in version 4 whether long numbers are texts (IEEE754Compatible). */
export interface Dialect {
  version: ODataVersion;
  exactAsText?: boolean;
}

/** A value that a property cannot hold; the message goes on after "The field X". */
export class ValueProblem extends Error {
  constructor(readonly said: Said) {
    super(render(said));
  }
}

const INTEGERS: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  'Edm.SByte': [-128n, 127n],
  'Edm.Byte': [0n, 255n],
  'Edm.Int16': [-32768n, 32767n],
  'Edm.Int32': [-2147483648n, 2147483647n],
  'Edm.Int64': [-9223372036854775808n, 9223372036854775807n],
};
const ABSTRACT = new Set(['Edm.PrimitiveType', 'Edm.Untyped', 'Edm.ComplexType', 'Edm.EntityType']);
const FLOATS = new Set(['Edm.Double', 'Edm.Single', 'Edm.Float']);
const GREATEST_EXPONENT = 400;
/** In a message. */
const MOST_MEMBERS = 20;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const DURATION = /^-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** True for types whose values a program can put into an order as the server does. */
export function isOrdered(type: string): boolean {
  return (
    type in INTEGERS || ['Edm.String', 'Edm.Decimal', 'Edm.DateTime', 'Edm.DateTimeOffset', 'Edm.Date'].includes(type)
  );
}

export function isInteger(type: string): boolean {
  return type in INTEGERS;
}

/** Types that leave open what their values are. */
export function isAbstract(type: string): boolean {
  return ABSTRACT.has(type);
}

/**
 * Reads values of an answer, as records hold them: decimals as texts, 64-bit integers as texts where a number would lose
 * digits, times as ISO 8601 (without a zone where the type has none), bytes as Base64, all else as it is.
 */
export function readerOf(property: ValueType): (value: unknown) => unknown {
  const read = notationOf(property);
  return read === undefined
    ? (value) => value ?? null
    : (value) => (value === null || value === undefined ? null : read(value));
}

export function readValue(value: unknown, property: ValueType): unknown {
  return readerOf(property)(value);
}

/** Undefined for a type whose values records hold as they come. */
function notationOf({ type, isDay }: ValueType): ((value: unknown) => unknown) | undefined {
  if (type in INTEGERS) return readInteger;
  if (FLOATS.has(type)) return (value) => (typeof value === 'string' && NUMBER.test(value) ? Number(value) : value);
  const ofText = (read: (text: string) => unknown) => (value: unknown) =>
    typeof value === 'string' ? read(value) : value;
  switch (type) {
    case 'Edm.Decimal':
      return (value) => plainDecimal(value) ?? value;
    case 'Edm.Boolean':
      return (value) => (value === 'true' ? true : value === 'false' ? false : value);
    case 'Edm.Binary':
      return ofText((text) => text.replaceAll('-', '+').replaceAll('_', '/'));
    case 'Edm.Guid':
      return ofText((text) => text.toLowerCase());
    case 'Edm.DateTime':
      return isDay
        ? ofText((text) => temporal.localTime(text).replace(/T00:00:00(\.0+)?$/, ''))
        : ofText(temporal.localTime);
    case 'Edm.DateTimeOffset':
      return ofText(temporal.instant);
    case 'Edm.Time':
      return ofText(temporal.timeOfDay);
  }
  return undefined;
}

/**
 * A value of a record, as the body of a request writes it.
 * @throws ValueProblem when the property cannot hold it
 */
export function writeValue(value: unknown, property: ValueType, dialect: Dialect): unknown {
  if (value === null || value === undefined) return null;
  const { type } = property;
  const isV2 = dialect.version === 2;
  if (type in INTEGERS) {
    const digits = integer(value, type);
    if (type !== 'Edm.Int64') return Number(digits);
    return isV2 || dialect.exactAsText === true ? digits : rawJSON(digits);
  }
  if (FLOATS.has(type)) return float(value);
  switch (type) {
    case 'Edm.Decimal': {
      const digits = decimal(value, property);
      return isV2 || dialect.exactAsText === true ? digits : rawJSON(digits);
    }
    case 'Edm.Boolean':
      return boolean(value);
    case 'Edm.DateTime':
      return temporal.ticksOfLocal(text(value)) ?? problem(phrase`must be a time without a zone, to the millisecond`);
    case 'Edm.DateTimeOffset':
      if (!temporal.isInstant(text(value))) problem(phrase`must be a time with its offset`);
      return isV2 ? (temporal.ticksOfInstant(text(value)) ?? problem(phrase`is finer than a millisecond`)) : value;
    case 'Edm.Binary': {
      const bytes = Buffer.byteLength(base64(value), 'base64');
      const { maxLength = bytes } = property;
      if (bytes > maxLength) problem(phrase`holds ${bytes} bytes, ${maxLength} at most`);
      return isV2 ? base64(value) : base64url(value);
    }
  }
  return checked(value, property);
}

/**
 * A value as $filter, keys and parameters of functions write it, not yet percent-encoded.
 * @throws ValueProblem
 */
export function literalOf(value: unknown, property: ValueType, { version }: Dialect): string {
  if (value === null || value === undefined) return 'null';
  const { type, enumeration } = property;
  const isV2 = version === 2;
  const quoted = (prefix: string, content: string) => `${prefix}'${content.replaceAll("'", "''")}'`;
  if (type in INTEGERS) return `${integer(value, type)}${isV2 && type === 'Edm.Int64' ? 'L' : ''}`;
  if (FLOATS.has(type)) {
    const number = float(value);
    // INF and NaN are written alike in all versions.
    return `${number}${isV2 && typeof number === 'number' ? (type === 'Edm.Double' ? 'd' : 'f') : ''}`;
  }
  switch (type) {
    case 'Edm.Decimal':
      return `${decimal(value, {})}${isV2 ? 'M' : ''}`;
    case 'Edm.Boolean':
      return String(boolean(value));
    case 'Edm.DateTime':
      return quoted('datetime', temporal.fullLocal(text(value)) ?? problem(phrase`must be a time without a zone`));
    case 'Edm.DateTimeOffset':
      if (!temporal.isInstant(text(value))) problem(phrase`must be a time with its offset`);
      return isV2 ? quoted('datetimeoffset', text(value)) : text(value);
    case 'Edm.Binary':
      return isV2
        ? `X'${Buffer.from(base64(value), 'base64').toString('hex').toUpperCase()}'`
        : quoted('binary', base64url(value));
    case 'Edm.Time':
      return quoted('time', String(checked(value, property)));
    case 'Edm.Guid':
      return isV2 ? quoted('guid', String(checked(value, property))) : String(checked(value, property));
    case 'Edm.Date':
    case 'Edm.TimeOfDay':
      return String(checked(value, property));
    case 'Edm.Duration':
      return quoted('duration', String(checked(value, property)));
  }
  if (type.startsWith('Edm.Geo') || type === 'Edm.Stream') problem(phrase`cannot be compared`);
  // The value itself tells.
  if (isAbstract(type) && typeof value !== 'string') return text(value);
  // Members of enumerations carry the name of their type.
  return quoted(
    type.startsWith('Edm.') ? '' : type,
    enumeration === undefined ? text(value) : memberOf(value, enumeration),
  );
}

/** A value as the address of an entity writes it, decoded, as records hold it. */
export function readLiteral(literal: string, property: ValueType): unknown {
  const [, prefix = '', quoted] = /^([^']*)'(.*)'$/s.exec(literal) ?? [];
  // Numbers of version 2 end with a letter that tells their type.
  if (quoted === undefined) return readValue(literal.replace(/^(-?[\d.]+(?:e[-+]?\d+)?)[lmdf]$/i, '$1'), property);
  const content = quoted.replaceAll("''", "'");
  return readValue(prefix === 'X' ? Buffer.from(content, 'hex').toString('base64') : content, property);
}

/** Whether `literalOf` can write it; null and nothing have no order, so they are none here. */
export function canBeLiteral(value: unknown, property: ValueType, dialect: Dialect): boolean {
  if (value === null || value === undefined) return false;
  try {
    literalOf(value, property, dialect);
    return true;
  } catch (thrown) {
    if (thrown instanceof ValueProblem) return false;
    throw thrown;
  }
}

/** Types whose notation is the same in JSON and literals. */
function checked(value: unknown, { type, enumeration, maxLength }: ValueType): unknown {
  if (enumeration !== undefined) return memberOf(value, enumeration);
  switch (type) {
    case 'Edm.String': {
      const content = text(value);
      // Surrogate pairs count as one: what could be right is not refused here.
      if (maxLength !== undefined && content.length > maxLength && [...content].length > maxLength) {
        problem(phrase`holds ${[...content].length} characters, ${maxLength} at most`);
      }
      return content;
    }
    case 'Edm.Guid':
      return GUID.test(text(value)) ? text(value) : problem(phrase`must be a GUID`);
    case 'Edm.Date': {
      const day = text(value).replace(/T00:00:00(\.0+)?Z?$/, '');
      return isDate(day) ? day : problem(phrase`must be a day (2026-11-27)`);
    }
    case 'Edm.Time':
      return temporal.timeSpan(text(value)) ?? problem(phrase`must be a time of day (14:30:00)`);
    case 'Edm.TimeOfDay':
      return temporal.isTimeOfDay(text(value)) ? text(value) : problem(phrase`must be a time of day (14:30:00)`);
    case 'Edm.Duration':
      return DURATION.test(text(value)) ? text(value) : problem(phrase`must be a duration (PT1H30M)`);
  }
  return value;
}

/** By name, or by a number that need not have one; of flags several. */
function memberOf(value: unknown, { members, isFlags }: EnumType): string {
  const names = isFlags
    ? text(value)
        .split(',')
        .map((name) => name.trim())
    : [text(value)];
  const isKnown = (name: string) => members.length === 0 || members.includes(name) || /^-?\d+$/.test(name);
  if (!names.every(isKnown)) {
    const known = members.slice(0, MOST_MEMBERS).join(', ');
    problem(isFlags ? phrase`must be made of ${known}` : phrase`must be one of ${known}`);
  }
  return names.join(',');
}

function readInteger(value: unknown): unknown {
  // One that happens to be a number of the language, beside others that are not.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return String(BigInt(value));
  const digits = typeof value === 'string' && /^-?\d+$/.test(value) ? value : undefined;
  if (digits === undefined) return value;
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits;
}

function integer(value: unknown, type: string): string {
  const [min, max] = INTEGERS[type] as readonly [bigint, bigint];
  const digits = plainDecimal(value)?.replace(/\.0+$/, '');
  if (digits === undefined || !/^-?\d+$/.test(digits)) problem(phrase`must be a whole number`);
  const number = BigInt(digits);
  if (number < min || number > max) problem(phrase`must be from ${String(min)} to ${String(max)}`);
  return String(number);
}

function decimal(value: unknown, { precision, scale }: Pick<ValueType, 'precision' | 'scale'>): string {
  const digits = plainDecimal(value) ?? problem(phrase`must be a decimal number`);
  const [, whole = '', fraction = ''] = /^-?0*(\d*)(?:\.(\d*?)0*)?$/.exec(digits) ?? [];
  const places = typeof scale === 'number' ? scale : undefined;
  if (places !== undefined && fraction.length > places)
    problem(phrase`has ${fraction.length} decimals, ${places} at most`);
  if (precision === undefined) return digits;
  if (places !== undefined && whole.length > precision - places) {
    problem(phrase`has ${whole.length} digits before the point, ${precision - places} at most`);
  }
  if (whole.length + fraction.length > precision) {
    problem(phrase`has ${whole.length + fraction.length} digits, ${precision} at most`);
  }
  return digits;
}

/** Without exponent; undefined for what is no number, or one that no system keeps digit by digit. */
function plainDecimal(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const written = String(value);
  if (isDecimal(written)) return written;
  const [, , exponent = '0'] = NUMBER.exec(written) ?? [undefined, undefined, 'Infinity'];
  // Written out, "1e999999999" would be a text of a gigabyte.
  if (!(Math.abs(Number(exponent.replace(/^[eE]/, ''))) <= GREATEST_EXPONENT)) return undefined;
  return Big(written.replace(/^\+/, '')).toFixed();
}

function float(value: unknown): number | string {
  const named = String(value).replace('Infinity', 'INF');
  if (['INF', '-INF', 'NaN'].includes(named)) return named;
  const number = typeof value === 'string' && !NUMBER.test(value) ? Number.NaN : Number(value);
  return Number.isFinite(number) && typeof value !== 'boolean' ? number : problem(phrase`must be a number`);
}

function boolean(value: unknown): boolean {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : problem(phrase`must be true or false`);
}

function base64(value: unknown): string {
  const bytes = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : text(value);
  return BASE64.test(bytes)
    ? bytes.replaceAll('-', '+').replaceAll('_', '/')
    : problem(phrase`must be bytes in Base64`);
}

function base64url(value: unknown): string {
  return Buffer.from(base64(value), 'base64').toString('base64url');
}

function text(value: unknown): string {
  if (['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  return problem(phrase`must be a text`);
}

function problem(what: Phrase): never {
  throw new ValueProblem(what);
}
