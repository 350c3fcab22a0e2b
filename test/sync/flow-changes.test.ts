import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditEntry } from '../../lib/model/audit';
import type { Hub } from '../../lib/model/services';
import { parseKey } from '../../lib/security/keys';
import { openHub, temporaryDirectory } from '../support/hub';
import { WebhookReceiver } from '../support/webhook-receiver';

describe('what deploys change', () => {
  let hub: Hub;
  let directory: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    hub = await openHub(directory);
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
  });

  async function entries(count: number): Promise<AuditEntry[]> {
    for (;;) {
      const { items } = await hub.audit.list({});
      if (items.length >= count) return items.reverse();
      await delay(10);
    }
  }

  it('is on record by the node that changed it, without secrets, and nothing where nothing changed', async () => {
    const config = { dialect: 'postgres', host: 'h', database: 'd', username: 'u' };
    const input = { name: 'erp', connector_type: 'generic.database', config, credentials: { password: 'canary' } };
    const { id } = await hub.connections.registerFlow('node-1', input);
    await hub.connections.registerFlow('node-1', input);
    await hub.connections.registerFlow('node-1', { ...input, config: { ...config, host: 'other' } });
    const mapping = {
      ...{ connection_id: id, name: 'orders', entity_type: 'production_order', direction: 'import' as const },
      ...{ source_entity: 'orders', target_entity: 'production_order' },
      field_mappings: [{ source: 'no', target: 'order_number' }],
    };
    await hub.mappings.registerFlow('node-2', mapping);
    await hub.mappings.registerFlow('node-2', mapping);
    await hub.mappings.releaseFlow('node-2');
    await hub.connections.releaseFlow('node-1');
    const found = await entries(5);
    assert.deepEqual(
      found.map(({ action, actor, actor_name, outcome, connection_id }) =>
        [action, actor, actor_name, outcome, connection_id].join(' '),
      ),
      [
        `deployConnection node:node-1 erp done ${id}`,
        `deployConnection node:node-1 erp done ${id}`,
        `deployMapping node:node-2 orders done ${id}`,
        `retireMapping node:node-2 orders done ${id}`,
        `retireConnection node:node-1 erp done ${id}`,
      ],
    );
    const [created, changed] = found.map(({ details }) => details as Record<'before' | 'after', { config?: object }>);
    assert.equal(created?.before, undefined);
    assert.deepEqual([changed?.before, changed?.after], [{ config }, { config: { ...config, host: 'other' } }]);
    assert.ok(!JSON.stringify(found).includes('canary'));
    assert.equal((await hub.audit.verify()).broken_at, null);
  });

  it('names the secrets that are others now, as far as this process knew them', async () => {
    const config = { base_url: 'http://erp.plant', authentication: 'basic', username: 'u' };
    const input = { name: 'erp', connector_type: 'generic.rest', config };
    const deploy = (password: string) =>
      hub.connections.registerFlow('node-1', { ...input, credentials: { password } });
    await deploy('canary-1');
    await deploy('canary-2');
    await deploy('canary-2');
    await hub.close();
    hub = await openHub(directory);
    await deploy('canary-3');
    await deploy('canary-4');
    const found = await entries(3);
    assert.deepEqual(
      found.map(({ details: { given, after } }) => [given, Object.keys(after as object).length > 0]),
      [
        [['password'], true],
        [['password'], false],
        [['password'], false],
      ],
    );
    assert.ok(!JSON.stringify(found).includes('canary'));
  });

  it('is beside what the hub does by itself: keys of the vault, webhooks that it switches off', async () => {
    const receiver = await WebhookReceiver.start();
    receiver.answer = (response) => response.writeHead(410).end();
    await hub.close();
    const [key, next] = ['11'.repeat(32), '22'.repeat(32)];
    hub = await openHub(directory, { key });
    const { id } = await hub.webhooks.create({ name: 'hook', url: receiver.url, event_type: '*' });
    await hub.deliveries.trigger(id, {});
    await entries(1);
    await hub.close();
    hub = await openHub(directory, { key: `${next},${key}` });
    const found = await entries(2);
    const [before, after] = [{ is_active: true }, { is_active: false, disabled_reason: 'gone' }];
    assert.deepEqual(
      found.map(({ actor, action, subject, details }) => [actor, action, subject, details]),
      [
        ['hub:', 'disableWebhook', `/webhooks/${id}`, { before, after }],
        ['hub:', 'rotateKeys', `key:${parseKey(next, 'test').id}`, { sealed_anew: 1 }],
      ],
    );
    await receiver.stop();
  });
});
