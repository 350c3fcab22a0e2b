import { setTimeout as delay } from 'node:timers/promises';
import { type Locale, spokenRow } from '../../locales/catalogue';
import type { WebhookDeliveries, WebhookExecution } from '../../model/webhook';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Answer, type Call, type Route, ref } from '../route';
import { eventType, executionStatus } from '../schemas/webhook';
import { given, idOf, idParameter, instantParameter, ok, periodOf } from './shared';

const LONGEST_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 100;

const path = '/webhooks/{id}';
const tag = 'webhooks';
const params = { id: idParameter('webhook') };
const ofExecution = { ...params, execution_id: idParameter('execution') };

export const webhookExecutionRoutes: Route[] = [
  {
    method: 'POST',
    path: `${path}/trigger`,
    operation: 'triggerWebhook',
    tag,
    summary: 'Sends a webhook an event by hand',
    description: 'It goes the way of all events, with retries and in the log.',
    permission: 'integrations.sync',
    sealed: 'values',
    params,
    query: {
      wait: {
        description: 'Answers 200 with what the first attempt came to, if it ends within 30 seconds.',
        schema: { type: 'boolean', default: false },
      },
    },
    body: { schema: ref('WebhookTrigger'), required: false },
    responses: {
      200: { description: 'The first attempt was made.', schema: ref('WebhookExecution') },
      202: { description: 'It is going to be delivered.', schema: ref('WebhookExecution'), headers: ['Location'] },
    },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const request = (call.body ?? {}) as Parameters<WebhookDeliveries['trigger']>[1];
      const execution = await call.hub.deliveries.trigger(idOf(call), request);
      const attempted = call.query.wait === true ? await firstAttempt(call, execution) : null;
      return attempted === null ? accepted(call, execution) : ok(told(attempted, call));
    },
  },
  {
    method: 'GET',
    path: `${path}/executions`,
    operation: 'listWebhookExecutions',
    tag,
    summary: 'Lists what a webhook was told, and is to be told',
    permission: 'integrations.read',
    params,
    query: {
      ...pageParameters,
      status: { description: 'In this state.', schema: executionStatus },
      event_type: { description: 'Of this kind.', schema: eventType },
      from: instantParameter('Of events at or after this instant or day (UTC).'),
      to: instantParameter('Of events before this instant or day (UTC).'),
    },
    responses: { 200: { description: 'A page, newest first.', schema: pageSchema(ref('WebhookExecution')) } },
    problems: [404],
    handle: async (call) => {
      const page = await call.hub.deliveries.list(idOf(call), {
        ...given(call, ['status', 'event_type']),
        ...periodOf(call),
        ...pageRequest(call),
      });
      return ok({ ...page, items: page.items.map((execution) => told(execution, call)) });
    },
  },
  {
    method: 'GET',
    path: `${path}/executions/{execution_id}`,
    operation: 'getWebhookExecution',
    tag,
    summary: 'Reads what became of an event',
    permission: 'integrations.read',
    params: ofExecution,
    responses: { 200: { description: 'The execution.', schema: ref('WebhookExecution') } },
    problems: [404],
    handle: async (call) => ok(told(await call.hub.deliveries.get(idOf(call), idOf(call, 'execution_id')), call)),
  },
  {
    method: 'POST',
    path: `${path}/executions/{execution_id}/redeliver`,
    operation: 'redeliverWebhookExecution',
    tag,
    summary: 'Delivers an event once more',
    description: 'Under the same `webhook-id`, however the earlier attempts ended.',
    permission: 'integrations.sync',
    params: ofExecution,
    responses: {
      202: { description: 'It is going to be delivered.', schema: ref('WebhookExecution'), headers: ['Location'] },
    },
    problems: [404, 409, 413, 415],
    idempotent: true,
    handle: async (call) => accepted(call, await call.hub.deliveries.redeliver(idOf(call), idOf(call, 'execution_id'))),
  },
  {
    method: 'POST',
    path: `${path}/redeliver`,
    operation: 'redeliverFailedWebhookExecutions',
    tag,
    summary: 'Delivers once more what failed since an instant',
    permission: 'integrations.sync',
    params,
    body: { schema: ref('Redelivery'), required: true },
    responses: {
      202: {
        description: 'They are going to be delivered.',
        schema: {
          type: 'object',
          required: ['count'],
          properties: { count: { type: 'integer', minimum: 0, description: 'How many.' } },
        },
      },
    },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const { since, unsent = false } = call.body as { since: string; unsent?: boolean };
      return { status: 202, body: { count: await call.hub.deliveries.redeliverFailed(idOf(call), since, unsent) } };
    },
  },
];

/** Null: it is not over in time, or nobody waits any longer. */
async function firstAttempt(
  call: Call,
  { id, webhook_id: webhookId }: WebhookExecution,
): Promise<WebhookExecution | null> {
  const until = AbortSignal.any([call.signal, AbortSignal.timeout(LONGEST_WAIT_MS)]);
  while (!until.aborted) {
    const execution = await call.hub.deliveries.get(webhookId, id);
    if (execution.status !== 'pending' || execution.attempts.length > 0) return execution;
    await delay(LOOK_EVERY_MS, undefined, { signal: until }).catch(() => undefined);
  }
  return null;
}

function told(execution: WebhookExecution, { language }: { language: Locale }): WebhookExecution {
  return {
    ...spokenRow(execution, language),
    attempts: execution.attempts.map((attempt) => spokenRow(attempt, language)),
  };
}

function accepted(call: Call, execution: WebhookExecution): Answer {
  const { id, webhook_id: webhookId } = execution;
  const location = call.href(`/webhooks/${webhookId}/executions/${id}`);
  return { status: 202, headers: { Location: location }, body: execution };
}
