import { phrase } from '../../../model/phrase';
import type { WriteRecord, WriteResult } from '../../contract';
import { isXml } from './answer';
import { judgedItem, type Said, unknown } from './judgement';
import { valueAt } from './pointer';
import type { BulkSetting } from './settings';
import { plainText } from './template';

/** One result per record, each judged by itself. A record without a result may have been written or not. */
export function bulkResults(said: Said, bulk: BulkSetting, records: readonly WriteRecord[]): WriteResult[] {
  const found = valueAt(said.document, bulk.results ?? '');
  const isOne = found !== undefined && isXml(said.headers);
  const items: unknown[] = Array.isArray(found) ? found : isOne ? [found] : [];
  const names = bulk.results ?? bulk.match;
  if (bulk.atomic === true && names === undefined && !Array.isArray(found)) return resultsOfAll(said, bulk, records);
  if (bulk.match === undefined && items.length !== records.length) {
    const why = phrase`there are ${items.length} results for ${records.length} records; set "results" of "bulk", or "atomic" where the API takes all of a request or none`;
    return records.map(() => unknown(why));
  }
  const itemOf =
    bulk.match === undefined ? (index: number) => items[index] : byName(items, [bulk.match].flat(), records);
  return records.map((record, index) =>
    judgedItem({ document: itemOf(index), headers: {}, secrets: said.secrets }, bulk, doneWith(record)),
  );
}

/** Where all or none are taken and nothing is told of each: all are done, unless the answer says no. */
function resultsOfAll(said: Said, { id, ...bulk }: BulkSetting, records: readonly WriteRecord[]): WriteResult[] {
  return records.map((record) => {
    const verdict = judgedItem(said, bulk, doneWith(record));
    const saysNothing = verdict.outcome === 'unknown' && bulk.result === undefined;
    return saysNothing ? { outcome: doneWith(record) } : verdict;
  });
}

function doneWith({ externalKey }: WriteRecord): 'created' | 'updated' {
  return externalKey === undefined ? 'created' : 'updated';
}

/** @param places one that holds the whole key, or one for each part of it */
function byName(
  items: readonly unknown[],
  places: readonly string[],
  records: readonly WriteRecord[],
): (index: number) => unknown {
  const nameOf = (parts: readonly unknown[]): string =>
    places.length === 1 ? parts.join(',') : JSON.stringify(parts.map(plainText));
  const found = new Map(items.map((item) => [nameOf(places.map((place) => plainText(valueAt(item, place)))), item]));
  const names = records.map(({ key }) => nameOf(JSON.parse(key) as unknown[]));
  const seen = new Set<string>();
  for (const name of names) {
    // A name that two of them have tells nothing about either.
    if (seen.has(name)) found.delete(name);
    seen.add(name);
  }
  return (index) => found.get(names[index]!);
}

/** Whether a request that was refused as a whole has written none of its records, or writes them again without harm. */
export function leavesNothing({ atomic, upsert }: BulkSetting, status: number): boolean {
  // What is too large is not looked into.
  return atomic === true || upsert === true || status === 413;
}

/** What a refusal says about each record, null when nothing; there a name alone is no success. */
export function refusedResults(
  said: Said,
  { id, ...bulk }: BulkSetting,
  records: readonly WriteRecord[],
): WriteResult[] | null {
  const verdicts = bulkResults(said, bulk, records);
  if (verdicts.every(({ outcome }) => outcome === 'unknown')) return null;
  const named = bulkResults(said, { ...bulk, ...(id !== undefined && { id }) }, records);
  return verdicts.map((verdict, index) => (verdict.outcome === 'unknown' ? verdict : named[index]!));
}
