import assert from 'node:assert/strict';
import type { Hub, MappingInput } from '../../lib/model/services';
import { DataManagementStore } from '../support/dynamics365/data-management';
import { OperationsServer } from '../support/dynamics365/operations';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

const COLUMNS = ['ITEMNUMBER', 'SEARCHNAME', 'NETWEIGHT'];
const ITEMS = { definition_group: 'PCP items', entity: 'Released products V2', fields: COLUMNS };

describe('synchronising by packages of Dynamics 365', () => {
  let plant: OperationsServer;
  let store: DataManagementStore;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async () => {
    plant = await new OperationsServer().start();
    store = await new DataManagementStore(plant, ITEMS.entity, COLUMNS, ['ITEMNUMBER']).start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path, { section: { network: { allowedTargets: [store.host] } } });
    const { config, credentials } = plant.connection({ company: 'usmf', packages: { items: ITEMS } });
    const input = { name: 'd365', connector_type: 'erp.dynamics365', config, credentials };
    connectionId = (await hub.connections.create(input)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await store?.stop();
    await plant?.stop();
  });

  async function map(direction: 'import' | 'export', more: Partial<MappingInput>): Promise<() => Promise<number[]>> {
    const pairs = { ITEMNUMBER: 'material', SEARCHNAME: 'description', NETWEIGHT: 'net_weight' };
    const { id } = await hub.mappings.create({
      ...{
        connection_id: connectionId,
        name: direction,
        entity_type: 'material',
        target_entity: 'material',
        direction,
      },
      ...{ source_entity: 'package/items', key_fields: ['material'], ...more },
      field_mappings: Object.entries(pairs).map(([source, target]) => ({ source, target })),
    } as MappingInput);
    return async () => {
      const { status, logs } = await runToEnd(hub, connectionId, { mapping_id: id });
      assert.equal(status, 'success', JSON.stringify(logs));
      return logs.map(({ records_success }) => records_success);
    };
  }

  it('imports all of a project, then what changed since its last export', async () => {
    const item = (number: number, name: string) => ({
      ITEMNUMBER: `D${number}`,
      SEARCHNAME: name,
      NETWEIGHT: '1.250000',
    });
    store.exports.set('PCP items', [item(1, 'Peça, "um" 😀'), item(2, 'Peça 2')]);
    const run = await map('import', { sync_mode: 'incremental', cursor_field: '@changes' });
    assert.deepEqual(await run(), [2]);
    store.exports.set('PCP items', [item(2, 'Trinca')]);
    assert.deepEqual([await run(), await run()], [[1], [0]]);
    const { items } = await hub.records.list('material', { limit: 10 });
    assert.deepEqual(items.map(({ material, description, net_weight }) => [material, description, net_weight]).sort(), [
      ['D1', 'Peça, "um" 😀', '1.25'],
      ['D2', 'Trinca', '1.25'],
    ]);
    assert.equal(store.jobs.size, 3);
  });

  it('exports what the platform has with one job, and nothing when nothing changed', async () => {
    const run = await map('export', {});
    assert.deepEqual([(await run()).length, (await run()).length], [1, 1]);
    assert.deepEqual(
      store.imported.map(({ rows }) => rows),
      [2],
    );
    assert.deepEqual([...store.rows.values()].map(({ ITEMNUMBER: item, SEARCHNAME: name }) => [item, name]).sort(), [
      ['D1', 'Peça, "um" 😀'],
      ['D2', 'Trinca'],
    ]);
  });
});
