import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';

const tool = {
  type: 'tool',
  title: 'Tool',
  key: ['tool_number'],
  schema: {
    type: 'object',
    properties: { tool_number: { type: 'string' }, weight: { type: 'string', format: 'decimal' } },
  },
};
const RECORDS = '/entities/production_order/records';

describe('API: connectors', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  it('lists them, describes one, and gives its schema', async () => {
    const list = await api.call('GET', '/connectors');
    assert.equal(list.body.items?.[0]?.type, 'generic.database');
    assert.equal(list.body.items?.[0]?.settings, undefined);
    const one = await api.call('GET', '/connectors/generic.database');
    assert.ok((one.body.settings as Record<string, unknown>).host);
    const schema = await api.call('GET', '/connectors/generic.database/schema');
    assert.match(schema.text, /"writeOnly":true/);
    assert.equal((await api.call('GET', '/connectors/erp.none')).status, 404);
    assert.equal((await api.call('GET', '/connectors/constructor/schema')).status, 404);
  });
});

describe('API: platform entities', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  it('adds a type, widens it and removes it', async () => {
    const created = await api.call('POST', '/entities', tool);
    assert.equal(created.status, 201, created.text);
    assert.equal(created.headers.location, '/integrations/entities/tool');
    const read = await api.call('GET', '/entities/tool');
    assert.equal(read.body.built_in, false);
    const wider = { ...read.body, title: 'Tools' };
    const etag = String(read.headers.etag);
    assert.equal((await api.call('PUT', '/entities/tool', wider, { 'If-Match': '"old"' })).status, 412);
    assert.equal((await api.call('PUT', '/entities/tool', wider, { 'If-Match': etag })).status, 200);
    assert.equal((await api.call('PUT', '/entities/tool', { ...tool, type: 'other' })).status, 422);
    assert.deepEqual(
      (await api.call('GET', '/entities')).body.items?.map(({ type }) => type),
      ['production_order', 'tool'],
    );
    assert.equal((await api.call('DELETE', '/entities/tool?cascade=true')).status, 204);
    const asked = api.calls.findLast(({ name }) => name === 'entityTypes.delete')?.arguments[1];
    assert.deepEqual(asked, { cascade: true });
    assert.equal((await api.call('GET', '/entities/tool')).status, 404);
  });

  it('refuses names and schemas that are none, and changes to the catalogue', async () => {
    const wrong = [
      { type: 'Tool' },
      { type: 'drop table' },
      { type: 'x'.repeat(60) },
      { key: [] },
      { schema: {} },
      { built_in: true },
    ];
    for (const change of wrong) {
      assert.equal((await api.call('POST', '/entities', { ...tool, ...change })).status, 422, JSON.stringify(change));
    }
    const { body } = await api.call('GET', '/entities/production_order');
    const reply = await api.call('PUT', '/entities/production_order', body);
    assert.equal(reply.status, 409);
    assert.equal(reply.body.code, 'PCP_ENTITY_BUILT_IN');
  });

  it('adds, reads, replaces and removes records', async () => {
    const record = { plant: '1000', order_number: '42', status: 'open' };
    const created = await api.call('POST', RECORDS, record);
    assert.equal(created.headers.location, `/integrations${RECORDS}/1000,42`);
    assert.deepEqual(created.body, record);
    assert.equal((await api.call('POST', RECORDS, record)).status, 409);
    const read = await api.call('GET', `${RECORDS}/1000,42`);
    assert.deepEqual(read.body, record);
    const closed = { ...record, status: 'closed' };
    const etag = { 'If-Match': String(read.headers.etag) };
    assert.equal((await api.call('PUT', `${RECORDS}/1000,42`, closed, etag)).status, 200);
    assert.equal((await api.call('PUT', `${RECORDS}/1000,42`, closed, etag)).status, 412);
    assert.equal((await api.call('DELETE', `${RECORDS}/1000,42`, undefined, etag)).status, 412);
    assert.equal((await api.call('DELETE', `${RECORDS}/1000,42`)).status, 204);
    assert.equal((await api.call('GET', `${RECORDS}/1000,42`)).status, 404);
    const put = await api.call('PUT', `${RECORDS}/1000,43`, { ...record, order_number: '43' });
    assert.equal(put.status, 201);
    assert.equal(put.headers.location, `/integrations${RECORDS}/1000,43`);
  });

  it('lets only one of several writers with the same ETag win', async () => {
    const record = { plant: '1', order_number: '1', status: 'a' };
    await api.close();
    const type = { type: 'production_order', title: 'Order', key: ['plant', 'order_number'], built_in: true };
    let current: Record<string, unknown> = record;
    let arrived = 0;
    let allArrived = () => {};
    const everyone = new Promise<void>((resolve) => {
      allArrived = resolve;
    });
    api = await startApi({
      entityTypes: {
        get: async () => {
          arrived += 1;
          if (arrived === 4) allArrived();
          return { ...type, schema: {} };
        },
      },
      records: {
        get: async () => current,
        // Whoever may write does so only when all could have compared.
        replace: async (_type, _key, replacement) => {
          await everyone;
          await setImmediate();
          current = replacement;
          return { record: replacement, created: false };
        },
      },
    });
    const ifMatch = { 'If-Match': String((await api.call('GET', `${RECORDS}/1,1`)).headers.etag) };
    const writes = ['b', 'c', 'd'].map((status) => api.call('PUT', `${RECORDS}/1,1`, { ...record, status }, ifMatch));
    assert.deepEqual((await Promise.all(writes)).map(({ status }) => status).sort(), [200, 412, 412]);
  });

  it('understands keys with commas and slashes, encoded by part or as a whole', async () => {
    const record = { plant: 'a,b/c', order_number: 'ü 1' };
    const { headers } = await api.call('POST', RECORDS, record);
    assert.equal(headers.location, `/integrations${RECORDS}/a%2Cb%2Fc,%C3%BC%201`);
    assert.deepEqual((await api.send('GET', String(headers.location))).body, record);
    await api.call('POST', RECORDS, { plant: '1', order_number: '2' });
    assert.equal((await api.call('GET', `${RECORDS}/1%2C2`)).status, 200);
    for (const key of ['1', '1,2,3', '%2C', ','])
      assert.equal((await api.call('GET', `${RECORDS}/${key}`)).status, 404, key);
    await api.call('POST', '/entities', tool);
    await api.call('POST', '/entities/tool/records', { tool_number: 'x,y' });
    for (const key of ['x,y', 'x%2Cy'])
      assert.equal((await api.call('GET', `/entities/tool/records/${key}`)).status, 200);
  });

  it('filters by fields of the type only', async () => {
    assert.equal((await api.call('GET', `${RECORDS}?status=open&plant=1000&limit=5`)).status, 200);
    const request = api.calls.findLast(({ name }) => name === 'records.list')?.arguments[1];
    assert.deepEqual(request, { filter: { status: 'open', plant: '1000' }, limit: 5 });
    for (const query of ['secret=1', '_hash=x', '__proto__=1', 'toString=1', 'status=a&status=b']) {
      assert.equal((await api.call('GET', `${RECORDS}?${query}`)).status, 400, query);
    }
    assert.equal((await api.call('GET', '/entities/none/records')).status, 404);
  });

  it('points at the field of a record that is wrong', async () => {
    await api.close();
    api = await startApi({
      records: {
        create: async () => {
          throw new IntegrationError('data', 'PCP_RECORD_INVALID', 'quantity is no decimal.', { path: 'quantity' });
        },
      },
    });
    const reply = await api.call('POST', RECORDS, { plant: '1' });
    assert.equal(reply.status, 422);
    assert.equal(reply.body.errors?.[0]?.pointer, '/quantity');
  });
});
