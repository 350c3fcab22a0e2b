import assert from 'node:assert/strict';
import type { SourceRecord } from '../../../lib/connectors/contract';
import { type Asked, failureOf, orders, readAll, signal, withApi } from './server';

/** Slices a list as an API with page numbers does; a server may give less than it was asked for. */
const pageOf = (records: SourceRecord[], { query }: Asked, most = Infinity) => {
  const size = Math.min(Number(query.get('pageSize') ?? 10), most);
  const page = Number(query.get('page'));
  return { data: records.slice((page - 1) * size, page * size), total: records.length };
};

describe('generic.rest: paging', () => {
  const context = withApi();
  const paged = (paging: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    context.open({ orders: { path: '/orders', items: '/data', key: ['number'], paging, ...more } });
  const byPage = { type: 'page', page_parameter: 'page', size_parameter: 'pageSize', size: 4 };

  it('reads pages by number until an empty one, in batches that continue anywhere', async () => {
    const all = orders(1, 10);
    context.api.handler = (asked) => ({ body: pageOf(all, asked) });
    const { batches, records } = await readAll(paged(byPage), { batchSize: 3 });
    assert.deepEqual(records, all);
    assert.deepEqual(
      batches.map((batch) => batch.records.length),
      [3, 1, 3, 1, 2, 0],
    );
    for (const [index, batch] of batches.entries()) {
      const rest = await readAll(paged(byPage), {
        cursor: JSON.parse(JSON.stringify(batch.cursorAfter)),
        batchSize: 3,
      });
      const head = batches.slice(0, index + 1).flatMap((each) => each.records);
      assert.deepEqual(index === 5 ? rest.records : [...head, ...rest.records], all, `after batch ${index}`);
    }
    assert.equal(batches[0]?.positions?.(0), 'number=001');
  });

  it('trusts no short page: a server that gives less than asked for loses nothing', async () => {
    const all = orders(1, 10);
    context.api.handler = (asked) => ({ body: pageOf(all, { ...asked }, 3) });
    assert.deepEqual((await readAll(paged({ ...byPage, size: 500 }))).records, all);
  });

  it('takes the refusal of the page after a short one for the end, and no other', async () => {
    const all = orders(1, 8);
    const refusing = (most: number) => (asked: Asked) => {
      const body = pageOf(all, asked, most);
      return body.data.length === 0 ? { status: 404, body: { detail: 'Invalid page.' } } : { body };
    };
    context.api.handler = refusing(3);
    assert.deepEqual((await readAll(paged({ ...byPage, size: 3 }))).records, all);
    context.api.handler = refusing(4);
    const failure = await failureOf(readAll(paged(byPage)));
    assert.equal(failure.class, 'config', 'every page was full: the third one should be there');
    const { records } = await readAll(paged({ ...byPage, total: '/total' }));
    assert.deepEqual(records, all, 'the total tells where the end is');
  });

  it('takes a refusal for one where no size was asked for, or the total says that records are missing', async () => {
    const all = orders(1, 8);
    context.api.handler = (asked) => {
      const body = pageOf(all, asked, 3);
      return asked.query.get('page') === '2' ? { status: 400, body: { detail: 'too deep' } } : { body };
    };
    for (const setting of [
      { type: 'page', page_parameter: 'page' },
      { ...byPage, total: '/total' },
    ]) {
      assert.match((await failureOf(readAll(paged(setting)))).message, /too deep|400/);
    }
  });

  it('pages that shrink while they are read end the read', async () => {
    let left = orders(1, 20);
    context.api.handler = (asked) => {
      const body = { body: pageOf(left, asked) };
      left = left.slice(0, -3);
      return body;
    };
    const { records } = await readAll(paged(byPage));
    assert.ok(records.length >= 8 && records.length < 20, String(records.length));
    assert.ok(context.api.asked.length <= 5);
  });

  it('goes on by offset as far as records came', async () => {
    const all = orders(1, 10);
    context.api.handler = ({ query }) => {
      const offset = Number(query.get('skip'));
      return { body: { data: all.slice(offset, offset + 3) } };
    };
    const connector = paged({ type: 'offset', offset_parameter: 'skip', size_parameter: 'top', size: 100 });
    assert.deepEqual((await readAll(connector)).records, all);
    assert.equal(context.api.paths()[1], 'GET /orders?skip=3&top=100');
  });

  it('follows cursors in the body or a header, over empty pages, until there is none or no more', async () => {
    const pages: Record<string, unknown> = {
      '': { data: orders(1, 2), meta: { next: 'a/b=' } },
      'a/b=': { data: [], meta: { next: 7 } },
      '7': { data: orders(3, 1), meta: { next: null } },
    };
    context.api.handler = ({ query }) => ({ body: pages[query.get('after') ?? ''] });
    const setting = { type: 'cursor', cursor_parameter: 'after', cursor: '/meta/next' };
    assert.deepEqual((await readAll(paged(setting))).records, orders(1, 3));
    context.api.handler = ({ query }) => {
      const at = Number(query.get('after') ?? 1);
      return { body: { data: orders(at, 1), more: at < 3 }, headers: { 'x-next': String(at + 1) } };
    };
    const inHeader = { type: 'cursor', cursor_parameter: 'after', cursor: 'X-Next', more: '/more' };
    assert.deepEqual((await readAll(paged(inHeader))).records, orders(1, 3));
    for (const no of ['False', '0', 'no', '']) {
      context.api.handler = ({ query }) => {
        const at = Number(query.get('after') ?? 1);
        assert.ok(at <= 3, `read on after "${no}"`);
        return { body: { data: orders(at, 1) }, headers: { 'x-next': String(at + 1), 'x-more': at < 3 ? 'True' : no } };
      };
      assert.deepEqual((await readAll(paged({ ...inHeader, more: 'X-More' }))).records, orders(1, 3));
    }
  });

  it('follows links in the body and in the Link header, and keeps no key with them', async () => {
    const config = { authentication: 'api_key', api_key_name: 'key', api_key_in: 'query' };
    const all = orders(1, 5);
    context.api.handler = ({ query }) => {
      const page = Number(query.get('page') ?? 1);
      const next = page < 3 ? `${context.api.url}/orders?page=${page + 1}&key=${query.get('key')}` : null;
      const header: Record<string, string> = next
        ? { link: `</x>; rel="first", <${next}>; title="a, b"; rel="next"` }
        : {};
      return { body: { data: all.slice((page - 1) * 2, page * 2), links: { next } }, headers: header };
    };
    for (const paging of [{ type: 'next_link', next: '/links/next' }, { type: 'link_header' }]) {
      const entity = { path: '/orders', items: '/data', paging };
      const connector = context.open({ orders: entity }, config, { api_key: 'canary-key' });
      const { batches, records } = await readAll(connector);
      assert.deepEqual(records, all);
      assert.ok(!JSON.stringify(batches).includes('canary-key'));
      const rest = await readAll(connector, { cursor: batches[0]!.cursorAfter });
      assert.deepEqual(rest.records, all.slice(2));
      assert.ok(context.api.asked.every(({ query }) => query.get('key') === 'canary-key'));
    }
  });

  it('reads pages of CSV, with what headers say about them', async () => {
    const pages = ['code;size\n007;1\n008;2\n', 'code;size\n009;3\n'];
    context.api.handler = ({ query }) => {
      const page = Number(query.get('page') ?? 1);
      const next: Record<string, string> = page === 1 ? { link: '<?page=2>; rel=next' } : {};
      return { body: pages[page - 1], headers: { 'content-type': 'text/csv', 'x-total': '3', ...next } };
    };
    const list = { path: '/orders', format: 'csv', delimiter: ';' };
    const connector = context.open({
      orders: { ...list, paging: { type: 'link_header' } },
      counted: { ...list, paging: { type: 'page', total: 'X-Total' } },
    });
    const all = ['007', '008', '009'].map((code, index) => ({ code, size: String(index + 1) }));
    assert.deepEqual((await readAll(connector)).records, all);
    const { batches, records } = await readAll(connector, { entity: 'counted' });
    assert.deepEqual([records, batches[0]?.total], [all, 3]);
  });

  it('takes no refusal after a full page for the end, and says how the end can be told', async () => {
    context.api.handler = ({ query }) => {
      const page = Number(query.get('page'));
      return page < 3 ? { body: { data: orders(page * 2, 2) } } : { status: 404, body: { detail: 'Invalid page.' } };
    };
    const failure = await failureOf(readAll(paged({ type: 'page', size_parameter: 'size', size: 2 })));
    assert.deepEqual([failure.class, failure.code], ['config', 'PCP_REST_PAGE_REFUSED']);
    assert.match(failure.message, /^Page 3 of "orders" was refused.*Invalid page/);
    context.api.handler = () => ({ status: 404 });
    assert.equal((await failureOf(readAll(paged({ type: 'page' })))).code, 'PCP_HTTP_NOT_FOUND');
  });

  it('refuses paging that the answers cannot hold', async () => {
    const cases = [
      { format: 'csv', paging: { type: 'next_link' } },
      { format: 'xml', paging: { type: 'page', total: '/total' } },
      { paging: { type: 'cursor' } },
      { paging: { type: 'pages' } },
      { pageing: {} },
    ];
    for (const entity of cases) {
      const failure = await failureOf(readAll(context.open({ orders: { path: '/orders', ...entity } })));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_SETTING_INVALID'], JSON.stringify(entity));
      assert.match(failure.path ?? '', /^\/config\/entities\/orders/);
    }
  });

  it('asks for the next page while one is worked on, for no other, and gives it up when nobody wants it', async () => {
    const second = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    context.api.handler = async ({ path, query }) => {
      if (path === '/others') return { body: [] };
      if (query.get('page') === '1') return { body: { data: orders(1, 4), total: 12 } };
      second.resolve();
      await gone.promise;
      return undefined;
    };
    const paging = { ...byPage, total: '/total' };
    const list = { orders: { path: '/orders', items: '/data', paging }, others: { path: '/others' } };
    const connector = context.open(list, { max_concurrency: 1 });
    const query = { entity: 'orders', cursor: null, batchSize: 4 };
    const reading = connector.read!(query, signal)[Symbol.asyncIterator]();
    assert.equal((await reading.next()).value.records.length, 4);
    await second.promise;
    await reading.return?.();
    // The only place for a request is free again, though the API has not answered.
    await readAll(connector, { entity: 'others' });
    assert.equal(context.api.asked.length, 3);
    gone.resolve();
  });

  it('goes on after the key of the last record, until the API says that there is no more', async () => {
    const all = orders(1, 7);
    context.api.handler = ({ query }) => {
      const from = all.findIndex(({ number }) => number === query.get('after_id')) + 1;
      const data = all.slice(from, from + 3);
      return { body: { data, has_more: from + 3 < all.length } };
    };
    const paging = { type: 'cursor', cursor_parameter: 'after_id', cursor: '/data/-1/number', more: '/has_more' };
    assert.equal((await readAll(paged(paging))).records.length, 7);
    assert.equal(context.api.asked.length, 3);
  });

  it('a failure of the next page comes after the records of the one before', async () => {
    context.api.handler = (asked) =>
      asked.query.get('page') === '1' ? { body: pageOf(orders(1, 8), asked) } : { status: 403, body: {} };
    const seen: SourceRecord[] = [];
    const query = { entity: 'orders', cursor: null, batchSize: 2 };
    const failure = await failureOf(
      (async () => {
        for await (const batch of paged(byPage).read!(query, signal)) seen.push(...batch.records);
      })(),
    );
    assert.deepEqual([failure.class, seen.length], ['permission', 4]);
  });

  it('knows a page again by the keys and its first record, or by all of it where keys do not tell records apart', async () => {
    let calls = 0;
    const page = () => orders(1, 3).map((order, index) => ({ ...order, plant: '1', asked: index === 0 ? 0 : ++calls }));
    context.api.handler = ({ query }) => ({ body: { data: Number(query.get('page')) > 4 ? [] : page() } });
    const failure = await failureOf(readAll(paged({ type: 'page' })));
    assert.equal(failure.code, 'PCP_REST_PAGE_REPEATED');
    assert.equal((await readAll(paged({ type: 'page' }, { key: ['plant'] }))).records.length, 12);
  });

  it('takes two pages of records without a key that are all alike for two, and three for a list that goes round', async () => {
    const readings = Array.from({ length: 3 }, () => ({ value: 0 }));
    for (const [pages, wanted] of [
      [2, 6],
      [3, 'PCP_REST_PAGE_REPEATED'],
    ] as const) {
      context.api.handler = ({ query }) => ({ body: { data: Number(query.get('page')) > pages ? [] : readings } });
      const read = readAll(paged({ type: 'page' }, { key: [] })).then(
        ({ records }) => records.length,
        (error: { code: string }) => error.code,
      );
      assert.equal(await read, wanted);
    }
  });

  it('never follows a link to another host', async () => {
    context.api.handler = () => ({ body: { data: orders(1, 1), next: 'http://127.0.0.1:1/orders' } });
    const failure = await failureOf(readAll(paged({ type: 'next_link' })));
    assert.equal(failure.code, 'PCP_URL_REFUSED');
  });

  it('finds a list that goes round within three pages', async () => {
    const round = [
      [{ type: 'page' }, () => ({ body: { data: orders(1, 3) } }), 2],
      [{ type: 'cursor', cursor: '/next' }, () => ({ body: { data: [], next: 'same' } }), 2],
      [
        { type: 'cursor', cursor: '/next' },
        ({ query }: Asked) => ({ body: { data: [], next: query.get('cursor') === 'a' ? 'b' : 'a' } }),
        3,
      ],
      [{ type: 'next_link' }, ({ path }: Asked) => ({ body: { data: [], next: `/api${path}?page=2` } }), 2],
    ] as const;
    for (const [paging, handler, most] of round) {
      context.api.asked.length = 0;
      context.api.handler = handler;
      const failure = await failureOf(readAll(paged(paging)));
      assert.equal(failure.code, 'PCP_REST_PAGE_REPEATED', JSON.stringify(paging));
      assert.equal(failure.class, 'config');
      assert.ok(context.api.asked.length <= most, JSON.stringify(paging));
    }
  });

  it('ends an endless list', async () => {
    context.api.handler = ({ query }) => ({ body: { data: [{ number: query.get('page') }] } });
    const failure = await failureOf(readAll(paged({ type: 'page', max_pages: 20 })));
    assert.deepEqual([failure.class, failure.code], ['guard', 'PCP_REST_PAGES_LIMIT']);
    assert.equal(context.api.asked.length, 20);
  });

  it('begins anew when the place of an interruption is gone', async () => {
    const all = orders(1, 4);
    let expired = false;
    context.api.handler = ({ query }) => {
      const at = query.get('cursor');
      if (at !== null && expired) return { status: 410, body: { message: 'cursor expired' } };
      return { body: { data: at === null ? all.slice(0, 2) : all.slice(2), next: at === null ? 'second' : null } };
    };
    const connector = paged({ type: 'cursor', cursor: '/next' });
    const { batches } = await readAll(connector);
    expired = true;
    const again = await failureOf(readAll(connector, { cursor: batches[0]!.cursorAfter }));
    assert.equal(again.class, 'config', 'the second page is refused on the way, which is no end');
    assert.match(context.log.join(), /begins anew/);
    assert.deepEqual(context.api.paths().slice(-3), [
      'GET /orders?cursor=second',
      'GET /orders',
      'GET /orders?cursor=second',
    ]);
  });

  it('honours an abort between two pages', async () => {
    context.api.handler = ({ query }) => ({ body: { data: [{ number: query.get('page') }] } });
    const abort = new AbortController();
    const query = { entity: 'orders', cursor: null, batchSize: 10 };
    const iterator = paged({ type: 'page' }).read!(query, abort.signal)[Symbol.asyncIterator]();
    await iterator.next();
    abort.abort();
    assert.equal((await failureOf(iterator.next())).class, 'cancelled');
    assert.equal(signal.aborted, false);
  });
});
