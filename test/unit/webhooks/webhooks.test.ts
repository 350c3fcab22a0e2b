import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WebhookInput, WebhookWithSecret } from '../../../lib/model/webhook';
import { loadKeys } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { WebhookStore } from '../../../lib/webhooks/outgoing/webhooks';
import { noConnection } from '../../support/no-sign-in';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const NEW_KEY = 'a'.repeat(64);

for (const kind of storeKinds) {
  describe(`webhooks kept in ${kind.name}`, function () {
    this.timeout(60_000);
    let keys: string;
    let test: TestStore;
    let webhooks: WebhookStore;

    beforeEach(async function () {
      keys = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
      test = await newStore(kind, this);
      webhooks = new WebhookStore(
        test.store,
        new Vault(loadKeys({ directory: keys })),
        Date,
        () => undefined,
        noConnection,
      );
    });
    afterEach(async () => {
      await test?.dispose();
      rmSync(keys, { recursive: true, force: true });
    });

    const create = (more: Partial<WebhookInput> = {}): Promise<WebhookWithSecret> =>
      webhooks.create({ name: `hook ${Math.random()}`, url: 'https://plant.example/', event_type: '*', ...more });

    it('show no header but those of which it is known what they hold', async () => {
      const names = ['x-functions-key', 'Ocp-Apim-Subscription-Key', 'X-Auth', 'Cookie', 'Signature'];
      const headers = Object.fromEntries(names.map((name) => [name, 'canary']));
      const created = await create({ headers: { ...headers, 'Content-Type': 'text/plain', 'X-Plant': '1000' } });
      const shown = { 'Content-Type': 'text/plain', 'X-Plant': '1000' };
      assert.deepEqual(created.headers, { ...Object.fromEntries(names.map((name) => [name, true])), ...shown });
      const rows = await test.store.database.query('SELECT * FROM integration_webhooks');
      assert.ok(!JSON.stringify(rows).includes('canary'));
    });

    it('have an address that can be sent to, private ones and this machine among them', async () => {
      for (const url of ['ftp://plant.example/', 'http://user:password@plant.example/', 'nowhere']) {
        await assert.rejects(create({ url }), { code: 'PCP_URL_REFUSED', path: '/url' });
      }
      const never = ['169.254.169.254', '0.0.0.0:1', '[::ffff:a9fe:a9fe]', '[fe80::1]', '2852039166', '224.0.0.1'];
      for (const host of never) {
        await assert.rejects(create({ url: `http://${host}/` }), { code: 'PCP_ADDRESS_REFUSED', path: '/url' }, host);
      }
      const { id } = await create({ url: 'http://10.0.0.7:8080/hooks' });
      for (const host of ['127.0.0.1:1880', '[::1]', 'plant.example', '198.18.example']) {
        await webhooks.update(id, { name: 'hook', url: `http://${host}/`, event_type: '*' });
      }
    });

    it('keep their secrets to themselves, and with the place they were typed for', async () => {
      const webhook = await create({
        headers: { 'X-Api-Key': 'canary-key' },
        signature: 'github',
        secret: 'x'.repeat(20),
      });
      const moved = { ...webhook, secret: null, url: 'https://elsewhere.example/' };
      await assert.rejects(webhooks.update(webhook.id, moved), {
        code: 'PCP_SECRET_NEEDED',
        path: '/headers/X-Api-Key',
      });
      await webhooks.update(webhook.id, { ...moved, headers: { 'X-Api-Key': 'canary-other' } });
      const standard = { ...webhook, secret: null, signature: 'standard' as const };
      await assert.rejects(webhooks.update(webhook.id, { ...standard, headers: {} }), { code: 'PCP_WEBHOOK_SECRET' });
      await assert.rejects(create({ headers: { Cookie: true } }), { code: 'PCP_WEBHOOK_HEADER_VALUE' });
      for (const name of ['Host', 'webhook-id', 'Content-Length', 'X-Hub-Signature-256', 'a b', '']) {
        await assert.rejects(create({ headers: { [name]: 'x' } }), { code: 'PCP_WEBHOOK_HEADER' }, name);
      }
      await assert.rejects(create({ headers: { 'X-A': 'one\r\nX-B: two' } }), { code: 'PCP_WEBHOOK_HEADER' });
      await assert.rejects(create({ event_type: 'run.failled' }), { code: 'PCP_WEBHOOK_EVENT' });
      await assert.rejects(create({ payload_template: 'a +' }), { code: 'PCP_EXPRESSION_INVALID' });
      const mustache = { payload_template: '{{#a}}', template_language: 'mustache' as const };
      await assert.rejects(create(mustache), { code: 'PCP_TEMPLATE_INVALID' });
      const rows = await test.store.database.query('SELECT * FROM integration_webhooks');
      assert.ok(!JSON.stringify(rows).includes('canary'));
      const renewed = new Vault([
        ...loadKeys({ directory: keys, environment: NEW_KEY }),
        ...loadKeys({ directory: keys }),
      ]);
      assert.equal(
        await new WebhookStore(test.store, renewed, Date, () => undefined, noConnection).rotateKeys(),
        rows.length,
      );
    });
  });
}
