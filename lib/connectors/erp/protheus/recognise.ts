import type { Json } from '../../../protocols/totvs/answer';
import type { Recognition, SourceRecord } from '../../contract';
import type { ProtheusEntity } from './catalogue';

/**
 * Tells records that came back from others: by our own key, in entities that keep one, else by the fields that identify them.
 * @param keyFields of models, which have no key of their own
 */
export function recognition(entity: ProtheusEntity, keyFields: readonly string[]): Recognition | null {
  if (entity.kind === 'table') return entity.preset?.posting ? byField(entity.preset.posting.key) : null;
  const key = entity.kind === 'api' || keyFields.length === 0 ? entity.key : keyFields;
  const own = entity.kind === 'api' ? entity.preset.external_key : undefined;
  return {
    fields: [...new Set([...key, ...(own === undefined ? [] : [own])])],
    ownKey: (record: SourceRecord) => (own === undefined ? externalKeyOf(record, key) : (textOf(record[own]) ?? null)),
    externalKey: (record) => externalKeyOf(record, key),
  };
}

/** Of a table that a route posts into: the field of our key is what it goes by. */
function byField(name: string): Recognition {
  return {
    fields: [name],
    ownKey: (record) => textOf(record[name]) ?? null,
    externalKey: (record) => textOf(record[name]),
  };
}

/** What Protheus calls a record: the values of its key, as in its address. */
export function externalKeyOf(data: Json, key: readonly string[]): string {
  return key.map((name) => String(data[name] ?? '')).join('/');
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}
