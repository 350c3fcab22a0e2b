import assert from 'node:assert/strict';
import { MESSAGES } from '../../lib/connectors/erp/dynamics365/message';
import { PRESETS } from '../../lib/connectors/erp/dynamics365/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { MesQueue } from '../support/dynamics365/mes-queue';
import type { OperationsServer } from '../support/dynamics365/operations';
import { dynamicsPlant } from '../support/dynamics365/plant';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

/** Messages to the MES queue by the mappings that come with the connector; most environments have no data entity over it. */
describe('reporting to Dynamics 365', () => {
  let plant: OperationsServer;
  let queue: MesQueue;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  beforeEach(async () => {
    plant = await dynamicsPlant();
    queue = new MesQueue(plant);
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = plant.connection({ company: 'usmf' });
    const input = { name: 'd365', connector_type: 'erp.dynamics365', config, credentials };
    connectionId = (await hub.connections.create(input)).id;
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await plant?.stop();
  });

  async function mapping(name: string): Promise<number> {
    const { target_entity, ...own } = MESSAGES.find(({ entity }) => entity === name)!.mappings[0]!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name, entity_type: target_entity, source_entity: name, target_entity, ...own },
    } as MappingInput);
    return id;
  }

  const run = (mapping_id: number): Promise<JobStatus> => runToEnd(hub, connectionId, { mapping_id });
  const sent = () =>
    queue.sent.map(({ company, type, content }) => [company, type.replace('ProdProductionOrder', ''), content]);

  it('sends what was made, spent and consumed, and where orders begin and end, digit by digit', async () => {
    await hub.records.create('production_data', {
      ...{ record_id: 'R1', order_number: 'P000001', operation: '10', machine: 'M-1', material: 'D0' },
      ...{ good_quantity: '1234567890123.123456', scrap_quantity: '0.5', scrap_reason: 'Machine', final: true },
      ...{ posting_date: '2026-11-27', ended_at: '2026-11-27T14:30:00.000Z', run_time: '90', time_unit: 'min' },
    });
    await hub.records.create('goods_movement', {
      ...{ document: '4711', item: '1', type: 'issue', material: 'M1', quantity: '2.125', unit: 'kg' },
      ...{ order_number: 'P000001', posting_date: '2026-11-27' },
    });
    await hub.records.create('goods_movement', {
      document: '4712',
      type: 'receipt',
      material: 'M1',
      order_number: 'P1',
    });
    await hub.records.create('production_order', {
      ...{ order_number: 'P000004', status: 'started', actual_start_at: '2026-11-27T08:00:00.000Z' },
    });
    await hub.records.create('production_order', {
      ...{ order_number: 'P000005', status: 'completed', actual_end_at: '2026-11-27T16:00:00.000Z' },
    });
    for (const { entity } of MESSAGES) {
      await run(await mapping(entity));
    }
    const { items } = await hub.sync.deadLetters({ state: 'open' });
    assert.deepEqual(items, []);
    const line = { ItemNumber: 'D0', ReportedGoodQuantity: '1234567890123.123456', ReportedErrorQuantity: 0.5 };
    const [report, ...others] = sent();
    assert.deepEqual(JSON.parse(JSON.stringify(report)), [
      ...['USMF', 'ReportFinished'],
      {
        ProductionOrderNumber: 'P000001',
        ReportFinishedLines: [
          {
            ...{ ...line, ErrorCause: 'Machine', ReportAsFinishedDate: '2026-11-27', EndJob: 'Yes' },
            ...{ ExecutedDateTime: '2026-11-27T14:30:00.000Z' },
          },
        ],
      },
    ]);
    const card = {
      OperationNumber: 10,
      OperationsResourceId: 'M-1',
      Hours: 1.5,
      ErrorQuantity: 0.5,
      ErrorCause: 'Machine',
    };
    const both = { GoodQuantity: '1234567890123.123456', ConsumptionDate: '2026-11-27', OperationCompleted: 'Yes' };
    const picked = {
      ItemNumber: 'M1',
      ConsumptionBOMQuantity: 2.125,
      BOMUnitSymbol: 'kg',
      ConsumptionDate: '2026-11-27',
    };
    assert.deepEqual(JSON.parse(JSON.stringify(others)), [
      ['USMF', 'RouteCard', { ProductionOrderNumber: 'P000001', RouteCardLines: [{ ...card, ...both }] }],
      ['USMF', 'PickingList', { ProductionOrderNumber: 'P000001', PickingListLines: [picked] }],
      ['USMF', 'Start', { ProductionOrderNumber: 'P000004' }],
      ['USMF', 'End', { ProductionOrderNumber: 'P000005' }],
    ]);
  });

  it('sends the messages of an order as they came, once, and asks a person about one whose answer was lost', async () => {
    for (let n = 0; n < 12; n++) {
      const record = {
        record_id: `R${String(n).padStart(2, '0')}`,
        order_number: `P00000${n % 3}`,
        good_quantity: `${n}`,
      };
      await hub.records.create('production_data', record);
    }
    let answers = 0;
    plant.cuts = (_method, url) => url.startsWith('/api/') && ++answers === 5;
    const id = await mapping('mes/report_as_finished');
    await run(id);
    plant.cuts = () => false;
    await run(id);
    const numbers = queue.sent.map(({ content }) =>
      Number((content.ReportFinishedLines as { ReportedGoodQuantity: string }[])[0]?.ReportedGoodQuantity),
    );
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, n) => n),
    );
    for (const rest of [0, 1, 2]) {
      const ofOrder = numbers.filter((n) => n % 3 === rest);
      assert.deepEqual(
        ofOrder,
        [...ofOrder].sort((a, b) => a - b),
      );
    }
    const { items } = await hub.sync.deadLetters({ mapping_id: id, state: 'open' });
    assert.deepEqual(
      items.map(({ code }) => code),
      ['PCP_UNKNOWN_OUTCOME'],
    );
  });

  it('sends nothing a second time when a record is changed later, and refuses what is no message', async () => {
    const record = { record_id: 'R1', order_number: 'P000001', good_quantity: '1' };
    await hub.records.create('production_data', record);
    await hub.records.create('production_data', { record_id: 'R2', good_quantity: '1' });
    const id = await mapping('mes/report_as_finished');
    await run(id);
    await hub.records.replace('production_data', ['R1'], { ...record, good_quantity: '2' });
    await run(id);
    assert.equal(queue.sent.length, 1);
    const { items } = await hub.sync.deadLetters({ mapping_id: id, state: 'open' });
    const codes = Object.fromEntries(items.map(({ source_key, code }) => [source_key, code]));
    assert.ok(Object.values(codes).includes('PCP_ODATA_POSTED_BEFORE'), JSON.stringify(codes));
    assert.equal(items.length, 2);
  });

  it('reports nothing of what Dynamics itself told', async () => {
    for (const name of ['production_data', 'production_order']) {
      const { target_entity, ...own } = PRESETS.find(({ entity }) => entity === name)!.mappings[0]!;
      const input = { connection_id: connectionId, name: `${name} in`, entity_type: target_entity };
      const { id } = await hub.mappings.create({
        ...input,
        source_entity: name,
        target_entity,
        ...own,
      } as MappingInput);
      const { logs } = await run(id);
      assert.ok(logs[0]!.details.created > 0, name);
    }
    for (const { entity } of MESSAGES) await run(await mapping(entity));
    assert.deepEqual(sent(), []);
  });

  it('is read back: what was reported is missing from what remains of the order', async () => {
    await hub.records.create('production_data', { record_id: 'R1', order_number: 'P000001', good_quantity: '1.25' });
    await run(await mapping('mes/report_as_finished'));
    queue.process();
    const [row] = plant.rows('ProductionOrderHeaders');
    assert.equal(row?.RemainingReportAsFinishedQuantity, '3');
  });
});
