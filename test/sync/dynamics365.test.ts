import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { BUSINESS_PRESETS, PRESETS } from '../../lib/connectors/erp/dynamics365/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { BusinessServer } from '../support/dynamics365/business';
import type { OperationsServer } from '../support/dynamics365/operations';
import { dynamicsPlant } from '../support/dynamics365/plant';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

/** The mappings that come with the connector, run by the hub. */
describe('synchronising with Dynamics 365', () => {
  let plant: OperationsServer;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;
  let mappings = 0;

  before(async () => {
    plant = await dynamicsPlant();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = plant.connection({ company: 'usmf' });
    const input = {
      name: 'd365',
      connector_type: 'erp.dynamics365',
      timezone: 'America/Sao_Paulo',
      config,
      credentials,
    };
    connectionId = (await hub.connections.create(input)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await plant?.stop();
  });

  async function run(name: string, direction: DefaultMapping['direction']): Promise<JobStatus> {
    const preset = PRESETS.find(({ entity }) => entity === name)!;
    const { target_entity, ...mapping } = preset.mappings.find((each) => each.direction === direction)!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: `${name} ${++mappings}`, entity_type: target_entity },
      ...{ source_entity: name, target_entity, ...mapping },
    } as MappingInput);
    return runToEnd(hub, connectionId, { mapping_id: id });
  }

  const counts = ({ status, logs }: JobStatus) => {
    assert.equal(status, 'success', JSON.stringify(logs));
    return logs.map(({ records_success, records_error }) => [records_success, records_error]);
  };
  const records = async (type: string) => (await hub.records.list(type, { limit: 100 })).items;
  const has = (found: Record<string, unknown> | undefined, wanted: Record<string, unknown>) =>
    assert.deepEqual(found, { ...found, ...wanted });

  it('imports orders without a field name being typed, digit by digit', async () => {
    assert.deepEqual(counts(await run('production_order', 'import')), [[16, 0]]);
    const orders = await records('production_order');
    const order = (number: string) => orders.find(({ order_number }) => order_number === number);
    has(order('P000002'), {
      ...{ quantity: '1234567890123.123456', good_quantity: '1234567890123.123455', material: 'D1', status: 'created' },
      ...{ planned_start: '2026-11-02', planned_end: '2026-12-24', planned_start_at: '2026-11-02T09:30:00.000Z' },
      ...{ description: "d'água 1", plant: '1', storage_location: '11', priority: '1', routing: 'R1', due_date: null },
    });
    has(order('P000004'), { status: 'started', planned_end: null, planned_end_at: null });
    assert.deepEqual(
      ['P000001', 'P000005', 'P000011', 'P000013'].map((number) => order(number)?.status),
      ['created', 'completed', 'completed', 'created'],
    );
  });

  it('imports products, stock, bills of material, routes and what was posted', async () => {
    assert.deepEqual(counts(await run('material', 'import')), [[2, 0]]);
    const [, phantom] = await records('material');
    has(phantom, { material: 'D1', description: 'Peça', procurement: 'phantom', base_unit: 'ea', net_weight: '0.125' });

    assert.deepEqual(counts(await run('stock', 'import')), [[2, 0]]);
    const stock = await records('stock');
    has(
      stock.find(({ stock_type }) => stock_type === ''),
      { quantity: '98765432109876.543210987', plant: '1' },
    );
    has(
      stock.find(({ stock_type }) => stock_type === 'Red'),
      { quantity: '3.5', available_quantity: '2' },
    );
    assert.deepEqual(counts(await run('stock_by_status', 'import')), [[2, 0]]);
    assert.ok((await records('stock')).some(({ stock_type }) => stock_type === 'Available/Red'));

    // One line for each product that the active versions make; a line that makes none is left out.
    assert.deepEqual(counts(await run('bill_of_material', 'import')), [[5, 0]]);
    const bills = await records('bill_of_material');
    assert.equal(bills.length, 4);
    has(
      bills.find(({ assembly, component }) => assembly === 'D1' && component === 'M2'),
      {
        ...{ bom_number: 'B1', quantity: '2.125', unit: 'kg', fixed_quantity: true, operation: '10', position: '2' },
        ...{ valid_from: '', valid_to: null, scrap_percent: '5' },
      },
    );
    assert.deepEqual(new Set(bills.map(({ assembly }) => assembly)), new Set(['D0', 'D1']));

    assert.deepEqual(counts(await run('routing', 'import')), [[2, 0]]);
    has((await records('routing'))[0], {
      material: 'D0',
      routing: 'R1',
      operation: '10',
      valid_from: '2026-01-01',
      valid_to: null,
    });

    assert.deepEqual(counts(await run('production_data', 'import')), [[5, 0]]);
    has(
      (await records('production_data')).find(({ record_id }) => record_id === 'usmf/00001/1'),
      {
        ...{ order_number: 'P000001', good_quantity: '1.5', scrap_reason: 'Machine', posting_date: '2026-11-20' },
        ...{ final: false, reversed: false, erp_document: 'PRO-1', changed_at: '2026-11-20T08:01:00.000Z' },
      },
    );
  });

  it('imports what surrounds production', async () => {
    const imported = async (name: string, type: string, wanted: Record<string, unknown>) => {
      assert.deepEqual(counts(await run(name, 'import')), [[1, 0]], name);
      const isWanted = (each: Record<string, unknown>) =>
        Object.entries(wanted).every(([field, value]) => each[field] === value);
      const found = await records(type);
      assert.ok(found.some(isWanted), `${name}: ${JSON.stringify(found)}`);
    };
    await imported('planned_order', 'production_order', {
      ...{ order_number: 'DynPlan/PL-1', status: 'planned', quantity: '319.5', planned_start: '2026-12-01' },
      ...{ due_date: '2026-12-24', plant: '1', changed_at: '2026-11-20T08:00:00.000Z' },
    });
    await imported('goods_movement', 'goods_movement', {
      ...{ document: 'usmf/00042', item: '1', type: 'issue', quantity: '1234567890123.123456', unit: 'kg' },
      ...{ posting_date: '2026-11-20', erp_document: '00042', order_number: 'P000001' },
    });
    await imported('machine', 'machine', { machine: 'M1', machine_class: 'Machine', efficiency_percent: '90' });
    await imported('equipment', 'machine', { machine: 'A-1', name: 'Prensa 😀', commissioned_on: '2020-02-29' });
    await imported('plant', 'plant', { plant: '1', name: 'São José', company: 'usmf', country: 'BRA' });
    await imported('operator', 'operator', { operator: '000020', name: 'Zé Conceição' });
    await imported('quality_order', 'quality_inspection', {
      ...{ inspection: 'Q-1', origin: 'final', result: 'rejected', lot_quantity: '10', batch: 'B-1' },
    });
    await imported('quality_result', 'quality_inspection', {
      ...{ inspection: 'Q-1', characteristic: 'Espessura', measured_value: '0.125', result: 'accepted' },
    });
    await imported('counter_reading', 'measurement', {
      ...{
        source: 'dynamics365',
        tag: 'A-1/Hours',
        value_number: 1234.5,
        source_timestamp: '2026-11-20T08:00:00.000Z',
      },
    });
    await imported('maintenance_order', 'maintenance_order', {
      ...{ order_number: 'WO-1', order_type: 'Corrective', planned_start_at: '2026-11-21T08:00:00.000Z' },
    });
  });

  it('sends requests of maintenance, once, and reads what became of them', async () => {
    const requests = plant.rows('AssetMaintenanceRequests');
    requests.push({ ...requests[0]!, RequestId: 'MR-7', WorkOrderId: 'WO-1' });
    const order = { description: 'Óleo 😀', machine: 'A-1', requested_at: '2026-11-27T09:30:00.000Z', priority: '3' };
    await hub.records.create('maintenance_order', { order_number: 'R-1', ...order });
    const outcomes = async () =>
      (await run('maintenance_request', 'export')).logs.map(({ details }) => [details.created, details.updated]);
    assert.deepEqual(await outcomes(), [[1, 0]]);
    assert.deepEqual(await outcomes(), [[0, 0]]);
    const sent = requests.filter(({ RequestId }) => RequestId === 'R-1');
    assert.deepEqual(
      sent.map(({ dataAreaId, Description, MaintenanceAssetId, WorkOrderPriority, ActualStart }) => [
        ...[dataAreaId, Description, MaintenanceAssetId, WorkOrderPriority, ActualStart],
      ]),
      [['usmf', 'Óleo 😀', 'A-1', 3, '2026-11-27T09:30:00.000Z']],
    );
    sent[0]!.IsRequestActive = 'No';
    assert.deepEqual(counts(await run('maintenance_request', 'import')), [[3, 0]]);
    const held = await records('maintenance_order');
    const request = (number: string) => held.find(({ order_number }) => order_number === number);
    has(request('R-1'), { ...order, notification: 'R-1', status: 'closed', breakdown: false });
    has(request('MR-7'), { status: 'released', malfunction_start_at: '2026-11-19T22:00:00.000Z', breakdown: true });
    // What came from there is none of ours.
    await run('maintenance_request', 'export');
    assert.equal(requests.length, 3);
  });

  it('has each import tried here', () => {
    const tried = [
      'production_order',
      'material',
      'stock',
      'stock_by_status',
      'bill_of_material',
      'routing',
      'production_data',
      ...[
        'planned_order',
        'goods_movement',
        'machine',
        'equipment',
        'plant',
        'operator',
        'quality_order',
        'quality_result',
      ],
      ...['counter_reading', 'maintenance_order', 'maintenance_request'],
    ];
    const imported = PRESETS.filter(({ mappings }) => mappings.some(({ direction }) => direction === 'import'));
    assert.deepEqual(imported.map(({ entity }) => entity).sort(), tried.sort());
  });
});

