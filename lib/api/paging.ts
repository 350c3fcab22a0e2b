import type { JsonSchema } from '../model/entity';
import type { Page, PageRequest } from '../model/services';
import { badQuery, wrong } from './query';
import type { Call, Parameter } from './route';

const MAX_PAGE = 1000;

export const pageParameters: Record<string, Parameter> = {
  limit: {
    description: `Rows wanted, 1 to ${MAX_PAGE}.`,
    schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: 100 },
  },
  cursor: {
    description: '`next_cursor` of the page before.',
    schema: { type: 'string', minLength: 1, maxLength: 2000 },
  },
};

export function pageSchema(item: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: ['items', 'next_cursor', 'total'],
    properties: {
      items: { type: 'array', items: item },
      next_cursor: { type: ['string', 'null'], description: 'Opaque; null on the last page.' },
      total: { type: 'integer', minimum: 0, description: 'Rows that match the filters, on all pages.' },
    },
  };
}

export function pageRequest(call: Call): PageRequest {
  const { limit, cursor } = call.query;
  return {
    ...(typeof limit === 'number' && { limit }),
    ...(typeof cursor === 'string' && { cursor }),
  };
}

/** Pages a list that is complete in memory, in the order of its unique names. */
export function pageOf<T>(all: readonly T[], nameOf: (item: T) => string, call: Call): Page<T> {
  const { limit = MAX_PAGE, cursor } = pageRequest(call);
  const sorted = [...all].sort((a, b) => compare(nameOf(a), nameOf(b)));
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const rest = after === undefined ? sorted : sorted.filter((item) => compare(nameOf(item), after) > 0);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const more = last !== undefined && rest.length > items.length;
  return { items, next_cursor: more ? encodeCursor(nameOf(last)) : null, total: all.length };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encodeCursor(name: string): string {
  return Buffer.from(JSON.stringify([name])).toString('base64url');
}

function decodeCursor(cursor: string): string {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && typeof parsed[0] === 'string') return parsed[0];
  } catch {
    // Falls through to the same answer as any other text that is no cursor.
  }
  throw badQuery([wrong('cursor', 'is not a cursor of this list')]);
}
