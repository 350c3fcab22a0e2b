import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { Identity, IncomingWebhook } from '../../../lib/model/incoming-webhook';
import { checkWebhook, type VerificationSettings, verificationOf } from '../../../lib/webhooks/incoming/definition';
import { verify } from '../../../lib/webhooks/incoming/verify';

const NOW = Date.UTC(2026, 10, 27, 12);
const SECONDS = String(NOW / 1000);

const settings: VerificationSettings = {
  method: 'standard',
  header: 'X-Signature',
  prefix: '',
  algorithm: 'sha256',
  encoding: 'hex',
  signed: '{body}',
  timestampHeader: '',
  timestampUnit: 's',
  tolerance: 300,
  repeatMinutes: 10,
  username: 'plant',
  messageId: '',
};

function webhook(changes: Partial<VerificationSettings>, secrets = ['s3cret']): IncomingWebhook {
  return {
    ...{ id: 'node', token: 'hSdQ7cYxT0mB1r9vKzN2aw', secrets, challenge: null },
    ...{ bodyLimit: 1024, rate: 10, answer: 202 },
    verification: verificationOf({ ...settings, ...changes }),
  };
}

const verified = (hook: IncomingWebhook, headers: Record<string, string>, body: string, now = NOW): Identity | null =>
  verify(hook, { headers, body: Buffer.from(body), now });

