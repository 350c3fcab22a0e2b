import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Delivery, Identity, IncomingWebhook } from '../../../lib/model/incoming-webhook';
import { parseContent } from '../../../lib/webhooks/incoming/content';
import { RateLimit } from '../../../lib/webhooks/incoming/rate-limit';
import { type Endpoint, Receiver } from '../../../lib/webhooks/incoming/receiver';
import type { Refusal } from '../../../lib/webhooks/incoming/refusal';
import { signStandardWebhook } from '../../../lib/webhooks/signature/standard-webhooks';
import { WebhookSender } from '../../support/webhook-sender';

const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('receiver of deliveries', () => {
  let server: Server;
  let url: string;
  let webhook: IncomingWebhook;
  let limit: RateLimit;
  let kept: [string, Identity, Delivery][];
  let refusals: Refusal[];
  let isOpen: boolean;
  let storeFailure: Error | null;

  beforeEach(async () => {
    [kept, refusals, isOpen, storeFailure] = [[], [], true, null];
    limit = new RateLimit(1000, () => 0);
    webhook = {
      ...{ id: 'node', token: TOKEN, secrets: [SECRET], challenge: null, bodyLimit: 1000, rate: 1000, answer: 202 },
      verification: { method: 'standard', tolerance: 300 },
    };
    const receiver = new Receiver({
      endpoint: (token): Endpoint | null | undefined => {
        if (token !== TOKEN) return undefined;
        return isOpen ? { webhook, limit, onRefused: (refusal) => refusals.push(refusal) } : null;
      },
      inbox: async () => {
        if (storeFailure !== null) throw storeFailure;
        return {
          keep: async (...delivery) => {
            const isNew = kept.every(([, { key }]) => key !== delivery[1].key);
            if (isNew) kept.push(delivery);
            return isNew;
          },
          attach: () => () => undefined,
        };
      },
      now: Date.now,
    });
    server = createServer((request, response) => void receiver.handle(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${TOKEN}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const signed = (body: string, id = 'msg_1') => new WebhookSender(url, SECRET).headers(id, body);
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>, to = url) =>
    fetch(to, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });

  async function refused(answer: Response, status: number, code: string): Promise<void> {
    assert.equal(answer.status, status);
    assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);
    assert.equal(((await answer.json()) as { code: string }).code, code);
    assert.deepEqual(kept, []);
  }

  it('keeps a delivery without its secrets, and says so when it comes again', async () => {
    const headers = {
      ...signed('{"a":1}'),
      authorization: 'Bearer x',
      cookie: 'a=b',
      'x-api-key': 'k',
      'x-plant': '1',
    };
    const send = async () => (await post('{"a":1}', headers, `${url}?line=7&access_token=t`)).status;
    assert.deepEqual([await send(), await send(), await send()], [202, 200, 200]);
    const [[id, , delivery] = []] = kept;
    assert.equal(kept.length, 1);
    assert.equal(id, 'node');
    assert.equal(Buffer.from(delivery?.body ?? '', 'base64').toString(), '{"a":1}');
    assert.deepEqual(delivery?.query, { line: '7' });
    assert.equal(delivery?.headers['x-plant'], '1');
    for (const name of ['authorization', 'cookie', 'x-api-key']) assert.ok(!(name in (delivery?.headers ?? {})), name);
  });

  it('answers as it is told', async () => {
    webhook = { ...webhook, answer: 204 };
    assert.equal((await post('{}', signed('{}'))).status, 204);
  });

  it('says the same to everything that does not prove to be its sender, and nothing of why', async () => {
    const answers = [
      await post('{}', {}),
      await post('{} ', signed('{}')),
      await post('{}', { ...signed('{}'), 'webhook-timestamp': '1' }),
      await post('{}', { ...signed('{}'), 'webhook-id': 'msg_2' }),
      await post('no json', {}),
    ];
    const texts = new Set(await Promise.all(answers.map((answer) => answer.clone().text())));
    assert.equal(texts.size, 1);
    for (const answer of answers) await refused(answer, 401, 'PCP_WEBHOOK_UNVERIFIED');
    assert.equal(refusals.length, answers.length);
  });

  it('does not know an address that is not there, and has senders wait for one that is not open yet', async () => {
    await refused(await post('{}', signed('{}'), url.replace(TOKEN, 'other')), 404, 'PCP_WEBHOOK_UNKNOWN');
    await refused(await post('{}', signed('{}'), `${new URL(url).origin}///`), 404, 'PCP_WEBHOOK_UNKNOWN');
    isOpen = false;
    const answer = await post('{}', signed('{}'));
    assert.ok(answer.headers.get('retry-after'));
    await refused(answer, 503, 'PCP_WEBHOOK_CLOSED');
  });

  it('has senders come again while the store is away', async () => {
    storeFailure = new Error('connect ECONNREFUSED 10.0.0.1:5432');
    const answer = await post('{}', signed('{}'));
    assert.doesNotMatch(await answer.clone().text(), /10\.0\.0\.1/);
    await refused(answer, 503, 'PCP_WEBHOOK_STORE');
  });

  it('refuses what is too large, by what it says and by what comes, packed or not', async () => {
    const large = JSON.stringify('x'.repeat(999));
    await refused(await post(large, signed(large)), 413, 'PCP_WEBHOOK_TOO_LARGE');
    const chunks = new Blob([large]).stream();
    const init = { method: 'POST', body: chunks, headers: { ...JSON_TYPE, ...signed(large) }, duplex: 'half' };
    await refused(await fetch(url, init as RequestInit), 413, 'PCP_WEBHOOK_TOO_LARGE');
    const cut = new Uint8Array(gzipSync('{"a":1}').subarray(0, -8));
    await refused(await post(cut, { 'content-encoding': 'gzip' }), 400, 'PCP_WEBHOOK_BODY');
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(100_000)));
    assert.ok(bomb.length < 1000);
    await refused(await post(bomb, { 'content-encoding': 'gzip' }), 413, 'PCP_WEBHOOK_TOO_LARGE');
    const fits = JSON.stringify('x'.repeat(998));
    assert.equal((await post(fits, signed(fits))).status, 202);
  });

  it('verifies a packed body as it was before or after it was packed', async () => {
    const packed = new Uint8Array(gzipSync('{"a":1}'));
    const { timestamp, signature } = signStandardWebhook('msg_2', Date.now(), packed, [SECRET]);
    const ofBytes = { 'webhook-id': 'msg_2', 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    for (const headers of [signed('{"a":1}'), ofBytes]) {
      assert.equal((await post(packed, { ...headers, 'content-encoding': 'gzip' })).status, 202);
    }
    assert.deepEqual(
      kept.map(([, , { body }]) => Buffer.from(body, 'base64').toString()),
      ['{"a":1}', '{"a":1}'],
    );
    assert.equal((await post(packed, { ...signed('{"a":2}'), 'content-encoding': 'gzip' })).status, 401);
    assert.equal((await post(packed, { ...signed('{"a":1}'), 'content-encoding': 'zip' })).status, 415);
  });

  it('takes JSON, forms, XML, text and bytes, and nothing else', async () => {
    let sent = 0;
    const takes = async (type: string, body: string) =>
      (await post(body, { ...signed(body, `msg_${++sent}`), 'content-type': type })).status;
    assert.equal(await takes('application/cloudevents+json; charset=UTF-8', '{}'), 202);
    assert.equal(await takes('application/x-www-form-urlencoded', 'a=1&a=2'), 202);
    assert.equal(await takes('application/xml', '<a/>'), 202);
    assert.equal(await takes('text/plain', 'a'), 202);
    assert.equal(await takes('application/octet-stream', 'a'), 202);
    assert.equal(await takes('multipart/form-data; boundary=x', 'a'), 415);
    assert.equal(await takes('application/json', '{"a":'), 400);
    assert.equal(await takes('application/json', '{"__proto__": {"a": 1}}'), 400);
    assert.equal(await takes('application/json', '['.repeat(100) + ']'.repeat(100)), 400);
    assert.equal(await takes('text/plain; charset=no-such', 'a'), 400);
  });

  it('takes forms with a limited number of fields, each of which may come several times', async () => {
    const type = 'application/x-www-form-urlencoded';
    webhook = { ...webhook, bodyLimit: 100_000 };
    const sent = (count: number) => {
      const body = Array(count).fill('a=1').join('&');
      return post(body, { ...signed(body), 'content-type': type });
    };
    await refused(await sent(10_001), 400, 'PCP_WEBHOOK_BODY');
    assert.equal((await sent(10_000)).status, 202);
    assert.deepEqual(parseContent(Buffer.from('a=1&b=2&a=3'), type), { a: ['1', '3'], b: '2' });
  });

  it('takes a limited number per second', async () => {
    let now = 0;
    limit = new RateLimit(2, () => now);
    const codes = [];
    for (const id of ['1', '2', '3']) codes.push((await post('{}', signed('{}', id))).status);
    now = 500;
    for (const id of ['4', '5']) codes.push((await post('{}', signed('{}', id))).status);
    assert.deepEqual(codes, [202, 202, 429, 202, 429]);
  });

  it('keeps nothing of a sender that goes away in the middle', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`POST /${TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{`);
    await once(server, 'request');
    socket.destroy();
    assert.equal((await post('{}', signed('{}'))).status, 202);
    while (refusals.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(refusals[0]?.code, 'PCP_WEBHOOK_BODY');
    assert.equal(kept.length, 1);
  });

  describe('challenges', () => {
    const asked = async (answer: Response) => [answer.status, answer.headers.get('content-type'), await answer.text()];
    const echoed = (text: string) => [200, 'text/plain; charset=utf-8', text];

    it('gives Microsoft Graph its token back, unsigned, and keeps nothing of it', async () => {
      webhook = { ...webhook, challenge: { kind: 'microsoft_graph', verifyToken: null } };
      const question = `${url}?validationToken=${encodeURIComponent('Validation: <b>& +1')}`;
      assert.deepEqual(await asked(await fetch(question, { method: 'POST' })), echoed('Validation: <b>& +1'));
      assert.equal((await fetch(question)).status, 405);
      assert.deepEqual(kept, []);
    });

    it('gives hub.challenge back to whoever knows the verify token', async () => {
      webhook = { ...webhook, challenge: { kind: 'hub_challenge', verifyToken: 'v3rify' } };
      const question = `${url}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=`;
      assert.deepEqual(await asked(await fetch(`${question}v3rify`)), echoed('1158201444'));
      assert.equal((await fetch(`${question}other`)).status, 405);
    });

    it('answers none that it is not told to', async () => {
      assert.equal((await fetch(`${url}?challenge=x&hub.challenge=y`)).status, 405);
      assert.equal((await fetch(`${url}?validationToken=x`, { method: 'POST' })).status, 401);
    });
  });
});
