import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Hub, MappingInput } from '../../lib/model/services';
import { jobEnd, openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { OrderExport } from '../support/order-export';
import { StrictApi } from '../support/strict-api';

describe('a mapping whose ends are another place than before', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let hub: Hub;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    hub = await openHub(directory.path);
  });

  afterEach(async () => {
    await hub.close();
    await directory.remove();
  });

  function makeDatabase(name: string): DatabaseSync {
    const database = new DatabaseSync(join(directory.path, name));
    database.exec('CREATE TABLE a (no TEXT PRIMARY KEY, at INTEGER); CREATE TABLE b (no TEXT PRIMARY KEY, at INTEGER)');
    return database;
  }

  const numbers = (database: DatabaseSync, table: string) =>
    database
      .prepare(`SELECT no FROM ${table} ORDER BY no`)
      .all()
      .map(({ no }) => no);
  const connection = (storage: string) => ({
    name: 'legacy',
    connector_type: 'generic.database',
    config: { dialect: 'sqlite', storage: join(directory.path, storage) },
  });
  const orders: Omit<MappingInput, 'connection_id'> = {
    name: 'orders',
    entity_type: 'production_order',
    direction: 'export',
    source_entity: 'a',
    target_entity: 'production_order',
    field_mappings: [{ source: 'no', target: 'order_number' }],
  };

  it('gives a new target everything: another table, then another file', async () => {
    const [one, two] = [makeDatabase('one.db'), makeDatabase('two.db')];
    for (const order_number of ['1', '2']) await hub.records.create('production_order', { order_number });
    const { id: connectionId } = await hub.connections.create(connection('one.db'));
    const input = { ...orders, sync_mode: 'incremental' as const, connection_id: connectionId };
    const { id } = await hub.mappings.create(input);
    assert.equal((await runToEnd(hub, connectionId)).status, 'success');
    await hub.mappings.update(id, { ...input, source_entity: 'b' });
    assert.equal((await runToEnd(hub, connectionId)).status, 'success');
    assert.deepEqual(numbers(one, 'b'), ['1', '2']);
    await hub.connections.update(connectionId, connection('two.db'));
    const foreseen = (await runToEnd(hub, connectionId, { dry_run: true })).logs[0]!;
    assert.deepEqual([foreseen.details.unchanged, foreseen.records_success], [0, 2]);
    assert.deepEqual(numbers(two, 'b'), []);
    await hub.connections.update(connectionId, connection('one.db'));
    one.exec('DELETE FROM b');
    assert.equal((await runToEnd(hub, connectionId)).status, 'success');
    assert.deepEqual(numbers(one, 'b'), [], 'a dry run forgets nothing');
    await hub.connections.update(connectionId, connection('two.db'));
    assert.equal((await runToEnd(hub, connectionId)).status, 'success');
    assert.deepEqual(numbers(two, 'b'), ['1', '2']);
    // And then only what changes, as before.
    const { logs } = await runToEnd(hub, connectionId);
    assert.equal(logs[0]?.details.created, 0);
    one.close();
    two.close();
  });

  it('reads a new source from its beginning, whatever the cursor of the old one', async () => {
    const [one, two] = [makeDatabase('one.db'), makeDatabase('two.db')];
    one.exec("INSERT INTO a VALUES ('1', 5000)");
    two.exec("INSERT INTO a VALUES ('2', 7)");
    const { id: connectionId } = await hub.connections.create(connection('one.db'));
    await hub.mappings.create({
      ...orders,
      connection_id: connectionId,
      direction: 'import',
      sync_mode: 'incremental',
      cursor_field: 'at',
    });
    await runToEnd(hub, connectionId);
    await hub.connections.update(connectionId, connection('two.db'));
    await runToEnd(hub, connectionId);
    const { items } = await hub.records.list('production_order', {});
    assert.deepEqual(
      items.map(({ order_number }) => order_number),
      ['1', '2'],
    );
    one.close();
    two.close();
  });

  it('reads a source from its beginning once its time zone is known', async () => {
    const legacy = makeDatabase('one.db');
    legacy.exec("ALTER TABLE a ADD begins TEXT; INSERT INTO a VALUES ('1', 5000, '2026-05-01T08:00:00')");
    const { id: connectionId } = await hub.connections.create(connection('one.db'));
    const field_mappings = [...orders.field_mappings, { source: 'begins', target: 'actual_start_at' }];
    await hub.mappings.create({
      ...orders,
      connection_id: connectionId,
      direction: 'import',
      sync_mode: 'incremental',
      cursor_field: 'at',
      field_mappings,
    });
    await runToEnd(hub, connectionId);
    // Far behind what an incremental run reads once more.
    legacy.exec("INSERT INTO a VALUES ('2', 900000, NULL)");
    await runToEnd(hub, connectionId);
    await hub.connections.update(connectionId, { ...connection('one.db'), timezone: 'America/Sao_Paulo' });
    await runToEnd(hub, connectionId);
    const { actual_start_at } = await hub.records.get('production_order', ['1']);
    assert.equal(actual_start_at, '2026-05-01T11:00:00.000Z');
    legacy.close();
  });

  it('adds to a file nothing that it has, whatever else of its connection or its definition is changed', async () => {
    const out = (folder: string, name = 'out.csv') => readFile(join(directory.path, folder, name), 'utf8');
    const all = 'no\r\n1\r\n';
    const files = (root: string, settings: Record<string, unknown> = {}, definition: Record<string, unknown> = {}) => ({
      name: 'files',
      connector_type: 'generic.file',
      config: {
        root: join(directory.path, root),
        ...settings,
        entities: { orders: { path: 'out.csv', write: { mode: 'append' }, ...definition } },
      },
    });
    for (const name of ['one', 'two']) await mkdir(join(directory.path, name));
    await hub.records.create('production_order', { order_number: '1' });
    const { id: connectionId } = await hub.connections.create(files('one'));
    const mapping = await hub.mappings.create({ ...orders, connection_id: connectionId, source_entity: 'orders' });
    const run = async () => (await runToEnd(hub, connectionId)).logs[0]?.details;
    assert.equal((await run())?.created, 1);
    await hub.connections.update(connectionId, files('one', { settle_seconds: 0 }, { after_read: 'move' }));
    assert.equal((await run())?.created, 0);
    assert.equal(await out('one'), all);
    await hub.connections.update(connectionId, files('two'));
    assert.equal((await run())?.error_code, 'PCP_TARGET_MOVED');
    await hub.sync.decideTarget(mapping.id, 'other');
    assert.equal((await run())?.created, 1);
    // Another file is another target.
    await hub.connections.update(connectionId, files('two', {}, { write: { mode: 'append', path: 'other.csv' } }));
    assert.equal((await run())?.created, 1);
    assert.deepEqual([await out('two'), await out('two', 'other.csv')], [all, all]);
  });

  it('asks which system it is, where a record cannot be sent twice without harm', async () => {
    const [first, second] = [await StrictApi.start(), await StrictApi.start()];
    try {
      const exported = await OrderExport.create(hub, first.port, 'found');
      await exported.add(3);
      // One that the API refuses, and somebody corrects.
      await hub.records.create('exported_order', { number: 'bad' });
      assert.equal((await runToEnd(hub, exported.connectionId)).status, 'success');
      const [letter] = (await hub.sync.deadLetters({ state: 'open' })).items;
      await hub.sync.editDeadLetter(letter!.id, { number: 'bad', quantity: '1' });
      const saved = await hub.connections.get(exported.connectionId);
      const move = (port: number) =>
        hub.connections.update(exported.connectionId, {
          name: saved.name,
          connector_type: saved.connector_type,
          config: { ...saved.config, base_url: `http://127.0.0.1:${port}` },
        });
      await move(second.port);
      for (const dry_run of [true, false]) {
        const { logs } = await runToEnd(hub, exported.connectionId, { dry_run });
        assert.equal(logs[0]?.details.error_code, 'PCP_TARGET_MOVED');
      }
      const [replay] = await hub.sync.replay({ ids: [letter!.id] });
      assert.equal((await jobEnd(hub, replay!.job_id)).logs[0]?.details.error_code, 'PCP_TARGET_MOVED');
      assert.equal((await hub.sync.deadLetter(letter!.id)).state, 'open');
      assert.equal((await second.rows('found')).length, 0);
      await hub.records.delete('exported_order', ['bad']);
      await hub.sync.discard(letter!.id);
      await hub.sync.decideTarget(exported.mappingId, 'other');
      assert.equal((await runToEnd(hub, exported.connectionId)).status, 'success');
      await exported.assertOnce(await second.rows('found'));
      await move(first.port);
      await hub.sync.decideTarget(exported.mappingId, 'same');
      await exported.add(1);
      const back = await runToEnd(hub, exported.connectionId);
      assert.deepEqual([back.status, back.logs[0]?.details.created], ['success', 1]);
    } finally {
      await first.stop();
      await second.stop();
    }
  });
});
