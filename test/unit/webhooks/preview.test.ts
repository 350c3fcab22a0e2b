import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TemplateLanguage } from '../../../lib/model/webhook';
import { Vault } from '../../../lib/security/vault';
import { Deliveries } from '../../../lib/webhooks/outgoing/deliveries';
import { noSignIn } from '../../support/no-sign-in';
import { newStore, type StoreKind, storeKinds, type TestStore } from '../store/stores';

describe('the preview of a webhook', () => {
  let test: TestStore;
  let deliveries: Deliveries;
  before(async function () {
    test = await newStore(storeKinds[0] as StoreKind, this);
    deliveries = new Deliveries({
      database: test.store.database,
      vault: new Vault([{ id: 'k1', key: randomBytes(32) }]),
      webhook: () => Promise.reject(new Error('There is none.')),
      allowedTargets: [],
      signIn: noSignIn,
      expressionHeapMb: 96,
      days: 30,
      clock: Date,
      log: () => undefined,
    });
  });
  after(async () => {
    await deliveries?.close();
    await test?.dispose();
  });

  it('shows what would be sent, and what is wrong at its place', async () => {
    const event = { type: 'run.failed', timestamp: '2026-11-24T05:00:00.000Z', data: { n: 2 } } as const;
    const preview = (payload_template: string | null, template_language: TemplateLanguage = 'jsonata') =>
      deliveries.preview({ payload_template, template_language, event });
    assert.deepEqual(await preview(null), { type: 'application/json', body: JSON.stringify(event) });
    assert.deepEqual(await preview('type & "!"'), { type: 'text/plain; charset=utf-8', body: 'run.failed!' });
    assert.equal(await preview('data.n > 2 ? data'), null);
    const path = '/payload_template';
    await assert.rejects(preview('a +'), { code: 'PCP_EXPRESSION_INVALID', path });
    await assert.rejects(preview('{{#a}}', 'mustache'), { code: 'PCP_TEMPLATE_INVALID', path });
    await assert.rejects(preview('{{data.n}', 'mustache'), { code: 'PCP_TEMPLATE_INVALID', path });
    await assert.rejects(preview('{"n": ', 'mustache'), { code: 'PCP_TEMPLATE_FAILED', path });
    assert.equal(await preview('{{#data.no}}x{{/data.no}}', 'mustache'), null);
    await assert.rejects(preview('$error("no")'), { code: 'PCP_EXPRESSION_FAILED', path });
  });
});
