import type { Page } from '../model/services';
import type { SqlDatabase, SqlRow, SqlValue } from '../protocols/sql/database';
import { decodeCursor, isId, pageLimit, toPage } from './pages';

/** A condition of a list: SQL of our own with one `?`, or none when there is no value. */
export type Condition = [sql: string, value?: SqlValue];

export function equalities(columns: Record<string, SqlValue | undefined>): Condition[] {
  return Object.entries(columns).flatMap(([name, value]): Condition[] =>
    value === undefined ? [] : [[`${name} = ?`, value]],
  );
}

/** From an instant on, and before another. */
export function between(column: string, from: string | undefined, to: string | undefined): Condition[] {
  return [
    ...(from === undefined ? [] : [[`${column} >= ?`, new Date(from)] satisfies Condition]),
    ...(to === undefined ? [] : [[`${column} < ?`, new Date(to)] satisfies Condition]),
  ];
}

export function where(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
}

export function values(conditions: readonly Condition[]): SqlValue[] {
  return conditions.flatMap(([, value]) => (value === undefined ? [] : [value]));
}

/**
 * Rows of a table that has an id, newest first.
 * @param large of rows that may be too large for a whole page to be in memory: SQL of their size, and which of these rows
 * ({id, size}) may be; the page has no more
 * @throws data PCP_LIMIT_INVALID, PCP_CURSOR_INVALID
 */
export async function newestFirst<T>(
  database: SqlDatabase,
  table: string,
  conditions: readonly Condition[],
  request: { limit?: number | undefined; cursor?: string | undefined },
  convert: (row: SqlRow) => T,
  large?: { size: string; atOnce(rows: SqlRow[]): number[] },
): Promise<Page<T>> {
  const limit = pageLimit(request.limit === undefined ? {} : { limit: request.limit });
  const before = decodeCursor(request.cursor, isId);
  const { aside } = database;
  const [count] = await aside.query(`SELECT COUNT(*) AS n FROM ${table}${where(conditions)}`, values(conditions));
  const paged: Condition[] = before === null ? [...conditions] : [...conditions, ['id < ?', before]];
  const found = await aside.query(
    `SELECT ${large === undefined ? '*' : `id, ${large.size} AS size`} FROM ${table}${where(paged)} ORDER BY id DESC LIMIT ${limit + 1}`,
    values(paged),
  );
  const total = Number(count?.n ?? 0);
  const position = (row: SqlRow): number => Number(row.id);
  if (large === undefined || found.length === 0) return toPage(found, limit, total, position, convert);
  const ids = large.atOnce(found.slice(0, limit));
  const rows = await aside.query(`SELECT * FROM ${table} WHERE id IN (${ids.join(', ')}) ORDER BY id DESC`);
  return toPage([...rows, ...found.slice(ids.length)], rows.length, total, position, convert);
}
