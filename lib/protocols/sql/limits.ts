import Big from 'big.js';
import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import type { ColumnInfo, SqlValue } from './database';

/** What a column can hold of its type, as it was declared. */
export interface Limits {
  /** Characters of a text. */
  length?: number;
  /** Digits of a decimal in all, and those behind the point. */
  precision?: number;
  scale?: number;
  /** A decimal is kept as a 64-bit whole number or a double, whatever it declares. */
  isDouble?: boolean;
  /** Of a whole number. */
  minimum?: bigint;
  maximum?: bigint;
}

/** "character varying(20)", "char(4)" */
export function textLimits(declared: string): Limits | undefined {
  const length = /^(?:character varying|character|varchar|char)\((\d+)\)$/.exec(declared)?.[1];
  return length === undefined ? undefined : { length: Number(length) };
}

/** "numeric(6,2)", "DECIMAL(10, 3)", "decimal(8)" */
export function decimalLimits(declared: string): Limits | undefined {
  const parts = /^(?:numeric|decimal|dec)\s*\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)/i.exec(declared);
  return parts === null ? undefined : { precision: Number(parts[1]), scale: Number(parts[2] ?? 0) };
}

export function integerLimits(bits: number, unsigned = false): Limits {
  const values = 1n << BigInt(bits);
  return unsigned ? { minimum: 0n, maximum: values - 1n } : { minimum: -values / 2n, maximum: values / 2n - 1n };
}

/**
 * The database would refuse such a value without naming the column, or round it without a word.
 *
 * @throws data PCP_SQL_RANGE, PCP_SQL_SCALE naming column and value
 */
export function requireFits(value: SqlValue, column: ColumnInfo): void {
  const { limits } = column;
  if (limits === undefined || value === null) return;
  const { length, scale, precision, minimum, maximum, isDouble } = limits;
  if (length !== undefined && typeof value === 'string') requireLength(value, length, column);
  if (scale !== undefined && precision !== undefined && column.type === 'decimal')
    requireDigits(String(value), precision, scale, column);
  if (isDouble === true) requireDouble(String(value), column);
  if (minimum !== undefined && maximum !== undefined && (typeof value === 'bigint' || typeof value === 'number')) {
    if (value < minimum || value > maximum)
      throw refusal(
        'PCP_SQL_RANGE',
        phrase`takes whole numbers from ${String(minimum)} to ${String(maximum)}`,
        String(value),
        column,
      );
  }
}

function requireLength(value: string, length: number, column: ColumnInfo): void {
  if (value.length <= length) return;
  // Databases count characters, not halves of pairs, and the blanks at the end of a char(n) mean nothing.
  const text = /^char(acter)?$/.test(column.nativeType) ? value.replace(/ +$/, '') : value;
  if ([...text].length > length)
    throw refusal('PCP_SQL_RANGE', phrase`takes at most ${length} characters`, value, column);
}

function requireDigits(value: string, precision: number, scale: number, column: ColumnInfo): void {
  const { c: digits, e: exponent } = new Big(value.replace('+', ''));
  const isZero = digits[0] === 0;
  if (!isZero && digits.length - 1 - exponent > scale)
    throw refusal('PCP_SQL_SCALE', phrase`keeps ${scale} decimals and would round`, value, column);
  if (!isZero && exponent + 1 > precision - scale)
    throw refusal('PCP_SQL_RANGE', phrase`takes at most ${precision - scale} digits before the point`, value, column);
}

/** So few digits are the same in a double. */
const FEW_DIGITS = /^[+-]?[\d.]{1,15}$/;
const WHOLE = /^[+-]?\d+$/;

function requireDouble(value: string, column: ColumnInfo): void {
  if (FEW_DIGITS.test(value)) return;
  if (WHOLE.test(value) && BigInt.asIntN(64, BigInt(value.replace('+', ''))) === BigInt(value.replace('+', ''))) return;
  const double = Number(value);
  if (Number.isFinite(double) && new Big(value.replace('+', '')).eq(String(double))) return;
  throw refusal('PCP_SQL_SCALE', phrase`keeps 15 digits and would round`, value, column);
}

function refusal(code: string, why: Said, value: string, { name }: ColumnInfo): IntegrationError {
  const shown = value.slice(0, 100);
  return new IntegrationError('data', code, phrase`Column "${name}" ${why}: "${shown}".`, {
    path: `/${name}`,
    value: shown,
    ...(code === 'PCP_SQL_SCALE' && { hint: 'Let the mapping round ("scale" with "round"), or widen the column.' }),
  });
}
