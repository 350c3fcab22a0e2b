import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { PRESETS as EBS } from '../../lib/connectors/erp/oracle-ebs/presets';
import { PRESETS as PROTHEUS } from '../../lib/connectors/erp/protheus/presets';
import { PRESETS as SAP } from '../../lib/connectors/erp/sap/presets';
import type { OpenConnection } from '../../lib/model/connection';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { EbsPlant } from '../support/ebs/plant';
import { jobEnd, openHub, runToEnd } from '../support/hub';
import { postgresAvailable } from '../support/postgres';
import { protheusPlant } from '../support/protheus/plant';
import type { ProtheusServer } from '../support/protheus/server';
import { SapPlant } from '../support/sap/plant';
import { type StorePlace, storeKinds } from '../unit/store/stores';

type Row = Record<string, unknown>;
type Direction = DefaultMapping['direction'];
type Preset = { entity: string; mappings: DefaultMapping[] };

/** What the platform has posted comes back by an import of the same entity: it must stay one record on each side. */
for (const kind of storeKinds) {
  describe(`what was posted and comes back, with a store in ${kind.name}`, function () {
    this.timeout(180_000);
    let place: StorePlace;
    let hub: Hub;
    let made = 0;

    beforeEach(async function () {
      place = await kind.place(this);
      const { directory, url } = place.options;
      hub = await openHub(directory, url === undefined ? {} : { section: { storeUrl: url } });
    });
    afterEach(async () => {
      await hub?.close();
      await place?.remove();
    });

    async function connect({ connector_type, config, credentials }: OpenConnection): Promise<number> {
      const name = `${connector_type} ${++made}`;
      const input = { name, connector_type, timezone: 'America/Sao_Paulo', config, credentials };
      return (await hub.connections.create(input)).id;
    }

    async function mapping(connection: number, presets: readonly Preset[], name: string, direction: Direction) {
      const given = presets
        .find(({ entity }) => entity === name)!
        .mappings.find((each) => each.direction === direction)!;
      const { id } = await hub.mappings.create({
        ...{ connection_id: connection, name: `${name} ${++made}`, entity_type: given.target_entity },
        ...{ source_entity: name, ...given },
      } as MappingInput);
      // A full export sends everything once more, and a full import reads it so.
      return () => runToEnd(hub, connection, { mapping_id: id, full: direction === 'import' });
    }

    const records = async (type: string): Promise<Row[]> => (await hub.records.list(type, { limit: 100 })).items;
    const told = async ({ status, logs }: JobStatus) => {
      const letters = (await hub.sync.deadLetters({ state: 'open' })).items;
      assert.deepEqual([status, letters], ['success', []], JSON.stringify(logs));
      const { created, updated, unchanged, filtered, own = 0 } = logs[0]!.details;
      return { created, updated, unchanged, filtered, own };
    };

    describe('in SAP', () => {
      const plant = new SapPlant();
      before(() => plant.start());
      after(() => plant.stop());

      const documents: [string, string, Row, Row][] = [
        [
          'production_data',
          'ProdnOrdConf2',
          {
            ...{ record_id: 'R-1', order_number: '000001000001', operation: '0010', plant: '1000' },
            ...{ good_quantity: '5.125', unit: 'PCE', posting_date: '2026-11-27' },
          },
          { good_quantity: '5.125', erp_document: null },
        ],
        [
          'goods_movement',
          'A_MaterialDocumentHeader',
          {
            ...{ document: 'D-1', item: '1', movement_code: '261', material: 'M-001', quantity: '2.125', unit: 'PC' },
            ...{ plant: '1000', storage_location: '0001', posting_date: '2026-11-27' },
          },
          { quantity: '2.125', erp_document: null },
        ],
        [
          'measurement_document',
          'MeasurementDocument',
          { source: 'opcua', tag: '000000000099', source_timestamp: '2026-11-27T11:15:30.000Z', value_number: 7.25 },
          { source: 'opcua', value_number: 7.25 },
        ],
        [
          'maintenance_request',
          'MaintenanceNotification',
          { order_number: 'A request of a long name', description: 'Vazamento', plant: '1000', breakdown: true },
          { description: 'Vazamento', notification: null },
        ],
      ];
      for (const [name, set, record, kept] of documents) {
        it(`keeps one ${name} on each side`, async () => {
          const { service, mappings } = SAP.find(({ entity }) => entity === name)!;
          const type = mappings[0]!.target_entity;
          const connection = await connect(plant.connection());
          const bring = await mapping(connection, SAP, name, 'import');
          const post = await mapping(connection, SAP, name, 'export');
          await bring();
          const foreign = (await records(type)).length;
          await hub.records.create(type, record);
          assert.equal((await told(await post())).created, 1);
          const posted = (await plant.rows(service, set)).length;
          assert.equal((await told(await bring())).own, 1);
          for (let round = 0; round < 2; round++) {
            const { created, updated } = await told(await post());
            assert.deepEqual({ created, updated }, { created: 0, updated: 0 });
            const again = await told(await bring());
            assert.deepEqual([again.created, again.updated, again.own], [0, 0, 1]);
          }
          const all = await records(type);
          assert.equal(all.length, foreign + 1, JSON.stringify(all));
          assert.ok(
            all.some((each) => Object.entries(kept).every(([field, value]) => each[field] === value)),
            JSON.stringify(all),
          );
          assert.equal((await plant.rows(service, set)).length, posted);
        });
      }

      it('brings what SAP alone says of it, such as its reversal, and nothing that the platform says', async () => {
        const service = 'API_PROD_ORDER_CONFIRMATION_2_SRV';
        const connection = await connect(plant.connection());
        const bring = await mapping(connection, SAP, 'production_data', 'import');
        const post = await mapping(connection, SAP, 'production_data', 'export');
        const record = { record_id: 'R-9', order_number: '000001000002', operation: '0010', good_quantity: '7' };
        await hub.records.create('production_data', record);
        await told(await post());
        const all = await plant.rows(service, 'ProdnOrdConf2');
        const ours = all.find(({ OrderID }) => OrderID === '000001000002')!;
        const key = `ConfirmationGroup='${ours.ConfirmationGroup}',ConfirmationCount='${ours.ConfirmationCount}'`;
        const changes = { IsReversed: true, ConfirmationYieldQuantity: '6.000' };
        await plant.change(service, `ProdnOrdConf2(${key})`, changes);
        assert.equal((await told(await bring())).updated, 1);
        const held = await hub.records.get('production_data', ['R-9']);
        assert.deepEqual(
          [held.reversed, held.good_quantity, held.erp_document, held.external_key],
          [true, '7', null, ours.ExternalSystemConfirmation],
        );
        assert.equal((await told(await bring())).updated, 0);
      });
    });

    describe('in SAP, when it was refused at first', () => {
      const plant = new SapPlant();
      before(() => plant.start());
      after(() => plant.stop());

      it('is done as somebody corrected it, though the platform keeps what was refused', async () => {
        const connection = await connect(plant.connection());
        const post = await mapping(connection, SAP, 'production_data', 'export');
        const report = { record_id: 'R-1', order_number: '000001000001', operation: '0010', good_quantity: '5' };
        await hub.records.create('production_data', { ...report, notes: 'x'.repeat(60) });
        const open = async () => (await hub.sync.deadLetters({ state: 'open' })).items;
        await post();
        const [letter] = await open();
        await hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as Row), notes: 'short' });
        const [replay] = await hub.sync.replay({ ids: [letter!.id] });
        assert.equal((await jobEnd(hub, replay!.job_id)).logs[0]!.details.created, 1);
        for (const full of [false, true]) {
          const { logs } = await runToEnd(hub, connection, { mapping_id: letter!.mapping_id, full });
          assert.deepEqual([await open(), logs[0]!.details.filtered], [[], 1]);
        }
        await hub.records.replace('production_data', ['R-1'], { ...report, good_quantity: '6' });
        await post();
        const [changed] = await open();
        assert.equal(changed?.code, 'PCP_ODATA_POSTED_BEFORE', 'what changed since is told');
        assert.equal((await plant.rows('API_PROD_ORDER_CONFIRMATION_2_SRV', 'ProdnOrdConf2')).length, 1);
      });
    });

    describe('in Protheus', () => {
      let plant: ProtheusServer;
      before(async () => {
        plant = await protheusPlant();
      });
      after(() => plant?.stop());

      it('keeps one stop on each side, though Protheus keeps its times to the minute', async () => {
        const connection = await connect(plant.connection());
        const bring = await mapping(connection, PROTHEUS, 'stop_report', 'import');
        const post = await mapping(connection, PROTHEUS, 'stop_report', 'export');
        const stop = {
          ...{ machine: 'M1', started_at: '2026-11-27T10:15:30.000Z', ended_at: '2026-11-27T10:45:10.000Z' },
          ...{ reason: 'R1', planned: false },
        };
        await hub.records.create('downtime', stop);
        await told(await post());
        for (const posted of plant.stops.values()) {
          for (const field of ['StartDateTime', 'EndDateTime']) {
            posted[field] = String(posted[field]).replace(/:\d\d([-+Z])/, ':00$1');
          }
        }
        for (let round = 0; round < 3; round++) {
          assert.equal((await told(await bring())).own, 1);
          assert.equal((await told(await post())).created, 0);
        }
        const all = await records('downtime');
        assert.deepEqual([all.length, plant.stops.size, all[0]?.started_at], [1, 1, stop.started_at]);
      });
    });

    (postgresAvailable() ? describe : describe.skip)('in Oracle E-Business Suite', () => {
      let plant: EbsPlant;
      before(async () => {
        plant = await EbsPlant.start();
      });
      after(() => plant?.stop());

      it('keeps one record of what was reported, scrapped and moved on each side', async () => {
        const connection = await connect(plant.connection());
        const names = ['production_data', 'production_scrap', 'goods_movement'];
        const post = await Promise.all(names.map((name) => mapping(connection, EBS, name, 'export')));
        const bring = await Promise.all(names.map((name) => mapping(connection, EBS, name, 'import')));
        const report = {
          plant: 'M1',
          order_number: 'WJ-0001',
          operation: '10',
          ended_at: '2026-11-27T13:00:00.000Z',
        };
        const where = { plant: 'M1', material: 'BOLT.M8', storage_location: 'Stores' };
        const before = await Promise.all(['production_data', 'goods_movement'].map(records));
        await hub.records.create('production_data', {
          ...{ ...report, record_id: 'E-1', good_quantity: '12.5', scrap_quantity: '0.75' },
        });
        await hub.records.create('goods_movement', {
          ...{ ...where, document: 'E-1', item: '1', type: 'issue', quantity: '4', moved_at: report.ended_at },
        });
        for (let round = 0; round < 3; round++) {
          for (const run of post) await told(await run());
          while ((await plant.managers.run()) > 0);
          for (const run of bring) {
            const { created, own } = await told(await run());
            assert.deepEqual([created, own], [0, 1]);
          }
        }
        const tables = ['wip_move_transactions', 'mtl_material_transactions'];
        const posted = await Promise.all(tables.map((table) => plant.rows(table)));
        assert.deepEqual(
          posted.map((rows) => rows.filter(({ source_line_id: key }) => key !== null).length),
          [2, 1],
        );
        const now = await Promise.all(['production_data', 'goods_movement'].map(records));
        assert.deepEqual(
          now.map((all, at) => all.length - before[at]!.length),
          [1, 1],
          JSON.stringify(now),
        );
      });
    });
  });
}
