import type { Page } from './answer';
import { NEXT_CURSOR, NEXT_LINK, TOTALS } from './openapi';
import { nextOfLinkHeader } from './paging';
import type { EntitySetting } from './settings';

const FLAGS = ['has_more', 'hasMore', 'more', 'has_next', 'hasNext'];
const HEADERS = ['x-total-count', 'x-total'];

/** Names of what leads to the next page; "href" alone leads anywhere. */
const NEXT = [...NEXT_CURSOR, ...NEXT_LINK].filter((name) => name !== 'href');

/** Nothing is said about pages, and the answer can be looked through. */
export function mayHaveMore({ paging, format = 'json' }: EntitySetting): boolean {
  return paging === undefined && format === 'json';
}

/**
 * Where an answer tells of further pages, by the names that APIs use. A guess, for a person to judge; of links and cursors it
 * gives the place alone, since they may hold a key.
 * @param count of its records
 */
export function signOfMore(
  { document, headers }: Pick<Page, 'document' | 'headers'>,
  count: number,
): string | undefined {
  if (nextOfLinkHeader(headers.link ?? '') !== null) return 'Link: rel="next"';
  const isMore = (value: unknown) => /^\d+$/.test(String(value)) && Number(value) > count;
  const header = HEADERS.find((name) => isMore(headers[name]));
  if (header !== undefined) return `${header}: ${headers[header]}`;
  for (const [place, members] of membersOf(document)) {
    for (const [name, value] of Object.entries(members)) {
      if (TOTALS.includes(name) && isMore(value)) return `${place}/${name}: ${value}`;
      const leadsOn = (typeof value === 'string' && value !== '') || isObject(value);
      if ((FLAGS.includes(name) && value === true) || (NEXT.includes(name) && leadsOn)) return `${place}/${name}`;
    }
  }
  return undefined;
}

/** The top of an answer and the objects one level below it, each with its place. */
function membersOf(document: unknown): [place: string, members: object][] {
  if (!isObject(document)) return [];
  const below = Object.entries(document).filter(([, value]) => isObject(value));
  return [['', document], ...below.map(([name, value]): [string, object] => [`/${name}`, value])];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Builds the document of what stands beside the records of an answer that is not held: plain values, three levels deep. */
export class Surroundings {
  readonly document: Record<string, unknown> = Object.create(null) as Record<string, unknown>;

  readonly take = (names: readonly string[], value: unknown): void => {
    if (names.length > 3) return;
    let place = this.document;
    for (const name of names.slice(0, -1)) {
      if (!isObject(place[name])) place[name] = Object.create(null);
      place = place[name] as Record<string, unknown>;
    }
    place[names.at(-1)!] = value;
  };
}