const hmac = (text: string, encoding: 'hex' | 'base64' = 'hex', secret = 's3cret', algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(text).digest(encoding);

describe('verification of deliveries', () => {
  it("takes GitHub's published example, and no other body, header or secret", () => {
    const hook = webhook({ method: 'github' }, ["It's a Secret to Everybody"]);
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    assert.ok(verified(hook, { 'x-hub-signature-256': signature }, 'Hello, World!'));
    assert.equal(verified(hook, { 'x-hub-signature-256': signature }, 'Hello, World'), null);
    assert.equal(verified(hook, { 'x-hub-signature-256': signature.slice(7) }, 'Hello, World!'), null);
    assert.equal(verified(hook, { 'x-hub-signature-256': signature.slice(0, -2) }, 'Hello, World!'), null);
    assert.equal(verified(hook, {}, 'Hello, World!'), null);
    assert.equal(verified(webhook({ method: 'github' }), { 'x-hub-signature-256': signature }, 'Hello, World!'), null);
  });

  it('knows a delivery of GitHub again under another id or event, since neither is signed', () => {
    const hook = webhook({ method: 'github' });
    const key = (event: string, delivery: string, body = '{}') =>
      verified(
        hook,
        { 'x-hub-signature-256': `sha256=${hmac(body)}`, 'x-github-event': event, 'x-github-delivery': delivery },
        body,
      )?.key;
    assert.equal(key('push', '1'), key('push', '2'));
    assert.equal(key('push', '1'), key('ping', '1'));
    assert.notEqual(key('push', '1'), key('push', '1', '[]'));
  });

  it('takes the same content for the same delivery for as long as is wanted, where nothing that is signed says more', () => {
    const alike = (minutes: number, later: number) => {
      const hook = webhook({ method: 'hmac', repeatMinutes: minutes });
      const at = (now: number) =>
        verified(hook, { 'x-signature': hmac('{"state":"stopped"}') }, '{"state":"stopped"}', now);
      const [first, second] = [at(NOW), at(NOW + later)];
      return second?.key === first?.key || second?.alike?.key === first?.key;
    };
    for (const later of [1, 599_999, 600_000]) assert.ok(alike(10, later), `after ${later} ms`);
    assert.ok(!alike(10, 1_200_000));
    assert.ok(!alike(0, 0));
    const timed = webhook({ method: 'hmac', signed: '{timestamp}.{body}', timestampHeader: 'X-Time' });
    const headers = { 'x-signature': hmac(`${SECONDS}.{}`), 'x-time': SECONDS };
    const [first, second] = [verified(timed, headers, '{}'), verified(timed, headers, '{}', NOW + 1000)];
    assert.deepEqual([first?.key, first?.alike], [second?.key, undefined]);
  });

  it('takes one of several signatures of Stripe while it is timely, and tells events apart by their ids', () => {
    const hook = webhook({ method: 'stripe' });
    const body = '{"id": "evt_1"}';
    const header = `t=${SECONDS},v1=${'0'.repeat(64)},v0=x,v1=${hmac(`${SECONDS}.${body}`)}`;
    const first = verified(hook, { 'stripe-signature': header }, body);
    assert.equal(first?.id, 'evt_1');
    assert.ok(verified(hook, { 'stripe-signature': header }, body, NOW + 299_000));
    assert.equal(verified(hook, { 'stripe-signature': header }, body, NOW + 301_000), null);
    const again = Number(SECONDS) + 60;
    const second = `t=${again},v1=${hmac(`${again}.${body}`)}`;
    assert.equal(verified(hook, { 'stripe-signature': second }, body)?.key, first?.key);
    const moved = header.replace(SECONDS, String(again));
    assert.equal(verified(hook, { 'stripe-signature': moved }, body), null);
  });

  it("takes Shopify's signature in base64", () => {
    const hook = webhook({ method: 'shopify' });
    assert.ok(verified(hook, { 'x-shopify-hmac-sha256': hmac('{}', 'base64') }, '{}'));
    assert.equal(verified(hook, { 'x-shopify-hmac-sha256': hmac('{}') }, '{}'), null);
  });

  it('tells topics of Shopify with the same body apart, and no other names', () => {
    const hook = webhook({ method: 'shopify' });
    const signature = { 'x-shopify-hmac-sha256': hmac('{}', 'base64') };
    const key = (topic: string) => verified(hook, { ...signature, 'x-shopify-topic': topic }, '{}')?.key;
    assert.notEqual(key('orders/create'), key('orders/paid'));
    const none = verified(hook, signature, '{}')?.key;
    for (const name of ['orders', 'orders/create2', 'Orders/create', 'a/b/c', `orders/${'a'.repeat(94)}`]) {
      assert.equal(key(name), none, name);
    }
  });

  it('takes whatever a sender signs, as it is described', () => {
    const hook = webhook({
      ...{
        method: 'hmac',
        algorithm: 'sha512',
        encoding: 'base64',
        prefix: 'v0=',
        signed: 'v0:{id}:{timestamp}:{body}',
      },
      ...{ timestampHeader: 'X-Time', timestampUnit: 'ms', messageId: 'X-Id' },
    });
    const headers = (id: string, time: string, body: string) => ({
      'x-signature': `v0=${hmac(`v0:${id}:${time}:${body}`, 'base64', 's3cret', 'sha512')}`,
      'x-id': id,
      'x-time': time,
    });
    assert.equal(verified(hook, headers('m1', String(NOW), '{}'), '{}')?.id, 'm1');
    assert.equal(verified(hook, { ...headers('m1', String(NOW), '{}'), 'x-id': 'm2' }, '{}'), null);
    assert.equal(verified(hook, headers('m1', String(NOW - 300_001), '{}'), '{}'), null);
    assert.equal(verified(hook, headers('m1', `${NOW}.0`, '{}'), '{}'), null);
    assert.equal(verified(hook, headers('m.1', String(NOW), '{}'), '{}'), null, 'what could be a separator');
  });

  it('takes the previous secret as well, until it is withdrawn', () => {
    const headers = { 'x-hub-signature-256': `sha256=${hmac('{}', 'hex', 'old')}` };
    assert.ok(verified(webhook({ method: 'github' }, ['new', 'old']), headers, '{}'));
    assert.equal(verified(webhook({ method: 'github' }, ['new']), headers, '{}'), null);
  });

  it('takes a password, a token and a clientState, each only where it is asked for', () => {
    const basic = `Basic ${Buffer.from('plant:s3cret').toString('base64')}`;
    assert.ok(verified(webhook({ method: 'basic' }), { authorization: basic }, ''));
    assert.equal(verified(webhook({ method: 'basic', username: 'other' }), { authorization: basic }, ''), null);
    assert.equal(verified(webhook({ method: 'basic' }), {}, ''), null);
    const token = webhook({ method: 'token', header: 'X-Api-Key' });
    assert.ok(verified(token, { 'x-api-key': 's3cret' }, ''));
    assert.equal(verified(token, { 'x-api-key': 's3cre' }, ''), null);
    assert.equal(verified(token, { authorization: 's3cret' }, ''), null);
    const graph = webhook({ method: 'microsoft_graph' });
    assert.ok(verified(graph, {}, '{"value": [{"clientState": "s3cret"}]}'));
    assert.equal(verified(graph, {}, '{"value": [{"clientState": "s3cret"}, {"clientState": "x"}]}'), null);
    assert.equal(verified(graph, {}, '{"value": []}'), null);
    assert.equal(verified(graph, {}, 'no json'), null);
  });

  it('tells unsigned deliveries apart by the id that is chosen, and drops none that lacks it', () => {
    const byHeader = webhook({ method: 'none', messageId: 'X-Request-Id' });
    const byPath = webhook({ method: 'none', messageId: '/event/id' });
    const key = (hook: IncomingWebhook, headers: Record<string, string>, body: string) =>
      verified(hook, headers, body)?.key;
    assert.equal(key(byHeader, { 'x-request-id': '1' }, 'a'), key(byHeader, { 'x-request-id': '1' }, 'b'));
    assert.equal(key(byPath, {}, '{"event": {"id": 7}}'), key(byPath, {}, '{"event": {"id": 7}, "x": 1}'));
    assert.notEqual(key(byPath, {}, '{"event": {}}'), key(byPath, {}, '{"event": {}}'));
    assert.notEqual(key(webhook({ method: 'none' }), {}, ''), key(webhook({ method: 'none' }), {}, ''));
  });

  it('is refused where its settings would protect from nothing', () => {
    const refused = (changes: Partial<VerificationSettings>, path: string, secrets?: string[]) =>
      assert.throws(() => checkWebhook(webhook(changes, secrets)), { class: 'config', path }, JSON.stringify(changes));
    refused({ method: 'github' }, 'secret', []);
    refused({ method: 'standard' }, 'secret', ['whsec_c2hvcnQ=']);
    refused({ method: 'hmac', signed: 'nothing' }, 'signed');
    refused({ method: 'hmac', signed: '{timestamp}.{body}' }, 'timestampHeader');
    refused({ method: 'hmac', timestampHeader: 'X-Time' }, 'timestampHeader');
    refused({ method: 'hmac', messageId: 'X-Id' }, 'messageId');
    refused({ method: 'token', header: 'no header' }, 'header');
    refused({ method: 'no such' as 'none' }, 'verification');
    refused({ method: 'hmac', algorithm: 'md5' as 'sha1' }, 'algorithm');
    refused({ method: 'hmac', encoding: 'latin1' as 'hex' }, 'encoding');
    const timed = { signed: '{timestamp}.{body}', timestampHeader: 'X-Time' };
    refused({ method: 'hmac', ...timed, timestampUnit: 'h' as 's' }, 'timestampUnit');
    const challenge = { kind: 'constructor' as 'hub_challenge', verifyToken: null };
    assert.throws(() => checkWebhook({ ...webhook({ method: 'none' }), challenge }), { path: 'challenge' });
    const short = { ...webhook({ method: 'none' }), token: 'guessable' };
    assert.throws(() => checkWebhook(short), { class: 'config', path: 'token' });
  });
});
