import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';

describe('API: comparisons', () => {
  let api: TestApi;
  const notComparable = async (): Promise<never> => {
    throw new IntegrationError(
      'config',
      'PCP_NOT_COMPARABLE',
      'The two sides cannot be compared: MQTT cannot be read.',
    );
  };

  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  it('starts one, and tells where its result will be', async () => {
    const { status, headers, body } = await api.call('POST', '/mappings/7/reconcile', { settle_seconds: 0 });
    assert.equal(status, 202);
    assert.match(String(headers.location), /\/reconciliations\/5$/);
    assert.equal(body.id, 5);
    assert.equal((await api.call('POST', '/mappings/7/reconcile', { action: 'delete' })).status, 422);
    assert.equal((await api.call('POST', '/mappings/7/reconcile', {})).status, 202);
  });

  it('lists, reads, cancels and repairs them', async () => {
    const list = await api.call('GET', '/reconciliations?mapping_id=7');
    assert.deepEqual([list.status, (list.body.items as { id: number }[]).map(({ id }) => id)], [200, [5]]);
    const one = await api.call('GET', '/reconciliations/5');
    assert.deepEqual([one.status, one.body.sample], [200, []]);
    assert.equal((await api.call('GET', '/reconciliations/6')).status, 404);
    assert.equal((await api.call('POST', '/reconciliations/5/cancel')).status, 202);
    const repair = await api.call('POST', '/reconciliations/5/repair');
    assert.equal(repair.status, 202);
    assert.match(String(repair.headers.location), /\/sync\/status\//);
  });

  it('says in the language asked for what cannot be compared', async () => {
    const other = await startApi({ reconciliations: { start: notComparable } });
    try {
      const { status, body } = await other.call('POST', '/mappings/7/reconcile', undefined, {
        'Accept-Language': 'pt-BR',
      });
      assert.deepEqual([status, body.code], [422, 'PCP_NOT_COMPARABLE']);
      assert.equal(body.title, 'Os dois lados não podem ser comparados');
    } finally {
      await other.close();
    }
  });
});
