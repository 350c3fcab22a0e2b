import type { NodeMessageInFlow } from 'node-red';
import type { SourceRecord } from '../../lib/connectors/contract';
import { IntegrationError } from '../../lib/model/errors';
import { numberProperty } from '../support/values';
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
  acknowledge(part: number): void;
}

/** What of a source goes into the flow at once. */
export interface FlowBatch {
  read: string;
  batch: number;
  records: SourceRecord[];
  /** Records of this read that went before. */
  before: number;
}

/** Batches that one node sends into its flow, and the one of them that waits to be acknowledged. */
export class Acknowledgements {
  private pending: PendingBatch | null = null;

  /** Sends a batch as one message, or one per record. Resolves when the flow has acknowledged all of them. */
  send(
    { RED, node, def }: ConnectorNodeContext,
    base: NodeMessageInFlow,
    send: (msg: NodeMessageInFlow) => void,
    { read, batch, records, before }: FlowBatch,
  ): Promise<void> {
    const payloads: unknown[] = def.perRecord ? records : [records];
    const { promise, resolve } = Promise.withResolvers<void>();
    const parts = new Set(payloads.keys());
    if (parts.size === 0) resolve();
    const acknowledge = (part: number) => {
      parts.delete(part);
      if (parts.size === 0) resolve();
    };
    this.pending = { read, batch, acknowledge };
    payloads.forEach((payload, part) => {
      const ticket: IntegrationTicket = { node: node.id, read, batch, part, ack: () => acknowledge(part) };
      const index = def.perRecord ? before + part : batch;
      const message = { ...base, _integration: ticket } as NodeMessageInFlow;
      send({ ...fresh(RED, message), payload, parts: { id: read, index } } as NodeMessageInFlow);
    });
    return promise;
  }

  /** A message that comes back to the node which sent it acknowledges its batch instead of starting something new. */
  takesBack(nodeId: string, msg: NodeMessageInFlow): boolean {
    const ticket = (msg as { _integration?: Partial<IntegrationTicket> })._integration;
    if (ticket?.node !== nodeId) return false;
    const { pending } = this;
    if (pending?.read === ticket.read && pending?.batch === ticket.batch) pending?.acknowledge(ticket.part ?? 0);
    return true;
  }

  clear(): void {
    this.pending = null;
  }
}

/** Each message is its own copy, except for what cannot be copied (req, res, the ticket's function). */
export function fresh(RED: ConnectorNodeContext['RED'], msg: NodeMessageInFlow): NodeMessageInFlow {
  const { _integration, ...rest } = msg;
  const copy = RED.util.cloneMessage(rest as NodeMessageInFlow);
  return _integration === undefined ? copy : { ...copy, _integration };
}

/** @throws transient PCP_ACK_TIMEOUT: the batch stays unacknowledged, a later read gives it again */
export function waitForAcknowledgement(
  acknowledged: Promise<void>,
  def: Pick<ConnectorNodeDef, 'acknowledgeTimeout'>,
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
