import type { PushedFilter } from '../../../model/mapping';
import type { Condition } from '../../../protocols/totvs/condition';
import { type FieldType, ROW_NUMBER } from '../../../protocols/totvs/field';

/** Row numbers that are read again: a row that is committed late has a lower number than others that were read before. */
const ROWS_AGAIN = 1000;

/** What is read again is recognised by its content. Of a day all of it is: more may come in it. */
export function since(field: string | null, lo: unknown, lookbackSeconds = 0): Condition[] {
  if (field === null || lo === null) return [];
  if (field === ROW_NUMBER) return [{ field, operator: '>', value: Number(lo) - ROWS_AGAIN }];
  const begin = new Date(Date.parse(String(lo)) - lookbackSeconds * 1000);
  return [{ field, operator: '>=', value: begin.toISOString().slice(0, 10) }];
}

/** What the database decides as the mapping would. */
export function pushedDown(fields: Readonly<Record<string, FieldType>>, filters: readonly PushedFilter[]): Condition[] {
  return filters.flatMap((filter): Condition[] => {
    if ('expression' in filter) return [];
    const { field, operator, value } = filter;
    const type = fields[field];
    // What texts stand for is for the mapping to compare.
    if (filter.byValue === true && type === 'C') return [];
    const fits = (each: unknown) => isLiteral(each, type);
    if (operator === 'eq') return fits(value) ? [{ field, operator: '=', value }] : [];
    if (operator === 'in') {
      return Array.isArray(value) && value.length > 0 && value.every(fits) ? [{ field, operator, value }] : [];
    }
    const comparison = { lt: '<', le: '<=', gt: '>', ge: '>=' } as const;
    if (!(operator in comparison) || type === 'C' || !fits(value)) return [];
    return [{ field, operator: comparison[operator as keyof typeof comparison], value }];
  });
}

function isLiteral(value: unknown, type: FieldType | undefined): boolean {
  const text = String(value ?? '');
  if (type === 'N') return /^-?\d+(\.\d+)?$/.test(text);
  if (type === 'D') return /^\d{4}-\d\d-\d\d$/.test(text);
  return type === 'C' && typeof value === 'string' && /^[\x20-\x7e]+$/.test(value);
}
