import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { PRESETS } from '../../lib/connectors/erp/oracle-ebs/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { addFurther } from '../support/ebs/further';
import { EbsPlant } from '../support/ebs/plant';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { postgresAvailable } from '../support/postgres';

/** The mappings that come with the connector, run by the hub. */
(postgresAvailable() ? describe : describe.skip)('synchronising with Oracle E-Business Suite', function () {
  this.timeout(180_000);
  let plant: EbsPlant;
  let hub: Hub;
  let remove: () => Promise<void>;
  let mappings = 0;

  before(async () => {
    plant = await EbsPlant.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await plant?.stop();
  });

  async function connect(config: Record<string, unknown> = {}): Promise<number> {
    const { connector_type, config: own, credentials } = plant.connection(config);
    const name = `ebs ${++mappings}`;
    const input = { name, connector_type, timezone: 'America/Sao_Paulo', config: own, credentials };
    return (await hub.connections.create(input)).id;
  }

  /** Makes the mapping that comes with a preset. */
  async function mapping(connection: number, name: string, direction: DefaultMapping['direction']): Promise<number> {
    const preset = PRESETS.find(({ entity }) => entity === name)!;
    const { target_entity, ...given } = preset.mappings.find((each) => each.direction === direction)!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connection, name: `${name} ${++mappings}`, entity_type: target_entity },
      ...{ source_entity: name, target_entity, ...given },
    } as MappingInput);
    return id;
  }

  const run = (connection: number, id: number): Promise<JobStatus> => runToEnd(hub, connection, { mapping_id: id });
  const counts = ({ status, logs }: JobStatus) => {
    assert.equal(status, 'success', JSON.stringify(logs));
    return logs.map(({ records_success, records_error }) => [records_success, records_error]);
  };
  const isLike = (record: Record<string, unknown>, wanted: Record<string, unknown>) =>
    Object.entries(wanted).every(([field, value]) => record[field] === value);
  const records = async (type: string) => (await hub.records.list(type, { limit: 100 })).items;

  it('imports jobs by their default mapping, digit by digit, and then only what changed', async () => {
    const connection = await connect();
    const orders = await mapping(connection, 'production_order', 'import');
    assert.deepEqual(counts(await run(connection, orders)), [[14, 0]]);
    const found = await records('production_order');
    const order = (number: string) => found.find((each) => each.order_number === number);
    assert.deepEqual(order('WJ-0002'), {
      ...order('WJ-0002'),
      ...{ quantity: '1234567890123.123456', unit: 'Ea', material: 'AX-100', plant: 'M1', status: 'released' },
      // On the clock of the plant.
      ...{ planned_start_at: '2026-11-28T11:00:00.000Z', planned_end_at: '2026-11-30T20:30:00.000Z' },
    });
    assert.deepEqual(
      ['WJ-0004', 'WJ-0005', 'WJ-0012'].map((number) => [order(number)?.status, order(number)?.plant]),
      [
        ['completed', 'M1'],
        ['cancelled', 'M1'],
        ['released', 'M2'],
      ],
    );
    await plant.database.execute(
      "UPDATE wip_discrete_jobs SET status_type = 12, last_update_date = '2026-11-28T09:00:00' WHERE wip_entity_id = 5001",
    );
    await run(connection, orders);
    assert.equal((await records('production_order')).find((each) => each.order_number === 'WJ-0000')?.status, 'closed');
  });

  it('imports every other entity that has a default mapping, of the organizations that are wanted', async () => {
    const connection = await connect({ organization_codes: 'M1' });
    const expected: Record<string, number> = {
      ...{ material: 4, stock: 2, bill_of_material: 2, routing: 2, work_center: 2, machine: 1 },
    };
    for (const [name, count] of Object.entries(expected)) {
      assert.deepEqual(counts(await run(connection, await mapping(connection, name, 'import'))), [[count, 0]], name);
    }
    const [stock] = (await records('stock')).filter((each) => each.material === 'STEEL');
    assert.deepEqual(stock, { ...stock, quantity: '10.75', batch: 'L1', bin: '', storage_location: 'Stores' });
    const [steel] = (await records('material')).filter((each) => each.material === 'STEEL');
    assert.deepEqual(steel, { ...steel, batch_controlled: true, weight: '3.125', base_unit: 'KG' });
    assert.ok((await records('material')).some((each) => each.material === "Eixo d'água ção 😀"));
    const [bolt] = (await records('bill_of_material')).filter((each) => each.component === 'STEEL');
    assert.deepEqual(bolt, {
      ...bolt,
      quantity: '0.12345678901',
      assembly: 'AX-100',
      position: '20',
      valid_from: '2026-01-01',
    });
    const old = (await records('work_center')).find((each) => each.work_center === 'OLD');
    assert.equal(old?.active, false);
  });

  it('imports maintenance, assets, counters, quality, people, shifts and plans', async () => {
    await addFurther(plant);
    const connection = await connect();
    const names = [
      ...['plant', 'operator', 'shift', 'planned_order', 'maintenance_order', 'maintenance_request', 'equipment'],
      ...['measurement', 'quality_inspection'],
    ];
    for (const name of names) {
      assert.deepEqual(counts(await run(connection, await mapping(connection, name, 'import'))), [[1, 0]], name);
    }
    const found = async (type: string, wanted: Record<string, unknown>) => {
      const all = await records(type);
      assert.ok(
        all.some((each) => isLike(each, wanted)),
        `${type}: ${JSON.stringify(all)}`,
      );
    };
    await found('plant', { plant: 'M1', name: 'Seattle Manufacturing', calendar: 'VISION' });
    await found('operator', { operator: '57', name: 'Silva, João' });
    await found('shift', { calendar: 'VISION', shift: '1', start_time: '06:00', end_time: '14:30' });
    await found('production_order', { order_number: 'MRP1/9', status: 'planned', quantity: '75' });
    await found('maintenance_order', {
      order_number: 'WO-1',
      machine: 'PUMP-1',
      status: 'planned',
      work_center: 'ASM',
    });
    await found('maintenance_order', { order_number: '1001', status: 'requested', notification: '1001' });
    await found('machine', { machine: 'PUMP-1', serial_number: 'S1', machine_class: "Eixo d'água ção 😀" });
    await found('measurement', {
      tag: 'PUMP-1 hours',
      value_number: 1234.5,
      source_timestamp: '2026-11-27T13:00:00.000Z',
    });
    await found('quality_inspection', {
      inspection: '70',
      sample: '700',
      order_number: 'WJ-0001',
      inspected_quantity: '5',
    });
  });

  it('exports reports, scrap, hours and movements by their default mappings, once, and imports what was posted', async () => {
    const connection = await connect();
    const report = { plant: 'M1', order_number: 'WJ-0001', operation: '10', ended_at: '2026-11-27T13:00:00.000Z' };
    await hub.records.create('production_data', {
      ...{ ...report, record_id: 'R1', good_quantity: '12.5', scrap_quantity: '0.75', scrap_reason: 'CRACK' },
      ...{ machine: 'CNC-1', run_time: '1.25', time_unit: 'h', notes: "ação d'água 😀" },
    });
    await hub.records.create('production_data', {
      ...report,
      record_id: 'R2',
      good_quantity: '0',
      scrap_quantity: null,
    });
    await hub.records.create('goods_movement', {
      ...{
        document: 'D1',
        item: '2',
        type: 'issue',
        plant: 'M1',
        material: 'BOLT.M8',
        quantity: '4',
        storage_location: 'Stores',
      },
      ...{ order_number: 'WJ-0001', moved_at: '2026-11-27T13:00:00.000Z' },
    });
    const names = ['production_data', 'production_scrap', 'resource_transaction', 'goods_movement'];
    const ids: number[] = [];
    for (const name of names) ids.push(await mapping(connection, name, 'export'));
    const twice = [...ids, ...ids];
    for (const id of twice) counts(await run(connection, id));
    assert.deepEqual((await hub.sync.deadLetters({ state: 'open' })).items, []);
    const waiting = async (table: string) => (await plant.rows(table)).length;
    assert.deepEqual([await waiting('wip_move_txn_interface'), await waiting('wip_cost_txn_interface')], [2, 1]);
    const [move] = (await plant.rows('wip_move_txn_interface')).filter((row) => row.reason_name === null);
    // On the clock of the plant.
    assert.deepEqual([move?.transaction_date, move?.reference], ['2026-11-27T10:00:00', "ação d'água 😀"]);
    while ((await plant.managers.run()) > 0);
    for (const id of ids) counts(await run(connection, id));
    assert.equal(await waiting('wip_move_txn_interface'), 0, 'nothing is sent again');

    // What the platform has is not imported a second time.
    await hub.records.delete('production_data', ['R1']);
    await hub.records.delete('goods_movement', ['D1', '2']);
    // What is not of a machine or a person is no time.
    const other = { organization_id: 204, wip_entity_id: 5002, transaction_date: '2026-11-27T10:00:00' };
    await plant.insert('wip_transactions', {
      ...{ ...other, transaction_id: 88_001, transaction_type: 2, last_update_date: '2026-11-27T10:00:00' },
    });
    const imported = ['production_data', 'production_scrap', 'resource_transaction', 'goods_movement'];
    for (const name of imported) {
      assert.deepEqual(counts(await run(connection, await mapping(connection, name, 'import'))), [[1, 0]], name);
    }
    const found = (await records('production_data')).filter(({ record_id }) => record_id !== 'R2');
    const [moved] = found.filter(({ good_quantity }) => good_quantity !== null);
    const [scrap] = found.filter(({ scrap_quantity }) => scrap_quantity !== null);
    assert.deepEqual(moved, {
      ...moved,
      ...report,
      good_quantity: '12.5',
      notes: "ação d'água 😀",
      material: 'AX-100',
    });
    assert.deepEqual(scrap, { ...scrap, ...report, scrap_quantity: '0.75', scrap_reason: 'CRACK' });
    const [hours] = found.filter(({ run_time }) => run_time !== null);
    const spent = { run_time: '1.25', labor_time: null, time_unit: 'h', machine: 'CNC-1', material: 'AX-100' };
    assert.deepEqual(hours, { ...hours, ...report, ...spent });
    const issue = (await records('goods_movement')).find((each) => each.document !== 'D1');
    assert.deepEqual(issue, {
      ...issue,
      type: 'issue',
      quantity: '4',
      unit: 'Ea',
      material: 'BOLT.M8',
      order_number: 'WJ-0001',
      ...{ item: '', batch: null },
    });
    for (const id of ids) counts(await run(connection, id));
    const interfaces = ['wip_move_txn_interface', 'wip_cost_txn_interface', 'mtl_transactions_interface'];
    assert.deepEqual(await Promise.all(interfaces.map(waiting)), [0, 0, 0], 'nothing of what was imported is posted');
  });

  it('makes no second record of a report that passed several operations', async () => {
    const connection = await connect();
    const report = { record_id: 'R-all', plant: 'M1', order_number: 'WJ-0003', good_quantity: '2', unit: 'Ea' };
    await hub.records.create('production_data', { ...report, ended_at: '2026-11-27T13:00:00.000Z' });
    counts(await run(connection, await mapping(connection, 'production_data', 'export')));
    while ((await plant.managers.run()) > 0);
    const moves = await plant.rows('wip_move_transactions');
    const [move] = moves.filter((row) => row.wip_entity_id === '5004');
    assert.deepEqual([move?.fm_operation_seq_num, move?.to_operation_seq_num], ['10', '20']);
    counts(await run(connection, await mapping(connection, 'production_data', 'import')));
    const found = (await records('production_data')).filter(({ order_number }) => order_number === 'WJ-0003');
    assert.deepEqual(found, [{ ...found[0], ...report, material: 'AX-100' }]);
  });

  it('exports jobs, quality results and serial numbers by their default mappings, once, and imports what came of them', async () => {
    const connection = await connect({ responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP' });
    const where = { plant: 'M1', material: "Eixo d'água ção 😀" };
    const order = {
      ...{ ...where, order_number: 'P-1', quantity: '7.250001', status: 'released', priority: '3', batch: 'L-9' },
      ...{ planned_start_at: '2026-12-01T11:00:00.000Z', planned_end_at: '2026-12-02T19:30:00.000Z' },
      ...{ description: 'Eixos 😀', storage_location: 'FGI', type: 'Discrete' },
    };
    await hub.records.create('production_order', order);
    await hub.records.create('production_order', { ...order, order_number: 'P-2', status: 'planned' });
    const inspection = {
      ...{ ...where, inspection: 'QL-1', operation: '10', characteristic: 'DIMENSIONS', sample: '1' },
      ...{ order_number: 'WJ-0001', batch: 'L1', inspected_quantity: '5' },
    };
    const diameter = { characteristic_name: 'Diameter', measured_value: '12.06250' };
    await hub.records.create('quality_inspection', { ...inspection, ...diameter });
    const movement = { ...where, document: 'D7', item: '1', type: 'issue', quantity: '2', storage_location: 'Stores' };
    await hub.records.create('goods_movement', {
      ...{ ...movement, moved_at: '2026-11-27T13:00:00.000Z', serial_numbers: ['S-7', 'S-8'] },
    });
    const names = ['production_order', 'quality_inspection', 'goods_movement'];
    const ids: number[] = [];
    for (const name of names) ids.push(await mapping(connection, name, 'export'));
    const exported = async () => {
      for (const id of ids) counts(await run(connection, id));
      assert.deepEqual((await hub.sync.deadLetters({ state: 'open' })).items, []);
    };
    await exported();
    await exported();
    // Orders that were imported are jobs as they are.
    const waiting = await plant.rows('wip_job_schedule_interface');
    assert.deepEqual(
      waiting.map((row) => [row.job_name, row.load_type, row.first_unit_start_date]),
      [['P-1', '1', '2026-12-01T08:00:00']],
    );
    assert.equal((await plant.rows('qa_results_interface')).length, 1);
    while ((await plant.managers.run()) > 0);
    await hub.records.replace('production_order', ['P-1'], { ...order, status: 'held', quantity: '8' });
    await exported();
    while ((await plant.managers.run()) > 0);
    assert.deepEqual(await plant.rows('wip_job_schedule_interface'), []);
    assert.deepEqual((await plant.rows('mtl_unit_transactions')).map((row) => row.serial_number).sort(), [
      'S-7',
      'S-8',
    ]);

    await hub.records.delete('production_order', ['P-1']);
    // What the platform has is not imported a second time.
    const key = ['inspection', 'operation', 'characteristic', 'sample'] as const;
    await hub.records.delete(
      'quality_inspection',
      key.map((name) => inspection[name]),
    );
    for (const name of ['production_order', 'quality_inspection']) {
      const id = await mapping(connection, name, 'import');
      counts(await runToEnd(hub, connection, { mapping_id: id, full: true }));
    }
    const back = (await records('production_order')).find(({ order_number }) => order_number === 'P-1');
    assert.deepEqual(back, { ...back, ...order, status: 'held', quantity: '8' });
    const results = await records('quality_inspection');
    const { operation: _, inspection: __, sample: ___, ...kept } = inspection;
    assert.ok(
      results.some((each) => /^\d{18}$/.test(String(each.inspection)) && isLike(each, kept)),
      JSON.stringify(results),
    );
  });
});
