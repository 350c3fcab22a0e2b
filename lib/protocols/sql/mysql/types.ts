import type { ColumnInfo, ColumnType, SqlValue } from '../database';
import { decimalLimits, integerLimits, textLimits } from '../limits';

/** Type numbers of the protocol: https://mariadb.com/kb/en/result-set-packets/#field-types */
const PROTOCOL_TYPES: Record<number, string> = {
  0: 'decimal',
  1: 'tinyint',
  2: 'smallint',
  3: 'int',
  4: 'float',
  5: 'double',
  7: 'timestamp',
  8: 'bigint',
  9: 'mediumint',
  10: 'date',
  12: 'datetime',
  13: 'year',
  16: 'bit',
  245: 'json',
  246: 'decimal',
};

/** A column of a result, as the protocol describes it. */
export function columnOf(field: { name: string; columnType?: number; columnLength?: number }): ColumnInfo {
  const native = PROTOCOL_TYPES[field.columnType ?? 253] ?? 'varchar';
  const narrow = (native === 'tinyint' || native === 'bit') && field.columnLength === 1;
  return {
    name: field.name,
    nativeType: native,
    nullable: true,
    type: mysqlType(narrow ? `${native}(1)` : native),
    hasDefault: false,
  };
}

/** mysql2's view of a column while it reads a row. */
export interface Field {
  type: string;
  length: number;
  string(encoding?: string): string | null;
  buffer(): Buffer | null;
}

/** Loses nothing: decimals, dates and times stay text, 64-bit integers become text when a double cannot hold them. */
export function exactValue(field: Field, next: () => unknown): unknown {
  switch (field.type) {
    case 'LONGLONG':
      return wholeNumber(field.string());
    case 'NEWDECIMAL':
    case 'DECIMAL':
    case 'DATE':
    case 'NEWDATE':
    case 'DATETIME':
    case 'TIMESTAMP':
      return field.string();
    case 'JSON':
      return field.string('utf8');
    case 'BIT':
      return bits(field.buffer());
    default:
      return next();
  }
}

function wholeNumber(value: string | null): number | string | null {
  if (value === null) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function bits(value: Buffer | null): number | string | null {
  return value === null ? null : wholeNumber(BigInt(`0x${value.toString('hex') || '0'}`).toString());
}

/** @param native `column_type` of information_schema: "decimal(18,4)", "tinyint(1)", "timestamp(6)" */
export function mysqlType(native: string): ColumnType {
  const name = /^[a-z]+/.exec(native)?.[0] ?? '';
  if (native === 'tinyint(1)' || native === 'bit(1)') return 'boolean';
  if (/^(tinyint|smallint|mediumint|int|bigint|year|bit)$/.test(name)) return 'integer';
  if (/^(float|double)$/.test(name)) return 'number';
  if (name === 'decimal') return 'decimal';
  if (name === 'date') return 'date';
  if (/^(datetime|timestamp)$/.test(name)) return 'datetime';
  return name === 'json' ? 'json' : 'text';
}

const INTEGER_BITS: Record<string, number> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };

/** @param native `column_type` of information_schema */
export function mysqlLimits(native: string): Pick<ColumnInfo, 'limits'> {
  const bits = INTEGER_BITS[/^[a-z]+/.exec(native)?.[0] ?? ''];
  const unsigned = native.includes('unsigned');
  const limits = bits === undefined ? (textLimits(native) ?? decimalLimits(native)) : integerLimits(bits, unsigned);
  return limits === undefined ? {} : { limits };
}

const ESCAPED = /['\\\0]/g;
const ESCAPES: Record<string, string> = { "'": "\\'", '\\': '\\\\', '\0': '\\0' };

/** A literal for a session without NO_BACKSLASH_ESCAPES and in utf8mb4, which ours are. */
export function literal(value: SqlValue | undefined): string {
  switch (typeof value) {
    case 'string':
      return `'${value.replace(ESCAPED, (character) => ESCAPES[character] ?? character)}'`;
    case 'number':
      if (!Number.isFinite(value)) return 'NULL';
      return String(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value ? '1' : '0';
    case 'undefined':
      return 'NULL';
  }
  if (value === null) return 'NULL';
  return value instanceof Date ? `'${utcText(value)}'` : `X'${value.toString('hex')}'`;
}

/** "2026-11-24 05:00:00.123", as Sequelize writes DATE(3). */
export function utcText(value: Date): string {
  return value.toISOString().slice(0, -1).replace('T', ' ');
}
