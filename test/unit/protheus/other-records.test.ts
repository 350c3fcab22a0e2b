import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import { failureOf, signal, TestApi } from '../rest/server';

/** Routes that pay no heed to what they are asked for: whoever believes them overwrites another record. */
describe('protheus: an answer about another record', () => {
  const api = new TestApi();
  let connector: Connector;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(() => {
    connector = create(api.connection({ authentication: 'none' }), { log: () => undefined });
  });
  afterEach(() => connector.close());

  const lookup = (entity: string, keyFields: string[], key: Record<string, unknown>) =>
    connector.lookup!({ entity, keyFields }, [key], signal);

  it('is none of the table', async () => {
    api.handler = ({ query }) => {
      // Its dictionary is not shown.
      const items = query.get('tables') === 'SB1' ? [{ b1_filial: '01', b1_cod: 'B' }] : [];
      return { body: { items, hasNext: false } };
    };
    const error = await failureOf(lookup('material', ['B1_COD'], { B1_COD: 'A' }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_PROTHEUS_OTHER_RECORD'], error.message);
    const [found] = await lookup('material', ['B1_COD'], { B1_COD: 'B' });
    assert.equal(found?.B1_COD, 'B');
  });

  it('is none of the model, not by its own key either', async () => {
    const fields = [{ id: 'B1_COD', value: 'B' }];
    const models = [{ id: 'SB1MASTER', modeltype: 'FIELDS', fields }];
    api.handler = ({ path }) =>
      path.startsWith('/fwmodel/') ? { body: { id: 'MATA010', pk: 'REY=', models } } : { body: { items: [] } };
    const error = await failureOf(lookup('fwmodel/MATA010', ['pk'], { pk: 'QUE=' }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_PROTHEUS_OTHER_RECORD'], error.message);
    assert.equal((await lookup('fwmodel/MATA010', ['pk'], { pk: 'REY=' }))[0]?.B1_COD, 'B');
  });
});
