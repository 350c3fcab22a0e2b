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
  const { match } = bulk;
  if (match === undefined && items.length !== records.length) {
    return records.map(() => unknown(`there are ${items.length} results for ${records.length} records`));
  }
  const byKey = new Map(match === undefined ? [] : items.map((item) => [plainText(valueAt(item, match)), item]));
  return records.map((record, index) => {
    const key = (JSON.parse(record.key) as unknown[]).join(',');
    const item = match === undefined ? items[index] : byKey.get(key);
    return judgedItem(
      { document: item, headers: {}, secrets: said.secrets },
      bulk,
      record.externalKey === undefined ? 'created' : 'updated',
    );
  });
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
