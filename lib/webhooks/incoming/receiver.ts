import type { IncomingMessage, ServerResponse } from 'node:http';
import { IntegrationError } from '../../model/errors';
import type { Delivery, IncomingWebhook, WebhookInbox } from '../../model/incoming-webhook';
import { isSecretName } from '../../security/redact';
import { challengeReply } from './challenge';
import { parseContent, rawBody, unpacked } from './content';
import type { RateLimit } from './rate-limit';
import { notNow, Refusal } from './refusal';
import { verify } from './verify';

/** Deliveries whose bodies are in memory at the same time. */
const MOST_AT_ONCE = 256;
const NOT_KEPT = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** A webhook that is open here. */
export interface Endpoint {
  webhook: IncomingWebhook;
  limit: RateLimit;
  /** Told what was not taken. */
  onRefused(refusal: Refusal): void;
}

export interface ReceiverOptions {
  /** Null: not open yet, or being opened anew; undefined: there is none. */
  endpoint(token: string): Endpoint | null | undefined;
  /** Rejects while the store is away. */
  inbox(): Promise<Pick<WebhookInbox, 'keep'>>;
  now(): number;
}

/** Answers deliveries. Each is verified and kept before it is answered; whatever fails on the way is refused. */
export class Receiver {
  private inHand = 0;

  constructor(private readonly options: ReceiverOptions) {}

  /** @param request whose url is what comes after the mount: "/token?query" */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = URL.parse(request.url ?? '/', 'http://localhost');
    const endpoint = address === null ? undefined : this.options.endpoint(address.pathname.slice(1));
    try {
      if (address === null || endpoint === undefined) {
        throw new Refusal(404, 'PCP_WEBHOOK_UNKNOWN', 'There is no such webhook.');
      }
      if (endpoint === null) throw notNow('PCP_WEBHOOK_CLOSED', 'The webhook is not open at present.');
      await this.answer(endpoint, request, response, address.searchParams);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : notKept(error);
      endpoint?.onRefused(refusal);
      refuse(response, refusal);
    }
  }

  private async answer(
    { webhook, limit }: Endpoint,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    if (!limit.take()) {
      throw new Refusal(429, 'PCP_WEBHOOK_RATE', 'Too many deliveries per second.', { 'Retry-After': '1' });
    }
    const reply = challengeReply(webhook, request.method, query);
    if (reply !== null) return send(response, 200, 'text/plain; charset=utf-8', reply);
    if (request.method !== 'POST') {
      throw new Refusal(405, 'PCP_WEBHOOK_METHOD', 'Deliveries come as POST.', { Allow: 'POST' });
    }
    if (this.inHand >= MOST_AT_ONCE) throw notNow('PCP_WEBHOOK_BUSY', 'Too many deliveries at once.');
    this.inHand += 1;
    try {
      const isNew = await this.take(webhook, request, query);
      response.writeHead(isNew ? webhook.answer : 200, { 'Content-Length': 0 }).end();
    } finally {
      this.inHand -= 1;
    }
  }

  /** @returns false when it was taken before: that is as well for its sender */
  private async take(webhook: IncomingWebhook, request: IncomingMessage, query: URLSearchParams): Promise<boolean> {
    const { headers } = request;
    const raw = await rawBody(request, webhook.bodyLimit);
    const body = await unpacked(raw, headers['content-encoding'], webhook.bodyLimit);
    const now = this.options.now();
    // Some sign what they packed, others what they then pack.
    const identity = verify(webhook, { headers, body, now }) ?? verify(webhook, { headers, body: raw, now });
    if (identity === null) {
      const basic = webhook.verification.method === 'basic' ? { 'WWW-Authenticate': 'Basic realm="webhook"' } : {};
      throw new Refusal(401, 'PCP_WEBHOOK_UNVERIFIED', 'The delivery could not be verified.', basic);
    }
    parseContent(body, headers['content-type']);
    const delivery: Delivery = {
      id: identity.id,
      received_at: new Date(now).toISOString(),
      headers: keptHeaders(webhook, request),
      query: Object.fromEntries([...query].filter(([name]) => !isSecretName(name))),
      body: body.toString('base64'),
    };
    const inbox = await this.options.inbox();
    return inbox.keep(webhook.id, identity, delivery);
  }
}

/** What is wrong with the store is told by others, and to nobody outside. */
function notKept(error: unknown): Refusal {
  const { code, message } = IntegrationError.from(error);
  if (code === 'PCP_WEBHOOK_FULL') return notNow(code, message);
  return notNow('PCP_WEBHOOK_STORE', 'Nothing can be kept at present.');
}

function keptHeaders({ verification }: IncomingWebhook, { headers }: IncomingMessage): Record<string, string> {
  const secret = verification.method === 'token' ? verification.header : null;
  const kept = Object.entries(headers).filter(
    ([name]) => !NOT_KEPT.has(name) && !isSecretName(name) && name !== secret,
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

function refuse(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  const body = { type: 'about:blank', status, code, detail: message };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  send(response, status, 'application/problem+json', JSON.stringify(body));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response
    .writeHead(status, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' })
    .end(body);
}
