import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/sap/connector';
import { localise } from '../../../lib/locales/catalogue';
import type { PushedFilter } from '../../../lib/model/mapping';
import { SapPlant } from '../../support/sap/plant';
import { failureOf, openWriter, record, signal, TestApi } from '../rest/server';

const ORDERS = 'production_order';
const KEY = ['ManufacturingOrder'];
const order = (n: number, data: Record<string, unknown>, more = {}) =>
  record({ ManufacturingOrder: String(1_000_000 + n).padStart(12, '0'), ...data }, more, KEY);

describe('sap', () => {
  const plant = new SapPlant();
  const opened: Connector[] = [];

  before(() => plant.start());
  after(() => plant.stop());
  beforeEach(() => {
    plant.gateway.asked.length = 0;
    plant.gateway.changed.length = 0;
  });
  afterEach(async () => {
    const { gateway } = plant;
    Object.assign(gateway, {
      refusesHead: false,
      busy: 0,
      knowsNoBatch: false,
      inactive: new Set(),
      forbidden: new Set(),
    });
    Object.assign(gateway, { cuts: () => false, breaksOffAfter: () => Number.POSITIVE_INFINITY });
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
  });

  function open(config: Record<string, unknown> = {}, password?: string): Connector {
    const connector = create(plant.connection(config, password), { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  const asked = (method: string) => plant.gateway.asked.filter((each) => each.method === method);

  it('fetches one token for changes at the same time, with its cookies, and sends the client with everything', async () => {
    const writer = await openWriter(open({ parallel_writes: 4, changes_per_request: 1, language: 'pt' }), KEY, ORDERS);
    const records = [1, 2, 3, 4, 5].map((n) => order(n, { TotalQuantity: `${n}.500` }));
    const results = await writer.write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      Array(5).fill('updated'),
    );
    assert.equal(asked('HEAD').length, 1);
    assert.equal(asked('MERGE').length, 5);
    for (const { url } of plant.gateway.asked) assert.match(url, /[?&]sap-client=100&sap-language=PT/);
  });

  it('asks by a text as it is spelt, and leaves what texts stand for to the mapping', async () => {
    const connector = open();
    const isAsked = async (filter: PushedFilter): Promise<boolean> => {
      plant.gateway.asked.length = 0;
      for await (const _ of connector.read!({ entity: ORDERS, cursor: null, batchSize: 5, filters: [filter] }, signal))
        break;
      return plant.gateway.asked.some(({ url }) => /ManufacturingOrder(%20|\+)eq/.test(url));
    };
    const filter = { field: 'ManufacturingOrder', operator: 'eq' } as const;
    assert.equal(await isAsked({ ...filter, value: '000001000001' }), true);
    assert.equal(await isAsked({ ...filter, value: 1_000_001 }), false);
    assert.equal(await isAsked({ ...filter, value: '1000001', byValue: true }), false);
  });

  it('replaces an entity by PUT with all that it has', async () => {
    const writer = await openWriter(open({ update_method: 'put', changes_per_request: 1 }), KEY, ORDERS);
    const before = (await plant.rows('API_PRODUCTION_ORDER_2_SRV', 'A_ProductionOrder_2')).at(-1);
    const key = { ManufacturingOrder: String(before!.ManufacturingOrder) };
    const [result] = await writer.write([record({ ...key, Batch: 'PUT' }, {}, KEY)], signal);
    assert.equal(result?.outcome, 'updated');
    const sent = JSON.parse(asked('PUT')[0]!.body) as Record<string, unknown>;
    assert.deepEqual([sent.Batch, sent.Material], ['PUT', before!.Material]);
    assert.ok(before!.Material);
  });

  it('fetches a token anew, once, when the session is over', async () => {
    const writer = await openWriter(open(), KEY, ORDERS);
    await writer.write([order(1, { Batch: 'A' })], signal);
    plant.gateway.expire();
    assert.deepEqual(
      (await writer.write([order(1, { Batch: 'B' })], signal)).map(({ outcome }) => outcome),
      ['updated'],
    );
    assert.deepEqual([asked('HEAD').length, asked('MERGE').length], [2, 3]);
  });

  it('asks for the token by GET where HEAD is refused', async () => {
    plant.gateway.refusesHead = true;
    const writer = await openWriter(open(), KEY, ORDERS);
    await writer.write([order(2, { Batch: 'A' })], signal);
    const fetches = plant.gateway.asked.filter(({ headers }) => headers['x-csrf-token'] === 'Fetch');
    assert.deepEqual(
      fetches.map(({ method }) => method),
      ['HEAD', 'GET'],
    );
    const failed = await openWriter(open({ csrf: 'head' }), KEY, ORDERS);
    assert.equal((await failureOf(failed.write([order(2, { Batch: 'A' })], signal))).class, 'permission');
  });

  it('changes on the condition of what it has seen; a change of others meanwhile is a conflict', async () => {
    const writer = await openWriter(open(), KEY, ORDERS);
    const [resolution] = await writer.resolve!([order(3, {})], signal);
    assert.ok(resolution?.state === 'found' && resolution.version !== undefined);
    await plant.change('API_PRODUCTION_ORDER_2_SRV', "A_ProductionOrder_2('000001000003')", { Batch: 'OTHER' });
    const [result] = await writer.write([order(3, { Batch: 'MINE' }, { version: resolution.version })], signal);
    assert.ok(result?.outcome === 'failed' && result.error.class === 'conflict', JSON.stringify(result));
    const [again] = await writer.write([order(3, { Batch: 'MINE' })], signal);
    assert.equal(again?.outcome, 'updated');
  });

  it('refuses what SAP would refuse before it is sent, naming the field', async () => {
    const writer = await openWriter(open(), KEY, ORDERS);
    const [long, many] = await writer.write(
      [order(4, { ProductionPlant: '10000' }), order(5, { TotalQuantity: '1.2345' })],
      signal,
    );
    assert.ok(long?.outcome === 'failed' && many?.outcome === 'failed');
    assert.deepEqual([long.error.path, many.error.path], ['ProductionPlant', 'TotalQuantity']);
    assert.equal(asked('MERGE').length, 0);
  });

  it('does not know whether a posting whose answer was lost happened, finds it again, and posts no second one', async () => {
    const writer = await openWriter(open(), ['ExternalSystemConfirmation'], 'production_data');
    const key = ['ExternalSystemConfirmation'];
    const posting = (quantity: string) =>
      record(
        { ExternalSystemConfirmation: 'REC-1', OrderID: '000001000001', ConfirmationYieldQuantity: quantity },
        {},
        key,
      );
    plant.gateway.cuts = () => true;
    const [lost] = await writer.write([posting('5')], signal);
    assert.equal(lost?.outcome, 'unknown');
    plant.gateway.cuts = () => false;
    const [found] = await writer.resolve!([posting('5')], signal);
    assert.ok(found?.state === 'found');
    assert.equal(found.data.ExternalSystemConfirmation, 'REC-1');
    const [again, other] = await writer.write([posting('5'), posting('6')], signal);
    assert.equal(again?.outcome, 'unchanged');
    assert.ok(other?.outcome === 'failed' && other.error.code === 'PCP_ODATA_POSTED_BEFORE');
    assert.equal((await plant.rows('API_PROD_ORDER_CONFIRMATION_2_SRV', 'ProdnOrdConf2')).length, 1);
    // Several confirmations of one order: our own key tells them apart, whatever identifies the record in the mapping.
    const byOrder = await openWriter(open(), ['OrderID'], 'production_data');
    const [second] = await byOrder.write(
      [record({ ...posting('7').data, ExternalSystemConfirmation: 'REC-2' }, {}, key)],
      signal,
    );
    assert.equal(second?.outcome, 'created');
    const [elsewhere] = await (await openWriter(open({ sender: 'plant 2' }), key, 'production_data')).resolve!(
      [posting('5')],
      signal,
    );
    assert.equal(elsewhere?.state, 'absent');
  });

  it('makes many changes with one request, each of which succeeds or fails by itself', async () => {
    const writer = await openWriter(open(), KEY, ORDERS);
    const [seen] = await writer.resolve!([order(3, {})], signal);
    assert.ok(seen?.state === 'found' && seen.version !== undefined);
    plant.gateway.asked.length = 0;
    await plant.change('API_PRODUCTION_ORDER_2_SRV', "A_ProductionOrder_2('000001000003')", { Batch: 'THEIRS' });
    const records = [
      order(1, { Batch: 'ção 😀' }),
      order(2, { ProductionPlant: '10000' }),
      order(3, { Batch: 'MINE' }, { version: seen.version }),
      order(4, { Batch: 'D' }),
      order(999, { Batch: 'E' }, { externalKey: "('000001000999')" }),
    ];
    const results = await writer.write(records, signal);
    assert.deepEqual(
      results.map((result) => [result.outcome, 'error' in result ? result.error.class : undefined]),
      [
        ['updated', undefined],
        ...['data', 'conflict'].map((each) => ['failed', each]),
        ['updated', undefined],
        ['failed', 'conflict'],
      ],
    );
    assert.deepEqual(
      asked('POST').map(({ url }) => url),
      ['/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV/$batch?sap-client=100'],
    );
    assert.equal(asked('GET').filter(({ url }) => url.includes('filter')).length, 1);
    const [first] = plant.gateway.changed;
    assert.deepEqual(
      [first?.method, first?.url, first?.body],
      ['MERGE', "A_ProductionOrder_2('000001000001')?sap-client=100", '{"Batch":"ção 😀"}'],
    );
    const rows = await plant.rows('API_PRODUCTION_ORDER_2_SRV', 'A_ProductionOrder_2', "&$filter=Batch eq 'ção 😀'");
    assert.deepEqual(
      rows.map(({ ManufacturingOrder }) => ManufacturingOrder),
      ['000001000001'],
    );
  });

  it('sends changes one by one where the service knows no batches', async () => {
    plant.gateway.knowsNoBatch = true;
    const writer = await openWriter(open(), KEY, ORDERS);
    const results = await writer.write(
      [order(1, { Batch: 'A' }), order(2, { Batch: 'B' }), order(4, { Batch: 'C' })],
      signal,
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['updated', 'updated', 'updated'],
    );
    await writer.write([order(1, { Batch: 'D' }), order(2, { Batch: 'E' })], signal);
    assert.deepEqual([asked('POST').length, asked('MERGE').length], [1, 5]);
  });

  it('does not know what became of the changes of a batch that was broken off, and looks for them together', async () => {
    const key = ['ExternalSystemConfirmation'];
    const writer = await openWriter(open(), key, 'production_data');
    const postings = Array.from({ length: 40 }, (_, n) =>
      record(
        { ExternalSystemConfirmation: `BROKEN-${n}`, OrderID: '000001000005', ConfirmationYieldQuantity: `${n}` },
        {},
        key,
      ),
    );
    plant.gateway.breaksOffAfter = () => 25;
    const results = await writer
      .write(postings, signal)
      .catch((error) => (error as { results: { outcome: string }[] }).results);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      Array(40).fill('unknown'),
    );
    plant.gateway.breaksOffAfter = () => Number.POSITIVE_INFINITY;
    plant.gateway.asked.length = 0;
    const states = (await writer.resolve!(postings, signal)).map(({ state }) => state);
    assert.deepEqual(states, [...Array(25).fill('found'), ...Array(15).fill('absent')]);
    assert.deepEqual([asked('GET').length, asked('POST').length], [0, 1]);
    const again = await writer.write(postings, signal);
    assert.deepEqual(
      again.map(({ outcome }) => outcome),
      [...Array(25).fill('unchanged'), ...Array(15).fill('created')],
    );
    const posted = await plant.rows(
      'API_PROD_ORDER_CONFIRMATION_2_SRV',
      'ProdnOrdConf2',
      "&$filter=OrderID eq '000001000005'",
    );
    assert.equal(posted.length, 40);
  });

  it('knows that nothing was posted while it only asked, whatever became of the question', async () => {
    const quiet = new TestApi();
    await quiet.start();
    quiet.handler = () => ({ status: 503, headers: { 'content-type': 'text/html' }, body: '<h1>ICM</h1>' });
    const connection = plant.connection({ base_url: quiet.url });
    const connector = create(connection, { log: () => undefined });
    opened.push(connector);
    const first = await failureOf(openWriter(connector, ['ExternalSystemConfirmation'], 'production_data'));
    assert.deepEqual([first.class, first.outcomeUnknown], ['transient', false]);
    const writer = await openWriter(open(), ['ExternalSystemConfirmation'], 'production_data');
    const { answersItself } = plant.gateway;
    for (const refused of [/ProdnOrdConf2\?/, /CONFIRMATION_2_SRV\/(\?|$)/]) {
      plant.gateway.answersItself = async (method, url) =>
        refused.test(url) && method !== 'POST' ? { status: 503 } : undefined;
      const posting = { ExternalSystemConfirmation: `REC-${refused.source.length}`, OrderID: '000001000001' };
      const failure = await failureOf(writer.write([record(posting, {}, ['ExternalSystemConfirmation'])], signal));
      assert.deepEqual([failure.class, failure.outcomeUnknown], ['transient', false]);
    }
    plant.gateway.answersItself = answersItself;
    await quiet.stop();
  });

  it('hands on that SAP asks for a pause', async () => {
    const connector = open();
    await connector.describe!(ORDERS, signal);
    plant.gateway.busy = 1;
    const failure = await failureOf(connector.lookup!({ entity: ORDERS, keyFields: KEY }, [order(1, {}).data], signal));
    assert.equal(failure.class, 'rate_limit');
  });

  it('tells of each service whether it answers, and gives the mappings that work as they are', async () => {
    plant.gateway.inactive.add('API_MATERIAL_STOCK_SRV').add('API_EQUIPMENT').add('ZPCP_GONE');
    plant.gateway.forbidden.add('API_INSPECTIONLOT_SRV');
    const connector = open();
    const withOwn = open({ services: { ZPCP_GONE: '/sap/opu/odata/sap/ZPCP_GONE' } });
    const silent = (await withOwn.discover!(signal)).find(({ name }) => name === 'ZPCP_GONE');
    assert.deepEqual([silent?.kind, silent?.error?.code], ['service', 'PCP_SAP_SERVICE_INACTIVE']);
    const report = await connector.test(signal);
    assert.ok(report.ok);
    const { detail, unanswered } = report.steps.at(-1)!;
    assert.match(
      typeof detail === 'object' ? detail['pt-BR'] : '',
      /sem resposta: API_MATERIAL_STOCK_SRV, API_EQUIPMENT, API_INSPECTIONLOT_SRV$/,
    );
    // In the words of whoever administers SAP, together where the same is to be done.
    assert.deepEqual(
      unanswered?.map(({ names, error }) => [names, error.code, error.hint?.match(/IWFND.MAINT_SERVICE|SU53/)?.[0]]),
      [
        [['API_MATERIAL_STOCK_SRV', 'API_EQUIPMENT'], 'PCP_SAP_SERVICE_INACTIVE', 'IWFND/MAINT_SERVICE'],
        [['API_INSPECTIONLOT_SRV'], 'PCP_SAP_SERVICE_FORBIDDEN', 'SU53'],
      ],
    );
    assert.equal(
      localise(unanswered![1]!.error, 'pt-BR').message,
      'O usuário não pode usar o serviço API_INSPECTIONLOT_SRV: O serviço respondeu 403: No authorization to access service (PCP/001)',
    );
    const entities = await connector.discover!(signal);
    const stock = entities.find(({ name }) => name === 'stock');
    assert.deepEqual([stock?.readable, stock?.error?.code], [false, 'PCP_SAP_SERVICE_INACTIVE']);
    assert.match(stock?.error?.hint ?? '', /MAINT_SERVICE/);
    const product = entities.find(({ name }) => name === 'API_PRODUCT_SRV/A_Product');
    assert.deepEqual([product?.label, product?.key, product?.writable], ['Product', ['Product'], true]);
    const { schema } = await connector.describe!('production_data', signal);
    assert.deepEqual(
      (schema['x-mappings'] as { direction: string }[]).map(({ direction }) => direction),
      ['export', 'import'],
    );
    assert.equal(schema.properties?.ExternalSystemConfirmation?.['x-edm-type'], 'Edm.Guid');
  });

  it('reads only the fields wanted, with the conditions that SAP decides as the mapping would', async () => {
    const connector = open();
    const filters = [
      { field: 'ProductionPlant', operator: 'eq' as const, value: '1000' },
      { field: 'MfgOrderPlannedStartDate', operator: 'ge' as const, value: '2026-11-05' },
      { field: 'ManufacturingOrder', operator: 'ge' as const, value: '000001000010' },
    ];
    const found: Record<string, unknown>[] = [];
    const query = {
      entity: ORDERS,
      cursor: null,
      batchSize: 100,
      filters,
      fields: ['Material', 'to_ProductionOrderOperation'],
    };
    for await (const { records } of connector.read!(query, signal)) found.push(...records);
    const { url } = plant.gateway.asked.find((each) => each.url.includes('%24filter') || each.url.includes('$filter'))!;
    const sent = new URL(url, 'http://x').searchParams;
    assert.equal(
      sent.get('$filter'),
      "ProductionPlant eq '1000' and MfgOrderPlannedStartDate ge datetime'2026-11-05T00:00:00'",
    );
    assert.equal(sent.get('$expand'), 'to_ProductionOrderOperation');
    assert.equal(sent.get('$select'), 'Material,ManufacturingOrder,to_ProductionOrderOperation');
    assert.ok(found.length > 0);
    const wrong = { ...query, namedFields: ['Material', 'material_name'] };
    const failure = await failureOf(connector.read!(wrong, signal)[Symbol.asyncIterator]().next());
    assert.deepEqual([failure.code, failure.path], ['PCP_ODATA_FIELD', 'material_name']);
  });

  it('calls functions with typed parameters, and says which there are', async () => {
    const connector = open();
    const parameters = { service: 'API_PRODUCTION_ORDER_2_SRV', function: 'ReleaseOrder' };
    const call = (more: object) => failureOf(connector.call!('function', { ...parameters, ...more }, signal));
    const order = { ManufacturingOrder: '000001000002' };
    // SAP does nothing until it is told the version of the order, and then releases it.
    const released = await connector.call!('function', { ...parameters, payload: order }, signal);
    assert.deepEqual(released.payload, { IsInvalid: false });
    const [posted, again] = asked('POST');
    assert.deepEqual([posted?.headers['if-match'], asked('POST').length], [undefined, 2]);
    assert.match(String(again?.headers['if-match']), /^W\//);
    const held = await plant.rows(
      'API_PRODUCTION_ORDER_2_SRV',
      'A_ProductionOrder_2',
      "&$filter=ManufacturingOrder eq '000001000002'",
    );
    assert.equal(held[0]?.OrderIsReleased, 'X');
    assert.match(
      decodeURIComponent(posted?.url ?? ''),
      /ReleaseOrder\?ManufacturingOrder='000001000002'&sap-client=100/,
    );
    plant.gateway.asked.length = 0;
    await failureOf(
      connector.call!(
        'function',
        { function: 'release_production_order', payload: { ManufacturingOrder: '2' } },
        signal,
      ),
    );
    assert.match(asked('POST')[0]?.url ?? '', /API_PRODUCTION_ORDER_2_SRV\/ReleaseOrder\?/);
    assert.match((await call({ parameters: { Order: 1 } })).hint ?? '', /ManufacturingOrder/);
    assert.match((await call({ service: 'API_NONE' })).hint ?? '', /API_PRODUCT_SRV/);
    const named = await failureOf(connector.call!('function', { function: 'relese_order' }, signal));
    assert.deepEqual([named.code, named.path], ['PCP_OPERATION_UNKNOWN', 'function']);
    assert.match(named.hint ?? '', /release_production_order/);
    // About what the parameters name, which no record and no setting is to be corrected for.
    const refused = await call({ payload: { ManufacturingOrder: '000009999999' } });
    assert.deepEqual([refused.class, refused.code], ['data', 'PCP_ODATA_CALL_REFUSED']);
    assert.equal(localise(refused.toJSON(), 'pt-BR').title, 'A função foi recusada');
  });
});
