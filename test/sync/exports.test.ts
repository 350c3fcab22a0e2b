import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

describe('exports', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let hub: Hub;
  let root: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    root = join(directory.path, 'out');
    await mkdir(root);
    hub = await openHub(directory.path);
  });

  afterEach(async () => {
    await hub.close();
    await directory.remove();
  });

  const addOrders = async (...numbers: string[]) => {
    for (const order_number of numbers) await hub.records.create('production_order', { order_number });
  };
  const orders: Omit<MappingInput, 'connection_id'> = {
    name: 'orders',
    entity_type: 'production_order',
    direction: 'export',
    source_entity: 'orders',
    target_entity: 'production_order',
    field_mappings: [{ source: 'no', target: 'order_number' }],
  };

  async function mapToFile(write: Record<string, unknown>, input: Partial<MappingInput>): Promise<number> {
    const { id } = await hub.connections.create({
      name: 'out',
      connector_type: 'generic.file',
      config: { root, settle_seconds: 0, entities: { orders: { path: 'orders.csv', write } } },
    });
    await hub.mappings.create({ ...orders, ...input, connection_id: id });
    return id;
  }
  const lines = async () => (await readFile(join(root, 'orders.csv'), 'utf8')).trim().split('\r\n');

  it('to a file that grows hold each record once, after a full run too', async () => {
    const connectionId = await mapToFile({ mode: 'append' }, {});
    await addOrders('1', '2');
    await runToEnd(hub, connectionId);
    await addOrders('3');
    const { logs } = await runToEnd(hub, connectionId, { full: true });
    assert.deepEqual([logs[0]?.details.created, logs[0]?.details.unchanged], [1, 2]);
    assert.deepEqual(await lines(), ['no', '1', '2', '3']);
  });

  it('to a file that is replaced hold everything, however little has changed', async () => {
    const connectionId = await mapToFile({}, { sync_mode: 'incremental', options: { lookback_seconds: 0 } });
    await addOrders('1', '2');
    await runToEnd(hub, connectionId);
    await runToEnd(hub, connectionId);
    assert.deepEqual(await lines(), ['no', '1', '2']);
  });

  it('to columns without a zone write the local time that an import reads there', async () => {
    const storage = join(directory.path, 'legacy.db');
    const legacy = new DatabaseSync(storage);
    legacy.exec(`CREATE TABLE source (no TEXT PRIMARY KEY, at DATETIME); CREATE TABLE target (no TEXT PRIMARY KEY, at DATETIME);
      INSERT INTO source VALUES ('1', '2026-11-27 08:00:00')`);
    const { id } = await hub.connections.create({
      name: 'legacy',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage },
      timezone: 'America/Sao_Paulo',
    });
    const field_mappings = [...orders.field_mappings, { source: 'at', target: 'planned_start_at' }];
    const map = (direction: MappingInput['direction'], source_entity: string) =>
      hub.mappings.create({ ...orders, name: direction, connection_id: id, direction, source_entity, field_mappings });
    const imported = await map('import', 'source');
    await runToEnd(hub, id, { mapping_id: imported.id });
    const order = await hub.records.get('production_order', ['1']);
    assert.equal(order.planned_start_at, '2026-11-27T11:00:00.000Z');
    const exported = await map('export', 'target');
    await runToEnd(hub, id, { mapping_id: exported.id });
    const [row] = legacy.prepare('SELECT at FROM target').all();
    assert.match(String(row?.at), /^2026-11-27[T ]08:00:00/);
    await hub.mappings.delete(imported.id);
    await hub.mappings.delete(exported.id);
    const both = await map('bidirectional', 'source');
    const { status, logs } = await runToEnd(hub, id, { mapping_id: both.id });
    assert.deepEqual([status, ...logs.map((log) => log.records_error)], ['success', 0, 0]);
    legacy.close();
  });
});
