import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';
import { isDate, isDateTime } from '../../model/formats';
import { phrase, type Said } from '../../model/phrase';
import type { ColumnInfo, SqlDialect, SqlValue } from './database';

type Column = Pick<ColumnInfo, 'name' | 'type' | 'nativeType'>;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d+$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const BINARY = /^(bytea|blob|(tiny|medium|long)blob|(var)?binary|image|raw)/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A field's value as a parameter for a column, exactly: decimals stay digits, 64-bit integers do not pass through
 * floating point, instants are written in UTC. Nothing is rounded, cut or guessed.
 *
 * @throws data PCP_SQL_VALUE naming the column, for what the column's type cannot hold
 */
export function toSqlValue(value: unknown, column: Column, dialect: SqlDialect): SqlValue {
  return sqlConverter(column, dialect)(value);
}

/** `toSqlValue` of one column, made once for all the values that are written to it. */
export function sqlConverter(column: Column, dialect: SqlDialect): (value: unknown) => SqlValue {
  const convert = converterOf(column, dialect);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function converterOf(column: Column, dialect: SqlDialect): (value: unknown) => SqlValue {
  const isBinary = BINARY.test(column.nativeType);
  switch (column.type) {
    case 'integer':
      return (value) => integer(value, column);
    case 'number':
      return (value) => finite(value, column);
    case 'decimal':
      return (value) => decimal(value, column);
    case 'boolean':
      return (value) => truth(value, column);
    case 'date':
      return (value) => day(value, column);
    case 'datetime':
      return (value) => instant(value, column, dialect);
    case 'json':
      return (value) => text(JSON.stringify(value), column, isBinary);
    default:
      return (value) => text(value, column, isBinary);
  }
}

function refuse(value: unknown, column: Column, expected: Said): never {
  const shown = String(typeof value === 'object' ? JSON.stringify(value) : value).slice(0, 100);
  throw new IntegrationError(
    'data',
    'PCP_SQL_VALUE',
    phrase`Column "${column.name}" takes ${expected}, not "${shown}".`,
    {
      path: `/${column.name}`,
      value: shown,
    },
  );
}

function text(value: unknown, column: Column, isBinary: boolean): SqlValue {
  if (Buffer.isBuffer(value)) return value;
  const result = typeof value === 'string' ? value : plainText(value);
  if (result.includes('\0') || !result.isWellFormed())
    refuse(value, column, phrase`text without NUL and broken characters`);
  return isBinary ? fromBase64(result, column) : result;
}

function plainText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Binary columns are read and written as base64. */
function fromBase64(value: string, column: Column): Buffer {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64').replaceAll('=', '') !== value.replaceAll('=', '')) refuse(value, column, phrase`base64`);
  return bytes;
}

function integer(value: unknown, column: Column): SqlValue {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && INTEGER.test(value)) return BigInt(value.replace('+', ''));
  return refuse(value, column, phrase`a whole number`);
}

function finite(value: unknown, column: Column): SqlValue {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && DECIMAL.test(value) && Number.isFinite(Number(value))) return Number(value);
  if (typeof value === 'bigint') return Number(value);
  return refuse(value, column, phrase`a number`);
}

function decimal(value: unknown, column: Column): SqlValue {
  if (typeof value === 'string' && DECIMAL.test(value)) return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  return refuse(value, column, phrase`a decimal number`);
}

function truth(value: unknown, column: Column): SqlValue {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === '1' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'false') return false;
  return refuse(value, column, phrase`true or false`);
}

function day(value: unknown, column: Column): SqlValue {
  if (typeof value === 'string' && isDate(value)) return value;
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  const midnight = typeof value === 'string' && /^(\d{4}-\d{2}-\d{2})[T ]00:00(:00(\.0+)?)?Z?$/.exec(value);
  return midnight && isDate(midnight[1]!) ? midnight[1]! : refuse(value, column, phrase`a date (YYYY-MM-DD)`);
}

/** Instants with an offset are turned to UTC; local times, without one, stay local. */
function instant(value: unknown, column: Column, dialect: SqlDialect): SqlValue {
  // What mappings give, as most databases take it.
  const isUsual = typeof value === 'string' && value.length === 24 && value.endsWith('Z') && isDateTime(value);
  if (isUsual && (dialect === 'postgres' || dialect === 'sqlite')) return value;
  const given =
    value instanceof Date
      ? value.toISOString()
      : typeof value === 'string' && DATE.test(value)
        ? `${value}T00:00:00`
        : value;
  const parts = typeof given === 'string' ? INSTANT.exec(given) : null;
  if (parts === null || !isDate(parts[1]!) || Number.isNaN(Date.parse(`${parts[1]}T${parts[2]}Z`)))
    return refuse(value, column, phrase`a date and time (ISO 8601)`);
  const offset = parts[3];
  const shifted = offset !== undefined && offset !== 'Z' && !/^[+-]00:?00$/.test(offset);
  const iso = shifted ? new Date(`${parts[1]}T${parts[2]}${offset}`).toISOString() : undefined;
  const date = iso?.slice(0, 10) ?? parts[1]!;
  const time = iso?.slice(11, -1) ?? parts[2]!;
  // These two take no zone in a literal; their sessions run in UTC.
  if (dialect === 'mysql' || dialect === 'mariadb' || dialect === 'mssql') return `${date} ${time}`;
  if (dialect === 'oracle') return oracleTime(`${date}T${time}`, column.nativeType);
  return `${date}T${time}${offset === undefined ? '' : 'Z'}`;
}

/** In the formats that Oracle sessions have here: DATE knows no fractions, only one type knows an offset. */
function oracleTime(time: string, nativeType: string): string {
  if (nativeType === 'date') return time.slice(0, 19);
  if (!nativeType.includes('with time zone')) return time;
  return `${time}${time.includes('.') ? '' : '.0'}+00:00`;
}

/** A column's value as a record holds it: plain data, decimals and wide integers as text, instants in ISO 8601. */
export function fromSqlValue(value: unknown, column: Pick<ColumnInfo, 'type' | 'nativeType' | 'padded'>): unknown {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  switch (column.type) {
    case 'boolean':
      return value === 1 || value === 0 ? value === 1 : value;
    case 'json':
      return parsed(value);
    case 'datetime':
      return isoInstant(value, column.nativeType);
    case 'decimal':
      return typeof value === 'number' ? String(value) : value;
    default:
      if (column.padded === true && typeof value === 'string') return value.replace(/ +$/, '');
      return value instanceof Date ? value.toISOString() : value;
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseExactJson(value);
  } catch {
    // SQLite and old MariaDB accept any text in a json column: then it is text.
    return value;
  }
}

/** MySQL's `timestamp` is an instant (the session is in UTC), its `datetime` has no zone. */
function isoInstant(value: unknown, nativeType: string): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'string') return value;
  const sequelize = /^(\S+) (\S+) \+00:00$/.exec(value);
  if (sequelize !== null) return `${sequelize[1]}T${sequelize[2]}Z`;
  const plain = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/.exec(value);
  if (plain === null) return value;
  return `${plain[1]}T${plain[2]}${nativeType === 'timestamp' ? 'Z' : ''}`;
}
