import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Delivery, Identity } from '../../lib/model/incoming-webhook';
import type { Hub, MappingInput } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { insertRun, newJobId, newRun } from '../../lib/sync/runs/run-rows';
import { RunStarter } from '../../lib/webhooks/incoming/run-starter';
import { TestEngine } from '../support/engine';
import { openHub, temporaryDirectory } from '../support/hub';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const HOOK = 'a1b2c3d4e5f60718';

const delivery = (id: string): Delivery => ({
  ...{ id, received_at: '2026-11-27T12:00:00.000Z', headers: {}, query: {}, body: '' },
});

const sent = (key: string): Identity => ({ id: key, key });

for (const kind of storeKinds) {
  describe(`runs that deliveries start, on ${kind.name}`, () => {
    let place: StorePlace;
    let hub: Hub;
    let folder: string;
    let input: MappingInput;
    let mappingId: number;

    beforeEach(async function () {
      place = await kind.place(this);
      folder = join(place.options.directory, 'files');
      await mkdir(folder);
      await writeFile(join(folder, 'materials.csv'), 'id\nM-1\n');
      await open();
      const config = { root: folder };
      const { id } = await hub.connections.create({ name: 'erp', connector_type: 'generic.file', config });
      input = {
        ...{ connection_id: id, name: 'materials', entity_type: 'material', direction: 'import' },
        ...{ source_entity: 'materials.csv', target_entity: 'material' },
        field_mappings: [{ source: 'id', target: 'material' }],
      };
      ({ id: mappingId } = await hub.mappings.create(input));
    });
    afterEach(async () => {
      await hub?.close();
      if (folder) await rm(folder, { recursive: true });
      await place?.remove();
    });

    async function open(): Promise<void> {
      const { directory, url } = place.options;
      hub = await openHub(directory, { storeUrl: url });
    }

    const logs = async (): Promise<SyncLog[]> => (await hub.sync.logs({ mapping_id: mappingId })).items;
    const waiting = async (): Promise<number> => {
      const [row] = await hub.database.query(
        `SELECT COUNT(*) AS n FROM integration_webhook_inbox WHERE state = 'waiting'`,
      );
      return Number(row?.n);
    };
    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      while (!(await condition())) await pause(20);
    };
    const allEnded = async () => (await waiting()) === 0 && (await logs()).every(({ ended_at }) => ended_at !== null);

    it('read what was reported, and say what started them', async () => {
      hub.webhookInbox.attach(HOOK, { to: 'mapping', mappingId }, 'Orders');
      assert.equal(await hub.webhookInbox.keep(HOOK, sent('k1'), delivery('e1')), true);
      assert.equal(await hub.webhookInbox.keep(HOOK, sent('k1'), delivery('e1')), false);
      await until(async () => (await logs()).length > 0 && (await allEnded()));
      assert.deepEqual(
        (await logs()).map(({ status, details }) => [status, details.trigger, details.created]),
        [['success', 'webhook', 1]],
      );
    });

    it('are few for many deliveries, none of which comes after the last of them', async () => {
      hub.webhookInbox.attach(HOOK, { to: 'mapping', mappingId }, 'Orders');
      for (let number = 2; number <= 50; number++) {
        await writeFile(join(folder, 'materials.csv'), `id\nM-${number}\n`);
        await hub.webhookInbox.keep(HOOK, sent(`k${number}`), delivery(`e${number}`));
      }
      await until(allEnded);
      assert.equal((await hub.records.get('material', ['M-50'])).material, 'M-50');
      const states = new Set((await logs()).map(({ details }) => details.state));
      assert.deepEqual([...states], ['succeeded'], 'none was started to be skipped');
    });

    it('begin when their mapping is active again, also after a restart', async () => {
      await hub.mappings.update(mappingId, { ...input, is_active: false });
      hub.webhookInbox.attach(HOOK, { to: 'mapping', mappingId }, 'Orders');
      await hub.webhookInbox.keep(HOOK, sent('k1'), delivery('e1'));
      await hub.close();
      await open();
      assert.equal(await waiting(), 1);
      assert.deepEqual(await logs(), []);
      await hub.mappings.update(mappingId, { ...input, is_active: true });
      hub.webhookInbox.attach(HOOK, { to: 'mapping', mappingId }, 'Orders');
      await until(async () => (await logs()).length > 0 && (await allEnded()));
      assert.deepEqual(
        (await logs()).map(({ status }) => status),
        ['success'],
      );
    });
  });
}

describe('runs that deliveries start, of a mapping that goes both ways', () => {
  it('read again what a running import is past, though an export waits', async () => {
    const directory = await temporaryDirectory();
    const engine = await TestEngine.open(directory.path);
    try {
      const { connections, mappings, sync } = engine;
      const { database } = engine.store;
      const { id } = await connections.create({ name: 'erp', connector_type: 'generic.file', config: {} });
      const mapping = await mappings.create({
        ...{ connection_id: id, name: 'materials', entity_type: 'material', direction: 'bidirectional' },
        ...{ source_entity: 'materials.csv', target_entity: 'material' },
        field_mappings: [{ source: 'id', target: 'material' }],
      });
      const runs = new RunStarter({ database, mappings, connections, starter: sync.starter, wakeRunner: () => {} });
      let told = 0;
      const report = () => runs.start(mapping.id, async () => ++told > 0);
      const states = async () =>
        (await sync.logs({ mapping_id: mapping.id })).items
          .map(({ direction, details }) => `${direction} ${details.state}`)
          .sort();
      await sync.start(id, {});
      await database.execute(`UPDATE integration_sync_logs SET state = 'running' WHERE direction = 'import'`);
      await report();
      assert.deepEqual(await states(), ['export queued', 'import queued', 'import running']);
      await report();
      assert.deepEqual(await states(), ['export queued', 'import queued', 'import running']);
      assert.equal(told, 2);
    } finally {
      await engine.close();
      await directory.remove();
    }
  });

  it('wait behind a run and a repair, neither of which reads what was reported', async () => {
    const directory = await temporaryDirectory();
    const engine = await TestEngine.open(directory.path);
    try {
      const { connections, mappings, sync } = engine;
      const { database } = engine.store;
      const { id } = await connections.create({ name: 'erp', connector_type: 'generic.file', config: {} });
      const mapping = await mappings.create({
        ...{ connection_id: id, name: 'materials', entity_type: 'material', direction: 'import' },
        ...{ source_entity: 'materials.csv', target_entity: 'material' },
        field_mappings: [{ source: 'id', target: 'material' }],
      });
      await sync.start(id, {});
      await database.execute(`UPDATE integration_sync_logs SET state = 'running'`);
      const repair = { ...newRun(mapping, 'import', newJobId()), kind: 'repair' as const };
      await database.transaction((transaction) => insertRun(transaction, repair, Date.now()));
      const runs = new RunStarter({ database, mappings, connections, starter: sync.starter, wakeRunner: () => {} });
      await runs.start(mapping.id, async () => true);
      const { items } = await sync.logs({ mapping_id: mapping.id });
      const found = items.map(({ details }) => `${details.kind} ${details.state}`).sort();
      assert.deepEqual(found, ['repair queued', 'sync queued', 'sync running']);
    } finally {
      await engine.close();
      await directory.remove();
    }
  });
});
