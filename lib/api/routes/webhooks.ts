import type { EventType } from '../../model/events';
import type { PreviewedTemplate, WebhookInput, WebhookView } from '../../model/webhook';
import { maskAddresses } from '../../security/redact';
import { expectedRevision, requireMatch, revisionTag, rowTag } from '../conditional';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Call, type Route, ref } from '../route';
import { sampleEvent } from '../schemas/sample-events';
import { webhookReadOnly } from '../schemas/webhook';
import { given, idOf, idParameter, ok, row, without } from './shared';

const path = '/webhooks';
const tag = 'webhooks';
const params = { id: idParameter('webhook') };

type WebhookPreview = Pick<PreviewedTemplate, 'payload_template' | 'content_type'> &
  Partial<Pick<PreviewedTemplate, 'template_language'>> & { event_type?: EventType };

export const webhookRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listWebhooks',
    tag,
    summary: 'Lists webhooks',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      is_active: { description: 'In use or not.', schema: { type: 'boolean' } },
      name: { description: 'With this name.', schema: { type: 'string', maxLength: 255 } },
    },
    responses: { 200: { description: 'A page of webhooks, by id.', schema: pageSchema(ref('Webhook')) } },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.webhooks.list({ ...given(call, ['is_active', 'name']), ...pageRequest(call) });
      const shown = await addresses(call);
      return ok({ ...page, items: page.items.map(shown) });
    },
  },
  {
    method: 'POST',
    path,
    operation: 'createWebhook',
    tag,
    summary: 'Creates a webhook',
    description: 'The answer holds the secret that was made for it; it is never told again.',
    permission: 'integrations.write',
    body: { schema: ref('WebhookCreate'), required: true },
    responses: {
      201: { description: 'The new webhook.', schema: ref('WebhookWithSecret'), headers: ['ETag', 'Location'] },
    },
    problems: [409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const created = await call.hub.webhooks.create({ ...inputOf(call), created_by: call.user ?? null });
      return {
        status: 201,
        headers: { Location: call.href(`${path}/${created.id}`), ETag: rowTag(created) },
        body: created,
      };
    },
  },
  {
    method: 'POST',
    path: `${path}/preview`,
    operation: 'previewWebhook',
    tag,
    summary: 'Shows what a template makes of an event',
    description: 'Of a sample. Nothing is sent.',
    permission: 'integrations.test',
    body: { schema: ref('WebhookPreview'), required: true },
    responses: { 200: { description: 'The sample, and what would be sent.', schema: ref('PreviewedWebhook') } },
    problems: [413, 415, 422],
    handle: async (call) => {
      const {
        event_type: type = 'run.succeeded',
        template_language = 'jsonata',
        ...shape
      } = call.body as WebhookPreview;
      const event = sampleEvent(type);
      const content = await call.hub.deliveries.preview({ ...shape, template_language, event });
      return ok({ event, content_type: content?.type ?? null, body: content?.body ?? null });
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getWebhook',
    tag,
    summary: 'Reads a webhook',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The webhook.', schema: ref('Webhook'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => row((await addresses(call))(await call.hub.webhooks.get(idOf(call)))),
  },
  {
    method: 'PUT',
    path: `${path}/{id}`,
    operation: 'updateWebhook',
    tag,
    summary: 'Changes a webhook',
    description:
      'A secret that is given takes the place of all earlier ones at once. Values of headers that are kept stay with their host. Setting `is_active` ends what the hub switched off.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('WebhookUpdate'), required: true },
    responses: {
      200: { description: 'The webhook as it is now.', schema: ref('WebhookWithSecret'), headers: ['ETag'] },
    },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      const { webhooks } = call.hub;
      const expected = await expectedRevision(call.ifMatch, async () => (await webhooks.get(id)).revision);
      return row(await webhooks.update(id, inputOf(call), expected));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    operation: 'deleteWebhook',
    tag,
    summary: 'Deletes a webhook, with what it was told and what it was to be told',
    permission: 'integrations.write',
    params,
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 412],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      if (call.ifMatch !== undefined) {
        requireMatch(call.ifMatch, revisionTag((await call.hub.webhooks.get(id)).revision));
      }
      await call.hub.webhooks.delete(id);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: `${path}/{id}/rotate-secret`,
    operation: 'rotateWebhookSecret',
    tag,
    summary: 'Gives a webhook a new secret',
    description:
      'What is sent is signed with the earlier one as well for a while, so that the receiver can change over.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('SecretRotation'), required: false },
    responses: {
      200: { description: 'The webhook with its new secret.', schema: ref('WebhookWithSecret'), headers: ['ETag'] },
    },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const request = (call.body ?? {}) as { secret?: string | null; overlap_hours?: number };
      if (typeof request.secret === 'string') call.secrets.push(request.secret);
      return row(await call.hub.webhooks.rotateSecret(idOf(call), request));
    },
  },
];

/** Many receivers want a key in their address: it is shown to those who may change it. */
async function addresses(call: Call): Promise<(webhook: WebhookView) => WebhookView> {
  const mayChange = await call.demand('integrations.write').then(
    () => true,
    () => false,
  );
  return (webhook) => (mayChange ? webhook : { ...webhook, url: maskAddresses(webhook.url) });
}

function inputOf(call: Call): WebhookInput {
  const input = without(call.body, webhookReadOnly) as unknown as WebhookInput;
  const values = Object.values(input.headers ?? {}).filter((value) => typeof value === 'string');
  call.secrets.push(...values, ...(typeof input.secret === 'string' ? [input.secret] : []));
  return input;
}
