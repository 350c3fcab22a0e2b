import assert from 'node:assert/strict';
import { Batching } from '../../../lib/protocols/odata/batching';
import { findEach } from '../../../lib/protocols/odata/find';
import { failureOf, signal } from '../rest/server';
import { documentText, setOf } from './documents';
import { openService, ScriptedService } from './server';

describe('odata: looking for many at once', () => {
  const api = new ScriptedService();
  let batching: Batching;
  let close: () => Promise<void>;

  before(async () => {
    api.document = documentText('orders');
    await api.start();
    const { service, client, model } = await openService(api);
    batching = new Batching(service, setOf(model, 'A_ProductionOrder_2'), model);
    close = () => client.close();
  });
  after(async () => {
    await close();
    await api.stop();
  });

  const find = (...values: string[]) => findEach(batching, 'Material', values, {}, signal);

  it('asks for each by itself where one has so many that others may not have come', async () => {
    const __metadata = { etag: 'W/"1"' };
    const rows = ['A', 'A', 'A', 'A', 'B'].map((Material, n) => ({
      ManufacturingOrder: `N${n}`,
      Material,
      __metadata,
    }));
    api.answers.set('GET /svc/A_ProductionOrder_2', ({ query }) => {
      const wanted = [...(query.get('$filter') ?? '').matchAll(/'(\w)'/g)].map(([, value]) => value);
      const top = Number(query.get('$top'));
      return { body: { d: { results: rows.filter(({ Material }) => wanted.includes(Material)).slice(0, top) } } };
    });
    const found = await find('A', 'B');
    assert.deepEqual(
      found.map((entities) => Array.isArray(entities) && entities.map(({ data }) => data.ManufacturingOrder)),
      [['N0', 'N1'], ['N4']],
    );
  });

  it('takes none for absent where the service pays no heed to what is asked', async () => {
    api.answers.set('GET /svc/A_ProductionOrder_2', {
      body: { d: { results: [{ ManufacturingOrder: 'N9', Material: 'other' }] } },
    });
    assert.equal((await failureOf(find('A', 'B'))).code, 'PCP_ODATA_FILTER_IGNORED');
  });
});
