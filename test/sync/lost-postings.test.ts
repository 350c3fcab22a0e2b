import assert from 'node:assert/strict';
import { SeededRandom } from '../../demo/random';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import { MESSAGES } from '../../lib/connectors/erp/dynamics365/message';
import { PRESETS as EBS } from '../../lib/connectors/erp/oracle-ebs/presets';
import { MAPPINGS } from '../../lib/connectors/erp/protheus/models/mappings';
import { PRESETS as PROTHEUS } from '../../lib/connectors/erp/protheus/presets';
import { PRESETS as SAP } from '../../lib/connectors/erp/sap/presets';
import type { OpenConnection } from '../../lib/model/connection';
import type { Hub, MappingInput } from '../../lib/model/services';
import { CuttingProxy, type Recognise } from '../support/cutting-proxy';
import { DataverseServer } from '../support/dynamics365/dataverse';
import { MesQueue } from '../support/dynamics365/mes-queue';
import { dynamicsPlant } from '../support/dynamics365/plant';
import { ebsByGateway, ebsBySql } from '../support/ebs/ledgers';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { protheusPlant } from '../support/protheus/plant';
import { SapPlant } from '../support/sap/plant';

/** Cuts per kind of posting, of which there are eleven. */
const CUTS = Math.ceil(Number(process.env.PCP_TEST_CUTS ?? 77) / 11);
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);
const NEW_RECORDS = 24;
/** After so many everything is taken new: the mock server is slow with many records. */
const CUTS_PER_ROUND = 50;
/** A look-up counts what is under way for longer than twice that as lost. */
const TIMEOUT_MS = 500;
/** Once nothing is cut any more: a busy machine answers as late as it likes. */
const PATIENCE_MS = 10_000;
/** Of a transaction by SQL: several commits a run, of which some are cut. */
const SQL_BATCH = 4;
const DAY = '2026-11-27';
const COMMIT_BYTES = { request: 50, answer: 33 };

type Row = Record<string, unknown>;

/** What is posted to an ERP, and where it ends up. */
interface Postings {
  system: string;
  preset: string;
  mappings: DefaultMapping[];
  entityType: string;
  /** Longest request and answer of a posting, not by much. */
  bytes: { request: number; answer: number };
  record(n: number): Row;
  open(): Promise<Ledger>;
}

interface Ledger {
  port: number;
  /** What is cut; absent: requests by HTTP, and the port is that of the connection's URL. */
  recognise?: Recognise;
  connection: OpenConnection;
  /** What names each posting: the number of its record, as text. */
  posted(): Promise<string[]>;
  close(): Promise<void>;
}

async function sap(service: string, set: string, field: string): Promise<Ledger> {
  const plant = await new SapPlant().start();
  return {
    port: Number(new URL(plant.gateway.url).port),
    connection: plant.connection({ changes_per_request: 2, parallel_writes: 8, max_concurrency: 8 }),
    posted: async () => (await plant.rows(service, set)).map((row) => String(row[field])),
    close: () => plant.stop(),
  };
}

