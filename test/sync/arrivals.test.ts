import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IntegrationError } from '../../lib/model/errors';
import type { Hub, MappingInput } from '../../lib/model/services';
import { Arrivals } from '../../lib/schedule/arrivals';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import type { Store } from '../../lib/store/store';
import { JobStarter } from '../../lib/sync/runs/start';
import { openHub, temporaryDirectory } from '../support/hub';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const mapping = (connectionId: number, more: Partial<MappingInput> = {}): MappingInput => ({
  connection_id: connectionId,
  name: 'materials',
  entity_type: 'material',
  direction: 'import',
  source_entity: 'in/*.csv',
  target_entity: 'material',
  field_mappings: [{ source: 'id', target: 'material' }],
  options: { on_arrival: true },
  ...more,
});

for (const kind of storeKinds) {
  describe(`what arrives, over ${kind.name}`, function () {
    this.timeout(180_000);
    let keys: string;
    let test: TestStore;
    let mappings: MappingStore;
    let connections: ConnectionStore;
    let mappingId: number;
    let woken: number;
    let present: () => Promise<string | null>;
    const said: string[] = [];
    const all: Arrivals[] = [];

    beforeEach(async function () {
      keys = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
      test = await newStore(kind, this);
      const vault = new Vault(loadKeys({ directory: keys }));
      connections = new ConnectionStore({ store: test.store, vault, validate: () => undefined });
      mappings = new MappingStore({ store: test.store, check: async () => undefined });
      const { id } = await connections.create({ name: 'files', connector_type: 'generic.file' });
      mappingId = (await mappings.create(mapping(id))).id;
      woken = 0;
      said.length = 0;
    });
    afterEach(async () => {
      for (const arrivals of all.splice(0)) await arrivals.stop();
      await test?.dispose();
      rmSync(keys, { recursive: true, force: true });
    });

    /** As in one of several processes. */
    function arrivalsOf({ database }: Store): Arrivals {
      const starter = new JobStarter({
        database: async () => database,
        connections,
        mappings,
        check: async () => undefined,
      });
      const arrivals = new Arrivals({
        ...{ database, mappings, connections, starter },
        runner: { present: () => present() },
        wakeRunner: () => void woken++,
        log: (level, message) => void said.push(`${level} ${message}`),
      });
      all.push(arrivals);
      return arrivals;
    }

    const states = async () =>
      (await test.store.database.query('SELECT state, triggered_by FROM integration_sync_logs ORDER BY id')).map(
        (row) => `${row.state} ${row.triggered_by}`,
      );
    const end = (state: string) => test.store.database.execute('UPDATE integration_sync_logs SET state = ?', [state]);

    it('starts one run, whoever looks', async () => {
      present = async () => 'a';
      const three = [test.store, await test.again(), await test.again()].map(arrivalsOf);
      for (let time = 0; time < 3; time++) await Promise.all(three.map((arrivals) => arrivals.look()));
      assert.deepEqual(await states(), ['queued file']);
      assert.equal(woken, 1);
      await end('failed');
      await Promise.all(three.map((arrivals) => arrivals.look()));
      assert.deepEqual(await states(), ['failed file'], 'what it left starts nothing again');
    });

    it('starts nothing while it is read, and what came meanwhile afterwards', async () => {
      const arrivals = arrivalsOf(test.store);
      present = async () => 'a';
      await arrivals.look();
      present = async () => 'b';
      await arrivals.look();
      assert.deepEqual(await states(), ['queued file']);
      await end('succeeded');
      await arrivals.look();
      assert.deepEqual(await states(), ['succeeded file', 'queued file']);
    });

    it('is new again when it was away in between', async () => {
      const arrivals = arrivalsOf(test.store);
      for (const found of ['a', null, 'a']) {
        present = async () => found;
        await arrivals.look();
        await end('succeeded');
      }
      assert.equal((await states()).length, 2);
    });

    it('is not looked for where nobody wants to know, and says once that nobody can', async () => {
      present = async () => {
        throw new IntegrationError('transient', 'PCP_FILE_ACCESS', 'The folder is away.');
      };
      const arrivals = arrivalsOf(test.store);
      for (let time = 0; time < 3; time++) await arrivals.look();
      assert.deepEqual(
        said.map((line) => line.split(' ')[0]),
        ['warn', 'debug', 'debug'],
      );
      let asked = 0;
      present = async () => {
        asked += 1;
        return 'a';
      };
      const { name, entity_type, ...rest } = mapping((await mappings.get(mappingId)).connection_id);
      await mappings.update(mappingId, { name, entity_type, ...rest, options: { on_arrival: false } });
      await arrivals.look();
      await mappings.update(mappingId, { name, entity_type, ...rest, is_active: false });
      await arrivals.look();
      assert.equal(asked, 0);
    });
  });
}

describe('a file that arrives', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let hub: Hub;

  before(async () => {
    directory = await temporaryDirectory();
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await directory?.remove();
  });

  it('is imported without anybody starting a run, each file once', async () => {
    const root = join(directory.path, 'files');
    await mkdir(join(root, 'in'), { recursive: true });
    const config = { root, settle_seconds: 0, entities: { 'in/*.csv': { path: 'in/*.csv', after_read: 'move' } } };
    const { id } = await hub.connections.create({ name: 'drop', connector_type: 'generic.file', config });
    await hub.mappings.create(mapping(id));
    const arrived = async (total: number) => {
      while ((await hub.records.list('material', { limit: 10 })).total !== total) await new Promise(setImmediate);
    };
    for (let n = 1; n <= 2; n++) {
      await writeFile(join(root, 'in', 'x.tmp'), `id\nM-${n}\n`);
      await rename(join(root, 'in', 'x.tmp'), join(root, 'in', 'x.csv'));
      await arrived(n);
    }
    const { items } = await hub.sync.logs({});
    assert.ok(items.every(({ details }) => details.trigger === 'file'));
  });

  it('is nothing that a database could tell of, or an export', async () => {
    const { id } = await hub.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage: join(directory.path, 'erp.sqlite') },
    });
    const refused = { code: 'PCP_MAPPING_INVALID', path: '/options/on_arrival' };
    await assert.rejects(hub.mappings.create(mapping(id)), refused);
    const { items } = await hub.connections.list({ name: 'drop' });
    await assert.rejects(hub.mappings.create(mapping(items[0]!.id, { name: 'out', direction: 'export' })), refused);
  });
});
