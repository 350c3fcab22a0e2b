import type { ExpressionEvaluator } from '../../mapping/contract';
import type { EventType } from '../../model/events';
import type { Envelope } from '../../model/webhook';
import type { WebhookRow } from '../../store/models/webhook';
import { signGithub } from '../signature/github';
import { signStandardWebhook } from '../signature/standard-webhooks';
import { renderMustache } from './mustache';

const JSON_TYPE = 'application/json';

/** An event on its way. */
export interface Outgoing {
  eventId: string;
  envelope: Envelope;
}

/** What is sent. */
export interface Message {
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Body of a message and its type. */
export interface Content {
  type: string;
  body: string;
}

type Template = Pick<WebhookRow, 'payload_template' | 'template_language'>;
type Shape = Template & Pick<WebhookRow, 'method' | 'signature' | 'options'>;

/** What somebody sends to this webhook, whatever it wants to know. */
const ADDRESSED: ReadonlySet<EventType> = new Set(['webhook.test', 'flow.message']);

/**
 * The request that tells of an event, signed for this moment.
 * @param headers of the webhook, the secret ones with their values
 * @param keys that sign, the newest first
 * @returns null when the filter does not let it through, or the template gives nothing: the event is not wanted
 * @throws IntegrationError of the filter or the template
 */
export async function messageOf(
  { method, signature, options, ...template }: Shape,
  { eventId, envelope }: Outgoing,
  headers: Record<string, string>,
  keys: readonly string[],
  at: number,
  expressions: ExpressionEvaluator,
): Promise<Message | null> {
  const { filter } = options;
  if (filter !== undefined && !ADDRESSED.has(envelope.type)) {
    if ((await evaluated(filter, envelope, expressions)) !== true) return null;
  }
  const sent = lowerCase(headers);
  const content = await contentOf(template, envelope, sent['content-type'], expressions);
  if (content === null) return null;
  const body = method === 'GET' || method === 'DELETE' ? undefined : content.body;
  return {
    method,
    body,
    headers: {
      ...(body !== undefined && { 'content-type': content.type }),
      ...sent,
      'webhook-id': eventId,
      ...signatureOf(signature, eventId, at, body ?? '', keys),
    },
  };
}

/**
 * What is said of an event. A text is sent as it is: it may be XML or whatever the receiver wants.
 * @param type that is to be sent, if the webhook names one
 * @returns null when the template gives nothing
 * @throws IntegrationError of the template
 */
export async function contentOf(
  { payload_template: template, template_language: language }: Template,
  envelope: Envelope,
  type: string | undefined,
  expressions: ExpressionEvaluator,
): Promise<Content | null> {
  if (template === null) return jsonContent(envelope);
  if (language === 'mustache') {
    const body = renderMustache(template, envelope, type ?? JSON_TYPE);
    return body.trim() === '' ? null : { type: type ?? JSON_TYPE, body };
  }
  const value = await evaluated(template, envelope, expressions);
  if (value === undefined) return null;
  return typeof value === 'string' ? { type: 'text/plain; charset=utf-8', body: value } : jsonContent(value);
}

async function evaluated(expression: string, envelope: Envelope, expressions: ExpressionEvaluator): Promise<unknown> {
  const [outcome] = await expressions.evaluate(expression, [{ ...envelope }]);
  if (outcome === undefined || 'error' in outcome) throw outcome?.error;
  return outcome.value;
}

function jsonContent(value: unknown): Content {
  return { type: JSON_TYPE, body: JSON.stringify(value) };
}

function signatureOf(
  style: WebhookRow['signature'],
  id: string,
  at: number,
  body: string,
  keys: readonly string[],
): Record<string, string> {
  const { timestamp, signature } = signStandardWebhook(id, at, body, style === 'standard' ? keys : []);
  const [newest] = keys;
  return {
    'webhook-timestamp': timestamp,
    ...(style === 'standard' && { 'webhook-signature': signature }),
    // It has room for one signature: the receiver changes its key when the webhook does.
    ...(style === 'github' && newest !== undefined && { 'x-hub-signature-256': signGithub(body, newest) }),
  };
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
