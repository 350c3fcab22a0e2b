import { Webhook } from 'standardwebhooks';

/** A sender of Standard Webhooks, which signs with the reference library. */
export class WebhookSender {
  private readonly webhook: Webhook;

  constructor(
    private readonly url: string,
    secret: string,
  ) {
    this.webhook = new Webhook(secret);
  }

  /** One try; the same id is the same delivery. */
  send(id: string, payload: unknown): Promise<Response> {
    const body = JSON.stringify(payload);
    return fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers(id, body) },
      body,
    });
  }

  headers(id: string, body: string): Record<string, string> {
    const now = new Date();
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': this.webhook.sign(id, now, body),
    };
  }
}
