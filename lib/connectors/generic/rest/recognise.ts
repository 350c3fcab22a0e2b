import type { Recognition, SourceRecord } from '../../contract';
import { externalKeyOf } from './judgement';
import { pointerKeys, valueAt } from './pointer';
import type { RestEntity } from './settings';
import { plainText } from './template';

/**
 * Tells records that came back from others: by the fields that identify them here, where the list shows them, and by what the API
 * calls them.
 */
export function recognition(entity: RestEntity, keyFields: readonly string[]): Recognition {
  const { create, lookup, key = [] } = entity;
  const own = key.length === 1 ? key.map(pointerOf) : [];
  const ids = [lookup?.id, create?.id, ...own, '/id'].filter((place) => place?.startsWith('/')) as string[];
  const places = lookup?.key?.length === keyFields.length ? lookup.key : keyFields.map(pointerOf);
  return {
    fields: [...new Set([...ids, ...places].flatMap((place) => pointerKeys(place).slice(0, 1)))],
    ownKey: (record) => shownKey(places.map((place) => valueAt(record, place))),
    externalKey: (record) => nameIn(record, ids),
  };
}

/** The key of a record that is sent, as a list would show it. */
export function ownKeyOf(data: SourceRecord, keyFields: readonly string[]): string | undefined {
  return shownKey(keyFields.map((name) => data[name])) ?? undefined;
}

/** Undefined: a part is not shown. Null: a part is empty. */
function shownKey(parts: readonly unknown[]): string | null | undefined {
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  const texts = parts.map((part) => plainText(part) ?? '');
  return texts.includes('') ? null : JSON.stringify(texts);
}

function nameIn(record: SourceRecord, ids: readonly string[]): string | undefined {
  for (const id of ids) {
    const name = externalKeyOf({ document: record, headers: {} }, { id });
    if (name !== undefined) return name;
  }
  return undefined;
}

function pointerOf(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
