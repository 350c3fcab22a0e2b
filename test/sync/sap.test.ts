import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { PRESETS, type Preset } from '../../lib/connectors/erp/sap/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { SapPlant } from '../support/sap/plant';

const CONFIRMATIONS = 'API_PROD_ORDER_CONFIRMATION_2_SRV';
const DOCUMENTS = 'API_MATERIAL_DOCUMENT_SRV';

/** The mappings that come with the connector, run by the hub against SAP's mock server behind a strict gateway. */
describe('synchronising with SAP', () => {
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
    const { config, credentials } = plant.connection({ changes_per_request: 3 });
    const connection = await hub.connections.create({ name: 'sap', connector_type: 'erp.sap', config, credentials });
    connectionId = connection.id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await plant.stop();
  });
  afterEach(() => {
    plant.gateway.cuts = () => false;
  });

  const preset = (name: string): Preset => PRESETS.find(({ entity }) => entity === name)!;
  const defaultOf = (name: string, direction: DefaultMapping['direction']): DefaultMapping =>
    preset(name).mappings.find((mapping) => mapping.direction === direction)!;

  async function run(name: string, direction: DefaultMapping['direction']): Promise<JobStatus> {
    const { target_entity, ...mapping } = defaultOf(name, direction);
    const input = { ...mapping, target_entity, entity_type: target_entity, source_entity: name };
    const { id } = await hub.mappings.create({
      connection_id: connectionId,
      name: `${name} ${++mappings}`,
      ...input,
    } as MappingInput);
    return runToEnd(hub, connectionId, { mapping_id: id });
  }

  const counts = ({ status, logs }: JobStatus) => {
    assert.equal(status, 'success', JSON.stringify(logs));
    return logs.map(({ records_success, records_error }) => [records_success, records_error]);
  };
  const records = async (type: string) => (await hub.records.list(type, { limit: 100 })).items;

  it('imports orders, materials and stock by their default mappings, digit by digit', async () => {
    assert.deepEqual(counts(await run('production_order', 'import')), [[14, 0]]);
    assert.deepEqual(counts(await run('material', 'import')), [[12, 0]]);
    assert.deepEqual(counts(await run('stock', 'import')), [[11, 0]]);
    const order = (await records('production_order')).find((each) => each.order_number === '000001000003');
    assert.deepEqual(order, {
      ...order,
      material: 'M-002',
      quantity: '102.5',
      unit: 'PCE',
      planned_start: '2026-11-03',
      planned_start_at: '2026-11-03T06:30:00.000Z',
      planned_end: '2026-11-05',
      status: 'released',
      changed_at: '2026-11-27T06:02:00.000Z',
    });
    const material = (await records('material')).find((each) => each.material === 'M-003');
    assert.deepEqual(
      [material?.description, material?.status, material?.procurement, material?.gross_weight, material?.plant],
      ['Peça M-003', 'deleted', 'make', '3.125', '1000'],
    );
    const [stock] = (await records('stock')).filter((each) => each.material === 'M-001');
    assert.deepEqual(
      [stock?.batch, stock?.status, stock?.quantity],
      ['B1', 'quality_inspection', '12345678901234567.12345678901231'],
    );
  });

  it('posts each confirmation once, though half of the answers are lost', async () => {
    for (let n = 0; n < 12; n++) {
      await hub.records.create('production_data', {
        record_id: `REC-${n}`,
        order_number: String(1_000_001 + n),
        operation: '10',
        good_quantity: `${n}.500`,
        unit: 'PCE',
        posting_date: '2026-11-27',
        notes: 'ção 😀',
      });
    }
    let changes = 0;
    plant.gateway.cuts = () => ++changes % 2 === 0;
    await run('production_data', 'export');
    plant.gateway.cuts = () => false;
    counts(await run('production_data', 'export'));
    const posted = await plant.rows(CONFIRMATIONS, 'ProdnOrdConf2');
    assert.equal(posted.length, 12);
    assert.equal(new Set(posted.map(({ ExternalSystemConfirmation }) => ExternalSystemConfirmation)).size, 12);
    const first = posted.find(({ OrderID }) => OrderID === '000001000001');
    assert.deepEqual([first?.OrderOperation, first?.ConfirmationText], ['0010', 'ção 😀']);
    const sent = plant.gateway.changed.find(({ body }) => body.includes('000001000002'));
    assert.equal((JSON.parse(sent!.body) as Record<string, unknown>).ConfirmationYieldQuantity, '1.500');
  });

  it('posts each goods movement once, with its item', async () => {
    for (let n = 0; n < 6; n++) {
      await hub.records.create('goods_movement', {
        document: `a document with a long number ${n}`,
        item: '',
        type: 'issue',
        movement_code: '261',
        material: 'M-001',
        quantity: '2.125',
        unit: 'PC',
        plant: '1000',
        storage_location: '0001',
        order_number: '1000001',
        posting_date: '2026-11-27',
      });
    }
    let changes = 0;
    plant.gateway.cuts = () => ++changes % 2 === 1;
    await run('goods_movement', 'export');
    plant.gateway.cuts = () => false;
    counts(await run('goods_movement', 'export'));
    const posted = await plant.rows(DOCUMENTS, 'A_MaterialDocumentHeader');
    assert.equal(posted.length, 6);
    assert.match(String(posted[0]?.ReferenceDocument), /^[0-9A-Z]{16}$/);
    const sent = plant.gateway.changed.find(({ url }) => url.includes('A_MaterialDocumentHeader'));
    assert.deepEqual(JSON.parse(sent!.body), {
      ReferenceDocument: posted[0]?.ReferenceDocument,
      GoodsMovementCode: '03',
      PostingDate: '/Date(1795737600000)/',
      to_MaterialDocumentItem: [
        {
          GoodsMovementType: '261',
          Material: 'M-001',
          QuantityInEntryUnit: '2.125',
          EntryUnit: 'PC',
          Plant: '1000',
          StorageLocation: '0001',
          ManufacturingOrder: '000001000001',
        },
      ],
    });
  });

  it('imports what was posted by its default mappings', async () => {
    // What the platform has is not imported a second time.
    for (const { record_id } of await records('production_data')) {
      await hub.records.delete('production_data', [String(record_id)]);
    }
    for (const { document, item } of await records('goods_movement')) {
      await hub.records.delete('goods_movement', [String(document), String(item)]);
    }
    // Cancelled in SAP: the confirmation stays, and one that takes it back has the same quantity.
    const [cancelled] = await plant.rows(CONFIRMATIONS, 'ProdnOrdConf2');
    const group = String(cancelled!.ConfirmationGroup);
    const reversal = { ConfirmationGroup: group, ConfirmationCount: '00000002', IsReversal: true };
    await plant.add(CONFIRMATIONS, 'ProdnOrdConf2', { ...reversal, ConfirmationYieldQuantity: '1.500' });
    const key = `ConfirmationGroup='${group}',ConfirmationCount='00000001'`;
    await plant.change(CONFIRMATIONS, `ProdnOrdConf2(${key})`, { IsReversed: true });
    assert.deepEqual(counts(await run('production_data', 'import')), [[13, 0]]);
    const ofGroup = (await records('production_data')).filter(({ record_id }) => String(record_id).startsWith(group));
    assert.deepEqual(
      ofGroup.map(({ reversed }) => reversed),
      [true],
    );
    const confirmations = (await records('production_data')).filter((each) => String(each.record_id).includes('/'));
    assert.equal(confirmations.length, 12);
    const first = confirmations.find((each) => each.order_number === '000001000002');
    assert.deepEqual(
      [first?.operation, first?.good_quantity, first?.posting_date, first?.notes],
      ['0010', '1.5', '2026-11-27', 'ção 😀'],
    );
    const moved = await run('goods_movement', 'import');
    counts(moved);
    const [movement] = (await records('goods_movement')).filter((each) => String(each.document).startsWith('2026/'));
    assert.deepEqual(
      [movement?.material, movement?.quantity, movement?.movement_code, movement?.order_number],
      ['M-001', '2.125', '261', '000001000001'],
    );
  });

  it('posts a receipt with reference to its order, and a transfer with where it goes', async () => {
    const common = { item: '', material: 'M-001', quantity: '1', unit: 'PC', plant: '1000', storage_location: '0001' };
    const receipt = { document: 'R-1', type: 'receipt', movement_code: '101', order_number: '1000001' };
    const to = { to_plant: '1000', to_storage_location: '0002', to_batch: 'L9', reason: '0001' };
    await hub.records.create('goods_movement', { ...common, ...receipt });
    await hub.records.create('goods_movement', {
      ...common,
      ...to,
      ...{ document: 'T-1', type: 'transfer', movement_code: '311' },
    });
    counts(await run('goods_movement', 'export'));
    const sent = (document: string) => {
      const { body } = plant.gateway.changed.find((each) => each.body.includes(`"${document}"`))!;
      return (JSON.parse(body) as { to_MaterialDocumentItem: Record<string, unknown>[] }).to_MaterialDocumentItem[0];
    };
    const { GoodsMovementRefDocType, ManufacturingOrder, ManufacturingOrderItem } = sent('R-1')!;
    assert.deepEqual(
      [GoodsMovementRefDocType, ManufacturingOrder, ManufacturingOrderItem],
      ['F', '000001000001', '0001'],
    );
    const { IssuingOrReceivingStorageLoc, IssgOrRcvgBatch, GoodsMovementReasonCode, ...moved } = sent('T-1')!;
    assert.deepEqual([IssuingOrReceivingStorageLoc, IssgOrRcvgBatch, GoodsMovementReasonCode], ['0002', 'L9', '0001']);
    assert.ok(!('GoodsMovementRefDocType' in moved));
  });

  it('posts every item of a document, each once, and tells when a posted one was changed', async () => {
    const movement = (item: string, quantity: string) => ({
      ...{ document: 'D1', item, type: 'issue', movement_code: '261', material: `M-00${item}`, quantity, unit: 'PC' },
      ...{ plant: '1000', storage_location: '0001', order_number: '1000001', posting_date: '2026-11-27' },
    });
    const posted = async () => {
      const headers = await plant.rows(DOCUMENTS, 'A_MaterialDocumentHeader');
      return headers.map((row) => String(row.ReferenceDocument)).filter((reference) => reference.startsWith('D1'));
    };
    await hub.records.create('goods_movement', movement('1', '1'));
    await run('goods_movement', 'export');
    await hub.records.create('goods_movement', movement('2', '2.5'));
    // A mapping of its own each time: nothing is remembered of what was sent.
    counts(await run('goods_movement', 'export'));
    counts(await run('goods_movement', 'export'));
    assert.deepEqual(await posted(), ['D1/1', 'D1/2']);
    await hub.records.replace('goods_movement', ['D1', '2'], movement('2', '99'));
    const [log] = (await run('goods_movement', 'export')).logs;
    assert.deepEqual([log?.records_error, await posted()], [1, ['D1/1', 'D1/2']]);
    const { items } = await hub.sync.deadLetters({ mapping_id: log!.mapping_id, state: 'open' });
    assert.deepEqual(
      items.map(({ code }) => code),
      ['PCP_ODATA_POSTED_BEFORE'],
    );
  });
});
