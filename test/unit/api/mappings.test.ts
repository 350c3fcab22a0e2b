import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';

const mapping = {
  connection_id: 1,
  name: 'Orders',
  entity_type: 'production_order',
  direction: 'import',
  source_entity: 'orders',
  target_entity: 'production_order',
  field_mappings: [
    { source: 'AUFNR', target: 'order_number', type: 'string', required: true },
    { source: 'STAT', target: 'status', lookup: { REL: 'released' }, lookup_default: 'open' },
    { target: 'plant', constant: '1000' },
  ],
  filters: [{ field: 'WERKS', operator: 'eq', value: '1000' }, { expression: 'GAMNG > 0' }],
  transformations: [
    { op: 'split', field: 'tags', separator: ';' },
    { op: 'explode', field: 'items' },
    { op: 'expression', expression: '$' },
    { op: 'upper', field: 'x' },
  ],
};

describe('API: mappings', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  it('creates, lists, reads, changes and deletes', async () => {
    const created = await api.call('POST', '/mappings', mapping);
    assert.equal(created.status, 201, created.text);
    const path = String(created.headers.location).replace('/integrations', '');
    assert.equal((await api.call('GET', '/mappings?connection_id=1&is_active=true')).body.total, 1);
    const read = await api.call('GET', path);
    const changed = await api.call(
      'PUT',
      path,
      { ...read.body, name: 'New' },
      { 'If-Match': String(read.headers.etag) },
    );
    assert.equal(changed.status, 200);
    const stale = await api.call('PUT', path, mapping, { 'If-Match': String(read.headers.etag) });
    assert.equal(stale.status, 412);
    assert.equal(stale.body.code, 'PCP_STALE_REVISION');
    assert.equal((await api.call('DELETE', path)).status, 204);
    assert.equal((await api.call('DELETE', path)).status, 404);
  });

  it('names what is wrong inside of it', async () => {
    const wrong: [object, string][] = [
      [{ field_mappings: [] }, '/field_mappings'],
      [{ field_mappings: [{ source: 'a' }] }, '/field_mappings/0/target'],
      [{ field_mappings: [{ source: 'a', target: 'b', type: 'text' }] }, '/field_mappings/0/type'],
      [{ field_mappings: [{ source: 'a', target: 'b', sql: 'drop' }] }, '/field_mappings/0/sql'],
      [{ filters: [{ field: 'a', operator: 'regex' }] }, '/filters/0/operator'],
      [{ filters: [{ field: 'a' }] }, '/filters/0/operator'],
      [{ transformations: [{ op: 'eval' }] }, '/transformations/0/op'],
      [{ transformations: [{ op: 'split', field: 'a' }] }, '/transformations/0/separator'],
      [{ direction: 'both' }, '/direction'],
      [{ options: { batch_size: 0 } }, '/options/batch_size'],
    ];
    for (const [change, pointer] of wrong) {
      const reply = await api.call('POST', '/mappings', { ...mapping, ...change });
      assert.equal(reply.status, 422, reply.text);
      assert.ok(
        reply.body.errors?.some((error) => error.pointer === pointer),
        `${pointer} in ${reply.text}`,
      );
    }
  });

  it('passes on what compiling found, with a pointer', async () => {
    await api.close();
    api = await startApi({
      mappings: {
        create: async () => {
          throw new IntegrationError('config', 'PCP_MAPPING_INVALID', 'It cannot be inverted.', {
            path: 'field_mappings[1].expression',
            hint: 'Give it an export_expression.',
          });
        },
      },
    });
    const reply = await api.call('POST', '/mappings', mapping);
    assert.equal(reply.status, 422);
    assert.equal(reply.body.code, 'PCP_MAPPING_INVALID');
    assert.equal(reply.body.errors?.[0]?.pointer, '/field_mappings/1/expression');
    assert.match(String(reply.body.hint), /export_expression/);
  });

  it('tells an entity that is missing from a mapping that is', async () => {
    await api.close();
    const fail = async () => {
      throw new IntegrationError('data', 'PCP_NOT_FOUND', 'There is no entity type "none".');
    };
    api = await startApi({ mappings: { create: fail, update: fail } });
    const reply = await api.call('POST', '/mappings', { ...mapping, target_entity: 'none' });
    assert.equal(reply.status, 422);
    assert.equal(reply.body.errors?.[0]?.pointer, '/target_entity');
    assert.equal((await api.call('PUT', '/mappings/9', mapping)).status, 404);
  });

  it('takes what a person says of a target under another address', async () => {
    await api.call('POST', '/mappings', mapping);
    assert.equal((await api.call('POST', '/mappings/1/target', { is: 'other' })).status, 204);
    const decided = api.calls.findLast(({ name }) => name === 'sync.decideTarget')?.arguments;
    assert.deepEqual(decided, [1, 'other']);
    for (const body of [{}, { is: 'new' }, { is: 'same', all: true }]) {
      assert.equal((await api.call('POST', '/mappings/1/target', body)).status, 422);
    }
    assert.equal((await api.call('POST', '/mappings/9/target', { is: 'same' })).status, 404);
  });

  it('previews what is saved, what is not, and given records', async () => {
    const path = String((await api.call('POST', '/mappings', mapping)).headers.location).replace('/integrations', '');
    assert.equal((await api.call('POST', `${path}/preview`)).status, 200);
    const given = await api.call('POST', `${path}/preview`, { records: [{ a: 1 }, { a: 2 }], direction: 'import' });
    assert.equal((given.body.totals as Record<string, number>).create, 2);
    await api.call('POST', `${path}/preview`, { limit: 5, mapping: { ...mapping, name: 'Unsaved' } });
    const request = api.calls.findLast(({ name }) => name === 'runner.preview')?.arguments[0] as {
      mapping: { name: string; id: number };
      limit: number;
    };
    assert.equal(request.mapping.name, 'Unsaved');
    assert.equal(request.limit, 5);
    assert.equal(request.mapping.id, 1);
    const keyed = { keys: [{ AUFNR: '1000' }], mode: 'full_plan' };
    assert.equal((await api.call('POST', `${path}/preview`, keyed)).status, 200);
    const wrong = [{ limit: 0 }, { limit: 101 }, { records: [] }, { records: [1] }, { write: true }];
    for (const body of [...wrong, { keys: [] }, { keys: [{}] }, { keys: ['1000'] }, { mode: 'all' }]) {
      assert.equal((await api.call('POST', `${path}/preview`, body)).status, 422, JSON.stringify(body));
    }
    assert.equal((await api.call('POST', '/mappings/9/preview')).status, 404);
  });
});