const KINDS: Postings[] = [
  {
    system: 'Oracle EBS',
    preset: 'production_data',
    mappings: EBS.find(({ entity }) => entity === 'production_data')!.mappings,
    entityType: 'production_data',
    bytes: { request: 1200, answer: 300 },
    record: (n) => ({
      ...{
        record_id: `R${n}`,
        order_number: 'WJ-0001',
        operation: '10',
        plant: 'M1',
        good_quantity: '1.5',
        notes: `${n}`,
      },
      ended_at: `${DAY}T12:00:00.000Z`,
    }),
    open: () => ebsByGateway('wip_move_txn_interface', 'SELECT reference AS name FROM wip_move_transactions'),
  },
  {
    system: 'Oracle EBS',
    preset: 'quality_inspection',
    mappings: EBS.find(({ entity }) => entity === 'quality_inspection')!.mappings,
    entityType: 'quality_inspection',
    bytes: { request: 1200, answer: 300 },
    record: (n) => ({
      ...{ inspection: `I${n}`, characteristic: 'DIMENSIONS', characteristic_name: 'Diameter', measured_value: `${n}` },
      ...{ material: 'AX-100', plant: 'M1' },
    }),
    open: () => ebsByGateway('qa_results_interface', 'SELECT character3 AS name FROM qa_results'),
  },
  {
    system: 'Oracle EBS',
    preset: 'production_order',
    mappings: EBS.find(({ entity }) => entity === 'production_order')!.mappings,
    entityType: 'production_order',
    bytes: COMMIT_BYTES,
    record: (n) => ({
      ...{ order_number: `J${n}`, material: 'AX-100', plant: 'M1', quantity: '1.5', status: 'released' },
      ...{ description: `${n}`, planned_start_at: `${DAY}T12:00:00.000Z` },
    }),
    // A second row for the same job would be refused, and stay.
    open: () =>
      ebsBySql(
        `SELECT description AS name FROM wip_entities WHERE description IS NOT NULL
         UNION ALL SELECT description FROM wip_job_schedule_interface`,
      ),
  },
  {
    system: 'Oracle EBS',
    preset: 'goods_movement',
    mappings: EBS.find(({ entity }) => entity === 'goods_movement')!.mappings,
    entityType: 'goods_movement',
    bytes: COMMIT_BYTES,
    record: (n) => ({
      ...{ document: `D${n}`, item: '', type: 'issue', material: "Eixo d'água ção 😀", quantity: '1', plant: 'M1' },
      ...{ storage_location: 'Stores', order_number: 'WJ-0001', serial_numbers: [`${n}`] },
      moved_at: `${DAY}T12:00:00.000Z`,
    }),
    open: () => ebsBySql('SELECT serial_number AS name FROM mtl_unit_transactions'),
  },
  {
    system: 'SAP',
    preset: 'production_data',
    mappings: SAP.find(({ entity }) => entity === 'production_data')!.mappings,
    entityType: 'production_data',
    bytes: { request: 2500, answer: 3500 },
    record: (n) => ({
      record_id: `R${n}`,
      order_number: '1000001',
      operation: '10',
      good_quantity: '1.5',
      notes: `${n}`,
    }),
    open: () => sap('API_PROD_ORDER_CONFIRMATION_2_SRV', 'ProdnOrdConf2', 'ConfirmationText'),
  },
  {
    system: 'SAP',
    preset: 'goods_movement',
    mappings: SAP.find(({ entity }) => entity === 'goods_movement')!.mappings,
    entityType: 'goods_movement',
    bytes: { request: 2500, answer: 3500 },
    record: (n) => ({
      ...{ document: `${n}`, item: '', type: 'issue', movement_code: '261', material: 'M-001', quantity: '2.125' },
      ...{ unit: 'PC', plant: '1000', storage_location: '0001', order_number: '1000001', posting_date: DAY },
    }),
    open: () => sap('API_MATERIAL_DOCUMENT_SRV', 'A_MaterialDocumentHeader', 'ReferenceDocument'),
  },
  {
    system: 'Dynamics 365',
    preset: 'mes/report_as_finished',
    mappings: MESSAGES.find(({ entity }) => entity === 'mes/report_as_finished')!.mappings,
    entityType: 'production_data',
    bytes: { request: 1200, answer: 400 },
    record: (n) => ({ record_id: `R${n}`, order_number: `P00000${n % 7}`, good_quantity: '1.5', batch: `${n}` }),
    async open() {
      const plant = await dynamicsPlant();
      const queue = new MesQueue(plant).withLog();
      const message_log = { entity_set: 'PcpMesMessages', key: 'ExternalKey', content: 'MessageContent' };
      const config = {
        scope: `${plant.url}/.default`,
        company: 'usmf',
        parallel_writes: 8,
        max_concurrency: 8,
        message_log,
      };
      return {
        port: Number(new URL(plant.url).port),
        connection: plant.connection(config),
        posted: async () =>
          queue.sent.map(({ content }) => (content.ReportFinishedLines as Row[])[0]!.ItemBatchNumber as string),
        close: () => plant.stop(),
      };
    },
  },
  {
    system: 'Dataverse',
    preset: 'new_workorders',
    mappings: [
      {
        ...{ direction: 'export', target_entity: 'production_data', key_fields: ['record_id'] },
        field_mappings: [
          { source: 'new_number', target: 'record_id', required: true },
          { source: 'new_quantity', target: 'good_quantity', type: 'decimal' },
          { source: 'new_name', target: 'notes' },
        ],
      },
    ],
    entityType: 'production_data',
    bytes: { request: 1200, answer: 400 },
    record: (n) => ({ record_id: `R${n}`, order_number: '1', good_quantity: '1.5', notes: `${n}` }),
    async open() {
      const server = await new DataverseServer().start();
      const config = { scope: `${server.url}/.default`, parallel_writes: 8, max_concurrency: 8 };
      return {
        port: Number(new URL(server.url).port),
        connection: server.connection({ ...config, changes_per_request: 2 }),
        posted: async () => server.table.rows.map(({ new_name }) => String(new_name)),
        close: () => server.stop(),
      };
    },
  },
  {
    system: 'Protheus',
    preset: 'stop_report',
    mappings: PROTHEUS.find(({ entity }) => entity === 'stop_report')!.mappings,
    entityType: 'downtime',
    bytes: { request: 900, answer: 300 },
    record: (n) => ({
      ...{ machine: 'M1', reason: 'R1', planned: false, notes: `${n}` },
      ...{ started_at: new Date(Date.parse(DAY) + 60_000 * n).toISOString(), ended_at: `${DAY}T23:59:00.000Z` },
    }),
    async open() {
      const plant = await protheusPlant();
      return {
        port: Number(new URL(plant.url).port),
        connection: plant.connection({ max_concurrency: 4 }),
        posted: async () => [...plant.stops.values()].map(({ Observation }) => String(Observation)),
        close: () => plant.stop(),
      };
    },
  },
  {
    system: 'Protheus',
    preset: 'maintenance_request',
    mappings: PROTHEUS.find(({ entity }) => entity === 'maintenance_request')!.mappings,
    entityType: 'maintenance_order',
    bytes: { request: 900, answer: 300 },
    record: (n) => ({
      order_number: `R-${n}`,
      machine: 'M1',
      description: `${n}`,
      requested_at: `${DAY}T09:30:00.000Z`,
    }),
    async open() {
      const plant = await protheusPlant();
      return {
        port: Number(new URL(plant.url).port),
        connection: plant.connection({ max_concurrency: 4 }),
        posted: async () => plant.requests.descriptions,
        close: () => plant.stop(),
      };
    },
  },
  {
    system: 'Protheus',
    preset: 'fwmodel/MATA010RETAIL',
    mappings: MAPPINGS.get('SB1MASTER')!,
    entityType: 'material',
    bytes: { request: 2200, answer: 1800 },
    record: (n) => ({ material: `${n}`, description: `Peça ${n}`, type: 'PA', base_unit: 'PC', net_weight: '1.5' }),
    async open() {
      const plant = await protheusPlant();
      // A second posting would be a second record.
      plant.models.get('MATA010RETAIL')!.isUnique = false;
      const models = { MATA010RETAIL: { key: ['B1_COD'], id: 'MATA010', main: 'SB1MASTER' } };
      return {
        port: Number(new URL(plant.url).port),
        connection: plant.connection({ max_concurrency: 4, models }),
        posted: async () => plant.models.get('MATA010RETAIL')!.held.map(({ fields }) => String(fields.B1_COD)),
        close: () => plant.stop(),
      };
    },
  },
];

