import assert from 'node:assert/strict';
import type { Connector, SourceRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import { failureOf, openWriter, readAll, record, signal, TestApi } from '../rest/server';

type Row = Record<string, unknown>;

const PATH = '/api/supply/v2/productionappointment';
const KEY = ['ProductionOrderNumber', 'ActivityCode', 'MachineCode', 'StartReportDateTime'];
const entity = 'production_data';

/**
 * Reports of production of Logix, by a stand-in for its published API (ttalk-standard-message, ProductionAppointment_v2_000):
 * a list needs company, order and type; a report is posted, never changed, and takes no key of ours. Times have a zone of their own.
 */
describe('reports of production of Logix', () => {
  const api = new TestApi();
  const rows: Row[] = [];
  let isCut = false;
  let connector: Connector;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(() => {
    rows.length = 0;
    isCut = false;
    api.asked.length = 0;
    api.handler = ({ method, path, query, body }) => {
      if (path !== PATH) return undefined;
      if (method === 'POST') {
        const row = JSON.parse(body) as Row;
        if (row.CompanyId !== '01')
          return { status: 400, body: { code: '1', message: 'Empresa?', detailedMessage: '' } };
        rows.push({ ...row, StartReportDateTime: new Date(String(row.StartReportDateTime)).toISOString() });
        return isCut ? { cut: true } : { status: 201, body: { ListOfInternalId: [] } };
      }
      if (query.get('company') !== '01' || query.get('appointmenttype') !== '1') return { status: 400, body: {} };
      const found = rows.filter((row) => row.ProductionOrderNumber === query.get('productionordernumber'));
      const none = { code: '404', message: 'Apontamento não encontrado', detailedMessage: '' };
      return found.length === 0 ? { status: 404, body: { ...none, code: 'A404' } } : { body: found };
    };
    const config = { base_url: api.url, product: 'logix', username: 'pcp', tenant_id: '01,01', timeout_ms: 20_000 };
    connector = create(
      { id: 1, name: 'logix', connector_type: 'erp.protheus', config, credentials: { password: 'canary-1' } },
      { log: () => undefined },
    );
  });
  afterEach(() => connector.close());

  const report = (order: string, own: SourceRecord = {}) =>
    record(
      {
        ...{
          ProductionOrderNumber: order,
          ActivityCode: '10',
          MachineCode: 'M1',
          ItemCode: 'P-1',
          ApprovedQuantity: '10.5',
        },
        ...{ StartReportDateTime: '2026-11-27T06:00:00-03:00', ...own },
      },
      {},
      KEY,
    );
  const outcomes = (results: WriteResult[]) => results.map(({ outcome }) => outcome);
  const posts = () => api.asked.filter(({ method }) => method === 'POST');

  it('are posted once, found again by order, operation, machine and start', async () => {
    const writer = await openWriter(connector, KEY, entity);
    const own = [report('1'), report('1', { MachineCode: 'M2' }), report('2')];
    assert.deepEqual(outcomes(await writer.write(own, signal)), ['created', 'created', 'created']);
    assert.deepEqual(outcomes(await writer.write(own, signal)), ['unchanged', 'unchanged', 'unchanged']);
    assert.equal(posts().length, 3);
    const [changed] = await writer.write([report('1', { ApprovedQuantity: '11' })], signal);
    assert.equal(changed?.outcome === 'failed' && changed.error.code, 'PCP_PROTHEUS_POSTED_BEFORE');
    assert.equal((await failureOf(writer.delete!([report('1')], signal).then(thrownBy))).code, 'PCP_NOT_WRITABLE');
  });

  it('whose answers were lost are looked for, not posted again', async () => {
    const writer = await openWriter(connector, KEY, entity);
    isCut = true;
    assert.deepEqual(outcomes(await writer.write([report('1')], signal)), ['unknown']);
    const states = (await writer.resolve!([report('1'), report('9')], signal)).map(({ state }) => state);
    assert.deepEqual([states, rows.length], [['found', 'absent'], 1]);
  });

  it('are recognised when they are read again, in whatever zone their times are told', async () => {
    const [posted] = await (await openWriter(connector, KEY, entity)).write([report('1')], signal);
    const filters = [{ field: 'ProductionOrderNumber', operator: 'eq', value: '1' }];
    const { records } = await readAll(connector, { entity, filters: filters as never[] });
    const recognised = await connector.recognise!(entity, { entity, keyFields: KEY }, signal);
    assert.equal(records[0]?.StartReportDateTime, '2026-11-27T09:00:00.000Z');
    assert.equal(posted?.outcome === 'created' && posted.externalKey, recognised?.externalKey(records[0]!));
  });

  it('are read by the orders that a filter names, and not without one', async () => {
    await (await openWriter(connector, KEY, entity)).write([report('1'), report('2'), report('3')], signal);
    const of = async (operator: 'eq' | 'in', value: unknown) => {
      const filters = [{ field: 'ProductionOrderNumber', operator, value }];
      const { records } = await readAll(connector, { entity, filters: filters as never[] });
      return records.map(({ ProductionOrderNumber }) => ProductionOrderNumber);
    };
    assert.deepEqual(await of('eq', '2'), ['2']);
    assert.deepEqual(await of('in', ['3', '1', '8']), ['3', '1']);
    const failure = await failureOf(readAll(connector, { entity }));
    assert.deepEqual([failure.class, failure.code], ['config', 'PCP_PROTHEUS_FILTER']);
  });

  it('answer the test of the connection without an order', async () => {
    assert.equal((await connector.test(signal)).ok, true);
  });
});

function thrownBy([result]: WriteResult[]): void {
  if (result?.outcome === 'failed') throw result.error;
}
