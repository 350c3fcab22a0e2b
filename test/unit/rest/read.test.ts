import assert from 'node:assert/strict';
import type { LocalizedText } from '../../../lib/connectors/descriptor';
import type { Filter } from '../../../lib/model/mapping';
import { failureOf, orders, readAll, signal, withApi } from './server';

const text = (body: string | Buffer, type = 'application/json') => ({ body, headers: { 'content-type': type } });

describe('generic.rest: reading', () => {
  const context = withApi();

  it('keeps every digit and every leading zero, in one piece and in pages', async () => {
    const json =
      '{"data":[{"code":"000123","wide":1234567890123456789,"exact":0.1000000000000000055,"huge":1e400,"plain":12.5}]}';
    const exact = [
      { code: '000123', wide: '1234567890123456789', exact: '0.1000000000000000055', huge: '1e400', plain: 12.5 },
    ];
    context.api.handler = ({ query }) => (query.get('page') === '2' ? text('{"data":[]}') : text(json));
    const connector = context.open({
      whole: { path: '/orders', items: '/data' },
      paged: { path: '/orders', items: '/data', paging: { type: 'page' } },
    });
    assert.deepEqual((await readAll(connector, { entity: 'whole' })).records, exact);
    assert.deepEqual((await readAll(connector, { entity: 'paged' })).records, exact);
  });

  it('reads NDJSON, CSV in its charset and XML', async () => {
    const answers: Record<string, ReturnType<typeof text>> = {
      '/ndjson': text('{"code":"007"}\n\n{"code":"008"}\n', 'application/x-ndjson'),
      '/csv': text(Buffer.from('code;name\n007;Peça\n', 'latin1'), 'text/csv; charset=iso-8859-1'),
      '/xml': text('<Orders><Order id="1"><Code>007</Code></Order></Orders>', 'application/xml'),
    };
    context.api.handler = ({ path }) => answers[path];
    const connector = context.open({
      ndjson: { path: '/ndjson', format: 'ndjson' },
      csv: { path: '/csv', format: 'csv', delimiter: ';' },
      xml: { path: '/xml', format: 'xml', items: 'Order' },
    });
    assert.deepEqual((await readAll(connector, { entity: 'ndjson' })).records, [{ code: '007' }, { code: '008' }]);
    assert.deepEqual((await readAll(connector, { entity: 'csv' })).records, [{ code: '007', name: 'Peça' }]);
    assert.deepEqual((await readAll(connector, { entity: 'xml' })).records, [{ '@id': '1', Code: '007' }]);
  });

  it('reads a list in one piece in batches, and begins it anew after an interruption', async () => {
    context.api.handler = () => ({ body: orders(1, 7) });
    const connector = context.open({ orders: { path: '/orders' } });
    const { batches } = await readAll(connector, { batchSize: 3 });
    assert.deepEqual(
      batches.map((batch) => batch.records.length),
      [3, 3, 1],
    );
    assert.deepEqual((await readAll(connector, { cursor: batches[0]!.cursorAfter })).records, orders(1, 7));
  });

  it('describes an entity by its first records, however long the list is', async () => {
    const line = `{"code":"007","name":"${'x'.repeat(1000)}"}\n`;
    const connector = context.open({ orders: { path: '/orders', format: 'ndjson', key: ['code'] } });
    context.api.handler = () => text(line.repeat(40_000), 'application/x-ndjson');
    const { info, schema } = await connector.describe!('orders', signal);
    assert.deepEqual([info.key, Object.keys(schema.properties ?? {})], [['code'], ['code', 'name']]);
    assert.equal((await connector.test(signal)).ok, true);
  });

  it('says in its test which look-ups find records that do not show what they were looked up by', async () => {
    context.api.handler = ({ path }) => ({ body: path === '/orders' ? orders(1, 1) : [{ orderNo: '001' }] });
    const list = (path: string, lookup: object) => ({ path, lookup });
    const connector = context.open({
      shown: list('/orders', { path: '/orders?number={number}' }),
      hidden: list('/renamed', { path: '/renamed?number={number}' }),
      placed: list('/renamed', { path: '/renamed?number={number}', key: ['/orderNo'] }),
    });
    const { ok, steps } = await connector.test(signal);
    assert.equal(ok, true);
    const detail = steps.at(-1)?.detail as LocalizedText;
    assert.match(detail['en-US'], /^shown: a record was read\. .*"key" .*\(hidden\)$/);
    assert.match(detail['pt-BR'], /^shown: um registro foi lido\. .*"key" .*\(hidden\)$/);
    assert.deepEqual(context.api.paths().slice(-2), ['GET /orders', 'GET /renamed']);
  });

  it('says in its test which lists have more pages than are asked for', async () => {
    const detailOf = async (entity: object, answer: object, headers: Record<string, string> = {}) => {
      context.api.handler = () => ({ body: answer, headers });
      const { ok, steps } = await context.open({ orders: { path: '/orders', ...entity } }).test(signal);
      assert.equal(ok, true);
      const detail = steps.at(-1)?.detail as LocalizedText;
      return detail['en-US'];
    };
    const data = orders(1, 2);
    const inData = { items: '/data' };
    const signs: [answer: object, entity: object, sign: string, headers?: Record<string, string>][] = [
      [{ data, total: 230 }, inData, '/total: 230'],
      [{ data, meta: { next_cursor: 'x' } }, inData, '/meta/next_cursor'],
      [
        { data, _links: { self: { href: '/orders' }, next: { href: '/orders?api_key=canary' } } },
        inData,
        '/_links/next',
      ],
      [{ data, hasMore: true }, inData, '/hasMore'],
      [data, {}, 'x-total-count: 230', { 'x-total-count': '230' }],
      [data, {}, 'Link: rel="next"', { link: '</orders?page=2>; rel="next"' }],
    ];
    for (const [answer, entity, sign, headers] of signs) {
      const detail = await detailOf(entity, answer, headers);
      assert.equal(detail.endsWith(`(orders, ${sign})`), true, detail);
    }
    const all = { data, total: 2, next: null, hasMore: false, link: { href: '/orders' } };
    assert.equal(await detailOf(inData, all), 'orders: a record was read');
    const chosen = { ...inData, paging: { type: 'none' } };
    assert.equal(await detailOf(chosen, { data, total: 230 }), 'orders: a record was read');
  });

  it('fills the path, sends parameters and headers, and pushes down only what is declared', async () => {
    context.api.handler = () => ({ body: [] });
    const connector = context.open({
      orders: {
        path: '/plants/{plant}/orders?expand=lines',
        parameters: { plant: 'A/1', active: true },
        headers: { 'X-Tenant': '7' },
        filters: { status: { eq: 'status', in: 'statuses' }, number: { ge: 'from' } },
      },
    });
    const filters: Filter[] = [
      { field: 'status', operator: 'in', value: ['released', 'open'] },
      { field: 'number', operator: 'ge', value: '0001' },
      { field: 'number', operator: 'eq', value: '0002' },
      { field: 'material', operator: 'eq', value: 'M' },
      { expression: 'quantity > 0' },
    ];
    await readAll(connector, { filters: filters as never[] });
    assert.deepEqual(context.api.paths(), [
      'GET /plants/A%2F1/orders?expand=lines&active=true&statuses=released%2Copen&from=0001',
    ]);
    assert.equal(context.api.asked[0]?.headers['x-tenant'], '7');
    await readAll(connector, { filters: [{ field: 'status', operator: 'in', value: ['a,b', 'c'] }] as never[] });
    assert.equal(context.api.asked[1]?.query.get('statuses'), null, 'a list would hold three');
  });

  it('names the part of a path that has no value', async () => {
    const connector = context.open({ orders: { path: '/plants/{plant}/orders', parameters: { plant: '' } } });
    const failure = await failureOf(readAll(connector));
    assert.deepEqual(
      [failure.class, failure.code, failure.path],
      ['config', 'PCP_REST_PARAMETER', '/config/entities/orders/parameters/plant'],
    );
    assert.equal(context.api.asked.length, 0);
  });

  it('asks for JSON, unless the connection or the entity says otherwise', async () => {
    context.api.handler = () => ({ body: [] });
    const list = { path: '/orders' };
    await readAll(context.open({ orders: list }));
    await readAll(context.open({ orders: list }, { headers: { Accept: 'a/b' } }));
    await readAll(context.open({ orders: { ...list, headers: { Accept: 'c/d' } } }, { headers: { Accept: 'a/b' } }));
    assert.deepEqual(
      context.api.asked.map(({ headers }) => headers.accept),
      ['application/json, */*;q=0.5', 'a/b', 'c/d'],
    );
  });

  it('searches with POST, with the parameters in the body', async () => {
    context.api.handler = ({ body }) => ({
      body: { rows: (JSON.parse(body) as { page: number }).page === 1 ? orders(1, 2) : null },
    });
    const entity = { path: '/search', method: 'POST', body: { kind: 'order' }, parameters_in: 'body', items: '/rows' };
    const connector = context.open({ orders: { ...entity, paging: { type: 'page' } } });
    assert.deepEqual((await readAll(connector)).records, orders(1, 2));
    assert.deepEqual(JSON.parse(context.api.asked[0]!.body), { kind: 'order', page: 1 });
  });

  it('names what is wrong with an answer', async () => {
    const cases = [
      [{ body: { rows: [] } }, 'config', 'PCP_REST_ITEMS', /At the top there are: rows/],
      [{ body: { data: ['x'] } }, 'data', 'PCP_REST_RECORD', /is no object/],
      [text('{"data":[{"a":1}'), 'transient', 'PCP_REST_JSON', /broken JSON/],
      [text('<html>Sign in</html>', 'text/html'), 'transient', 'PCP_HTTP_NOT_JSON', /./],
      [text(`{"data":[${'['.repeat(70)}${']'.repeat(70)}]}`), 'data', 'PCP_JSON_DEPTH', /64/],
      // There is no record that could be corrected.
      [{ status: 400, body: 'no such filter' }, 'config', 'PCP_REST_REQUEST_REFUSED', /no such filter Check its path/],
      [{ status: 403, body: {} }, 'permission', undefined, /./],
      [{ status: 503, body: {} }, 'transient', undefined, /./],
    ] as const;
    const list = { path: '/orders', items: '/data' };
    const connector = context.open({ orders: { ...list, paging: { type: 'page' } }, whole: list });
    for (const [answer, errorClass, code, message] of cases) {
      context.api.handler = () => answer;
      if (code !== 'PCP_JSON_DEPTH' && code !== 'PCP_REST_RECORD') {
        assert.equal((await failureOf(readAll(connector, { entity: 'whole' }))).class, errorClass, code);
      }
      const failure = await failureOf(readAll(connector));
      assert.equal(failure.class, errorClass, failure.message);
      if (code) assert.equal(failure.code, code);
      assert.match(`${failure.message} ${failure.hint}`, message);
    }
  });

  describe('incrementally', () => {
    const incremental = { parameter: 'updatedSince', field: 'updatedAt' };
    const since = () => context.api.asked.at(-1)?.query.get('updatedSince') ?? null;

    it('asks for what changed since the clock of the server, less the lag', async () => {
      context.api.handler = () => ({ body: [], headers: { date: 'Tue, 24 Nov 2026 05:10:00 GMT' } });
      const connector = context.open({ orders: { path: '/orders', incremental } });
      const { cursor } = await readAll(connector);
      assert.equal(since(), null);
      const next = await readAll(connector, { cursor: cursor! });
      assert.equal(since(), '2026-11-24T05:05:00.000Z');
      context.api.handler = () => ({ body: [], headers: { date: 'Tue, 24 Nov 2026 04:00:00 GMT' } });
      const late = await readAll(connector, { cursor: next.cursor!, lookbackSeconds: 0 });
      await readAll(connector, { cursor: late.cursor! });
      assert.equal(since(), '2026-11-24T05:05:00.000Z', 'a clock that goes back takes nothing back');
    });

    it('keeps the window of an interrupted pass, whatever the clock says then', async () => {
      let date = 'Tue, 24 Nov 2026 05:10:00 GMT';
      context.api.handler = ({ query }) => ({
        body: query.get('page') === '3' ? [] : orders(Number(query.get('page')), 1),
        headers: { date },
      });
      const entity = { path: '/orders', incremental: { ...incremental, format: 'unix' }, paging: { type: 'page' } };
      const connector = context.open({ orders: entity });
      const { batches } = await readAll(connector);
      date = 'Tue, 24 Nov 2026 09:00:00 GMT';
      const { cursor } = await readAll(connector, { cursor: batches[0]!.cursorAfter });
      await readAll(connector, { cursor: cursor! });
      assert.equal(since(), String(Date.parse('2026-11-24T05:05:00Z') / 1000));
    });

    it('asks for the same once more after a list that got shorter while it was read, and says so', async () => {
      let left = orders(1, 6);
      const headers = { date: 'Tue, 24 Nov 2026 05:10:00 GMT' };
      context.api.handler = ({ query }) => {
        const at = (Number(query.get('page')) - 1) * 2;
        return { body: { total: left.length, data: left.slice(at, at + 2) }, headers };
      };
      const list = { path: '/orders', items: '/data', paging: { type: 'page', total: '/total' } };
      const connector = context.open({ orders: { ...list, incremental } });
      const [first] = (await readAll(connector, { batchSize: 2 })).batches;
      assert.deepEqual(context.log, []);
      // The third moves to the page that was read before the interruption.
      left = left.slice(1);
      const { records, cursor } = await readAll(connector, { cursor: first!.cursorAfter });
      assert.deepEqual([records.length, context.log.length], [3, 1]);
      const next = await readAll(connector, { cursor: cursor! });
      assert.deepEqual([since(), next.records.length], [null, 5]);
      await readAll(connector, { cursor: next.cursor! });
      assert.equal(since(), '2026-11-24T05:05:00.000Z');
    });

    it('goes by the largest time it saw where the server has no clock', async () => {
      const records = ['2026-11-24T05:00:00Z', '2026-11-24T07:00:00+02:00', '2026-11-24T06:00:00', 'soon'];
      context.api.handler = () => ({ body: records.map((updatedAt) => ({ updatedAt })), headers: { date: 'unknown' } });
      const setting = { ...incremental, lag_seconds: 60 };
      const connector = context.open({ orders: { path: '/orders', incremental: setting } });
      const { cursor } = await readAll(connector);
      await readAll(connector, { cursor: cursor! });
      assert.equal(since(), '2026-11-24T04:59:00.000Z');
    });

    it('follows a number that grows, with all its digits', async () => {
      context.api.handler = () => text('[{"id":9007199254740992},{"id":9007199254740993}]');
      const setting = { parameter: 'sinceId', field: 'id', type: 'sequence' };
      const connector = context.open({ orders: { path: '/orders', incremental: setting } });
      const { cursor } = await readAll(connector);
      await readAll(connector, { cursor: cursor! });
      assert.equal(context.api.asked.at(-1)?.query.get('sinceId'), '9007199254740993');
    });
  });
});
