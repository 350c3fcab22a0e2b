import { IntegrationError } from '../../../model/errors';
import type { ColumnInfo, SqlDialect, SqlValue } from '../../../protocols/sql/database';
import { asChar } from '../../../protocols/sql/oracle/grammar';
import { toSqlValue } from '../../../protocols/sql/values';
import type { Condition } from './filters';

/** A value in a cursor: plain JSON. */
export type CursorValue = string | number | boolean | null | { base64: string };

export function toCursorValue(value: unknown): CursorValue {
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  if (value instanceof Date) return value.toISOString();
  return value as CursorValue;
}

/** @throws config PCP_CURSOR_INVALID when the cursor was made for another key */
export function fromCursorValue(value: unknown, column: ColumnInfo, dialect: SqlDialect): SqlValue {
  if (typeof value === 'object' && value !== null && 'base64' in value)
    return Buffer.from(String(value.base64), 'base64');
  // Oracle takes a time in its session's format alone.
  if (dialect === 'oracle' && column.type === 'datetime') return toSqlValue(value, column, dialect);
  // A wide integer stands as text in JSON and must not be compared as text.
  if (column.type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new IntegrationError('config', 'PCP_CURSOR_INVALID', `The cursor does not fit column "${column.name}".`, {
    hint: 'Start a full synchronisation.',
  });
}

/** How one column is compared with a value of it. */
export function operand(column: ColumnInfo, dialect: SqlDialect): string {
  if (dialect === 'oracle' && column.padded === true) return asChar('?');
  // MySQL would compare a decimal with a text as floating point.
  const mysql = dialect === 'mysql' || dialect === 'mariadb';
  return mysql && column.type === 'decimal' ? 'CAST(? AS DECIMAL(65, 30))' : '?';
}

/**
 * "After this row" in the order of the columns: a >= ? AND (a > ? OR (a = ? AND b > ?)). Written out, since not every
 * database uses an index for (a, b) > (?, ?).
 */
export function after(
  columns: readonly ColumnInfo[],
  values: readonly SqlValue[],
  quote: (identifier: string) => string,
  dialect: SqlDialect,
): Condition {
  const alternatives: string[] = [];
  const parameters: SqlValue[] = [];
  for (let last = 0; last < columns.length; last++) {
    const parts = columns.slice(0, last + 1).map((column, index) => {
      parameters.push(values[index]!);
      return `${quote(column.name)} ${index === last ? '>' : '='} ${operand(column, dialect)}`;
    });
    alternatives.push(parts.join(' AND '));
  }
  const [first] = columns;
  if (columns.length === 1 || first === undefined) return { sql: alternatives.join(''), parameters };
  const bound = `${quote(first.name)} >= ${operand(first, dialect)}`;
  return {
    sql: `${bound} AND (${alternatives.map((each) => `(${each})`).join(' OR ')})`,
    parameters: [values[0]!, ...parameters],
  };
}
