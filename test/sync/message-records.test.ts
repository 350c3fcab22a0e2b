import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { IntegrationError } from '../../lib/model/errors';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

/** What flows do with records outside of any run. */
describe('records of messages', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let hub: Hub;

  before(async () => {
    directory = await temporaryDirectory();
    hub = await openHub(join(directory.path, 'hub'));
  });

  after(async () => {
    await hub.close();
    await directory.remove();
  });

  describe('are mapped as a run maps them', () => {
    const row = { no: 'A', q: '1.000', t: '2026-05-01T08:00:00' };
    const settings = (name: string, timezone: string) => ({
      name,
      connector_type: 'generic.file',
      timezone,
      config: {
        root: directory.path,
        entities: {
          orders: { path: 'o.csv', format: 'csv', delimiter: ';', decimal_separator: ',', after_read: 'keep' },
        },
        settle_seconds: 0,
      },
    });
    const mappingOf = (connection_id: number): MappingInput => ({
      connection_id,
      name: 'confirmations',
      entity_type: 'production_data',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'production_data',
      field_mappings: [
        { source: 'no', target: 'record_id' },
        { source: 'q', target: 'good_quantity' },
        { source: 't', target: 'ended_at' },
      ],
    });
    const mapped = async (mapping: MappingInput) => {
      const [first] = await hub.runner.map(mapping, 'import', [row]);
      assert.equal(first?.outcome, 'mapped');
      return first.data;
    };

    it('with the separator of its file and the time zone of its connection', async () => {
      const { id } = await hub.connections.create(settings('orders', 'America/Sao_Paulo'));
      const mapping = mappingOf(id);
      await writeFile(join(directory.path, 'o.csv'), `no;q;t\n${row.no};${row.q};${row.t}\n`);
      const { id: mapping_id } = await hub.mappings.create(mapping);
      const job = await runToEnd(hub, id, { mapping_id });
      assert.equal(job.logs[0]?.details.created, 1, JSON.stringify(job.logs));
      const [stored] = (await hub.records.list('production_data', {})).items;
      const { good_quantity, ended_at } = await mapped(mapping);
      assert.deepEqual({ good_quantity, ended_at }, { good_quantity: '1000', ended_at: '2026-05-01T11:00:00.000Z' });
      assert.equal(Number(stored?.good_quantity), 1000);
      assert.equal(stored?.ended_at, ended_at);
    });

    it('and with those that the connection has now', async () => {
      const { id } = await hub.connections.create(settings('moved orders', 'America/Sao_Paulo'));
      const mapping = mappingOf(id);
      assert.equal((await mapped(mapping)).ended_at, '2026-05-01T11:00:00.000Z');
      await hub.connections.update(id, settings('moved orders', 'UTC'));
      while ((await mapped(mapping)).ended_at !== '2026-05-01T08:00:00.000Z') await pause(100);
    });
  });

  describe('are written to a table', () => {
    let table: DatabaseSync;
    let connectionId: number;

    before(async () => {
      const storage = join(directory.path, 'orders.db');
      table = new DatabaseSync(storage);
      table.exec('CREATE TABLE o (no TEXT PRIMARY KEY, q TEXT, st TEXT)');
      const config = { dialect: 'sqlite', storage };
      const created = await hub.connections.create({ name: 'order table', connector_type: 'generic.database', config });
      connectionId = created.id;
    });

    beforeEach(() => table.exec("DELETE FROM o; INSERT INTO o VALUES ('A', '7', 'x'), ('B', '8', 'y')"));

    after(() => table.close());

    const write = async (records: Record<string, unknown>[]) =>
      hub.runner.write(await hub.connections.open(connectionId), { entity: 'o', keyFields: ['no'] }, records);
    const rows = () =>
      table
        .prepare('SELECT no, q, st FROM o ORDER BY no')
        .all()
        .map((row) => ({ ...row }));

    it('with the columns that each names, and no other', async () => {
      const results = await write([
        { no: 'A', q: '70' },
        { no: 'B', st: 'yy' },
        { no: 'C', q: '9', st: 'z' },
      ]);
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['updated', 'updated', 'created'],
      );
      assert.deepEqual(rows(), [
        { no: 'A', q: '70', st: 'x' },
        { no: 'B', q: '8', st: 'yy' },
        { no: 'C', q: '9', st: 'z' },
      ]);
    });

    it('in their order where they have one key', async () => {
      await write([
        { no: 'A', q: '1', st: '1' },
        { no: 'A', q: '2' },
        { no: 'A', q: '3', st: '3' },
        { no: 'A', st: '4' },
      ]);
      assert.deepEqual(rows()[0], { no: 'A', q: '3', st: '4' });
    });

    it('and what cannot be written leaves what was', async () => {
      const results = await write([
        { no: 'A', q: '70' },
        { no: 'B', colour: 'red' },
      ]);
      assert.deepEqual(
        results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome)),
        ['updated', 'PCP_SQL_COLUMN_UNKNOWN'],
      );
    });
  });

  describe('of one key', () => {
    const held = new Map<string, { id: string; no: string; q: string }>();
    let api: Server;

    before(async () => {
      api = createServer(async (request, response) => {
        let body = '';
        for await (const piece of request) body += piece;
        // Long enough for all that is sent at once to come before the first one is answered.
        await pause(50);
        const [, , id = ''] = request.url!.split('/');
        if (request.method === 'POST')
          held.set(String(held.size + 1), { ...JSON.parse(body), id: String(held.size + 1) });
        if (request.method === 'PUT') held.set(id, { ...held.get(id)!, ...JSON.parse(body) });
        const no = new URL(request.url!, 'http://api').searchParams.get('no');
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify([...held.values()].filter((each) => each.no === no)));
      });
      await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    });

    after(() => new Promise((resolve) => api.close(resolve)));

    it('are one record where each is looked for before it is sent, and the last one counts', async () => {
      const base_url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      const write = { create: { path: '/orders' }, update: { path: '/orders/{id}' } };
      const entities = { orders: { ...write, lookup: { path: '/orders?no={no}' } } };
      const settings = { name: 'API that looks up', connector_type: 'generic.rest', config: { base_url, entities } };
      const { id } = await hub.connections.create(settings);
      const records = ['1', '2', '3', '4'].map((q) => ({ no: 'A', q }));
      const target = { entity: 'orders', keyFields: ['no'] };
      const results = await hub.runner.write(await hub.connections.open(id), target, records);
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['created', 'updated', 'updated', 'updated'],
      );
      assert.deepEqual([...held.values()], [{ id: '1', no: 'A', q: '4' }]);
    });
  });

  describe('are deleted', () => {
    let api: Server;

    before(async () => {
      api = createServer((request, response) => {
        const isOrder = request.method === 'DELETE' && request.url === '/orders/A';
        response.writeHead(isOrder ? 204 : 409).end();
      });
      await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    });

    after(() => new Promise((resolve) => api.close(resolve)));

    const remove = async (
      settings: { name: string; connector_type: string; config: Record<string, unknown> },
      entity: string,
    ) => {
      const { id } = await hub.connections.create(settings);
      const target = { entity, keyFields: ['no'], deletes: true as const };
      return hub.runner.write(await hub.connections.open(id), target, [{ no: 'A' }, { no: 'B' }]);
    };

    it('each by its key, and those are named that are not', async () => {
      const base_url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      const orders = { path: '/orders', create: { path: '/orders' }, delete: { path: '/orders/{no}' } };
      const config = { base_url, entities: { orders } };
      const results = await remove({ name: 'API with orders', connector_type: 'generic.rest', config }, 'orders');
      assert.deepEqual(
        results.map((result) => (result.outcome === 'failed' ? result.error.class : result.outcome)),
        ['deleted', 'conflict'],
      );
    });

    it('only where that can be done', async () => {
      const storage = join(directory.path, 'orders.db');
      const config = { dialect: 'sqlite', storage };
      await assert.rejects(
        remove({ name: 'kept orders', connector_type: 'generic.database', config }, 'o'),
        (error: IntegrationError) => error.code === 'PCP_NOT_DELETABLE',
      );
    });
  });
});
