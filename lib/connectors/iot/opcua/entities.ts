import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import type { Batch, EntityDescription, ReadQuery } from '../../contract';
import { readNow } from './read-tags';
import type { OpcUaSettings } from './settings';

/** All tags of the connection with their values now, one record per tag. */
export const VALUES: EntityInfo = { name: 'values', kind: 'tags', key: ['tag'], readable: true, writable: false };

const PROPERTIES: Record<string, JsonSchema> = {
  tag: { type: 'string' },
  value: { description: 'As its server gave it: number, text, boolean, array or object; null where there is none.' },
  quality: { type: 'string', enum: ['good', 'uncertain', 'bad'] },
  status: { type: 'string', description: 'Status code of OPC UA, where it is not simply good.' },
  source_timestamp: { type: ['string', 'null'], format: 'date-time' },
  server_timestamp: { type: 'string', format: 'date-time' },
  received_at: { type: 'string', format: 'date-time' },
  unit: { type: 'string' },
  backfilled: { type: 'boolean' },
};

/** @throws config PCP_ENTITY_UNKNOWN */
export function describeEntity(name: string): EntityDescription {
  if (name !== VALUES.name) throw unknownEntity(name);
  return { info: VALUES, schema: { type: 'object', properties: PROPERTIES, required: ['tag', 'quality'] } };
}

/** A snapshot of all tags, in their order. */
export async function* readEntity(
  client: OpcUaClient,
  settings: OpcUaSettings,
  { entity, cursor, batchSize }: ReadQuery,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  if (entity !== VALUES.name) throw unknownEntity(entity);
  const names = [...settings.tags.keys()];
  const start = typeof cursor?.next === 'number' ? cursor.next : 0;
  for (let at = start; at < names.length || at === start; at += batchSize) {
    signal.throwIfAborted();
    const records = await readNow(client, settings, names.slice(at, at + batchSize), signal);
    const next = at + batchSize;
    const isLast = next >= names.length;
    yield {
      records,
      positions: (index) => records[index]?.tag ?? '',
      // The next pass begins anew.
      cursorAfter: { v: 1, kind: 'snapshot', ...(!isLast && { next }) },
      total: names.length,
    };
    if (isLast) return;
  }
}

export function unknownEntity(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint: 'There is: values (all tags of the connection).',
  });
}
