import { spokenRow } from '../../locales/catalogue';
import type { JsonSchema } from '../../model/entity';
import type { IncomingWebhookState } from '../../model/incoming-webhook';
import { pageOf, pageParameters, pageRequest, pageSchema } from '../paging';
import { type Route, ref } from '../route';
import { keptState } from '../schemas/incoming-webhook';
import { given, idOf, idParameter, instantParameter, ok, periodOf } from './shared';

/** Not "hooks": below that name, other systems deliver. */
const path = '/incoming-webhooks';
const tag = 'webhooks';

const counted: JsonSchema = {
  type: 'object',
  required: ['count'],
  properties: { count: { type: 'integer', minimum: 0, description: 'How many.' } },
};

export const incomingWebhookRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listIncomingWebhooks',
    tag,
    summary: 'Lists webhooks of nodes, with how much of them waits or was given up',
    permission: 'integrations.read',
    query: pageParameters,
    responses: { 200: { description: 'A page of webhooks.', schema: pageSchema(ref('IncomingWebhook')) } },
    problems: [],
    handle: async (call) => {
      const states = await call.hub.webhookInbox.states();
      return ok(pageOf(states, ({ webhook }: IncomingWebhookState) => webhook, call));
    },
  },
  {
    method: 'GET',
    path: `${path}/deliveries`,
    operation: 'listIncomingDeliveries',
    tag,
    summary: 'Lists what other systems delivered',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      webhook: { description: 'Of the webhook of this node.', schema: { type: 'string', minLength: 1, maxLength: 64 } },
      state: { description: 'In this state.', schema: keptState },
      from: instantParameter('Received at or after this instant or day (UTC).'),
      to: instantParameter('Received before this instant or day (UTC).'),
    },
    responses: { 200: { description: 'A page, newest first.', schema: pageSchema(ref('IncomingDelivery')) } },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.webhookInbox.list({
        ...given(call, ['webhook', 'state']),
        ...periodOf(call),
        ...pageRequest(call),
      });
      return ok({ ...page, items: page.items.map((delivery) => spokenRow(delivery, call.language)) });
    },
  },
  {
    method: 'POST',
    path: `${path}/deliveries/{id}/redeliver`,
    operation: 'redeliverIncomingDelivery',
    tag,
    summary: 'Hands a delivery that was given up on once more',
    permission: 'integrations.sync',
    params: { id: idParameter('delivery') },
    responses: { 202: { description: 'It waits for its flow.', schema: ref('IncomingDelivery') } },
    problems: [404, 409, 413, 415],
    idempotent: true,
    handle: async (call) => ({ status: 202, body: await call.hub.webhookInbox.redeliver(idOf(call)) }),
  },
  {
    method: 'POST',
    path: `${path}/redeliver`,
    operation: 'redeliverFailedIncomingDeliveries',
    tag,
    summary: 'Hands all that was given up since an instant on once more',
    permission: 'integrations.sync',
    body: { schema: ref('IncomingRedelivery'), required: true },
    responses: { 202: { description: 'They wait for their flows.', schema: counted } },
    problems: [413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const { since, webhook } = call.body as { since: string; webhook?: string };
      return { status: 202, body: { count: await call.hub.webhookInbox.redeliverFailed(since, webhook) } };
    },
  },
  {
    method: 'POST',
    path: `${path}/discard`,
    operation: 'discardIncomingDeliveries',
    tag,
    summary: 'Lets go of what waits for a node, and of what was given up',
    description: 'For nodes that are gone. What of it comes again was here before, and is not processed.',
    permission: 'integrations.sync',
    body: { schema: ref('IncomingDiscard'), required: true },
    responses: { 200: { description: 'They are gone.', schema: counted } },
    problems: [413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const { webhook } = call.body as { webhook: string };
      return ok({ count: await call.hub.webhookInbox.discard(webhook) });
    },
  },
];
