import { createHash } from 'node:crypto';
import { phrase } from '../model/phrase';
import { Problem } from './problem';

/** What a write may name a row by. */
export function revisionTag(revision: number): string {
  return `"${revision}"`;
}

/** Entity tag of a row with a revision: parts of what it looks like change by themselves, as when it last ran. */
export function rowTag(row: { revision: number }): string {
  return `"${row.revision}.${digest(row)}"`;
}

/** Entity tag of something without a revision. */
export function contentTag(body: unknown): string {
  return `"${digest(body)}"`;
}

function digest(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22);
}

/** What changes by itself is no reason to refuse a write. */
function ofRevisions(ifMatch: string): string {
  return ifMatch.replaceAll(/"(\d{1,15})\.[\w-]+"/g, '"$1"');
}

/** Whether a header that lists tags ("*", `"3"`, `"3", "4"`) has this one. `weak`: W/"3" counts as well. */
export function tagMatches(header: string, tag: string, weak: boolean): boolean {
  if (header.trim() === '*') return true;
  const tags = header.match(/(W\/)?"[^"]*"/g) ?? [];
  return tags.some((candidate) => candidate === tag || (weak && candidate === `W/${tag}`));
}

/**
 * @param current tags of the current state; several when it is told in several languages
 * @throws Problem 412 when If-Match was sent and names another state than the current one
 */
export function requireMatch(ifMatch: string | undefined, ...current: string[]): void {
  if (ifMatch !== undefined && !current.some((tag) => tagMatches(ofRevisions(ifMatch), tag, false))) throw stale();
}

function stale(): Problem {
  return new Problem(412, 'PCP_STALE_REVISION', phrase`It was changed since the state that If-Match names.`, {
    hint: 'Read it again, apply your change to what you get, and send the new ETag.',
  });
}

/**
 * The revision that a write must find, for stores that compare and write in one step.
 * @param current reads the revision now; asked only when the header names more than one
 * @returns undefined when any revision will do
 */
export async function expectedRevision(
  ifMatch: string | undefined,
  current: () => Promise<number>,
): Promise<number | undefined> {
  if (ifMatch === undefined) return undefined;
  const single = /^\s*"(\d{1,15})"\s*$/.exec(ofRevisions(ifMatch))?.[1];
  if (single !== undefined) return Number(single);
  const revision = await current();
  requireMatch(ifMatch, revisionTag(revision));
  return revision;
}
