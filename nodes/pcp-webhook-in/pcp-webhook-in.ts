import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import type { Delivery, DeliveryConsumer } from '../../lib/model/incoming-webhook';
import { parseContent } from '../../lib/webhooks/incoming/content';
import { RateLimit } from '../../lib/webhooks/incoming/rate-limit';
import { waitForAcknowledgement } from '../connector-node/acknowledgement';
import { closeEndpoint, openEndpoint } from '../hook-endpoints';
import { hub } from '../hub-access';
import { mappingNode } from '../pcp-mapping/mapping-node';
import { nodeFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { Refusals } from './refusals';
import { type WebhookInCredentials, type WebhookInDef, webhookOf } from './settings';

/** Before the hub is asked again whose store was away. */
const RETRY_MS = 6_000;

/** Travels with a delivery, so that the flow can say when it is done with it. */
interface DeliveryTicket {
  node: string;
  delivery: string;
  /** Harmless when called again. */
  ack(): void;
}

/** An address at which other systems report events: each goes into the flow, or starts a run of a mapping. */
export = (RED: NodeAPI): void => {
  function PcpWebhookIn(this: Node<WebhookInCredentials>, def: WebhookInDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    const closing = new AbortController();
    const unacknowledged = new Map<string, () => void>();
    let received = 0;
    let retry: NodeJS.Timeout | undefined;
    let detach = () => {};
    status.clear();

    const fail = (error: unknown) => {
      status.failed(error);
      this.error(nodeFailure(RED, error), {});
    };

    const refusals = new Refusals((error) => {
      // What is wrong on this side is for the Catch nodes.
      if (error.code === 'PCP_WEBHOOK_BODY_READ') fail(error);
      else this.warn(nodeFailure(RED, error).message);
    }, Date.now);

    const deliver = async (delivery: Delivery, attempt: number) => {
      closing.signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      unacknowledged.set(delivery.id, resolve);
      const ticket: DeliveryTicket = { node: this.id, delivery: delivery.id, ack: resolve };
      try {
        this.send({ ...messageOf(delivery, attempt), _integration: ticket } as unknown as NodeMessageInFlow);
        received += 1;
        status.active('received', { count: received });
        if (def.acknowledge === 'manual') await waitForAcknowledgement(promise, def, closing.signal);
      } finally {
        unacknowledged.delete(delivery.id);
      }
    };

    const consumer = async (): Promise<DeliveryConsumer> => {
      if (!def.mapping) return { to: 'flow', deliver, onGivenUp: fail };
      const { id, sync_mode, name } = await mappingNode(RED, def.mapping).registered();
      if (sync_mode !== 'live') return { to: 'mapping', mappingId: id };
      throw new IntegrationError('config', 'PCP_MAPPING_LIVE', `Mapping "${name}" is live: it runs by itself.`, {
        path: 'mapping',
      });
    };

    const attach = async () => {
      const { webhookInbox } = await hub(RED);
      const attached = await consumer();
      if (closing.signal.aborted) return;
      detach = webhookInbox.attach(this.id, attached, this.name || this.id);
      status.finished('listening');
    };

    const attachOrRetry = (isFirst: boolean) => {
      attach().catch((error: unknown) => {
        if (closing.signal.aborted) return;
        if (isFirst) fail(error);
        if (IntegrationError.from(error).class === 'transient')
          retry = setTimeout(attachOrRetry, RETRY_MS, false).unref();
      });
    };

    try {
      const webhook = webhookOf(this.id, def, this.credentials ?? {});
      if ((RED.settings as unknown as { httpNodeRoot?: unknown }).httpNodeRoot === false) throw noHttpNodes();
      openEndpoint(this.id, {
        webhook,
        limit: new RateLimit(webhook.rate, () => performance.now()),
        onRefused: (refusal) => refusals.add(refusal),
      });
      // Config nodes are created in no certain order: the mapping may come after this one.
      setImmediate(attachOrRetry, true);
    } catch (error) {
      fail(error);
    }

    this.on('input', (msg, _send, done) => {
      const ticket = (msg as { _integration?: Partial<DeliveryTicket> })._integration;
      if (ticket?.node === this.id) {
        unacknowledged.get(ticket.delivery ?? '')?.();
        done();
      } else done(nodeFailure(RED, noTicket()));
    });

    this.on('close', (removed: boolean, done: () => void) => {
      clearTimeout(retry);
      closeEndpoint(this.id, removed);
      detach();
      closing.abort(new IntegrationError('cancelled', 'PCP_NODE_CLOSED', 'The node was closed.'));
      done();
    });
  }

  RED.nodes.registerType<Node<WebhookInCredentials>, WebhookInDef, object, WebhookInCredentials>(
    'pcp-webhook-in',
    PcpWebhookIn,
    {
      credentials: {
        token: { type: 'text' },
        secret: { type: 'password' },
        previousSecret: { type: 'password' },
        verifyToken: { type: 'password' },
      },
    },
  );
};

function messageOf({ id, received_at, headers, query, body }: Delivery, attempt: number): Record<string, unknown> {
  return {
    payload: parseContent(Buffer.from(body, 'base64'), headers['content-type']),
    headers,
    webhook: { id, received_at, query, redelivered: attempt > 1 },
  };
}

function noHttpNodes(): IntegrationError {
  return new IntegrationError('config', 'PCP_WEBHOOK_NO_HTTP', 'Node-RED has no HTTP nodes: httpNodeRoot is false.');
}

function noTicket(): IntegrationError {
  return new IntegrationError('data', 'PCP_WEBHOOK_TICKET', 'The message does not come from this node.');
}
