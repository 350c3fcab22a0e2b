import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { PRESETS } from '../../lib/connectors/erp/sap/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { SapPlant } from '../support/sap/plant';

type Row = Record<string, unknown>;

/** What each entity becomes in the platform; of production orders, materials, stock and documents other tests tell. */
const IMPORTED: Record<string, Row[]> = {
  process_order: [
    { order_number: '000070000001', quantity: '12.5', unit: 'KG', status: 'released', planned_start: '2026-11-02' },
  ],
  planned_order: [
    {
      order_number: '0000000123',
      quantity: '7.125',
      status: 'planned',
      description: 'Eixo ação 😀',
      planned_start: '2026-12-01',
    },
  ],
  bill_of_material: [
    { component: 'C-0', position: '0010', assembly: 'M-001', alternative: '1', quantity: '2.5', fixed_quantity: false },
    { component: 'C-1', position: '0020', scrap_percent: '1.5', valid_to: '9999-12-31', fixed_quantity: true },
  ],
  routing: [
    {
      material: 'M-001',
      routing: '50000001/1',
      operation: '0010',
      setup_time: '5',
      run_time: '0.25',
      description: 'Tornear peça',
    },
    { operation: '0020', control: 'PP01', changed_at: '2026-11-27T06:00:00.000Z' },
  ],
  work_center: [{ work_center: 'TORNO1', name: 'Tornos', plant: '1000', active: true }],
  maintenance_order: [
    {
      order_number: '000004000001',
      status: 'released',
      machine: '10000045',
      planned_start_at: '2026-12-01T08:00:00.000Z',
    },
  ],
  maintenance_request: [
    {
      order_number: '000010000001',
      status: 'requested',
      breakdown: true,
      malfunction_start_at: '2026-11-26T17:30:00.000Z',
    },
  ],
  equipment: [
    { machine: '10000045', name: 'Torno CNC', serial_number: 'SN-1', commissioned_on: '2020-05-01', active: true },
  ],
  measurement_document: [
    { tag: '000000000012', source_timestamp: '2026-11-27T09:30:00.000Z', value_number: 12.5, unit: 'BAR' },
  ],
  inspection_lot: [
    { inspection: '030000000001', origin: 'in_process', lot_quantity: '100.5', order_number: '000001000001' },
  ],
  inspection_result: [
    {
      inspection: '030000000001',
      operation: '00000001',
      characteristic: '0010',
      measured_value: '10.02',
      result: 'accepted',
    },
  ],
  usage_decision: [{ inspection: '030000000001', decision: 'accepted' }],
};

/** What goes out, comes back by the import as it was: of the fields that both mappings have. */
const EXPORTED: Record<string, Row> = {
  production_data: {
    ...{ record_id: 'R-1', order_number: '000001000001', operation: '0010', plant: '1000', work_center: 'TORNO1' },
    ...{ good_quantity: '1234567890.125', scrap_quantity: '0.5', unit: 'PCE', posting_date: '2026-11-27' },
    ...{ started_at: '2026-11-27T11:00:00.000Z', ended_at: '2026-11-27T11:45:30.000Z', notes: 'Peça boa 😀' },
    ...{ final: true, operator: '00004711' },
  },
  goods_movement: {
    ...{
      document: 'D-1',
      item: '',
      movement_code: '261',
      material: `M${'0'.repeat(39)}`,
      quantity: '2.125',
      unit: 'PC',
    },
    ...{
      plant: '1000',
      storage_location: '0001',
      batch: 'L1',
      order_number: '000001000001',
      posting_date: '2026-11-27',
    },
  },
  maintenance_request: {
    ...{ order_number: 'REQ-1', description: 'Vazamento de óleo 😀', machine: '10000045', plant: '1000' },
    ...{ priority: '1', requested_by: 'SILVA', breakdown: true },
  },
  measurement_document: {
    ...{ source: 'opcua', tag: '000000000099', source_timestamp: '2026-11-27T11:15:30.000Z', value_number: 7.25 },
    unit: 'BAR',
  },
  inspection_result: {
    ...{ inspection: '030000000002', operation: '00000002', characteristic: '0020', measured_value: '9.98' },
    ...{ notes: 'ção', result: 'rejected', inspector: 'SILVA' },
  },
  usage_decision: { inspection: '030000000002', decision: 'rejected', plant: '1000' },
};

