import type { NodeMessageInFlow } from 'node-red';
import type { ReadQuery } from '../../lib/connectors/contract';
import { IntegrationError } from '../../lib/model/errors';
import type { Filter } from '../../lib/model/mapping';
import type { Cursor } from '../../lib/model/sync';
import { hub } from '../hub-access';
import { jsonProperty, numberProperty } from '../support/values';
import type { ConnectorNodeContext, ConnectorNodeDef } from './connector-node';

/** Travels with every message of a read, so that the flow can say when a batch is done. */
export interface IntegrationTicket {
  node: string;
  read: string;
  batch: number;
  /** Which message of the batch: 0 for a whole batch, the record's index with one message per record. */
  part: number;
  /** Harmless when called again. */
  ack(): void;
}

/** A batch that the flow works on; it is done when each of its messages is. */
interface PendingBatch {
  read: string;
  batch: number;
  parts: Set<number>;
  acknowledge(part: number): void;
}

/** The reads of one node: at most one at a time, with at most one batch that waits for its acknowledgement. */
export interface Reader {
  pending: PendingBatch | null;
  read(
    context: ConnectorNodeContext,
    msg: NodeMessageInFlow,
    send: (msg: NodeMessageInFlow) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

export function createReader(): Reader {
  const reader: Reader = {
    pending: null,
    read: (context, msg, send, signal) => readInto(reader, context, msg, send, signal),
  };
  return reader;
}

/** A message that comes back to the node which sent it acknowledges its batch instead of starting another read. */
export function acknowledgesOwnBatch(reader: Reader, nodeId: string, msg: NodeMessageInFlow): boolean {
  const ticket = msg._integration as Partial<IntegrationTicket> | undefined;
  if (ticket?.node !== nodeId) return false;
  const pending = reader.pending;
  if (pending?.read === ticket.read && pending?.batch === ticket.batch) pending?.acknowledge(ticket.part ?? 0);
  return true;
}

async function readInto(
  reader: Reader,
  context: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: (msg: NodeMessageInFlow) => void,
  signal: AbortSignal,
): Promise<void> {
  const { RED, node, def, status } = context;
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
    const payloads: unknown[] = def.perRecord ? batch.records : [batch.records];
    const { pending, acknowledged } = expectAcknowledgement(readId, batches, payloads.length);
    reader.pending = pending;
    payloads.forEach((payload, part) => {
      const ack = () => pending.acknowledge(part);
      const ticket: IntegrationTicket = { node: node.id, read: readId, batch: batches, part, ack };
      const index = def.perRecord ? records + part : batches;
      const message = { ...msg, cursor, complete: false, _integration: ticket };
      send({ ...fresh(RED, message), payload, parts: { id: readId, index } });
    });
    records += batch.records.length;
    batches += 1;
    status.working('reading', { count: records });
    // Without acknowledgements the flow gets a turn between two batches, so that the editor and other nodes go on.
    await (def.acknowledge === 'manual'
      ? waitForAcknowledgement(acknowledged, def, signal)
      : new Promise((resolve) => setImmediate(resolve)));
  }
  reader.pending = null;
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

/** Each message is its own copy, except for what cannot be copied (req, res, the ticket's function). */
function fresh(RED: ConnectorNodeContext['RED'], msg: NodeMessageInFlow): NodeMessageInFlow {
  const { _integration, ...rest } = msg;
  const copy = RED.util.cloneMessage(rest as NodeMessageInFlow);
  return _integration === undefined ? copy : { ...copy, _integration };
}

function expectAcknowledgement(read: string, batch: number, messages: number) {
  const parts = new Set(Array.from({ length: messages }, (_, part) => part));
  let resolveAll = () => {};
  const acknowledged = new Promise<void>((resolve) => {
    resolveAll = resolve;
  });
  if (messages === 0) resolveAll();
  const acknowledge = (part: number) => {
    parts.delete(part);
    if (parts.size === 0) resolveAll();
  };
  const pending: PendingBatch = { read, batch, parts, acknowledge };
  return { pending, acknowledged };
}

/** @throws transient PCP_ACK_TIMEOUT: the batch stays unacknowledged, a later read gives it again */
function waitForAcknowledgement(
  acknowledged: Promise<void>,
  def: ConnectorNodeDef,
  signal: AbortSignal,
): Promise<void> {
  const seconds = numberProperty(def.acknowledgeTimeout, { fallback: 60, minimum: 1, maximum: 86_400 });
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(signal.reason));
    const timer = setTimeout(() => {
      const message = `The flow did not acknowledge a batch within ${seconds} s.`;
      const hint = 'Call msg._integration.ack(), or wire the end of the flow back to this node.';
      finish(() => reject(new IntegrationError('transient', 'PCP_ACK_TIMEOUT', message, { hint })));
    }, seconds * 1000);
    signal.addEventListener('abort', abort, { once: true });
    acknowledged.then(() => finish(resolve));
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
