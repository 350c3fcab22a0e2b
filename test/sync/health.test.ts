import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { openHub } from '../support/hub';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

describe('health of the hub', () => {
  let opened: TestStore;
  let hub: Hub;

  afterEach(async () => {
    await hub?.close();
    await opened?.dispose();
  });

  it('is told although the store does not answer', async function () {
    opened = await newStore(storeKinds.find(({ name }) => name === 'PostgreSQL')!, this);
    const { directory, url: storeUrl } = opened.options;
    hub = await openHub(directory, { storeUrl });
    assert.equal((await hub.health()).status, 'ok');
    await opened.store.database.transaction(async (transaction) => {
      await transaction.execute('LOCK TABLE integration_sync_logs IN ACCESS EXCLUSIVE MODE');
      const { status, store } = await hub.health();
      assert.deepEqual([status, store.ok, store.error], ['degraded', false, 'The store does not answer.']);
    });
    assert.equal((await hub.health()).status, 'ok');
  });
});