describe(`postings whose answers are cut at ${CUTS} random moments (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, CUTS * 20_000));

  for (const { system, preset, mappings, entityType, bytes, record, open } of KINDS) {
    it(`each record of ${preset} of ${system} is posted exactly once`, async () => {
      const random = new SeededRandom(SEED);
      for (let left = CUTS; left > 0; left -= CUTS_PER_ROUND) await round(random, Math.min(left, CUTS_PER_ROUND));
    });

    async function round(random: SeededRandom, cuts: number): Promise<void> {
      const ledger = await open();
      const proxy = await CuttingProxy.start(ledger.port, random, bytes, ledger.recognise);
      const directory = await temporaryDirectory();
      const hub = await openHub(directory.path);
      try {
        const { connectionId, mappingId, setPatience } = await exportOf(hub, ledger, proxy.port);
        const run = () => runToEnd(hub, connectionId, { mapping_id: mappingId });
        let records = 0;
        while (proxy.cuts < cuts) {
          for (let n = 0; n < NEW_RECORDS; n++) await hub.records.create(entityType, record(records++));
          proxy.share = random.pick([0.3, 0.5]);
          await run();
          proxy.share = 0;
          await hub.sync.endPause(connectionId);
        }
        await setPatience(PATIENCE_MS);
        // More than once where the machine stands still for longer than a request may take.
        while ((await run()).status !== 'success') await hub.sync.endPause(connectionId);
        const posted = (await ledger.posted()).map(Number).sort((a, b) => a - b);
        assert.deepEqual(
          posted,
          Array.from({ length: records }, (_, n) => n),
        );
        const { items } = await hub.sync.deadLetters({ mapping_id: mappingId, state: 'open' });
        assert.deepEqual(items, [], 'nobody is asked about any');
      } finally {
        await hub.close();
        await directory.remove();
        await proxy.stop();
        await ledger.close();
      }
    }

    async function exportOf(hub: Hub, { connection: { config, ...connection }, recognise }: Ledger, port: number) {
      const url = new URL(String(config.base_url ?? 'http://127.0.0.1'));
      url.port = String(port);
      const way = recognise === undefined ? { base_url: url.href.replace(/\/$/, '') } : { port };
      const input = (timeout_ms: number) => ({
        ...{ name: preset, connector_type: connection.connector_type, credentials: connection.credentials },
        config: { ...config, ...way, timeout_ms },
      });
      const { id: connectionId } = await hub.connections.create(input(TIMEOUT_MS));
      const mapping = mappings.find(({ direction }) => direction === 'export')!;
      const given = { ...mapping, connection_id: connectionId, name: preset, entity_type: entityType };
      const batch_size = recognise === undefined ? NEW_RECORDS : SQL_BATCH;
      const options = { batch_size, max_error_ratio: 1 };
      const { id: mappingId } = await hub.mappings.create({ ...given, source_entity: preset, options } as MappingInput);
      const setPatience = (timeout_ms: number) => hub.connections.update(connectionId, input(timeout_ms));
      return { connectionId, mappingId, setPatience };
    }
  }
});
