import { entityPath, placeOf } from '../../../protocols/odata/address';
import type { EntitySet } from '../../../protocols/odata/model';
import type { Recognition, SourceRecord } from '../../contract';
import type { ODataEntity } from './entity';

type Data = Record<string, unknown>;

/**
 * Tells records that came back from others: by our own key, in entities that keep one, else by the fields that identify them here;
 * and by their address. Null where what is written to an entity is not what is read of the other.
 */
export function recognition(read: ODataEntity, written: ODataEntity, keyFields: readonly string[]): Recognition | null {
  if (read.service.options.path !== written.service.options.path || read.set.name !== written.set.name) return null;
  const { shape, set } = read;
  const own = ownFields(written, keyFields);
  return {
    fields: [...new Set([...keyRoots(set), ...own])],
    ownKey: (record: SourceRecord) => shownKey(record, own),
    externalKey: (record) => {
      try {
        return externalKeyOf(read, shape.toService(record));
      } catch {
        // What was read without its key is not recognised by it.
        return undefined;
      }
    },
  };
}

/** What the service calls an entity: its address without the set. @throws data PCP_ODATA_KEY, PCP_ODATA_VALUE */
export function externalKeyOf({ set, model }: Pick<ODataEntity, 'set' | 'model'>, data: Data): string {
  return decodeURIComponent(entityPath(set, data, model).slice(placeOf(set).length));
}

/**
 * What tells a record from others wherever it is.
 * @param sent with our own key as the system keeps it
 */
export function ownKeyOf(entity: ODataEntity, sent: Data, keyFields: readonly string[]): string | undefined {
  return shownKey(sent, ownFields(entity, keyFields)) ?? undefined;
}

function ownFields({ preset }: ODataEntity, keyFields: readonly string[]): readonly string[] {
  const field = preset?.external_key?.field;
  return field === undefined ? keyFields : [field];
}

/** Undefined: a part is not shown. Null: a part is empty. Systems write keys of theirs in capitals or not. */
function shownKey(data: Data, fields: readonly string[]): string | null | undefined {
  const parts = fields.map((field) => data[field]);
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  const texts = parts.map((part) => String(part ?? '').toLowerCase());
  return texts.includes('') ? null : JSON.stringify(texts);
}

function keyRoots({ type }: EntitySet): string[] {
  return type.key.map((path) => path.split('/', 1)[0] as string);
}
