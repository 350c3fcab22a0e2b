import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { MAPPINGS } from '../../lib/connectors/erp/protheus/models/mappings';
import { PRESETS } from '../../lib/connectors/erp/protheus/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { protheusPlant } from '../support/protheus/plant';
import { PcpJudge } from '../support/protheus/prism';
import type { ProtheusServer } from '../support/protheus/server';

/** The mappings that come with the connector, run by the hub; Prism judges what goes to the APIs of the PCP module. */
describe('synchronising with Protheus', function () {
  this.timeout(180_000);
  const judge = new PcpJudge();
  let plant: ProtheusServer;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;
  let created = 0;

  before(async () => {
    plant = await protheusPlant();
    await judge.start(`${plant.url.replace(/\/rest$/, '')}/checked/api/pcp/v1`);
    plant.validator = judge.url;
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = plant.connection();
    const input = {
      name: 'protheus',
      connector_type: 'erp.protheus',
      timezone: 'America/Sao_Paulo',
      config,
      credentials,
    };
    connectionId = (await hub.connections.create(input)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await judge.stop();
    await plant?.stop();
  });
  afterEach(() => {
    plant.cuts = () => false;
    plant.onPage = () => undefined;
    plant.hasRowNumbers = true;
  });

  async function run(
    name: string,
    direction: DefaultMapping['direction'],
    changes: Partial<MappingInput> = {},
  ): Promise<JobStatus> {
    const mappings = PRESETS.find(({ entity }) => entity === name)?.mappings ?? MAPPINGS.get('SB1MASTER')!;
    const { target_entity, ...mapping } = mappings.find((each) => each.direction === direction)!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: `${name} ${++created}`, entity_type: target_entity },
      ...{ source_entity: name, target_entity, ...mapping, ...changes },
    } as MappingInput);
    return runToEnd(hub, connectionId, { mapping_id: id });
  }

  const counts = ({ status, logs }: JobStatus) => {
    assert.equal(status, 'success', JSON.stringify(logs));
    return logs.map(({ records_success, records_error }) => [records_success, records_error]);
  };
  const records = async (type: string) => (await hub.records.list(type, { limit: 100 })).items;

  it('imports orders and reports by their default mappings, digit by digit', async () => {
    assert.deepEqual(counts(await run('production_order', 'import')), [[23, 0]]);
    const order = (number: string, from: Record<string, unknown>[]) =>
      from.find((each) => each.order_number === number);
    const orders = await records('production_order');
    const second = order('00000201001', orders);
    assert.deepEqual(second, {
      ...second,
      ...{ quantity: '1234567890123.123456', unit: 'PC', plant: 'D MG 01', material: 'P-1', notes: "d'água" },
      ...{ planned_start: '2026-11-02', planned_end: '2026-12-31', status: 'open' },
    });
    assert.deepEqual(
      ['00000301001', '00000401001', '00000501001', '00000601001'].map((number) => order(number, orders)?.status),
      ['open', 'started', 'closed', 'planned'],
    );
    assert.equal(order('00000301001', orders)?.material, 'AÇÃO 😀');
    assert.deepEqual(counts(await run('mrp_production_order', 'import')), [[3, 0]]);
    assert.deepEqual(counts(await run('production_data', 'import')), [[4, 0]]);
    const [report] = await records('production_data');
    assert.deepEqual([report?.started_at, report?.machine], ['2026-11-27T09:30:00.000Z', 'M1']);
  });

  it('tries a list that moved again from its beginning, so that nothing is left out', async () => {
    plant.hasRowNumbers = false;
    const rows = plant.tables.get('SC2')!;
    let page = 0;
    plant.onPage = (table) => {
      if (table === 'SC2' && ++page === 3) rows.unshift({ ...rows[0]!, C2_NUM: '00000A' });
    };
    const { status } = await run('production_order', 'import', { options: { batch_size: 5 } });
    assert.equal(status, 'success');
    assert.ok((await records('production_order')).some(({ order_number }) => order_number === '00000A01001'));
  });

  it('posts each stop once, though half of the answers are lost, and reads them as they were', async () => {
    const stops = Array.from({ length: 12 }, (_, n) => ({
      machine: 'M1',
      started_at: `2026-11-27T${String(n).padStart(2, '0')}:00:00.000Z`,
      ended_at: `2026-11-27T${String(n).padStart(2, '0')}:30:00.000Z`,
      reason: 'R1',
      planned: n % 2 === 0,
      notes: 'ção 😀',
    }));
    for (const stop of stops) await hub.records.create('downtime', stop);
    let changes = 0;
    plant.cuts = (method) => method === 'POST' && ++changes % 2 === 0;
    await run('stop_report', 'export');
    plant.cuts = () => false;
    counts(await run('stop_report', 'export'));
    assert.equal(plant.stops.size, 12);
    const posted = [...plant.stops.values()].find(({ StartDateTime }) => String(StartDateTime).includes('T00:00'));
    assert.deepEqual(
      [posted?.StartDateTime, posted?.EndDateTime, posted?.StopType, posted?.Observation],
      ['2026-11-27T00:00:00-03:00', '2026-11-27T00:30:00-03:00', '2', 'ção 😀'],
    );
    const held = await records('downtime');
    for (const { machine, started_at } of held) {
      await hub.records.delete('downtime', ['', String(machine), String(started_at)]);
    }
    assert.deepEqual(counts(await run('stop_report', 'import')), [[12, 0]]);
    const read = (await records('downtime')).sort((a, b) => (String(a.started_at) < String(b.started_at) ? -1 : 1));
    assert.deepEqual(
      read.map((each) => ({ ...each, ...stops[read.indexOf(each)] })),
      read,
    );
  });

  it('gives products back by their published model as it got them, each once though answers are lost', async () => {
    const model = plant.models.get('MATA010RETAIL')!;
    const texts = { B1_TIPO: 'PA', B1_GRUPO: '0001', B1_SEGUM: 'KG', B1_LOCPAD: '01', B1_MRP: 'S', B1_RASTRO: 'L' };
    const numbers = {
      B1_CONV: 0.5,
      B1_PE: 3,
      B1_ESTSEG: 10,
      B1_LE: 100,
      B1_LM: 50,
      B1_EMIN: 5,
      B1_PESO: '1234567890.123456',
    };
    for (let n = 0; n < 12; n++) {
      model.add('D MG 01 ', { B1_COD: `P-${n}`, B1_DESC: `AÇO d'água ${n}`, B1_UM: 'PC', ...texts, ...numbers });
    }
    const before = structuredClone(model.held);
    const entity = 'fwmodel/MATA010RETAIL';
    assert.deepEqual(counts(await run(entity, 'import', { options: { batch_size: 5 } })), [[12, 0]]);
    const [product] = (await records('material')).filter(({ material }) => material === 'P-0');
    assert.deepEqual(
      [product?.description, product?.plant, product?.net_weight, product?.batch_controlled],
      ["AÇO d'água 0", 'D MG 01', '1234567890.123456', true],
    );
    // The first one stays, so that the model shows its parts.
    model.held.splice(1);
    let changes = 0;
    plant.cuts = (method) => method === 'POST' && ++changes % 2 === 0;
    await run(entity, 'export');
    plant.cuts = () => false;
    counts(await run(entity, 'export'));
    const byCode = (held: typeof before) =>
      held
        .map(({ fields }) => ({ ...fields, B1_PESO: String(fields.B1_PESO), B1_RASTRO: '' }))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    assert.deepEqual(byCode(model.held), byCode(before));
  });

  it('posts requests of maintenance on the clock of the plant, each once, and reads what became of them', async () => {
    const order = { machine: 'M1', description: 'Óleo 😀', priority: '2', requested_at: '2026-11-27T02:30:00.000Z' };
    await hub.records.create('maintenance_order', { order_number: 'R-1', ...order });
    await hub.records.create('maintenance_order', {
      order_number: 'R-2',
      description: 'Luz',
      functional_location: 'HALL',
    });
    assert.deepEqual(counts(await run('maintenance_request', 'export')), [[2, 0]]);
    const table = plant.tables.get('TQB')!;
    assert.deepEqual(
      table.map(({ TQB_CODBEM, TQB_TIPOSS, TQB_DTABER, TQB_HOABER }) => [
        ...[String(TQB_CODBEM).trim(), TQB_TIPOSS, TQB_DTABER, TQB_HOABER],
      ]),
      [
        ['M1', 'B', '20261126', '23:30'],
        ['HALL', 'L', '20261127', '12:00'],
      ],
    );
    table[0]!.TQB_SOLUCA = 'E';
    Object.assign(table[0]!, { TQB_DTFECH: '20261127', TQB_HOFECH: '08:00' });
    // Ours stay what they are, and get what Protheus says of them.
    assert.deepEqual(counts(await run('maintenance_request', 'import')), [[2, 0]]);
    const orders = await records('maintenance_order');
    const read = orders.find(({ order_number }) => order_number === 'R-1');
    assert.deepEqual(
      [orders.length, read?.status, read?.requested_at, read?.actual_end_at, read?.machine],
      [2, 'completed', '2026-11-27T02:30:00.000Z', '2026-11-27T11:00:00.000Z', 'M1'],
    );
    table.push({ ...table[1]!, TQB_SOLICI: '000009', TQB_ORIGEM: 'APP', TQB_SOLUCA: 'D', R_E_C_N_O_: 9 });
    assert.deepEqual(counts(await run('maintenance_request', 'import')), [[3, 0]]);
    const foreign = (await records('maintenance_order')).find(({ order_number }) => order_number === 'SS-000009');
    const { status, notification, functional_location } = foreign!;
    assert.deepEqual([status, notification, functional_location], ['released', '000009', 'HALL']);
    // What was imported is no request of ours.
    assert.equal(counts(await run('maintenance_request', 'export')).length, 1);
    assert.equal(table.length, 3);
  });

  it('imports what surrounds production', async () => {
    const imported = async (name: string, type: string, each: Record<string, unknown>[]) => {
      assert.deepEqual(counts(await run(name, 'import')), [[each.length, 0]], name);
      const found = await records(type);
      for (const wanted of each) {
        const isWanted = (record: Record<string, unknown>) =>
          Object.entries(wanted).every(([field, value]) => record[field] === value);
        assert.ok(found.some(isWanted), `${name}: ${JSON.stringify(found)}`);
      }
    };
    const began = '2026-11-27T10:00:00.000Z';
    await imported('maintenance_order', 'maintenance_order', [
      {
        ...{ order_number: '000001', order_type: 'COR001', type: 'corrective', status: 'released', machine: 'M1' },
        ...{
          planned_start_at: '2026-11-27T09:30:00.000Z',
          planned_end_at: '2026-11-27T03:00:00.000Z',
          counter: '1234.5',
        },
        ...{ actual_start_at: null, malfunction_start_at: null, notification: null },
      },
      { order_number: '000002', status: 'in_progress', actual_start_at: began },
      { order_number: '000003', status: 'completed', type: 'preventive', actual_end_at: '2026-11-27T11:00:00.000Z' },
      { order_number: '000004', status: 'cancelled' },
    ]);
    await imported('equipment', 'machine', [
      { machine: 'M1', name: 'Prensa 😀', work_center: 'CT1', plant: 'D MG 01' },
    ]);
    await imported('counter_reading', 'measurement', [
      { source: 'protheus', tag: 'M1', value_number: 1234.5, source_timestamp: '2026-11-27T09:30:00.000Z' },
      { tag: 'M1', value_number: 1240, source_timestamp: '2026-11-28T03:00:00.000Z' },
    ]);
    const inspection = { inspection: '00000101001/L1', material: 'P-0', order_number: '00000101001', batch: 'L1' };
    await imported('inspection_lot', 'quality_inspection', [
      { ...inspection, decision: 'accepted', lot_quantity: '10.5', defective_quantity: '0.5', unit: 'PC' },
    ]);
    await imported('inspection_result', 'quality_inspection', [
      {
        ...inspection,
        operation: '10',
        characteristic: 'ESPESS',
        result: 'rejected',
        ended_at: '2026-11-27T12:15:00.000Z',
      },
    ]);
    await imported('operator', 'operator', [
      { operator: '000007', name: 'ZÉ DA CONCEIÇÃO', hired_on: '2020-02-29', left_on: null, active: true },
    ]);
    await imported('stock_by_batch', 'stock', [
      { material: 'P-0', batch: 'L1', quantity: '1234567890.123456', reserved_quantity: '2', expires_on: '2027-12-31' },
    ]);
  });

  it('posts no stop that somebody made in Protheus', async () => {
    const own = {
      MachineCode: 'M9',
      StartDateTime: '2026-11-26T08:00:00-03:00',
      EndDateTime: '2026-11-26T09:00:00-03:00',
    };
    plant.stops.set('own', { ...own, IntegrationReport: '      ', StopReasonCode: 'R1', ReversedReport: false });
    const before = plant.stops.size;
    counts(await run('stop_report', 'import'));
    assert.ok((await records('downtime')).some(({ machine }) => machine === 'M9'));
    counts(await run('stop_report', 'export'));
    assert.equal(plant.stops.size, before);
    plant.stops.delete('own');
  });

  it('is judged: what breaks the documents of the APIs gets no further', async () => {
    const before = plant.stops.size;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ IntegrationReport: '1', MachineCode: 5 });
    const answer = await fetch(`${judge.url}/stopReports`, { method: 'POST', headers, body });
    assert.deepEqual([answer.ok, plant.stops.size], [false, before]);
  });

  it('exports and imports scrap reasons', async () => {
    await hub.entityTypes.create({
      ...{ type: 'waste_reason', title: 'Scrap reason', key: ['code'] },
      schema: {
        type: 'object',
        properties: {
          code: { type: 'string' },
          ...{ description: { type: ['string', 'null'] } },
          ...{ rework: { type: ['boolean', 'null'] }, scrap_material: { type: ['boolean', 'null'] } },
        },
        required: ['code'],
      },
    } as never);
    const reason = { code: 'R1', description: 'Trinca ção', rework: true, scrap_material: false };
    await hub.records.create('waste_reason', reason);
    assert.deepEqual(counts(await run('waste_reason', 'export')), [[1, 0]]);
    assert.deepEqual(plant.reasons.get('R1'), {
      ...{ Code: 'R1', Description: 'Trinca ção', IsRework: true, IsScrapMaterial: false },
    });
    plant.reasons.get('R1')!.Description = 'Trinca  ';
    assert.deepEqual(counts(await run('waste_reason', 'import')), [[1, 0]]);
    assert.equal((await records('waste_reason'))[0]?.description, 'Trinca');
  });
});
