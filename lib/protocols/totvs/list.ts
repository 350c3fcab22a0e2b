import { IntegrationError } from '../../model/errors';

/** How far a list was read: the number of the last row, or so many entries of so many pages. */
export type Position = { row: number } | { page: number; skip: number };

/** One page of a list, whatever it is made of. */
export interface ListPage<T> {
  entries: T[];
  hasNext: boolean | undefined;
  total?: number;
}

export interface Piece<T> {
  entries: T[];
  /** After these. */
  position: Position;
  total?: number;
}

/**
 * Reads a list by the numbers of its pages. Nothing holds it still meanwhile: an entry that moved from one page to the next
 * is given once, and when some slipped through, it says so at the end.
 * @param keyOf identifies an entry
 * @throws transient PCP_TOTVS_LIST_MOVED
 */
export async function* readPages<T>(
  ask: (page: number) => Promise<ListPage<T>>,
  keyOf: (entry: T) => string,
  pageSize: number,
  from: { page: number; skip: number } = { page: 1, skip: 0 },
): AsyncGenerator<Piece<T>> {
  const seen = new Set<string>();
  const isWhole = from.page === 1 && from.skip === 0;
  for (let { page, skip } = from; ; page++, skip = 0) {
    const { entries, hasNext, total } = await ask(page);
    const fresh = entries.filter((entry) => !seen.has(keyOf(entry)));
    const known = seen.size;
    for (const entry of entries) seen.add(keyOf(entry));
    // A server may give more at once than was asked for.
    for (let begin = skip; begin < fresh.length; begin += pageSize) {
      const piece = fresh.slice(begin, begin + pageSize);
      const isLast = begin + pageSize >= fresh.length;
      const position = isLast ? { page: page + 1, skip: 0 } : { page, skip: begin + pageSize };
      yield { entries: piece, position, ...(total !== undefined && { total }) };
    }
    if (hasNext === false || entries.length === 0) {
      if (isWhole && total !== undefined && seen.size < total) throw moved(seen.size, total);
      return;
    }
    if (seen.size === known) throw stuck();
  }
}

function moved(read: number, total: number): IntegrationError {
  const message = `The list changed while it was read: ${read} of ${total} records came.`;
  return new IntegrationError('transient', 'PCP_TOTVS_LIST_MOVED', message, {
    hint: 'It is read again; best at a time when nobody changes it.',
  });
}

function stuck(): IntegrationError {
  return new IntegrationError('config', 'PCP_TOTVS_PAGING', 'The server gives the same page again and again.', {
    hint: 'The route does not follow "page": have it corrected, or read another one.',
  });
}
