import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hub, MappingInput, MappingView } from '../../lib/model/services';
import { BY, comparisonsEnd, found, planted } from '../support/comparison';
import { jobEnd, openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';

interface Order {
  id: string;
  number: string;
  quantity: unknown;
  due?: string;
  weight?: string;
}

/** As this API spells what it was given. */
function spelled({ due, weight, ...rest }: Order): Order {
  const [day, time] = (due ?? '2026-11-01T10:00:00.000Z').split('T');
  return { ...rest, due: `${day}T${Number(time!.slice(0, 2)) + 2}:00:00+02:00`, weight: `${weight}00` };
}

/** An API that takes each order under an id of its own, and forgets none by itself. */
describe('comparing the platform with an API', () => {
  const api = new TestApi();
  let orders: Order[] = [];
  let lastId = 0;
  let hub: Hub;
  let remove: () => Promise<void>;
  let drop: string;
  let mapping: MappingView;

  before(async () => {
    api.handler = ({ method, path, body, query }) => {
      const id = path.split('/')[2];
      const order = orders.find((one) => one.id === id);
      if (method === 'GET') {
        const number = query.get('number');
        return { body: orders.filter((one) => number === null || one.number === number).map(spelled) };
      }
      if (method === 'POST') {
        const created = { id: `o-${++lastId}`, ...(JSON.parse(body) as Omit<Order, 'id'>) };
        orders.push(created);
        return { status: 201, body: created };
      }
      if (order === undefined) return { status: 404, body: { message: 'there is no such order' } };
      return { body: Object.assign(order, JSON.parse(body)) };
    };
    await api.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    drop = join(directory.path, 'drop');
    mkdirSync(drop);
    hub = await openHub(directory.path);
    await hub.entityTypes.create({
      type: 'shop_order',
      title: 'Shop order',
      key: ['order_number'],
      schema: {
        type: 'object',
        required: ['order_number'],
        properties: {
          order_number: { type: 'string' },
          quantity: { type: ['string', 'null'], format: 'decimal' },
          due: { type: ['string', 'null'], format: 'date-time' },
          weight: { type: ['string', 'null'], format: 'decimal' },
        },
      },
    });
    const { id } = await hub.connections.create({
      name: 'api',
      connector_type: 'generic.rest',
      config: {
        base_url: api.url,
        entities: {
          orders: {
            path: '/orders',
            key: ['id'],
            create: { path: '/orders', id: '/id' },
            update: { path: '/orders/{id}' },
            lookup: { path: '/orders?number={external_id}' },
            numbers: ['quantity'],
          },
          blind: { create: { path: '/orders', id: '/id' } },
        },
      },
    });
    mapping = await hub.mappings.create(mappingOf(id));
  });

  after(async () => {
    await hub?.close();
    await api.stop();
    await remove?.();
  });

  beforeEach(async () => {
    orders = [];
    for (const number of ['1', '2', '3', '4', '5', '6']) {
      await hub.records.replace('shop_order', [number], {
        ...{ order_number: number, quantity: `${number}.50` },
        ...{ due: '2026-11-01T10:00:00.000Z', weight: '2.5' },
      });
    }
    // Without what it remembers of orders that are gone by now.
    await hub.database.execute('DELETE FROM integration_record_links');
    await run();
  });

  function mappingOf(connectionId: number, changes: Partial<MappingInput> = {}): MappingInput {
    return {
      connection_id: connectionId,
      name: 'orders',
      entity_type: 'shop_order',
      direction: 'export',
      source_entity: 'orders',
      target_entity: 'shop_order',
      field_mappings: [
        { source: 'number', target: 'order_number' },
        { source: 'quantity', target: 'quantity', type: 'decimal' },
        { source: 'due', target: 'due', type: 'datetime' },
        { source: 'weight', target: 'weight', type: 'decimal' },
      ],
      ...changes,
    };
  }

  async function run(): Promise<void> {
    const { status, logs } = await runToEnd(hub, mapping.connection_id, { mapping_id: mapping.id });
    assert.equal(status, 'success', JSON.stringify(logs));
  }

  async function compare(id = mapping.id, action: 'report' | 'repair' = 'report') {
    await comparisonsEnd(hub);
    const started = await hub.reconciliations.start(id, { settle_seconds: 0, action }, BY);
    await jobEnd(hub, started.job_id);
    return hub.reconciliations.get(started.id);
  }

  it('finds what is missing, more, other, twice, and remembered for nothing', async () => {
    assert.deepEqual(found(await compare()), []);
    orders = orders.filter(({ number }) => number !== '1' && number !== '5');
    orders.find(({ number }) => number === '2')!.quantity = 99;
    orders.push(
      { id: 'x-1', number: '77', quantity: 1 },
      { ...orders.find(({ number }) => number === '3')!, id: 'x-2' },
    );
    await hub.records.delete('shop_order', ['5']);
    const result = await compare();
    assert.equal(result.status, 'success', JSON.stringify(result.error));
    assert.deepEqual(
      found(result),
      planted([
        ['only_source', '1'],
        ['different', '2'],
        ['duplicate_key', '3'],
        ['orphan_link', '5'],
        ['only_target', '77'],
      ]),
    );
    assert.equal(result.repairable, 2);
  });

  it('brings both together once: what the API has lost is created anew, what it changed is put right', async () => {
    orders = orders.filter(({ number }) => number !== '1');
    orders.find(({ number }) => number === '2')!.quantity = 99;
    orders.push({ id: 'x-1', number: '77', quantity: 1 });
    const { repair_job_id, total } = await compare(mapping.id, 'repair');
    assert.equal(total, 3);
    const { logs } = await jobEnd(hub, String(repair_job_id));
    const { kind, state, created, updated } = logs[0]!.details;
    assert.deepEqual([kind, state, created, updated], ['repair', 'succeeded', 1, 1], JSON.stringify(logs[0]));
    assert.deepEqual(orders.map(({ number, quantity }) => `${number} ${quantity}`).sort(), [
      '1 1.5',
      '2 2.5',
      '3 3.5',
      '4 4.5',
      '5 5.5',
      '6 6.5',
      '77 1',
    ]);
    assert.deepEqual(found(await compare()), planted([['only_target', '77']]));
    const posted = api.asked.filter(({ method }) => method === 'POST').length;
    await run();
    assert.equal(api.asked.filter(({ method }) => method === 'POST').length, posted);
  });

  it('refuses what cannot be read, and says why', async () => {
    const blind = await hub.mappings.create(
      mappingOf(mapping.connection_id, { name: 'blind', source_entity: 'blind' }),
    );
    const result = await compare(blind.id);
    assert.deepEqual([result.status, result.state], ['error', 'failed']);
    assert.equal(result.error?.class, 'config', JSON.stringify(result.error));
    writeFileSync(join(drop, 'orders.csv'), 'number;quantity\n1;1\n');
    const { id } = await hub.connections.create({
      name: 'drop',
      connector_type: 'generic.file',
      config: { root: drop, entities: { orders: { path: 'orders.csv', delimiter: ';', after_read: 'delete' } } },
    });
    const emptied = await hub.mappings.create(mappingOf(id, { direction: 'import' }));
    assert.equal((await compare(emptied.id)).error?.code, 'PCP_NOT_COMPARABLE');
  });
});
