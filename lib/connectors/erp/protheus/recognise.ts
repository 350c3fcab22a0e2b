import type { JsonSchema } from '../../../model/entity';
import type { Json } from '../../../protocols/totvs/answer';
import type { Recognition, SourceRecord } from '../../contract';
import type { ProtheusEntity } from './catalogue';
import { minuteOf } from './record';

/**
 * Tells records that came back from others: by our own key, in entities that keep one, else by the fields that identify them.
 * @param keyFields of models, which have no key of their own
 */
export function recognition(entity: ProtheusEntity, keyFields: readonly string[]): Recognition | null {
  if (entity.kind === 'table') return entity.preset?.posting ? byField(entity.preset.posting.key) : null;
  const key = entity.kind === 'api' || keyFields.length === 0 ? entity.key : keyFields;
  const { external_key: own, properties = {} } = entity.kind === 'api' ? entity.preset : {};
  return {
    fields: [...new Set([...key, ...(own === undefined ? [] : [own])])],
    ownKey: (record: SourceRecord) =>
      own === undefined ? externalKeyOf(record, key, properties) : (textOf(record[own]) ?? null),
    externalKey: (record) => externalKeyOf(record, key, properties),
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

/** What Protheus calls a record: the values of its key, as in its address; moments to the minute, in whatever zone they are told. */
export function externalKeyOf(
  data: Json,
  key: readonly string[],
  properties: Readonly<Record<string, JsonSchema>> = {},
): string {
  const isMoment = (name: string) => properties[name]?.format === 'date-time';
  return key.map((name) => (isMoment(name) ? minuteOf(data[name]) : String(data[name] ?? ''))).join('/');
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}
