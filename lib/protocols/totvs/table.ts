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
 * do not move the others; where the server gives no such number or does not sort by it, page by page, all of it.
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
  const behind = (row: number): Partial<TableQuery> => ({
    conditions: [...(list.conditions ?? []), { field: ROW_NUMBER, operator: '>', value: row }],
    order: [ROW_NUMBER],
  });
  let at = from;
  for (;;) {
    const { rows, hasNext, total } = await ask(behind(at?.row ?? 0));
    at ??= { row: 0, given: 0, total };
    if (!isAscending(rows, at.row)) break;
    for (let begin = 0; begin < rows.length; begin += list.pageSize) {
      const entries = rows.slice(begin, begin + list.pageSize);
      at = { ...at, row: numberOf(entries.at(-1)), given: at.given + entries.length };
      yield { entries, position: at, ...(at.total !== undefined && { total: at.total }) };
    }
    if (rows.length > 0 && hasNext !== false) continue;
    // Those that are missing were deleted meanwhile, or else came in another order that ascends by chance.
    if (!isShort(at) || !isShort({ ...at, total: (await ask({ ...behind(0), pageSize: 1 })).total })) return;
    break;
  }
  const keyOf = (row: Json) => JSON.stringify(list.key.map((name) => row[name] ?? null));
  const page = async (number: number): Promise<ListPage<Json>> => {
    const { rows, ...rest } = await ask({ page: number, order: [...list.key] });
    return { entries: rows, ...rest };
  };
  yield* readPages(page, keyOf, list.pageSize);
}

function isShort({ given, total }: Position): boolean {
  return total !== undefined && given < total;
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
