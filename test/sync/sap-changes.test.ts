import assert from 'node:assert/strict';
import { PRESETS } from '../../lib/connectors/erp/sap/presets';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { SapPlant } from '../support/sap/plant';

type Row = Record<string, unknown>;

const CONFIRMATIONS = 'API_PROD_ORDER_CONFIRMATION_2_SRV';
const DOCUMENTS = 'API_MATERIAL_DOCUMENT_SRV';
const day = (text: string) => `/Date(${Date.parse(text)})/`;

/** Later runs of the imports that come with the connector, each with what it missed before the cursor knew of it. */
describe('what changes in SAP after an import', () => {
  const plant = new SapPlant();
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async () => {
    await plant.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = plant.connection();
    connectionId = (await hub.connections.create({ name: 'sap', connector_type: 'erp.sap', config, credentials })).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await plant.stop();
  });
  beforeEach(() => {
    plant.gateway.asked.length = 0;
  });

  /** @returns runs of one mapping, each of which gives how many records it read */
  async function importing(name: string, options: Row = {}): Promise<() => Promise<number>> {
    const mapping = PRESETS.find(({ entity }) => entity === name)!.mappings.find(
      ({ direction }) => direction === 'import',
    )!;
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name, entity_type: mapping.target_entity, source_entity: name },
      ...{ ...mapping, options },
    } as MappingInput);
    return async () => {
      const status: JobStatus = await runToEnd(hub, connectionId, { mapping_id: id });
      assert.equal(status.status, 'success', JSON.stringify(status.logs));
      return status.logs[0]!.records_processed;
    };
  }

  /** As a flow calls a function of SAP. */
  async function call(name: string, parameters: Row): Promise<Row> {
    const connection = await hub.connections.open(connectionId);
    const { signal } = new AbortController();
    return (await hub.runner.call(connection, 'function', { function: name, parameters }, signal)).payload as Row;
  }

  const records = async (type: string): Promise<Row[]> => (await hub.records.list(type, { limit: 100 })).items;
  const confirm = (group: string, count: string, entered: string, more: Row = {}) =>
    plant.add(CONFIRMATIONS, 'ProdnOrdConf2', {
      ...{ ConfirmationGroup: group, ConfirmationCount: count, ConfirmationEntryDate: day(entered) },
      ...{ ConfirmationYieldQuantity: '5.000', ConfirmationUnitISOCode: 'PCE', ...more },
    });

  it('brings new confirmations, also of a day that was read before, and old ones that were cancelled', async () => {
    for (let n = 1; n <= 5; n++) await confirm(`000000000${n}`, '00000001', `2026-10-0${n}`);
    await confirm('0000000011', '00000001', '2026-11-27');
    const run = await importing('production_data');
    assert.equal(await run(), 6);
    await confirm('0000000012', '00000001', '2026-11-27');
    assert.equal(await run(), 2);
    // The original is marked without any date of its own, and one takes it back.
    await call('cancel_confirmation', { ConfirmationGroup: '0000000002', ConfirmationCount: '00000001' });
    assert.equal(await run(), 4);
    const kept = (await records('production_data')).map(({ record_id, reversed }) => [record_id, reversed ?? false]);
    assert.deepEqual(
      kept.filter(([, reversed]) => reversed === true),
      [['0000000002/00000001', true]],
    );
    assert.equal(kept.length, 7);
  });

  it('brings material documents that were cancelled, and says by which', async () => {
    const post = async (document: string, created: string, item: Row) => {
      const key = { MaterialDocumentYear: '2026', MaterialDocument: document };
      await plant.add(DOCUMENTS, 'A_MaterialDocumentHeader', { ...key, CreationDate: day(created) });
      const quantity = { Material: 'M-001', QuantityInEntryUnit: '1.000', EntryUnit: 'PC' };
      await plant.add(DOCUMENTS, 'A_MaterialDocumentItem', {
        ...key,
        MaterialDocumentItem: '0001',
        ...quantity,
        ...item,
      });
    };
    await post('4800000001', '2026-10-01', { GoodsMovementType: '261' });
    await post('4800000000', '2026-11-27', { GoodsMovementType: '261' });
    const run = await importing('goods_movement');
    assert.equal(await run(), 2);
    const cancelled = { MaterialDocumentYear: '2026', MaterialDocument: '4800000001' };
    const { MaterialDocument } = await call('cancel_goods_movement', cancelled);
    assert.equal(await run(), 3);
    assert.deepEqual(
      (await records('goods_movement'))
        .map(({ document, cancelled, reversal_of }) => [document, cancelled ?? false, reversal_of ?? null])
        .sort(),
      [
        ['2026/4800000000', false, null],
        ['2026/4800000001', true, null],
        [`2026/${MaterialDocument}`, false, '2026/4800000001'],
      ].sort(),
    );
  });

  for (const [cursor, stamp] of [
    ['a time', null],
    ['14 digits', ''],
  ] as const) {
    it(`brings what was made and has no time of change yet, which is ${cursor}`, async () => {
      const isOrder = stamp === '';
      const [entity, service, set] = isOrder
        ? ['production_order', 'API_PRODUCTION_ORDER_2_SRV', 'A_ProductionOrder_2']
        : ['equipment', 'API_EQUIPMENT', 'Equipment'];
      const made = (number: string, on: string): Row =>
        isOrder
          ? { ManufacturingOrder: number, MfgOrderCreationDate: day(on), LastChangeDateTime: stamp }
          : {
              ...{ Equipment: number, ValidityEndDate: day('9999-12-31'), MaintenancePlant: '1000' },
              ...{ CreationDate: day(on), LastChangeDateTime: stamp },
            };
      await plant.add(service, set, made('000000000001', '2020-01-01'));
      const run = await importing(entity);
      await run();
      plant.gateway.asked.length = 0;
      for (let n = 0; n < 7; n++) await plant.add(service, set, made(`00000000010${n}`, '2026-11-28'));
      await run();
      const numbers = (await records(isOrder ? 'production_order' : 'machine')).map((each) =>
        String(each.order_number ?? each.machine),
      );
      assert.deepEqual(numbers.filter((number) => number.startsWith('0000000001')).length, 7, numbers.join());
      // What was never changed since before the cursor is not read again.
      const asked = plant.gateway.asked
        .filter(({ url }) => url.includes(set))
        .map(({ url }) => decodeURIComponent(url));
      assert.ok(asked.length > 0 && asked.every((url) => /\$filter=/.test(url)), asked.join('\n'));
    });
  }

  it('brings readings that were entered days after they were taken, and those taken back meanwhile', async () => {
    const reading = (number: number, taken: string) =>
      plant.add('API_MEASUREMENTDOCUMENT', 'MeasurementDocument', {
        ...{ MeasurementDocument: String(number).padStart(20, '0'), MeasuringPoint: '000000000012' },
        ...{ MsmtRdngDate: taken, MsmtRdngTime: '06:00:00', MeasurementReadingInEntryUoM: number },
      });
    await reading(11, '2026-11-26');
    await reading(12, '2026-09-01');
    const run = await importing('measurement_document');
    assert.equal(await run(), 3);
    await reading(13, '2026-11-05');
    await plant.change('API_MEASUREMENTDOCUMENT', "MeasurementDocument('00000000000000000011')", {
      MsmtRdngIsReversed: true,
    });
    assert.equal(await run(), 3);
    const qualities = (await records('measurement')).map(({ value_number, quality }) => `${value_number} ${quality}`);
    assert.deepEqual(qualities.sort(), ['11 bad', '12 good', '12.5 good', '13 good']);
  });
});
