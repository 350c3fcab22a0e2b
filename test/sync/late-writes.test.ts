import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { type Asked, TestApi } from '../unit/rest/server';

const OURS = 'Steel, 2 mm';
const ORDERS = {
  create: { path: '/orders', id: '/id' },
  update: { path: '/orders/{id}' },
  etag: true,
  idempotency_header: 'Idempotency-Key',
};
const LOOKUP = { path: '/orders?number={number}' };

/** A change that depends on a version, whose first request arrives after the second has asked for the version. */
describe('changes that are applied late', () => {
  let api: TestApi;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;
  let held: { number: string; text: string } | null;
  let version: number;
  /** What the API does when a change of it comes. */
  let change: (asked: Asked, body: object) => { status?: number; body?: unknown; cut?: boolean };

  beforeEach(async () => {
    api = new TestApi();
    await api.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    version = 1;
    held = null;
    api.handler = (asked) => {
      const headers = { etag: `"${version}"` };
      if (asked.method === 'POST') {
        held = JSON.parse(asked.body);
        return { status: 201, body: { id: '7' }, headers };
      }
      const one = { id: '7', ...held };
      const list = held === null ? [] : [one];
      if (asked.method === 'GET') return { body: asked.path === '/orders' ? list : one, headers };
      return change(asked, JSON.parse(asked.body));
    };
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  /** Exports a material, changes it, and exports it again. */
  const exportTwice = async (orders: object) => {
    const config = { base_url: api.url, entities: { orders } };
    ({ id: connectionId } = await hub.connections.create({ name: 'api', connector_type: 'generic.rest', config }));
    await hub.mappings.create({
      connection_id: connectionId,
      name: 'materials',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'orders',
      target_entity: 'material',
      field_mappings: [
        { source: 'number', target: 'material' },
        { source: 'text', target: 'description' },
      ],
      options: { max_error_ratio: 1 },
    });
    await hub.records.create('material', { material: '1', description: 'Steel' });
    assert.equal((await runToEnd(hub, connectionId)).status, 'success');
    await hub.records.replace('material', ['1'], { material: '1', description: OURS });
    const { logs } = await runToEnd(hub, connectionId);
    const { items } = await hub.sync.deadLetters({});
    return { updated: logs[0]?.details.updated, letters: items.map(({ error_class, code }) => [error_class, code]) };
  };
  const ifMatch = ({ headers }: Asked) => headers['if-match'];
  /** The first request is cut, and takes place when the second has asked for the version. @param text what the API holds by then */
  const late = (text: string) => {
    let requests = 0;
    change = (asked, body) => {
      if (requests++ === 0) return { cut: true };
      if (requests === 2) {
        held = { number: '1', ...body, text };
        version++;
      }
      return { status: ifMatch(asked) === `"${version}"` ? 200 : 412, body: {} };
    };
  };

  for (const [name, orders] of [
    ['the record itself', ORDERS],
    ['a look-up', { ...ORDERS, lookup: LOOKUP }],
  ] as const) {
    it(`are done when ${name} shows them, though the second request was refused for its version`, async () => {
      late(OURS);
      assert.deepEqual(await exportTwice(orders), { updated: 1, letters: [] });
      const changes = api.asked.filter(({ method }) => method === 'PUT');
      assert.deepEqual(changes.map(ifMatch), ['"1"', '"1"']);
      assert.equal(new Set(changes.map(({ headers }) => headers['idempotency-key'])).size, 1);
    });

    it(`are a question to a person when ${name} shows other contents: ours may have been there in between`, async () => {
      late('of others');
      const letters = [['unknown_outcome', 'PCP_REST_OVERTAKEN']];
      assert.deepEqual(await exportTwice(orders), { updated: 0, letters });
      const asked = api.asked.length;
      await runToEnd(hub, connectionId);
      assert.equal(api.asked.length, asked, 'nothing sends it again by itself');
    });
  }

  it('are none, but conflicts, where no answer was lost', async () => {
    change = (_asked, body) => {
      held = { number: '1', ...body, text: 'of others' };
      version++;
      return { status: 412, body: {} };
    };
    assert.deepEqual(await exportTwice(ORDERS), { updated: 0, letters: [['conflict', 'PCP_HTTP_CONFLICT']] });
  });
});
