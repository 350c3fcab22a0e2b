import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditEntry } from '../../lib/model/audit';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';

describe('what deploys change', () => {
  let hub: Hub;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
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
});