/** What SAP numbers by itself: there they are documents of its own. */
const NUMBERED = ['record_id', 'document', 'item', 'source'];

describe('the mappings that come with SAP', () => {
  const plant = new SapPlant();
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;
  let mappings = 0;

  before(async () => {
    await plant.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = plant.connection();
    const input = { name: 'sap', connector_type: 'erp.sap', timezone: 'America/Sao_Paulo', config, credentials };
    connectionId = (await hub.connections.create(input)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await plant.stop();
  });

  async function run(name: string, direction: DefaultMapping['direction']): Promise<JobStatus> {
    const mapping = PRESETS.find(({ entity }) => entity === name)!.mappings.find(
      (each) => each.direction === direction,
    )!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: `${name} ${++mappings}`, entity_type: mapping.target_entity },
      ...{ source_entity: name, ...mapping },
    } as MappingInput);
    const status = await runToEnd(hub, connectionId, { mapping_id: id });
    const { items } = await hub.sync.deadLetters({ mapping_id: id, state: 'open' });
    assert.deepEqual([status.status, items], ['success', []], JSON.stringify(status.logs));
    return status;
  }

  const targetOf = (name: string) => PRESETS.find(({ entity }) => entity === name)!.mappings[0]!.target_entity;
  const records = async (name: string): Promise<Row[]> =>
    (await hub.records.list(targetOf(name), { limit: 100 })).items;
  /** A record that has all of these values. */
  const like = (rows: readonly Row[], wanted: Row) =>
    rows.find((row) => Object.entries(wanted).every(([field, value]) => row[field] === value));

  async function empty(name: string): Promise<void> {
    const { key } = (await hub.entityTypes.list()).find(({ type }) => type === targetOf(name))!;
    for (const record of await records(name)) {
      await hub.records.delete(
        targetOf(name),
        key.map((field) => String(record[field] ?? '')),
      );
    }
  }

  for (const [name, wanted] of Object.entries(IMPORTED)) {
    it(`imports ${name}`, async () => {
      await run(name, 'import');
      const found = await records(name);
      for (const each of wanted) assert.ok(like(found, each), `${JSON.stringify(each)} in ${JSON.stringify(found)}`);
    });
  }

  for (const [name, record] of Object.entries(EXPORTED)) {
    it(`exports ${name}, and imports it as it was`, async () => {
      await empty(name);
      await hub.records.create(targetOf(name), record);
      await run(name, 'export');
      await empty(name);
      await run(name, 'import');
      const both = await records(name);
      const wanted = Object.fromEntries(Object.entries(record).filter(([field]) => !NUMBERED.includes(field)));
      assert.ok(like(both, wanted), `${JSON.stringify(wanted)} in ${JSON.stringify(both)}`);
    });
  }

  const COMES_BACK = [
    ['production_data', 'production_data'],
    ['goods_movement', 'goods_movement'],
    ['maintenance_request', 'maintenance_request'],
    ['maintenance_order', 'maintenance_request'],
    ['measurement_document', 'measurement_document'],
  ] as const;
  for (const [imported, exported] of COMES_BACK) {
    it(`posts no ${exported} of what SAP has as ${imported}`, async () => {
      await empty(exported);
      // What we posted ourselves comes back, too.
      await hub.records.create(targetOf(exported), EXPORTED[exported]!);
      await run(exported, 'export');
      await empty(exported);
      await run(imported, 'import');
      assert.ok((await records(exported)).length > 0);
      const [log] = (await run(exported, 'export')).logs;
      assert.deepEqual([log!.details.created, log!.details.updated], [0, 0]);
    });
  }

  it('has each of them tried here or in the test of synchronising', () => {
    const elsewhere = ['material', 'production_order', 'stock'];
    for (const { entity, mappings: all } of PRESETS) {
      const directions = all.map(({ direction }) => direction);
      const isImported = entity in IMPORTED || entity in EXPORTED || elsewhere.includes(entity);
      assert.equal(directions.includes('import'), isImported, entity);
      assert.equal(directions.includes('export'), entity in EXPORTED, entity);
    }
  });
});
