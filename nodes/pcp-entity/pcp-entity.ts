import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import type { Hub } from '../../lib/model/services';
import { hub } from '../hub-access';
import { answerMessages } from '../support/answer-messages';
import { type RecordFailure, recordFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { isPlainRecord, jsonProperty, numberProperty, type PlainRecord, payloadRecords } from '../support/values';

type Operation = 'read' | 'get' | 'upsert' | 'delete';

interface EntityNodeDef extends NodeDef {
  operation: Operation;
  entity: string;
  /** Read: conditions of equality, field by field. */
  filter: unknown;
  /** Read: at most this many records. */
  limit: string | number;
}

const PAGE = 1_000;

/** Reads and writes records of the platform's entities. */
export = (RED: NodeAPI): void => {
  function PcpEntity(this: Node, def: EntityNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    status.clear();

    answerMessages(RED, this, status, async (msg, signal) => {
      const type = typeof msg.entity === 'string' && msg.entity ? msg.entity : def.entity;
      if (!type) {
        throw new IntegrationError('config', 'PCP_ENTITY_MISSING', 'Neither the node nor msg.entity names an entity.', {
          path: 'entity',
        });
      }
      const open = await hub(RED);
      const operation = requestedOperation(msg.operation) ?? def.operation;
      if (operation === 'read') {
        const records = await readAll(open, type, def, msg, signal);
        msg.payload = records;
        status.finished('read', { count: records.length });
      } else if (operation === 'get') {
        msg.payload = await open.records.get(type, await recordKey(open, type, msg));
        status.finished('read', { count: 1 });
      } else {
        await change(RED, open, operation, type, msg, signal);
        const failed = Array.isArray(msg.errors) ? msg.errors.length : 0;
        if (failed > 0) status.attention('failures', { count: failed });
        else status.finished('written', { count: changed(msg) });
      }
      return msg;
    });
  }

  RED.nodes.registerType('pcp-entity', PcpEntity);
};

function requestedOperation(value: unknown): Operation | null {
  if (value === undefined) return null;
  if (value === 'read' || value === 'get' || value === 'upsert' || value === 'delete') return value;
  const message = 'msg.operation is none of "read", "get", "upsert" and "delete".';
  throw new IntegrationError('config', 'PCP_OPERATION_INVALID', message, { path: 'operation' });
}

function changed(msg: NodeMessageInFlow): number {
  return Object.values(msg.result as Record<string, number>).reduce((sum, count) => sum + count, 0);
}

async function readAll(open: Hub, type: string, def: EntityNodeDef, msg: NodeMessageInFlow, signal: AbortSignal) {
  const range = { fallback: PAGE, minimum: 1, maximum: 100_000 };
  const limit = numberProperty(msg.limit ?? def.limit, range);
  const wanted = jsonProperty<PlainRecord>(msg.filter ?? def.filter, 'filter', {});
  const filter = Object.fromEntries(Object.entries(wanted).map(([field, value]) => [field, String(value)]));
  const records: PlainRecord[] = [];
  let cursor: string | null = null;
  do {
    signal.throwIfAborted();
    const size = Math.min(PAGE, limit - records.length);
    const page = await open.records.list(type, { filter, limit: size, ...(cursor !== null && { cursor }) });
    records.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && records.length < limit);
  return records;
}

/** `msg.key` ("1000,PO-1" or its parts), or the key fields of the record in `msg.payload`. */
async function recordKey(open: Hub, type: string, msg: NodeMessageInFlow): Promise<string[]> {
  const fields = await keyFields(open, type);
  if (msg.key !== undefined) return keyParts(msg.key, fields);
  if (isPlainRecord(msg.payload)) return keyOf(fields, msg.payload);
  if (typeof msg.payload === 'string' || typeof msg.payload === 'number') return keyParts(msg.payload, fields);
  throw new IntegrationError('data', 'PCP_KEY_MISSING', 'Neither msg.key nor msg.payload says which record.', {
    path: 'key',
    hint: 'Set msg.key to the key, or msg.payload to a record that holds its key fields.',
  });
}

/** `fallback`: what a record without this part of the key has there (the batch of a stock without batches is ""). */
interface KeyField {
  name: string;
  fallback: string | undefined;
}

async function keyFields(open: Hub, type: string): Promise<KeyField[]> {
  const { key, schema } = await open.entityTypes.get(type);
  return key.map((name) => {
    const fallback = schema.properties?.[name]?.default;
    return { name, fallback: fallback === undefined ? undefined : String(fallback) };
  });
}

/** A list of parts as it is; a text is cut at its commas where the key has several. Parts may be empty. */
function keyParts(key: unknown, fields: readonly KeyField[]): string[] {
  if (Array.isArray(key)) return key.map((part) => String(part ?? ''));
  const text = String(key);
  return fields.length === 1 ? [text] : text.split(',').map((part) => part.trim());
}

function keyOf(fields: readonly KeyField[], record: PlainRecord): string[] {
  return fields.map(({ name, fallback }) => {
    const part = record[name];
    if (part !== undefined && part !== null && part !== '') return String(part);
    if (fallback !== undefined) return fallback;
    throw new IntegrationError('data', 'PCP_KEY_MISSING', `The record has no ${name}, which is part of its key.`, {
      path: name,
    });
  });
}

/** Records one by one, so that one that is refused does not stop the others. A single refused record is an error. */
async function change(
  RED: NodeAPI,
  open: Hub,
  operation: 'upsert' | 'delete',
  type: string,
  msg: NodeMessageInFlow,
  signal: AbortSignal,
): Promise<void> {
  if (operation === 'delete' && (msg.key !== undefined || !Array.isArray(msg.payload))) {
    await open.records.delete(type, await recordKey(open, type, msg));
    msg.result = { deleted: 1, failed: 0 };
    return;
  }
  const { records, single } = payloadRecords(msg.payload);
  const fields = await keyFields(open, type);
  const counts = { created: 0, updated: 0, deleted: 0, failed: 0 };
  const errors: RecordFailure[] = [];
  for (const [index, record] of records.entries()) {
    signal.throwIfAborted();
    try {
      const key = keyOf(fields, record);
      if (operation === 'delete') {
        await open.records.delete(type, key);
        counts.deleted += 1;
      } else {
        const { created } = await open.records.merge(type, key, record);
        counts[created ? 'created' : 'updated'] += 1;
      }
    } catch (error) {
      const known = IntegrationError.from(error);
      if (single || (known.class !== 'data' && known.class !== 'conflict')) throw error;
      counts.failed += 1;
      errors.push(recordFailure(RED, index, record, error));
    }
  }
  msg.result = counts;
  if (errors.length > 0) msg.errors = errors;
  else delete msg.errors;
}
