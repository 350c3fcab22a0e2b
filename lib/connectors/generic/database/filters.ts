import type { PushedFilter } from '../../../model/mapping';
import type { ColumnInfo, SqlDialect, SqlValue } from '../../../protocols/sql/database';
import { toSqlValue } from '../../../protocols/sql/values';
import { operand } from './keyset';

export interface Condition {
  sql: string;
  parameters: SqlValue[];
}

type FieldFilter = Exclude<PushedFilter, { expression: string }>;

const COMPARISONS: Record<string, string> = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' };
const MAX_LIST = 500;

/**
 * Conditions that the database can judge without excluding a record that the mapping would keep. The mapping applies all
 * filters again, so what collation, rounding or a free date format could judge differently simply stays out.
 */
export function pushDown(
  filters: readonly PushedFilter[],
  columns: ReadonlyMap<string, ColumnInfo>,
  quote: (identifier: string) => string,
  dialect: SqlDialect,
): Condition[] {
  return filters.flatMap((filter) => {
    if ('expression' in filter) return [];
    const column = columns.get(filter.field);
    if (column === undefined || !isSafe(filter, column, dialect)) return [];
    const condition = toCondition(filter, column, quote(column.name), dialect);
    return condition === undefined ? [] : [condition];
  });
}

function isSafe({ operator, byValue }: FieldFilter, column: ColumnInfo, dialect: SqlDialect): boolean {
  if (operator === 'not_null') return true;
  if (operator === 'is_null') return column.type !== 'text' && column.type !== 'json';
  if (operator === 'like') return false;
  switch (column.type) {
    case 'integer':
      return true;
    case 'decimal':
    case 'date':
      // SQLite keeps whatever was written: floating point in decimals, any text in dates.
      // PostgreSQL's money would round the value to compare with.
      return dialect !== 'sqlite' && column.nativeType !== 'money';
    case 'text':
      return byValue !== true && (operator === 'eq' || operator === 'in');
    default:
      return false;
  }
}

function toCondition(
  filter: FieldFilter,
  column: ColumnInfo,
  name: string,
  dialect: SqlDialect,
): Condition | undefined {
  const { operator, value } = filter;
  if (operator === 'is_null') return { sql: `${name} IS NULL`, parameters: [] };
  if (operator === 'not_null') return { sql: `${name} IS NOT NULL`, parameters: [] };
  const values = parameters(Array.isArray(value) ? value : [value], column, dialect);
  if (values === undefined) return undefined;
  const one = operand(column, dialect);
  if (operator === 'in' || operator === 'not_in') {
    if (values.length === 0 || values.length > MAX_LIST) return undefined;
    const list = values.map(() => one).join(', ');
    return operator === 'in'
      ? { sql: `${name} IN (${list})`, parameters: values }
      : { sql: `${name} NOT IN (${list}) OR ${name} IS NULL`, parameters: values };
  }
  if (operator === 'between') return { sql: `${name} BETWEEN ${one} AND ${one}`, parameters: values };
  // What is empty is not the excluded value; SQL alone would leave it out.
  if (operator === 'ne') return { sql: `${name} <> ${one} OR ${name} IS NULL`, parameters: values };
  return { sql: `${name} ${COMPARISONS[operator]} ${one}`, parameters: values };
}

/** Undefined when a value does not fit the column: then only the mapping can say what is meant. */
function parameters(values: unknown[], column: ColumnInfo, dialect: SqlDialect): SqlValue[] | undefined {
  // The mapping compares a number with a text by its value ("007" = 7), the database by its characters.
  if (column.type === 'text' && values.some((value) => typeof value !== 'string')) return undefined;
  try {
    return values.map((value) => toSqlValue(value, column, dialect));
  } catch {
    return undefined;
  }
}
