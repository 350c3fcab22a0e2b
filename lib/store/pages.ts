import { type Model, type ModelStatic, Op, type WhereOptions } from 'sequelize';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { Page, PageRequest } from '../model/services';

const DEFAULT_LIMIT = 100;
const MAXIMUM_LIMIT = 1000;

/** @throws data PCP_LIMIT_INVALID when it is no whole number from 1 to 1000 */
export function pageLimit(request: PageRequest): number {
  const limit = request.limit ?? DEFAULT_LIMIT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAXIMUM_LIMIT) return limit;
  throw new IntegrationError(
    'data',
    'PCP_LIMIT_INVALID',
    phrase`A page has 1 to ${MAXIMUM_LIMIT} entries, not ${limit}.`,
    { path: '/limit' },
  );
}

/** Opaque to callers: where the next page begins. */
function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/** @throws data PCP_CURSOR_INVALID when no page of this list gave it */
export function decodeCursor<T>(cursor: string | undefined, isPosition: (value: unknown) => value is T): T | null {
  if (cursor === undefined || cursor === '') return null;
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (isPosition(position)) return position;
  } catch {
    // Refused below, as every other cursor that is not ours.
  }
  throw new IntegrationError('data', 'PCP_CURSOR_INVALID', phrase`This cursor does not belong to the list.`, {
    path: '/cursor',
    hint: 'Pass next_cursor of the page before, unchanged.',
  });
}

export const isId = (value: unknown): value is number => Number.isSafeInteger(value);

/**
 * Makes a page of rows that were read with one more than its limit.
 * @param position of a row, from which the next page continues
 */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  total: number,
  position: (row: Row) => unknown,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null,
    total,
  };
}

/**
 * Rows of a model by id, from the first one on, with the values that the filter gives for its columns.
 * @throws data PCP_LIMIT_INVALID, PCP_CURSOR_INVALID
 */
export async function oldestFirst<Row extends { id: number }, Item>(
  model: ModelStatic<Model>,
  filter: PageRequest & Partial<Row>,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  const { limit: _, cursor, ...columns } = filter;
  const limit = pageLimit(filter);
  const after = decodeCursor(cursor, isId);
  const where: WhereOptions = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
  const total = await model.count({ where });
  const found = await model.findAll({
    where: after === null ? where : { [Op.and]: [where, { id: { [Op.gt]: after } }] },
    order: [['id', 'ASC']],
    limit: limit + 1,
  });
  const rows = found.map((row) => row.get({ plain: true }) as Row);
  return toPage(rows, limit, total, ({ id }) => id, toItem);
}
