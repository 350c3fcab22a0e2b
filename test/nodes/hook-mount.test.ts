import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { NodeAPI } from 'node-red';
import type { WebhookInbox } from '../../lib/model/incoming-webhook';
import type { Hub } from '../../lib/model/services';
import { RateLimit } from '../../lib/webhooks/incoming/rate-limit';
import type { Refusal } from '../../lib/webhooks/incoming/refusal';
import { closeEndpoint, endpointsAreOpen, openEndpoint } from '../../nodes/hook-endpoints';
import { provideHub } from '../../nodes/hub-access';
import { mountHooks } from '../../nodes/plugin/hook-mount';
import { WebhookSender } from '../support/webhook-sender';

const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const PATH = `/integrations/hooks/${TOKEN}`;
const BODY = '{"a":  1}';

/** Express as Node-RED, or a program that holds Node-RED, puts it together. */
describe('webhooks below the HTTP nodes', () => {
  let server: Server;
  let kept: string[];
  let refusals: Refusal[];

  beforeEach(() => {
    [kept, refusals] = [[], []];
    const webhookInbox: Pick<WebhookInbox, 'keep'> = {
      keep: async (_webhook, _key, { body }) => {
        kept.push(Buffer.from(body, 'base64').toString());
        return true;
      },
    };
    provideHub(async () => ({ webhookInbox }) as unknown as Hub);
    openEndpoint('node', {
      webhook: {
        ...{ id: 'node', token: TOKEN, secrets: [SECRET], challenge: null, bodyLimit: 1000, rate: 1000, answer: 202 },
        verification: { method: 'standard', tolerance: 300 },
      },
      limit: new RateLimit(1000, () => 0),
      onRefused: (refusal) => refusals.push(refusal),
    });
    endpointsAreOpen();
  });
  afterEach(async () => {
    closeEndpoint('node', true);
    provideHub(null);
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** @param inFront of the HTTP nodes, as Node-RED mounts its admin side and httpNodeAuth */
  async function serve(
    inFront: RequestHandler[],
    settings: Record<string, unknown> = {},
  ): Promise<(headers?: Record<string, string>) => Promise<Response>> {
    const root = express();
    const httpNode = express();
    for (const handler of inFront) root.use(handler);
    root.use('/nodes', httpNode);
    mountHooks({ httpNode, settings } as unknown as NodeAPI);
    server = createServer(root).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/nodes${PATH}`;
    const signed = new WebhookSender(url, SECRET).headers('msg_1', BODY);
    return (headers = {}) =>
      fetch(url, {
        method: 'POST',
        body: BODY,
        headers: { 'content-type': 'application/json', ...signed, ...headers },
      });
  }

  const eager: RequestHandler = (request, _response, next) => {
    request.resume();
    request.once('end', () => next());
  };

  it('get the bytes as they were sent, past parsers that are mounted in front', async () => {
    const post = await serve([express.json(), express.urlencoded({ extended: true }), express.text({ type: '*/*' })]);
    assert.equal((await post()).status, 202);
    assert.deepEqual(kept, [BODY]);
  });

  for (const [where, inFront, settings] of [
    ['in front', [eager], {}],
    ['of the HTTP nodes', [], { httpNodeMiddleware: eager }],
  ] satisfies [string, RequestHandler[], Record<string, unknown>][]) {
    it(`refuse what a middleware ${where} has read, and say so`, async () => {
      const post = await serve(inFront, settings);
      const answer = await post();
      assert.equal(answer.status, 503);
      assert.ok(answer.headers.get('retry-after'));
      assert.deepEqual(
        refusals.map(({ code }) => code),
        ['PCP_WEBHOOK_BODY_READ'],
      );
      assert.deepEqual(kept, []);
    });
  }

  it('are guarded by what guards the HTTP nodes', async () => {
    const guard: RequestHandler = (request, response, next) => {
      if (request.headers['x-guard'] === 'open') setImmediate(next);
      else response.sendStatus(403);
    };
    const post = await serve([guard], { httpNodeMiddleware: [guard] });
    assert.equal((await post()).status, 403);
    assert.equal((await post({ 'x-guard': 'open' })).status, 202);
    assert.deepEqual(kept, [BODY]);
  });

  it('have senders wait while their node is deployed anew, and are gone with it', async () => {
    const post = await serve([]);
    closeEndpoint('node', false);
    assert.equal((await post()).status, 503);
    closeEndpoint('node', true);
    assert.equal((await post()).status, 404);
  });
});
