import { setTimeout as delay } from 'node:timers/promises';
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import type { Hub } from '../../lib/model/services';
import type { WebhookExecution } from '../../lib/model/webhook';
import { hub } from '../hub-access';
import { nodeFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { isPlainRecord } from '../support/values';

const LOOK_EVERY_MS = 100;

interface WebhookOutDef extends NodeDef {
  /** Name of a webhook. */
  webhook: string;
  /** Go on when the first attempt has ended, not when the event is safe. */
  wait: boolean;
}

/** Sends a webhook of the hub an event of its own: safe in the outbox first, delivered with retries. */
export = (RED: NodeAPI): void => {
  function PcpWebhookOut(this: Node, def: WebhookOutDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    const closing = new AbortController();
    status.clear();

    const sendEvent = async (msg: NodeMessageInFlow): Promise<WebhookExecution> => {
      const name = String((msg as { webhook_name?: unknown }).webhook_name ?? def.webhook);
      const opened = await hub(RED);
      const [webhook] = (await opened.webhooks.list({ name, limit: 1 })).items;
      if (webhook === undefined) throw unknownWebhook(name);
      const data = isPlainRecord(msg.payload) ? msg.payload : { payload: msg.payload ?? null };
      const execution = await opened.deliveries.trigger(webhook.id, { event_type: 'flow.message', data });
      return def.wait ? firstAttempt(opened, execution, closing.signal) : execution;
    };

    this.on('input', (msg, send, done) => {
      status.working('calling');
      sendEvent(msg).then(
        ({ id, event_id, status: state, response_status }) => {
          Object.assign(msg, { execution: { id, event_id, status: state, response_status } });
          status.finished(def.wait ? 'delivered' : 'accepted');
          send(msg);
          done();
        },
        (error: unknown) => {
          status.failed(error);
          done(nodeFailure(RED, error));
        },
      );
    });

    this.on('close', () => {
      closing.abort(new IntegrationError('cancelled', 'PCP_NODE_CLOSED', 'The node was closed.'));
    });
  }

  RED.nodes.registerType('pcp-webhook-out', PcpWebhookOut);
};

/** What the first attempt came to. @throws PCP_WEBHOOK_NOT_DELIVERED when it failed, whether or not others follow */
async function firstAttempt(
  { deliveries }: Hub,
  { id, webhook_id: webhookId }: WebhookExecution,
  signal: AbortSignal,
): Promise<WebhookExecution> {
  for (;;) {
    const execution = await deliveries.get(webhookId, id);
    const { status, attempts, error_message: message } = execution;
    if (status === 'success' || status === 'skipped') return execution;
    if (status === 'error' || attempts.length > 0) {
      const isOver = status === 'error';
      throw new IntegrationError(isOver ? 'data' : 'transient', 'PCP_WEBHOOK_NOT_DELIVERED', String(message), {
        ...(!isOver && { hint: 'It is tried again by itself.' }),
      });
    }
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

function unknownWebhook(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_WEBHOOK_UNKNOWN', `There is no webhook "${name}".`, { path: 'webhook' });
}