/** The little that the standard API of Business Central has of a plant. */
describe('synchronising with Business Central', () => {
  let server: BusinessServer;
  let hub: Hub;
  let remove: () => Promise<void>;

  before(async () => {
    server = await new BusinessServer().start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await server?.stop();
  });

  it('imports items, what there is of them, and what moved them', async () => {
    server.put({ number: 'I-1', displayName: 'Peça 😀', inventory: '12345678901234.12345', blocked: 'true' });
    server.entries.rows.push({
      ...{ id: '7b1d0a52-0000-4000-8000-000000000001', entryNumber: 7, entryType: 'Consumption', itemNumber: 'I-1' },
      ...{ documentNumber: '101005', quantity: '-2.5', postingDate: '2026-11-20' },
      lastModifiedDateTime: '2026-11-20T10:00:00Z',
    });
    const { config, credentials } = server.connection();
    const input = { name: 'bc', connector_type: 'erp.dynamics365', config, credentials };
    const { id: connection_id } = await hub.connections.create(input);
    for (const { entity, mappings } of BUSINESS_PRESETS) {
      for (const { target_entity, ...mapping } of mappings) {
        const place = { connection_id, name: entity, entity_type: target_entity, source_entity: entity, target_entity };
        const { id } = await hub.mappings.create({ ...place, ...mapping } as MappingInput);
        const { status, logs } = await runToEnd(hub, connection_id, { mapping_id: id });
        assert.deepEqual([status, logs[0]?.records_success], ['success', 1], entity);
      }
    }
    const [item, stock, movement] = await Promise.all(
      ['material', 'stock', 'goods_movement'].map(
        async (type) => (await hub.records.list(type, { limit: 2 })).items[0],
      ),
    );
    assert.deepEqual([item?.description, item?.base_unit, item?.blocked], ['Peça 😀', 'PCS', true]);
    assert.deepEqual([stock?.material, stock?.quantity], ['I-1', '12345678901234.12345']);
    assert.deepEqual([movement?.document, movement?.type, movement?.quantity], ['7', 'issue', '-2.5']);
  });
});
