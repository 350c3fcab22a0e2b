import assert from 'node:assert/strict';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { Connections, never } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

const CELL = 'nsu=http://plant.example/machines;s=';

describe('OPC UA: machines of companion specifications', () => {
  const server = new PlantServer();
  const connections = new Connections();
  let connector: Connector;

  before(async () => {
    await server.start({ hasCompanions: true, limits: { maxNodesPerRead: 20, maxNodesPerBrowse: 5 } });
    const writable = [{ tag: 'store' }];
    const tags = {
      store: {
        node_id: `/nsu=http://plant.example/machines;Cell/Orders/nsu=http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/;Store`,
      },
    };
    connector = connections.open(server.url, { tags, writes_enabled: true, writable, timeout_ms: 20_000 });
  });
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  const read = async (entity: string) => {
    const records: SourceRecord[] = [];
    for await (const batch of connector.read?.({ entity, cursor: null, batchSize: 10 }, never()) ?? []) {
      records.push(...batch.records);
    }
    return records;
  };

  it('are entities, those of which the server has objects', async () => {
    const entities = (await connector.discover?.(never())) ?? [];
    assert.deepEqual(
      entities.map(({ name }) => name),
      ['values', 'events', 'packml_units', 'machines', 'job_orders'],
    );
  });

  it('give a record for each PackML unit, also of a type of the plant, with all below it', async () => {
    const [filler, ...others] = await read('packml_units');
    assert.equal(others.length, 0);
    assert.deepEqual(
      [filler?.node, filler?.name, filler?.TagID, filler?.['Status.CurMachSpeed'], filler?.['Status.EquipmentBlocked']],
      [`${CELL}Filler`, 'Filler', 'F-1', 120.5, false],
    );
    const description = await connector.describe?.('packml_units', never());
    assert.deepEqual(description?.schema.properties?.['Status.CurMachSpeed'], { type: ['number', 'null'] });
    assert.deepEqual(Object.keys(description?.schema.properties ?? {}), Object.keys(filler ?? {}));
  });

  it('give the machine that an identification belongs to', async () => {
    const [press] = await read('machines');
    assert.deepEqual(
      [press?.node, press?.['Identification.SerialNumber'], press?.['Identification.ProductInstanceUri']],
      [`${CELL}Press`, '4711', 'urn:press:4711'],
    );
  });

  it('give a record for each job order, and take further ones by their method', async () => {
    const order = {
      JobOrderID: 'J-2',
      Description: [],
      WorkMasterID: [{ ID: 'IPA', Description: 'Beer', Parameters: [] }],
      StartTime: '2026-11-27T18:00:00.000Z',
      EndTime: '2026-11-27T20:00:00.000Z',
      Priority: 7,
      JobOrderParameters: [{ ID: 'Litres', Value: 500, Description: [], EngineeringUnits: null, Subparameters: [] }],
      PersonnelRequirements: [],
      EquipmentRequirements: [],
      PhysicalAssetRequirements: [],
      MaterialRequirements: [],
    };
    const { payload } =
      (await connector.call?.('method', { node: 'store', arguments: { JobOrder: order, Comment: [] } }, never())) ?? {};
    assert.deepEqual(payload, { ReturnStatus: 0 });
    const orders = await read('job_orders');
    assert.deepEqual(
      orders.map(({ node, JobOrderID, Priority }) => [node, JobOrderID, Priority]),
      [
        [`${CELL}Orders`, 'J-1', 5],
        [`${CELL}Orders`, 'J-2', 7],
      ],
    );
    assert.deepEqual(orders[1]?.JobOrderParameters, order.JobOrderParameters);
    const { info, schema } = (await connector.describe?.('job_orders', never())) ?? {};
    assert.deepEqual(info?.key, ['node', 'JobOrderID']);
    assert.ok(Object.hasOwn(schema?.properties ?? {}, 'State'));
  });
});
