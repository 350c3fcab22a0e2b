import { IntegrationError } from '../../../model/errors';
import { hasKey } from '../../../protocols/odata/address';
import type { Entity } from '../../../protocols/odata/entity';
import { findMatches } from '../../../protocols/odata/find';
import { externalKey } from '../external-key';
import type { SapEntity } from './catalogue';
import { selectionOf } from './read';

type Data = Record<string, unknown>;

/**
 * Finds the one entity that a record stands for: by our own key in it, by the key of its set, or by the fields that identify
 * the record.
 * @throws data PCP_SAP_AMBIGUOUS when there are several
 */
export async function findEntity(
  entity: SapEntity,
  record: Data,
  keyFields: readonly string[],
  sender: string,
  signal: AbortSignal,
): Promise<Entity | null> {
  const { service, set, preset } = entity;
  const data = preparedData(entity, record, sender);
  const selection = selectionOf(entity, undefined);
  const ownKey = preset?.external_key?.field;
  if (hasKey(set, data)) return service.entity(set, data, selection, signal);
  const fields = ownKey !== undefined && data[ownKey] !== undefined ? [ownKey] : keyFields;
  const values = Object.fromEntries(fields.map((field) => [field, data[field] ?? '']));
  const entities = await findMatches(service, set, values, selection, signal);
  if (entities.length < 2) return entities[0] ?? null;
  const key = fields.map((field) => `${field} "${String(data[field])}"`).join(', ');
  throw new IntegrationError('data', 'PCP_SAP_AMBIGUOUS', `SAP has more than one record with ${key}.`, {
    path: fields[0] ?? '',
    hint: 'Clear up the duplicates there, or let other fields identify the record.',
  });
}

/** The fields of a record with our own key as SAP keeps it. */
export function preparedData({ preset }: SapEntity, data: Data, sender: string): Data {
  const setting = preset?.external_key;
  const value = setting === undefined ? undefined : data[setting.field];
  if (setting === undefined || value === undefined || value === null || value === '') return data;
  return { ...data, [setting.field]: externalKey(value, setting, sender) };
}
