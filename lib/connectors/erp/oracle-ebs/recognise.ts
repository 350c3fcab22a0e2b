import type { Recognition, SourceRecord } from '../../contract';
import type { ResolvedEntity } from '../../generic/database/entities';
import { KEY, type Posting, SOURCE } from './posting';

/**
 * Tells transactions that came back from others, by our own key in them; null where they do not carry it. What can be changed has
 * the same names on both sides.
 */
export function recognition(
  { columns }: Pick<ResolvedEntity, 'columns'>,
  { keptAs, changes }: Posting,
  sourceCode: string,
): Recognition | null {
  const fields = keptAs === undefined ? [SOURCE, KEY] : [keptAs];
  if (changes !== undefined || !fields.every((name) => columns.has(name))) return null;
  const keyIn = (record: SourceRecord): string | undefined => {
    const key = record[keptAs ?? KEY];
    const isOurs = keptAs !== undefined || record[SOURCE] === sourceCode;
    return isOurs && key !== undefined && key !== null ? String(key) : undefined;
  };
  return {
    fields,
    ownKey: (record) => keyIn(record) ?? null,
    externalKey: (record) => {
      const key = keyIn(record);
      return key && externalKeyOf(sourceCode, key);
    },
  };
}

/** By which people find a posting. */
export function externalKeyOf(sourceCode: string, key: string): string {
  return `${sourceCode}/${key}`;
}
