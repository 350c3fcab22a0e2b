import type { Json } from './answer';
import { ROW_NUMBER } from './field';
import { missingFields, type QueryRoute, queryTable, type TableQuery, type TableRows } from './generic-query';
import { type ListPage, type Piece, type Position, readPages } from './list';
import type { TotvsSession } from './session';

export interface TableList extends Omit<TableQuery, 'page'> {
  /** Fields that identify a row, where it has no number. */
  key: readonly string[];
  /** Fields without which the list is of no use; the others may be of the dictionary only. */
  needed: readonly string[];
}

/**
 * Reads a table of any length. By the numbers of its rows, each page begins after the last one, so that rows which come or go
 * do not move the others; where the server gives no such number or does not sort by it, page by page.
 * @throws config PCP_TOTVS_FIELD; transient PCP_TOTVS_LIST_MOVED; what the session throws
 */
export async function* readTable(
  session: TotvsSession,
  route: QueryRoute,
  list: TableList,
  from: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<Piece<Json>> {
  const fields = { ...list.fields, [ROW_NUMBER]: 'N' as const };
  const ask = async (query: Partial<TableQuery>): Promise<TableRows> => {
    signal.throwIfAborted();
    const answer = await queryTable(session, route, { ...list, fields, page: 1, ...query }, signal);
    const missing = answer.missing.filter((name) => list.needed.includes(name));
    if (missing.length > 0) throw missingFields(list.table, missing);
    return answer;
  };
  let at = from === undefined ? { row: 0 } : from;
  let total: number | undefined;
  while ('row' in at) {
    const { row } = at;
    const after = { field: ROW_NUMBER, operator: '>' as const, value: row };
    const answer = await ask({ conditions: [...(list.conditions ?? []), after], order: [ROW_NUMBER] });
    const { rows } = answer;
    if (from === undefined) total ??= answer.total;
    if (!isAscending(rows, row)) {
      at = { page: 1, skip: 0 };
      break;
    }
    for (let begin = 0; begin < rows.length; begin += list.pageSize) {
      const entries = rows.slice(begin, begin + list.pageSize);
      at = { row: numberOf(entries.at(-1)) };
      yield { entries, position: at, ...(total !== undefined && { total }) };
    }
    if (rows.length === 0 || answer.hasNext === false) return;
  }
  if ('row' in at) return;
  const keyOf = (row: Json) => JSON.stringify(list.key.map((name) => row[name] ?? null));
  const page = async (number: number): Promise<ListPage<Json>> => {
    const { rows, ...rest } = await ask({ page: number, order: [...list.key] });
    return { entries: rows, ...rest };
  };
  yield* readPages(page, keyOf, list.pageSize, at);
}

function isAscending(rows: readonly Json[], after: number): boolean {
  let last = after;
  for (const row of rows) {
    const number = numberOf(row);
    if (!(number > last)) return false;
    last = number;
  }
  return true;
}

function numberOf(row: Json | undefined): number {
  return Number(row?.[ROW_NUMBER] ?? Number.NaN);
}
