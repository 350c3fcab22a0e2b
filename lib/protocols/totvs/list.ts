import { IntegrationError } from '../../model/errors';
import { type Phrase, phrase } from '../../model/phrase';

/** How far a list was read by the numbers of its rows. */
export interface Position {
  /** Of the last row. */
  row: number;
  /** Rows that came, of so many as there were at the beginning. */
  given: number;
  total: number | undefined;
}

/** One page of a list, whatever it is made of. */
export interface ListPage<T> {
  entries: T[];
  hasNext: boolean | undefined;
  total?: number;
}

export interface Piece<T> {
  entries: T[];
  /** After these; absent where a later read has to begin anew. */
  position?: Position;
  total?: number;
}

/**
 * Reads a list by the numbers of its pages, from the first one. Nothing holds it still meanwhile, so no page is a place to go
 * on from later: an entry that moved to the next page is given once, and when some may have slipped through, it says so.
 * @param keyOf identifies an entry
 * @throws transient PCP_TOTVS_LIST_MOVED
 */
export async function* readPages<T>(
  ask: (page: number) => Promise<ListPage<T>>,
  keyOf: (entry: T) => string,
  pageSize: number,
): AsyncGenerator<Piece<T>> {
  const seen = new Set<string>();
  let first: number | undefined;
  for (let page = 1; ; page++) {
    const { entries, hasNext, total } = await ask(page);
    first ??= total;
    // Behind the end some count nothing.
    if (entries.length > 0 && total !== undefined && total !== first)
      throw moved(phrase`${first} records became ${total}.`);
    const fresh = entries.filter((entry) => !seen.has(keyOf(entry)));
    const known = seen.size;
    for (const entry of entries) seen.add(keyOf(entry));
    // A server may give more at once than was asked for.
    for (let begin = 0; begin < fresh.length; begin += pageSize) {
      yield { entries: fresh.slice(begin, begin + pageSize), ...(total !== undefined && { total }) };
    }
    if (hasNext === false || entries.length === 0) {
      if (first !== undefined && seen.size < first) throw moved(phrase`${seen.size} of ${first} records came.`);
      return;
    }
    if (seen.size === known) throw stuck();
  }
}

function moved(how: Phrase): IntegrationError {
  const message = phrase`The list changed while it was read: ${how}`;
  return new IntegrationError('transient', 'PCP_TOTVS_LIST_MOVED', message, {
    hint: 'It is read again; best at a time when nobody changes it.',
  });
}

function stuck(): IntegrationError {
  return new IntegrationError('config', 'PCP_TOTVS_PAGING', phrase`The server gives the same page again and again.`, {
    hint: 'The route does not follow "page": have it corrected, or read another one.',
  });
}
