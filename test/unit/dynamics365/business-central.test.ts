import assert from 'node:assert/strict';
import type { Connector, SourceRecord, WriteRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/dynamics365/connector';
import { localise } from '../../../lib/locales/catalogue';
import { BusinessServer } from '../../support/dynamics365/business';
import { failure, live } from '../http/support';
import { TestApi } from '../rest/server';

const MANUFACTURING = /production|bom|routing|machine|output/i;

describe('Dynamics 365, Business Central', () => {
  let server: BusinessServer;
  let connector: Connector;

  beforeEach(async () => {
    server = await new BusinessServer().start();
    connector = create(server.connection({ changes_per_request: 1000 }), { log: () => undefined });
  });
  afterEach(async () => {
    await connector.close();
    await server.stop();
  });

  async function read(entity: string): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    for await (const batch of connector.read!({ entity, cursor: null, batchSize: 5 }, live))
      records.push(...batch.records);
    return records;
  }

  const record = (number: string, more: SourceRecord = {}): WriteRecord => ({
    ...{ data: { number, ...more }, key: number, hash: 'h', sourceKey: '' },
  });
  const writer = () =>
    connector.openWriter!(
      { entity: 'material', keyFields: ['number'], fields: [], resume: null, runId: 1, mappingId: 1 },
      live,
    );

  it('says in Portuguese, too, where Business Central keeps its applications', async () => {
    server.isRegistered = false;
    const { steps } = await connector.test(live);
    const { code, hint } = localise(steps.at(-1)!.error!, 'pt-BR');
    assert.equal(code, 'PCP_DYNAMICS_APPLICATION_UNKNOWN');
    assert.match(hint ?? '', /Business Central: página Aplicativos do Microsoft Entra/);
  });

  it('has nothing of production but in the pages that the customer published', async () => {
    const list = await connector.discover!(live);
    const production = list.filter(({ name }) => MANUFACTURING.test(name)).map(({ name }) => name);
    assert.deepEqual(production, ['pages/ReleasedProductionOrders']);
    assert.deepEqual(list.find(({ name }) => name === 'location')?.error?.code, 'PCP_ENTITY_UNKNOWN');
    server.orders.rows.push({
      Status: 'Released',
      No: '101005',
      Source_No: 'ç',
      Quantity: '1234567890123.12345',
      Due_Date: '0001-01-01',
    });
    assert.deepEqual(await read('pages/ReleasedProductionOrders'), [
      { Status: 'Released', No: '101005', Source_No: 'ç', Quantity: '1234567890123.12345', Due_Date: null },
    ]);
    assert.equal((await failure(read('production_order'))).code, 'PCP_ENTITY_UNKNOWN');
  });

  it('tells of a service that does not answer, beside those that do', async () => {
    const services = { pages: '/ODataV4', plan: '/api/pcp/plan/v1.0' };
    const other = create(server.connection({ services }), { log: () => undefined });
    try {
      const list = await other.discover!(live);
      const silent = list.find(({ name }) => name === 'plan');
      assert.deepEqual([silent?.readable, silent?.error !== undefined], [false, true]);
      assert.ok(list.some(({ name }) => name === 'pages/ReleasedProductionOrders'));
    } finally {
      await other.close();
    }
  });

  it('tells what the standard API lacks, and lists the pages of the customer all the same', async () => {
    server.hasStandardModel = false;
    const list = await connector.discover!(live);
    assert.ok(list.some(({ name }) => name === 'pages/ReleasedProductionOrders'));
    assert.ok(list.find(({ name }) => name === 'location')?.error !== undefined);
    const only = create(server.connection({ services: {} }), { log: () => undefined });
    try {
      assert.equal((await failure(only.discover!(live))).class, 'config');
    } finally {
      await only.close();
    }
  });

  describe('subscriptions', () => {
    /** A webhook of the hub, as far as the handshake goes. */
    const hook = new TestApi();
    let isThere = true;

    before(() => hook.start());
    after(() => hook.stop());
    beforeEach(() => {
      isThere = true;
      hook.handler = ({ query }) => {
        if (!isThere) return undefined;
        return { body: query.get('validationToken') ?? '', headers: { 'content-type': 'text/plain' } };
      };
    });

    const call = (more: Record<string, unknown> = {}) =>
      connector.call!(
        'function',
        {
          ...{ function: 'subscribe', entity_set: 'items' },
          parameters: { notification_url: `${hook.url}/hooks/1`, client_state: 'secret' },
          ...more,
        },
        live,
      );

    it('are made once and renewed by the same call', async () => {
      const { payload } = (await call()) as { payload: Record<string, unknown> };
      assert.deepEqual([payload.renewed, payload.expires_at], [false, '2026-12-01T00:00:00.000Z']);
      server.now += 86_400_000;
      const again = (await call()) as { payload: Record<string, unknown> };
      assert.deepEqual(again.payload, { ...payload, renewed: true, expires_at: '2026-12-02T00:00:00.000Z' });
      const [only, ...others] = server.subscriptions.rows;
      const [{ id } = { id: '' }] = server.companies;
      assert.deepEqual([only?.resource, only?.clientState], [`/api/v2.0/companies(${id})/items`, 'secret']);
      assert.deepEqual(others, []);
    });

    it('are refused in words that say why', async () => {
      isThere = false;
      assert.match((await failure(call())).message, /The handshake failed/);
      assert.equal(
        (await failure(call({ service: 'pages', entity_set: 'ReleasedProductionOrders' }))).code,
        'PCP_OPERATION_UNKNOWN',
      );
      assert.equal((await failure(call({ entity_set: 'bins' }))).code, 'PCP_ENTITY_UNKNOWN');
      assert.equal((await failure(call({ parameters: {} }))).path, 'notification_url');
    });
  });

  it('sends at most 100 changes as one, each by itself', async () => {
    server.put({ number: 'N-7' });
    const records = Array.from({ length: 130 }, (_, n) =>
      record(`N-${n}`, { displayName: 'ção 😀', inventory: '0.12345' }),
    );
    records[5] = record('N-5', { blocked: 'perhaps' });
    await assert.doesNotReject(read('material'));
    const results = await (await writer()).write(records, live);
    const counted = Object.groupBy(results, ({ outcome }) => outcome);
    assert.deepEqual([counted.created?.length, counted.updated?.length, counted.failed?.length], [128, 1, 1]);
    assert.equal(server.items.rows.length, 129);
    const batches = server.asked.filter(({ url, body }) => url.endsWith('/api/v2.0/$batch') && body.includes('"POST"'));
    assert.deepEqual(
      batches.map(({ body }) => JSON.parse(body).requests.length).sort((a, b) => b - a),
      [99, 30],
    );
  });

  it('does not know what became of an item whose answer was lost, finds it again, and makes no second one', async () => {
    const target = await writer();
    let changes = 0;
    server.cuts = () => ++changes === 1;
    const [lost] = await target.write([record('L-1')], live);
    assert.equal(lost?.outcome, 'unknown');
    const [found] = await target.resolve!([record('L-1')], live);
    assert.equal(found?.state, 'found');
    assert.deepEqual(
      (await target.write([record('L-1')], live)).map(({ outcome }) => outcome),
      ['updated'],
    );
    assert.equal(server.items.rows.length, 1);
  });

  it('needs the name of a company where there are several', async () => {
    server.companies.push({ id: '7b1d0a52-0000-4000-8000-000000000001', name: 'CRONUS' });
    const error = await failure(read('material'));
    assert.deepEqual([error.code, error.path], ['PCP_DYNAMICS_COMPANY', '/config/company']);
    assert.match(error.hint ?? '', /D'Água Ltda, CRONUS/);
    const named = create(server.connection({ company: 'cronus' }), { log: () => undefined });
    await named.describe!('material', live);
    await named.close();
  });
});
