import type { NodeMessageInFlow } from 'node-red';
import type { ReadQuery } from '../../lib/connectors/contract';
import { IntegrationError } from '../../lib/model/errors';
import type { Filter } from '../../lib/model/mapping';
import type { Cursor } from '../../lib/model/sync';
import { hub } from '../hub-access';
import { jsonProperty, numberProperty } from '../support/values';
import { type Acknowledgements, fresh, waitForAcknowledgement } from './acknowledgement';
import type { ConnectorNodeContext, ConnectorNodeDef } from './connector-node';

/** Reads an entity batch by batch into the flow. */
export async function readMessage(
  acknowledgements: Acknowledgements,
  context: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: (msg: NodeMessageInFlow) => void,
  signal: AbortSignal,
): Promise<void> {
  const { RED, def, status } = context;
  const query = readQuery(def, msg);
  const readId = RED.util.generateId();
  let cursor: Cursor | null = query.cursor;
  let records = 0;
  let batches = 0;
  status.working('opening');
  const connection = await context.connection.open();
  for await (const batch of (await hub(RED)).runner.read(connection, query, signal)) {
    signal.throwIfAborted();
    cursor = batch.cursorAfter;
    const base = { ...msg, cursor, complete: false } as NodeMessageInFlow;
    const acknowledged = acknowledgements.send(context, base, send, {
      read: readId,
      batch: batches,
      records: batch.records,
      before: records,
    });
    records += batch.records.length;
    batches += 1;
    status.working('reading', { count: records });
    // Without acknowledgements the flow gets a turn between two batches, so that the editor and other nodes go on.
    await (def.acknowledge === 'manual'
      ? waitForAcknowledgement(acknowledged, def, signal)
      : new Promise((resolve) => setImmediate(resolve)));
  }
  acknowledgements.clear();
  status.finished('read', { count: records });
  const result = { records, batches };
  send({
    ...fresh(RED, msg),
    payload: [],
    cursor,
    result,
    complete: true,
    parts: { id: readId, index: batches, count: batches + 1 },
  });
}

/** Settings of the node, over which the message may put `entity`, `filters`, `batchSize` and `cursor`. */
function readQuery(def: ConnectorNodeDef, msg: NodeMessageInFlow): ReadQuery {
  const entity = typeof msg.entity === 'string' && msg.entity ? msg.entity : def.entity;
  if (!entity) {
    throw new IntegrationError('config', 'PCP_ENTITY_MISSING', 'Neither the node nor msg.entity says what to read.', {
      path: 'entity',
      hint: 'Choose an entity in the node, or set msg.entity.',
    });
  }
  const filters = jsonProperty<Filter[]>(msg.filters ?? def.filters, 'filters', []);
  return {
    entity,
    cursor: isCursor(msg.cursor) ? msg.cursor : null,
    batchSize: numberProperty(msg.batchSize ?? def.batchSize, { fallback: 1_000, minimum: 1, maximum: 20_000 }),
    ...(filters.length > 0 && { filters }),
    ...(def.cursorField && { cursorField: def.cursorField }),
  };
}

function isCursor(value: unknown): value is Cursor {
  return typeof value === 'object' && value !== null && (value as Cursor).v === 1;
}
