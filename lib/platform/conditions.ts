import type { PushedFilter } from '../model/mapping';
import type { SqlDatabase, SqlDialect, SqlValue } from '../protocols/sql/database';
import type { EntityShape, FieldShape } from './shape';
import { isMariadb, toColumn } from './values';

/** A part of a WHERE clause. */
export interface Condition {
  sql: string;
  parameters: SqlValue[];
}

const COMPARISONS: Partial<Record<string, string>> = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' };
/** Longer lists stay with the engine: a statement has room for some 30,000 values. */
const MAX_LIST = 1000;

/**
 * Those of the filters that the database judges as the mapping does. The engine applies all of them once more, so one that
 * is left out costs time only.
 */
export function pushedConditions(
  database: SqlDatabase,
  shape: EntityShape,
  filters: readonly PushedFilter[],
): Condition[] {
  return filters.flatMap((filter) => {
    if ('expression' in filter) return [];
    const field = shape.byName.get(filter.field);
    const isUnjudged = field === undefined || (filter.byValue === true && isText(field));
    const condition = isUnjudged ? null : conditionOf(database, field, filter.operator, filter.value);
    return condition === null ? [] : [condition];
  });
}

/** What comes after a position in the order of these columns. */
export function afterPosition(dialect: SqlDialect, columns: readonly string[], values: readonly SqlValue[]): Condition {
  if (!isMariadb(dialect)) {
    return { sql: `(${columns.join(', ')}) > (${columns.map(() => '?').join(', ')})`, parameters: [...values] };
  }
  // MariaDB walks an index only for conditions on its first column that stand alone.
  const parameters: SqlValue[] = [values[0] as SqlValue];
  const steps = columns.map((column, index) => {
    parameters.push(...values.slice(0, index + 1));
    return `(${[...columns.slice(0, index).map((earlier) => `${earlier} = ?`), `${column} > ?`].join(' AND ')})`;
  });
  return { sql: `${columns[0]} >= ? AND (${steps.join(' OR ')})`, parameters };
}

export function whereClause(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { sql: '', parameters: [] };
  return {
    sql: ` WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
}

function conditionOf(database: SqlDatabase, field: FieldShape, operator: string, value: unknown): Condition | null {
  const column = database.quote(field.name);
  // Filters take an empty text for null.
  if (operator === 'is_null') {
    return { sql: isText(field) ? `${column} IS NULL OR ${column} = ''` : `${column} IS NULL`, parameters: [] };
  }
  if (operator === 'not_null') return { sql: `${column} IS NOT NULL`, parameters: [] };
  if (operator === 'in' || operator === 'between') {
    if (!Array.isArray(value) || value.length === 0 || value.length > MAX_LIST) return null;
    const values = value.map((one) => comparable(database, field, one));
    if (values.includes(null) || (operator === 'between' && isText(field))) return null;
    const sql =
      operator === 'between' ? `${column} BETWEEN ? AND ?` : `${column} IN (${values.map(() => '?').join(', ')})`;
    return { sql, parameters: values };
  }
  const comparison = COMPARISONS[operator];
  const parameter = comparable(database, field, value);
  // Texts that look like numbers or dates compare as such in the mapping, and by code point here.
  if (comparison === undefined || parameter === null || (isText(field) && operator !== 'eq')) return null;
  return { sql: `${column} ${comparison} ?`, parameters: [parameter] };
}

/** Records whose decimal is this number, however many zeros it is kept with. */
export function decimalEquals(dialect: SqlDialect, column: string, text: string): Condition {
  if (isMariadb(dialect)) return { sql: `${column} = CAST(? AS DECIMAL(65,30))`, parameters: [text] };
  if (dialect !== 'sqlite') return { sql: `${column} = ?`, parameters: [text] };
  // Kept as text there: without sign and outer zeros, equal numbers have equal digits.
  const digits = text.replace(/^-?0*/, '');
  const wanted = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  const kept = `ltrim(ltrim(${column}, '-'), '0')`;
  const trimmed = `CASE WHEN instr(${kept}, '.') > 0 THEN rtrim(rtrim(${kept}, '0'), '.') ELSE ${kept} END = ?`;
  if (wanted === '') return { sql: trimmed, parameters: [''] };
  return {
    sql: `${trimmed} AND substr(${column}, 1, 1) ${text.startsWith('-') ? '=' : '<>'} '-'`,
    parameters: [wanted],
  };
}

/** The value as the column compares it, or null when the two compare differently. */
function comparable(database: SqlDatabase, field: FieldShape, value: unknown): SqlValue {
  if (field.type === 'json' || field.type === 'number' || value === null || value === undefined) return null;
  // SQLite keeps decimals as texts.
  if (field.type === 'decimal' && database.dialect === 'sqlite') return null;
  try {
    return toColumn(
      { ...field, values: undefined, minLength: undefined, minimum: undefined, maximum: undefined },
      database.dialect,
    )(value);
  } catch {
    return null;
  }
}

function isText(field: FieldShape): boolean {
  return field.type === 'text' || field.type === 'key';
}
