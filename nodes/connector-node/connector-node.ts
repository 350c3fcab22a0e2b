import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import { type ConnectionNode, connectionNode } from '../pcp-connection/connection-node';
import { nodeFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { WorkQueue } from '../support/work-queue';
import { callMessage } from './call';
import { acknowledgesOwnBatch, createReader } from './read';
import { writeMessage } from './write';

export interface ConnectorNodeDef extends NodeDef {
  connection: string;
  operation: 'read' | 'write' | 'call';
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
  /** Write: fields that identify a record in the target. */
  keyFields: string;
  /** Write: when some records fail, go on with `msg.errors`, or raise an error. */
  onError: 'message' | 'error';
}

export interface ConnectorNodeContext {
  RED: NodeAPI;
  node: Node;
  def: ConnectorNodeDef;
  status: NodeStatusLine;
  connection: ConnectionNode;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

/** Registers the palette node of one connector. All of them are this code; only type, form and help differ. */
export function registerConnectorNode(RED: NodeAPI, type: string, connectorType: string): void {
  function PcpConnectorNode(this: Node, def: ConnectorNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    const queue = new WorkQueue();
    const reader = createReader();
    let retry: NodeJS.Timeout | undefined;

    const perform = async (msg: NodeMessageInFlow, send: (msg: NodeMessageInFlow) => void, signal: AbortSignal) => {
      const connection = connectionNode(RED, def.connection);
      requireType(connection, connectorType);
      const context: ConnectorNodeContext = { RED, node: this, def, status, connection };
      try {
        if (def.operation === 'write') await writeMessage(context, msg, send, signal);
        else if (def.operation === 'call') await callMessage(context, msg, send, signal);
        else await reader.read(context, msg, send, signal);
        connection.outage.succeeded();
      } catch (error) {
        connection.outage.failed(error);
        throw error;
      }
    };

    this.on('input', (msg, send, done) => {
      if (def.operation === 'read' && acknowledgesOwnBatch(reader, this.id, msg)) {
        done();
        return;
      }
      queue
        .run((signal) => perform(msg, send as (msg: NodeMessageInFlow) => void, signal))
        .then(
          () => done(),
          (error) => {
            status.failed(error);
            done(nodeFailure(RED, error));
          },
        );
    });

    /** A read that begins with the flow has nobody to hear of its failure but the Catch nodes: it tries again by itself. */
    const readAtStart = (delay: number) => {
      const msg = { _msgid: RED.util.generateId() } as NodeMessageInFlow;
      queue
        .run((signal) => perform(msg, (out) => this.send(out), signal))
        .catch((error) => {
          if (queue.signal.aborted) return;
          status.failed(error);
          const passing = ['transient', 'rate_limit'].includes(IntegrationError.from(error).class);
          if (!passing || delay === FIRST_RETRY_MS) this.error(nodeFailure(RED, error), msg);
          if (passing) retry = setTimeout(readAtStart, delay, Math.min(delay * 2, LAST_RETRY_MS));
        });
    };

    this.on('close', (done: () => void) => {
      clearTimeout(retry);
      queue.close().then(done);
    });

    if (def.operation === 'read' && def.trigger === 'start') setImmediate(readAtStart, FIRST_RETRY_MS);
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
