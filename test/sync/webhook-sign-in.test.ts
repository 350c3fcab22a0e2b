import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenConnection } from '../../lib/model/connection';
import type { WebhookExecution, WebhookWithSecret } from '../../lib/model/webhook';
import { Vault } from '../../lib/security/vault';
import { SignInStore } from '../../lib/sync/http/sign-ins';
import { RefusedSignIns } from '../../lib/sync/sign-ins/refused-sign-ins';
import { Deliveries } from '../../lib/webhooks/outgoing/deliveries';
import { WebhookStore } from '../../lib/webhooks/outgoing/webhooks';
import { AUTHORITY, CLIENT, SERVER } from '../support/certificates';
import { WebhookReceiver } from '../support/webhook-receiver';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const MINUTE = 60_000;

describe('webhooks that sign in as a connection does', function () {
  this.timeout(60_000);
  let test: TestStore;
  let webhooks: WebhookStore;
  let deliveries: Deliveries;
  let receiver: WebhookReceiver;
  let connection: OpenConnection;
  let now = Date.now();

  beforeEach(async function () {
    const [sqlite] = storeKinds;
    test = await newStore(sqlite!, this);
    receiver = await WebhookReceiver.start();
    const { database } = test.store;
    const vault = new Vault([{ id: 'k1', key: randomBytes(32) }]);
    const clock = { now: () => now };
    const openConnection = async () => connection;
    webhooks = new WebhookStore(test.store, vault, clock, () => undefined, openConnection);
    deliveries = new Deliveries({
      ...{ database, vault, clock, webhook: (id) => webhooks.row(id), log: () => undefined },
      ...{ allowedTargets: [], expressionHeapMb: 96, days: 30 },
      signIn: {
        openConnection,
        refused: new RefusedSignIns(database, vault),
        signIns: new SignInStore(database, vault, () => undefined),
      },
    });
  });
  afterEach(async () => {
    await deliveries?.close();
    await receiver?.stop();
    await test?.dispose();
  });

  function signInBy(config: Record<string, unknown>, credentials: Record<string, string>): void {
    const { origin } = new URL(receiver.url);
    connection = {
      ...{ id: 7, name: 'Plant', connector_type: 'generic.rest', credentials },
      config: { base_url: `${origin}/api`, ...config },
    };
  }

  const create = (url = receiver.url): Promise<WebhookWithSecret> =>
    webhooks.create({ name: 'hook', url, event_type: '*', options: { sign_in_as: 7, max_concurrency: 1 } });

  /** When each was tried so often, or is over. */
  async function tried({ id }: { id: number }, attempts: number): Promise<WebhookExecution[]> {
    for (;;) {
      await deliveries.look();
      const { items } = await deliveries.list(id, {});
      const isTried = items.every((one) => one.attempts.length >= attempts || one.status !== 'pending');
      if (isTried && (await webhooks.row(id)).sender === null) return items;
      await delay(5);
    }
  }

  it('ask for a token once, and keep no answer that repeats it', async () => {
    signInBy(
      { authentication: 'oauth2', token_url: new URL('/token', receiver.url).href, client_id: 'hub' },
      { client_secret: 'canary-secret' },
    );
    receiver.answer = (response, { path, headers }) => {
      if (path === '/token') {
        const token = { access_token: 'canary-token', token_type: 'Bearer', expires_in: 3600 };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(token));
      } else response.end(headers.authorization?.slice('Bearer '.length));
    };
    const webhook = await create();
    for (let event = 0; event < 3; event++) {
      await deliveries.trigger(webhook.id, {});
      await tried(webhook, 1);
    }
    const paths = receiver.got.map(({ path }) => path);
    assert.deepEqual(paths, ['/token', ...Array.from({ length: 3 }, () => '/hooks?from=pcp')]);
    assert.equal(receiver.got[1]?.headers.authorization, 'Bearer canary-token');
    assert.ok(receiver.got[1]?.headers['webhook-signature']);
    const executions = await tried(webhook, 1);
    assert.deepEqual(
      executions.map(({ status }) => status),
      ['success', 'success', 'success'],
    );
    assert.ok(!JSON.stringify(executions).includes('canary'));
  });

  it('show the certificate of the connection', async () => {
    await receiver.stop();
    receiver = await WebhookReceiver.start(0, {
      ...SERVER,
      ca: AUTHORITY,
      requestCert: true,
      rejectUnauthorized: true,
    });
    signInBy({ authentication: 'mtls', tls_ca: AUTHORITY }, { certificate: CLIENT.cert, private_key: CLIENT.key });
    const webhook = await create();
    await deliveries.trigger(webhook.id, {});
    assert.equal((await tried(webhook, 1))[0]?.status, 'success');
  });

  it('try a password that was refused no more, until it is another one', async () => {
    signInBy({ authentication: 'basic', username: 'hub' }, { password: 'old' });
    receiver.answer = (response, { headers }) => {
      const isRight = headers.authorization === `Basic ${Buffer.from('hub:new').toString('base64')}`;
      response.writeHead(isRight ? 200 : 401).end();
    };
    const webhook = await create();
    await deliveries.trigger(webhook.id, {});
    await tried(webhook, 1);
    now += MINUTE;
    const [refused] = await tried(webhook, 2);
    assert.deepEqual(
      refused?.attempts.map(({ error_code }) => error_code),
      ['PCP_HTTP_UNAUTHORIZED', 'PCP_SIGN_IN_REFUSED'],
    );
    assert.equal(receiver.got.length, 1);
    signInBy({ authentication: 'basic', username: 'hub' }, { password: 'new' });
    now += 10 * MINUTE;
    assert.equal((await tried(webhook, 3))[0]?.status, 'success');
    assert.equal(receiver.got.length, 2);
  });

  it('are not taken with the secrets of another place', async () => {
    signInBy({ authentication: 'bearer' }, { token: 'canary' });
    const wrong = { code: 'PCP_WEBHOOK_SIGN_IN', path: '/options/sign_in_as' };
    await assert.rejects(create('https://elsewhere.example/hooks'), wrong);
    const webhook = await create();
    const moved = { ...webhook, secret: null, url: 'https://elsewhere.example/hooks' };
    await assert.rejects(webhooks.update(webhook.id, moved), wrong);
    // The connection may have been changed since.
    signInBy({ authentication: 'bearer', base_url: 'https://elsewhere.example' }, { token: 'canary' });
    await deliveries.trigger(webhook.id, {});
    const [execution] = await tried(webhook, 1);
    assert.equal(execution?.error_code, 'PCP_WEBHOOK_SIGN_IN');
    assert.equal(receiver.got.length, 0);
  });
});
