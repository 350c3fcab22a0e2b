import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MesQueue } from '../support/dynamics365/mes-queue';
import type { OperationsServer } from '../support/dynamics365/operations';
import { dynamicsPlant } from '../support/dynamics365/plant';
import { ModbusDevice, registers } from '../support/modbus-device';
import { type Broker, mosquitto, mosquittoAvailable } from '../support/mosquitto';
import { protheusPlant } from '../support/protheus/plant';
import type { ProtheusServer } from '../support/protheus/server';
import { DebugMessages } from './debug-messages';
import { exampleFlow, type FlowNode, NodeRed, type NodeRedVersion } from './node-red-process';

type Message = Record<string, unknown> & { payload: unknown };
type Order = { line: string; order: string; quantity: number; _topic: string };
type Job = {
  status: string;
  logs: { records_success: number; records_error: number; details: Record<string, unknown> }[];
};

const EXAMPLES = [
  'pcp-file',
  'pcp-database',
  'pcp-rest',
  'pcp-dynamics365',
  'pcp-protheus',
  'pcp-modbus',
  'pcp-mqtt',
  'pcp-entity',
  'pcp-map',
  'pcp-sync',
  'pcp-sync-log',
  'pcp-alert',
];

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  describe(`examples in ${version}`, () => {
    let folder: string;
    let nodeRed: NodeRed;
    let broker: Broker | undefined;
    let debug: DebugMessages;
    let device: ModbusDevice;
    let dynamics: OperationsServer;
    let protheus: ProtheusServer;

    /** What a debug node shows; an error that the example's Catch node sees ends the wait. */
    const next = <T = Record<string, unknown>>(id: string, wanted?: (value: T) => boolean): Promise<T> => {
      const example = EXAMPLES.findLast((name) => id.startsWith(name.replace('pcp-', 'pcp-ex-'))) ?? '';
      const failure = debug.next(`${example.replace('pcp-', 'pcp-ex-')}-error`).then((error) => {
        throw new Error(JSON.stringify(error));
      });
      return Promise.race([debug.next<T>(id, wanted), failure]);
    };

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pcp-examples-'));
      const database = join(folder, 'legacy.db');
      const sqlite = new DatabaseSync(database);
      sqlite.exec('CREATE TABLE orders (order_number TEXT PRIMARY KEY, material TEXT, quantity NUMERIC)');
      sqlite.close();
      device = await new ModbusDevice().start();
      dynamics = await dynamicsPlant();
      protheus = await protheusPlant();
      const flows: FlowNode[] = EXAMPLES.flatMap(exampleFlow);
      broker = mosquittoAvailable() ? await mosquitto() : undefined;
      const environment = {
        PCP_EXAMPLES: folder,
        PCP_EXAMPLES_DB: database,
        PCP_EXAMPLES_DYNAMICS365: dynamics.url,
        PCP_EXAMPLES_PROTHEUS: protheus.url,
        PCP_EXAMPLES_MODBUS: '127.0.0.1',
        PCP_EXAMPLES_MODBUS_PORT: String(device.port),
        PCP_EXAMPLES_MQTT: `mqtt://127.0.0.1:${broker?.open ?? 1883}`,
      };
      nodeRed = await NodeRed.start({ version, flows, environment });
      debug = await DebugMessages.open(nodeRed.url);
      // Secrets are in no example.
      const { config, credentials } = dynamics.connection({ company: 'usmf' });
      const own: Record<string, Partial<FlowNode>> = {
        'pcp-ex-protheus-conn': { credentials: { password: protheus.password } },
        'pcp-ex-dynamics365-conn': { config, credentials },
      };
      await nodeRed.deploy(flows.map((node) => ({ ...node, ...own[node.id] })));
    });
    after(async () => {
      debug.close();
      await nodeRed.remove();
      await device.stop();
      await dynamics.stop();
      await protheus.stop();
      await broker?.release();
      rmSync(folder, { recursive: true, force: true });
    });

    it('pcp-file writes a file and reads it in acknowledged batches', async () => {
      await nodeRed.inject('pcp-ex-file-write');
      const result = await next<Record<string, number>>('pcp-ex-file-written');
      assert.equal(result.failed, 0);
      await nodeRed.inject('pcp-ex-file-read');
      const last = await next<Message>('pcp-ex-file-found', (message) => message.complete === true);
      assert.deepEqual(last.result, { records: 3, batches: 2 });
      const [first, second] = debug.all<Message>('pcp-ex-file-found');
      assert.deepEqual(
        (first!.payload as Record<string, string>[]).map((record) => record.order),
        ['1000001', '1000002'],
      );
      assert.deepEqual(
        (second!.payload as Record<string, string>[]).map((record) => record.order),
        ['1000003'],
      );
    });

    it('pcp-database writes by key and reads one message per record', async () => {
      await nodeRed.inject('pcp-ex-database-write');
      await next('pcp-ex-database-written');
      await nodeRed.inject('pcp-ex-database-read');
      const found = await next<Message>('pcp-ex-database-found', (message) => message.complete === false);
      assert.equal((found.payload as Record<string, unknown>).order_number, '1000001');
      await next<Message>('pcp-ex-database-found', (message) => message.complete === true);
      assert.equal(debug.all('pcp-ex-database-found').length, 2);
    });

    it('pcp-rest writes by key, reads page by page, and calls', async () => {
      await nodeRed.inject('pcp-ex-rest-write');
      const written = await next<Message>('pcp-ex-rest-written');
      assert.deepEqual(written.result, { created: 3, updated: 0, unchanged: 0, deleted: 0, failed: 0 });
      await nodeRed.inject('pcp-ex-rest-read');
      const end = await next<Message>('pcp-ex-rest-found', (message) => message.complete === true);
      assert.deepEqual(end.result, { records: 3, batches: 3 });
      const [first] = debug.all<Message>('pcp-ex-rest-found');
      assert.deepEqual(first!.payload, [
        { number: '1000001', quantity: 250 },
        { number: '1000002', quantity: 12.5 },
      ]);
      await nodeRed.inject('pcp-ex-rest-call');
      const called = await next<Message>('pcp-ex-rest-called');
      assert.deepEqual(
        [called.statusCode, called.payload],
        [200, { number: '1000001', quantity: 250, status: 'released' }],
      );
    });

    it('pcp-modbus polls, reads, writes what the list allows, and turns a register map into tags', async () => {
      const held = new Map([[10, 2315]]);
      device.answer = (request) => {
        if (request.function === 6) held.set(request.address, request.count);
        if (request.function === 6) return request.pdu;
        const answer = registers(request);
        for (const [address, value] of held) {
          const place = address - request.address;
          if (place >= 0 && place < request.count) answer.writeUInt16BE(value, 2 + place * 2);
        }
        return answer;
      };
      // It has been watched since the flow was started, when the device still gave something else.
      const { payload, topic } = await next<Message>(
        'pcp-ex-modbus-changes',
        (message) => (message.payload as Record<string, unknown>).value === 231.5,
      );
      assert.deepEqual([topic, (payload as Record<string, unknown>).unit], ['voltage', 'V']);
      await nodeRed.inject('pcp-ex-modbus-read');
      const end = await next<Message>('pcp-ex-modbus-found', (message) => message.complete === true);
      assert.deepEqual(end.result, { records: 4, batches: 1 });
      const [first] = debug.all<Message>('pcp-ex-modbus-found');
      const values = first!.payload as Record<string, unknown>[];
      assert.deepEqual(
        values.map(({ tag, value, quality, unit }) => [tag, value, quality, unit]),
        [
          ['voltage', 231.5, 'good', 'V'],
          ['counter', 100 * 65_536 + 101, 'good', 'kWh'],
          ['alarm', true, 'good', undefined],
          ['setpoint', 2, 'good', '°C'],
        ],
      );
      await nodeRed.inject('pcp-ex-modbus-write');
      const written = await next<Message>('pcp-ex-modbus-written');
      assert.deepEqual(written.result, { written: 1, failed: 0, unknown: 0, unverified: 0 });
      assert.deepEqual(written.results, [{ tag: 'setpoint', outcome: 'written', verified: true, value: 21.5 }]);
      assert.equal(held.get(20), 215);
      await nodeRed.inject('pcp-ex-modbus-import');
      assert.deepEqual((await next<Message>('pcp-ex-modbus-tags')).payload, {
        energy: { address: '342', table: 'input', type: 'uint32', byte_order: 'CDAB', scale: '0.01', unit: 'kWh' },
        running: { address: '0', table: 'coil' },
      });
    });

    it('pcp-mqtt publishes, and receives what comes', async function () {
      if (broker === undefined) return this.skip();
      await nodeRed.inject('pcp-ex-mqtt-write');
      const written = await next<Message>('pcp-ex-mqtt-written');
      assert.deepEqual(written.result, { created: 2, updated: 0, unchanged: 0, deleted: 0, failed: 0 });
      const received = await next<Message>('pcp-ex-mqtt-received', ({ payload }) => (payload as Order).line === 'l1');
      const { order, quantity, _topic } = received.payload as Order;
      assert.deepEqual([order, quantity, _topic], ['1000001', 250, 'pcp-example/l1/order']);
    });

    it('pcp-dynamics365 reads orders, reports one as finished, and calls a service', async () => {
      const queue = new MesQueue(dynamics);
      await nodeRed.inject('pcp-ex-dynamics365-read');
      const found = await next<Message>('pcp-ex-dynamics365-found');
      assert.equal((found.payload as Record<string, unknown>[])[0]?.ProductionOrderNumber, 'P000001');
      await nodeRed.inject('pcp-ex-dynamics365-write');
      const isSaid = ({ result }: Message) => (result as Record<string, number>).created === 1;
      await next<Message>('pcp-ex-dynamics365-written', isSaid);
      await nodeRed.inject('pcp-ex-dynamics365-call');
      await next<Message>('pcp-ex-dynamics365-called');
      const types = queue.sent.map(({ type }) => type);
      assert.deepEqual(types, ['ProdProductionOrderReportFinished', 'ProdProductionOrderStart']);
    });

    it('pcp-protheus reads orders, posts a stop once, and calls a routine', async () => {
      await nodeRed.inject('pcp-ex-protheus-read');
      const found = await next<Message>('pcp-ex-protheus-found');
      assert.equal((found.payload as Record<string, unknown>[])[0]?.C2_NUM, '000001');
      for (const outcome of ['created', 'unchanged']) {
        await nodeRed.inject('pcp-ex-protheus-write');
        const isSaid = ({ result }: Message) => (result as Record<string, number>)[outcome] === 1;
        await next<Message>('pcp-ex-protheus-written', isSaid);
      }
      assert.equal(protheus.stops.size, 1);
      await nodeRed.inject('pcp-ex-protheus-call');
      assert.deepEqual((await next<Message>('pcp-ex-protheus-called')).payload, { serviceRequest: '000001' });
    });

    it('pcp-entity creates, reads and deletes, and names what was refused', async () => {
      await nodeRed.inject('pcp-ex-entity-write');
      const written = await next<Message>('pcp-ex-entity-written');
      assert.deepEqual(written.result, { created: 2, updated: 0, deleted: 0, failed: 1 });
      assert.equal((written.errors as { index: number; code: string }[])[0]?.code, 'PCP_KEY_MISSING');
      await nodeRed.inject('pcp-ex-entity-read');
      const found = await next<Message>('pcp-ex-entity-found');
      assert.equal((found.payload as Record<string, unknown>[])[0]?.description, 'Bolt M8');
      await nodeRed.inject('pcp-ex-entity-remove');
      assert.deepEqual(await next('pcp-ex-entity-deleted'), { deleted: 1, failed: 0 });
    });

    it('pcp-map parts good records from failed ones', async () => {
      await nodeRed.inject('pcp-ex-map-start');
      const mapped = await next<Message>('pcp-ex-map-mapped');
      assert.deepEqual(mapped.payload, [
        {
          order_number: '1000001',
          material: 'BOLT-M8',
          quantity: '1250.5',
          planned_start: '2026-11-24',
          status: 'released',
          plant: '1000',
        },
      ]);
      const failed = await next<Message>('pcp-ex-map-failed');
      const [failure] = failed.payload as Record<string, unknown>[];
      assert.equal(failure?.index, 1);
      assert.equal(failure?.field, 'quantity');
      assert.equal(failure?.value, 'many');
    });

    it('pcp-sync imports, twice without doubling, and keeps the bad record', async () => {
      await nodeRed.inject('pcp-ex-sync-write');
      await next('pcp-ex-sync-saved');
      await nodeRed.inject('pcp-ex-sync-start');
      const { payload } = await next<Message>('pcp-ex-sync-result');
      const first = payload as Job;
      assert.equal(first.status, 'success', JSON.stringify(first));
      assert.equal(first.logs[0]?.details.created, 2);
      assert.equal(first.logs[0]?.records_error, 1);
      await nodeRed.inject('pcp-ex-sync-start');
      const again = await next<Message>(
        'pcp-ex-sync-result',
        (message) => (message.payload as Job & { job_id: string }).job_id !== (payload as { job_id: string }).job_id,
      );
      assert.equal((again.payload as Job).logs[0]?.details.unchanged, 2);
    });

    it('pcp-sync-log tells what ran, what was rejected and why', async () => {
      await nodeRed.inject('pcp-ex-sync-log-logs');
      const logs = await next<Message>('pcp-ex-sync-log-log-result');
      assert.equal(logs.total, 2);
      await nodeRed.inject('pcp-ex-sync-log-letters');
      const letters = await next<Message>('pcp-ex-sync-log-letter-result');
      const [letter] = letters.payload as Record<string, unknown>[];
      assert.equal(letter?.field, 'quantity');
      assert.equal(letter?.value, 'many');
      await nodeRed.inject('pcp-ex-sync-log-groups');
      const groups = await next<Message>('pcp-ex-sync-log-group-result');
      assert.equal(groups.total, 1);
    });

    it('pcp-alert tells of the bad record, and of its end', async () => {
      const lookNow = async () => {
        const { items } = await nodeRed.json<{ items: { id: number; kind: string }[] }>(
          'GET',
          '/integrations/alerts/rules?kind=dead_letters',
        );
        await nodeRed.json('PUT', `/integrations/alerts/rules/${items[0]?.id}`, { kind: 'dead_letters' });
      };
      await lookNow();
      const wrong = await next<Message>('pcp-ex-alert-wrong', ({ topic }) => topic === 'dead_letters');
      assert.deepEqual([wrong.event, (wrong.payload as Record<string, unknown>).value], ['firing', 1]);
      const { items } = await nodeRed.json<{ items: { id: number }[] }>(
        'GET',
        '/integrations/sync/dead-letters?state=open',
      );
      for (const { id } of items) await nodeRed.json('POST', `/integrations/sync/dead-letters/${id}/discard`, {});
      await lookNow();
      const over = await next<Message>('pcp-ex-alert-over', ({ topic }) => topic === 'dead_letters');
      assert.equal(over.event, 'resolved');
    });
  });
}
