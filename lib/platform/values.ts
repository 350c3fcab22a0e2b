import { IntegrationError } from '../model/errors';
import { parseExactJson } from '../model/exact-json';
import { isDate, isDateTime, isDecimal } from '../model/formats';
import type { SqlDialect, SqlValue } from '../protocols/sql/database';
import type { EntityShape, FieldShape } from './shape';

/** Turns a value of a record into what its column takes. @throws data PCP_RECORD_INVALID with `path` naming the field */
export type ToColumn = (value: unknown) => SqlValue;
/** Turns what a column gave into the value of a record. */
export type FromColumn = (value: unknown) => unknown;

/** MariaDB would round what comes after these many decimals, and refuses more digits before the point. */
const MARIADB_DECIMALS = 30;
const MARIADB_DIGITS = 35;

/** @param dialect of the database that keeps the table */
export function toColumn(field: FieldShape, dialect: SqlDialect): ToColumn {
  const convert = converter(field, isMariadb(dialect));
  if (field.isKey) {
    const { default: missing } = field;
    return (value) => {
      if (value === null || value === undefined) {
        if (missing === undefined) throw invalid(field, value, 'is part of the key and has no value');
        return missing;
      }
      return convert(value);
    };
  }
  return (value) => (value === null || value === undefined ? null : convert(value));
}

export function fromColumn(field: FieldShape, dialect: SqlDialect): FromColumn {
  switch (field.type) {
    case 'boolean':
      return (value) => (value === null ? null : value === true || Number(value) === 1);
    case 'json':
      return (value) => (typeof value === 'string' ? parseExactJson(value) : value);
    case 'datetime':
      return (value) => (value === null ? null : instantText(value));
    case 'decimal':
      return isMariadb(dialect) ? trimDecimal : (value) => (value === null ? null : String(value));
    case 'integer':
    case 'number':
      return (value) => (value === null ? null : Number(value));
    default:
      return (value) => value;
  }
}

/** Epoch milliseconds or text of any instant in the one form of records: "2026-11-24T05:00:00.000Z". */
export function instantText(value: unknown): string {
  if (typeof value === 'string' && value.endsWith('Z')) {
    // What databases give nearly always, without the cost of a Date.
    if (value.length === 24) return value;
    if (value.length === 20) return `${value.slice(0, 19)}.000Z`;
  }
  if (value instanceof Date || typeof value === 'number') return new Date(value).toISOString();
  const text = String(value).replace(' ', 'T');
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`).toISOString();
}

function invalid(field: Pick<FieldShape, 'name'>, value: unknown, why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_RECORD_INVALID', `Field "${field.name}" ${why}.`, {
    path: field.name,
    value: typeof value === 'string' ? value.slice(0, 200) : value,
  });
}

/** Key parts of a record in the order of the key, defaults filled in. @throws data PCP_RECORD_INVALID */
export function keyValues(shape: EntityShape, dialect: SqlDialect, record: Record<string, unknown>): SqlValue[] {
  return shape.key.map((field) => toColumn(field, dialect)(record[field.name]));
}

export function isMariadb(dialect: SqlDialect): boolean {
  return dialect === 'mariadb' || dialect === 'mysql';
}

function converter(field: FieldShape, mariadb: boolean): (value: unknown) => SqlValue {
  switch (field.type) {
    case 'decimal':
      return (value) => {
        const text = typeof value === 'number' ? String(value) : value;
        if (typeof text !== 'string' || !isDecimal(text)) throw invalid(field, value, 'is no decimal number');
        if (mariadb && !fitsMariadb(text)) throw invalid(field, value, 'has more digits than MariaDB keeps (35.30)');
        return text;
      };
    case 'date':
      return (value) => {
        if (typeof value !== 'string' || !isDate(value)) throw invalid(field, value, 'is no date (YYYY-MM-DD)');
        return value;
      };
    case 'datetime':
      return (value) => {
        if (typeof value !== 'string' || !isDateTime(value)) throw invalid(field, value, 'is no instant (ISO 8601)');
        const text = instantText(value);
        return mariadb ? `${text.slice(0, 10)} ${text.slice(11, 23)}` : text;
      };
    case 'boolean':
      return (value) => {
        if (typeof value !== 'boolean') throw invalid(field, value, 'is neither true nor false');
        return value;
      };
    case 'integer':
      return (value) => {
        if (typeof value !== 'number' || !Number.isSafeInteger(value))
          throw invalid(field, value, 'is no whole number');
        return inRange(field, value);
      };
    case 'number':
      return (value) => {
        if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, value, 'is no number');
        return inRange(field, value);
      };
    case 'json':
      return (value) => JSON.stringify(value);
    default:
      return textConverter(field);
  }
}

function textConverter(field: FieldShape): (value: unknown) => SqlValue {
  const { values, maxLength = Number.POSITIVE_INFINITY, minLength = 0 } = field;
  return (value) => {
    if (typeof value !== 'string') throw invalid(field, value, 'is no text');
    if (value.length > maxLength) throw invalid(field, value, `is longer than ${maxLength} characters`);
    if (value.length < minLength) throw invalid(field, value, 'must not be empty');
    // PostgreSQL keeps no NUL and UTF-8 no half of a pair: what a store refuses does not depend on the store.
    if (value.includes('\0')) throw invalid(field, value, 'holds the character NUL (U+0000)');
    if (!value.isWellFormed()) throw invalid(field, value, 'holds half of a surrogate pair, which is no character');
    if (values !== undefined && !values.has(value)) {
      throw invalid(field, value, `is none of ${[...values].filter((one) => one !== null).join(', ')}`);
    }
    return value;
  };
}

function inRange(field: FieldShape, value: number): number {
  if (field.minimum !== undefined && value < field.minimum)
    throw invalid(field, value, `is less than ${field.minimum}`);
  if (field.maximum !== undefined && value > field.maximum)
    throw invalid(field, value, `is more than ${field.maximum}`);
  return value;
}

function fitsMariadb(text: string): boolean {
  const [whole = '', decimals = ''] = text.replace(/^-?0*/, '').split('.');
  return whole.length <= MARIADB_DIGITS && decimals.length <= MARIADB_DECIMALS;
}

/** DECIMAL(65,30) comes back with all its zeros. */
function trimDecimal(value: unknown): unknown {
  if (value === null) return null;
  const text = String(value);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
