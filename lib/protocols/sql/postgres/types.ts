import type { ColumnInfo, ColumnType } from '../database';
import { decimalLimits, integerLimits, textLimits } from '../limits';

/** Object ids of built-in types, as in pg_type. */
const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  timestamp: 1114,
  timestamptz: 1184,
};

const text = (value: string) => value;
/** Infinity, years before Christ and beyond 9999 stay as they are: ISO 8601 has no form for them. */
const instant = (value: string) =>
  value.endsWith('+00') && value[10] === ' ' ? `${value.slice(0, 10)}T${value.slice(11, -3)}Z` : value;

const PARSERS = new Map<number, (value: string) => unknown>([
  [OID.bool, (value) => value === 't'],
  [OID.bytea, (value) => Buffer.from(value.slice(2), 'hex')],
  [OID.int8, wholeNumber],
  [OID.int2, Number],
  [OID.int4, Number],
  [OID.oid, Number],
  [OID.float4, floatingPoint],
  [OID.float8, floatingPoint],
  // Sessions run in UTC with ISO dates, so instants end in "+00".
  [OID.timestamptz, instant],
  [
    OID.timestamp,
    (value) => (/^\d{4}-\d\d-\d\d /.test(value) && !value.endsWith('BC') ? value.replace(' ', 'T') : value),
  ],
]);

/** Type parsers that lose nothing: decimals, dates and times stay text, 64-bit integers become text when a double cannot hold them. */
export const exactTypes = { getTypeParser: (oid: number) => PARSERS.get(oid) ?? text };

function wholeNumber(value: string): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function floatingPoint(value: string): number | string {
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}

/** @param native the name that `format_type` gives, without its modifier */
export function postgresType(native: string): ColumnType {
  if (/^(smallint|integer|bigint)$/.test(native)) return 'integer';
  if (/^(real|double precision)$/.test(native)) return 'number';
  if (/^(numeric|money)$/.test(native)) return 'decimal';
  if (native === 'boolean') return 'boolean';
  if (native === 'date') return 'date';
  if (native.startsWith('timestamp')) return 'datetime';
  if (/^jsonb?$/.test(native)) return 'json';
  return 'text';
}

const INTEGER_BITS: Record<string, number> = { smallint: 16, integer: 32, bigint: 64 };

/** @param declared the name that `format_type` gives with its modifier: "numeric(6,2)" */
export function postgresLimits(declared: string): Pick<ColumnInfo, 'limits'> {
  if (declared === 'money') return { limits: { precision: 17, scale: 2 } };
  const bits = INTEGER_BITS[declared];
  const limits = bits === undefined ? (textLimits(declared) ?? decimalLimits(declared)) : integerLimits(bits);
  return limits === undefined ? {} : { limits };
}
