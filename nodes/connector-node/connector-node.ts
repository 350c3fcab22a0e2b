import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Operation } from '../../lib/connectors/descriptor';
import { type ErrorClass, IntegrationError } from '../../lib/model/errors';
import { asked } from '../../lib/model/question';
import { type ConnectionNode, connectionNode } from '../pcp-connection/connection-node';
import { nodeFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { WorkQueue } from '../support/work-queue';
import { Acknowledgements } from './acknowledgement';
import { callMessage } from './call';
import { readMessage } from './read';
import { subscribeInto } from './subscribe';
import { readTagsMessage, writeTagsMessage } from './tags';
import { writeMessage } from './write';

export interface ConnectorNodeDef extends NodeDef {
  connection: string;
  operation: Operation;
  entity: string;
  /** Read: when to begin. */
  trigger: 'input' | 'start';
  filters: unknown;
  batchSize: string | number;
  /** Read: one message per batch, or per record. */
  perRecord: boolean;
  /** Read: send the next batch at once, or when the flow has acknowledged the last one. */
  acknowledge: 'auto' | 'manual';
  /** Seconds to wait for an acknowledgement. */
  acknowledgeTimeout: string | number;
  cursorField: string;
  /** Subscribe, read and write tags: names or addresses, separated by commas. */
  tags: string;
  /** Subscribe: how often the source is to look, in milliseconds, and changes within which it is left out. */
  samplingInterval: string | number;
  deadband: string | number;
  /** Write tags: seconds after which a write is not sent any more. */
  validFor: string | number;
  /** Write, delete: fields that identify a record in the target. */
  keyFields: string;
  /** Write, delete: when some records fail, go on with `msg.errors`, or raise an error. */
  onError: 'message' | 'error';
}

export interface ConnectorNodeContext {
  RED: NodeAPI;
  node: Node;
  def: ConnectorNodeDef;
  status: NodeStatusLine;
  connection: ConnectionNode;
}

/** Failures of the other side as a whole, not of one message. */
const OUTAGES: readonly ErrorClass[] = ['transient', 'auth', 'rate_limit'];
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

/** Registers the palette node of one connector. All of them are this code; only type, form and help differ. */
export function registerConnectorNode(RED: NodeAPI, type: string, connectorType: string): void {
  function PcpConnectorNode(this: Node, def: ConnectorNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    const queue = new WorkQueue();
    const acknowledgements = new Acknowledgements();
    /** Of the subscription in hand, which a message may replace. */
    let subscription = new AbortController();
    let retry: NodeJS.Timeout | undefined;

    const perform = async (
      msg: NodeMessageInFlow,
      send: (msg: NodeMessageInFlow) => void,
      signal: AbortSignal,
      receivedAt: number,
    ) => {
      const connection = connectionNode(RED, def.connection);
      requireType(connection, connectorType);
      const context: ConnectorNodeContext = { RED, node: this, def, status, connection };
      try {
        switch (def.operation) {
          case 'write':
          case 'delete':
            await writeMessage(context, msg, send, signal);
            break;
          case 'call':
            await callMessage(context, msg, send, signal, receivedAt);
            break;
          case 'subscribe':
            await subscribeInto(acknowledgements, context, msg, send, signal);
            break;
          case 'read_tags':
            await readTagsMessage(context, msg, send, signal);
            break;
          case 'write_tags':
            await writeTagsMessage(context, msg, send, signal, receivedAt);
            break;
          default:
            await asked(readMessage(acknowledgements, context, msg, send, signal));
        }
        connection.outage.succeeded();
      } catch (error) {
        const failure = IntegrationError.from(error);
        if (OUTAGES.includes(failure.class)) connection.outage.failed(failure);
        throw error;
      }
    };

    this.on('input', (msg, send, done) => {
      if (acknowledgements.takesBack(this.id, msg)) {
        done();
        return;
      }
      if (def.operation === 'subscribe') {
        begin(msg);
        done();
        return;
      }
      const receivedAt = Date.now();
      queue
        .run((signal) => perform(msg, send as (msg: NodeMessageInFlow) => void, signal, receivedAt))
        .then(
          () => done(),
          (error) => {
            status.failed(error);
            done(nodeFailure(RED, error));
          },
        );
    });

    /** What begins with the flow has nobody to hear of its failure but the Catch nodes: it tries again by itself. */
    const work = (msg: NodeMessageInFlow, ended: AbortSignal, delay: number) => {
      if (ended.aborted) return;
      queue
        .run((signal) => perform(msg, (out) => this.send(out), AbortSignal.any([signal, ended]), Date.now()))
        .catch((error) => {
          if (queue.signal.aborted || ended.aborted) return;
          status.failed(error);
          const passing = ['transient', 'rate_limit'].includes(IntegrationError.from(error).class);
          if (!passing || delay === FIRST_RETRY_MS) this.error(nodeFailure(RED, error), msg);
          if (passing) retry = setTimeout(work, delay, msg, ended, Math.min(delay * 2, LAST_RETRY_MS));
        });
    };

    /** A subscription ends with the next one. */
    const begin = (msg: NodeMessageInFlow) => {
      clearTimeout(retry);
      subscription.abort();
      subscription = new AbortController();
      work(msg, subscription.signal, FIRST_RETRY_MS);
    };

    this.on('close', (done: () => void) => {
      clearTimeout(retry);
      status.clear();
      queue.close().then(done);
    });

    const beginsWithFlow = def.operation === 'subscribe' || (def.operation === 'read' && def.trigger === 'start');
    if (beginsWithFlow) setImmediate(() => begin({ _msgid: RED.util.generateId() } as NodeMessageInFlow));
    else status.clear();
  }

  RED.nodes.registerType(type, PcpConnectorNode);
}

function requireType(connection: ConnectionNode, connectorType: string): void {
  if (connection.connectorType === connectorType) return;
  throw new IntegrationError(
    'config',
    'PCP_CONNECTION_TYPE',
    `The chosen connection is of type ${connection.connectorType}, this node needs ${connectorType}.`,
    { hint: 'Open the node and choose another connection.' },
  );
}
