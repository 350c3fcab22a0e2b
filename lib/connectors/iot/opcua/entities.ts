import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import type { Batch, EntityDescription, ReadQuery, SourceRecord } from '../../contract';
import { isCompanion, readCompanion } from './companion-entities';
import { readNow } from './read-tags';
import type { OpcUaSettings } from './settings';
import { readAlarms } from './subscribe';

/** All tags of the connection with their values now, one record per tag. */
export const VALUES: EntityInfo = { name: 'values', kind: 'tags', key: ['tag'], readable: true, writable: false };

/** Events and alarms as they are subscribed to; what is read are the alarms that stand now. */
export const EVENTS: EntityInfo = {
  name: 'events',
  kind: 'events',
  key: ['event_id'],
  readable: true,
  writable: false,
};

const TEXT: JsonSchema = { type: ['string', 'null'] };
const FLAG: JsonSchema = { type: ['boolean', 'null'] };
const TIME: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const EVENT_PROPERTIES: Record<string, JsonSchema> = {
  event_id: { type: 'string', description: 'base64' },
  event_type: TEXT,
  source_node: TEXT,
  source_name: TEXT,
  time: TIME,
  receive_time: TIME,
  message: TEXT,
  severity: { type: ['integer', 'null'] },
  condition_id: { ...TEXT, description: 'Address of the alarm; null for what is none.' },
  condition_name: TEXT,
  branch_id: TEXT,
  retain: FLAG,
  enabled: FLAG,
  active: FLAG,
  acknowledged: FLAG,
  confirmed: FLAG,
  comment: TEXT,
};

const PROPERTIES: Record<string, JsonSchema> = {
  tag: { type: 'string' },
  value: { description: 'As its server gave it: number, text, boolean, array or object; null where there is none.' },
  value_name: { description: 'What an enumeration calls its value; a list where the value is one.' },
  quality: { type: 'string', enum: ['good', 'uncertain', 'bad'] },
  status: { type: 'string', description: 'Status code of OPC UA, where it is not simply good.' },
  source_timestamp: { type: ['string', 'null'], format: 'date-time' },
  server_timestamp: { type: 'string', format: 'date-time' },
  received_at: { type: 'string', format: 'date-time' },
  unit: { type: 'string' },
  backfilled: { type: 'boolean' },
  unchanged: { type: 'boolean', description: 'Told again after an outage: the value of before is that of now.' },
  overflow: { type: 'boolean', description: "Changes before it were lost in the server's queue." },
};

/** @throws config PCP_ENTITY_UNKNOWN */
export function describeEntity(name: string, { events }: OpcUaSettings): EntityDescription {
  if (name === VALUES.name) {
    return { info: VALUES, schema: { type: 'object', properties: PROPERTIES, required: ['tag', 'quality'] } };
  }
  if (name !== EVENTS.name) throw unknownEntity(name);
  const own = Object.fromEntries([...events.fields].map(([field, path]) => [field, { description: path }]));
  return {
    info: EVENTS,
    schema: { type: 'object', properties: { ...EVENT_PROPERTIES, ...own }, required: ['event_id'] },
  };
}

export async function* readEntity(
  client: OpcUaClient,
  settings: OpcUaSettings,
  query: ReadQuery,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  if (query.entity === VALUES.name) yield* readValues(client, settings, query, signal);
  else if (query.entity === EVENTS.name) {
    yield* snapshot(await readAlarms(client, settings, signal), query, signal);
  } else if (isCompanion(query.entity)) {
    const open = await client.open(signal);
    yield* snapshot(await readCompanion(client, open, query.entity, signal), query, signal);
  } else throw unknownEntity(query.entity);
}

/** Alarms and jobs come and go: a read that was interrupted begins anew. */
function* snapshot(all: readonly SourceRecord[], { batchSize }: ReadQuery, signal: AbortSignal): Generator<Batch> {
  for (let at = 0; at < all.length || at === 0; at += batchSize) {
    signal.throwIfAborted();
    yield { records: all.slice(at, at + batchSize), cursorAfter: { v: 1, kind: 'snapshot' }, total: all.length };
  }
}

/** A snapshot of all tags, in their order. */
async function* readValues(
  client: OpcUaClient,
  settings: OpcUaSettings,
  { cursor, batchSize }: ReadQuery,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
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
    hint: 'There are: values (all tags of the connection), events, and what else discovery shows.',
  });
}
