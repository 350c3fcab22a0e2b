import assert from 'node:assert/strict';
import { type Asked, openWriter, record, signal, withApi } from './server';

const ORDERS = {
  create: { path: '/orders', id: '/id' },
  update: { path: '/orders/{id}' },
  delete: { path: '/orders/{id}' },
};
const BY_KEY = {
  create: { path: '/orders' },
  update: { path: '/orders/{number}' },
  delete: { path: '/orders/{number}' },
};
const bodyOf = ({ body }: Asked) => JSON.parse(body) as Record<string, unknown>;

describe('generic.rest: writing', () => {
  const context = withApi();
  const writerOf = (entity: Record<string, unknown>, config: Record<string, unknown> = {}) =>
    openWriter(context.open({ orders: entity }, config));

  it('creates what is new and changes what it created, in the order of the records', async () => {
    context.api.handler = async (asked) => {
      // The first answers come last.
      if (asked.method === 'POST') await new Promise((resolve) => setImmediate(resolve));
      return asked.method === 'POST' ? { status: 201, body: { id: `X${bodyOf(asked).number}` } } : { status: 204 };
    };
    const writer = await writerOf(ORDERS);
    const results = await writer.write(
      [record({ number: '1' }), record({ number: '2' }, { externalKey: 'X 2' }), record({ number: '3' })],
      signal,
    );
    assert.deepEqual(results, [
      { outcome: 'created', externalKey: 'X1' },
      { outcome: 'updated', externalKey: 'X 2' },
      { outcome: 'created', externalKey: 'X3' },
    ]);
    assert.ok(context.api.paths().includes('PUT /orders/X%202'));
  });

  it('has at most max_concurrency requests under way', async () => {
    let under = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    context.api.handler = async () => {
      most = Math.max(most, ++under);
      if (under === 3) full.resolve();
      await full.promise;
      under--;
      return { status: 201, body: { id: 1 } };
    };
    const writer = await writerOf(ORDERS, { max_concurrency: 3 });
    await writer.write(
      Array.from({ length: 12 }, (_, number) => record({ number })),
      signal,
    );
    assert.equal(most, 3);
  });

  it('writes numbers digit by digit, fills templates and wraps the record', async () => {
    context.api.handler = () => ({ status: 201, headers: { location: '/api/orders/A%201?x=1' } });
    const data = { number: '007', quantity: '1234567890123456789.10', lines: [{ size: '0.10' }, { size: null }] };
    await (
      await writerOf({ create: { path: '/orders', wrap: '/order/head' }, numbers: ['quantity', 'lines.size'] })
    ).write([record(data)], signal);
    assert.equal(
      context.api.asked[0]?.body,
      '{"order":{"head":{"number":"007","quantity":1234567890123456789.10,"lines":[{"size":0.10},{"size":null}]}}}',
    );
    const template = {
      no: '{number}',
      text: 'PO {number}',
      amount: { value: '{quantity}' },
      missing: '{none}',
      fixed: 1,
    };
    const writer = await writerOf({
      create: { path: '/orders', body: template, id: 'Location' },
      numbers: ['quantity'],
    });
    assert.deepEqual(await writer.write([record(data)], signal), [{ outcome: 'created', externalKey: 'A 1' }]);
    assert.equal(
      context.api.asked[1]?.body,
      '{"no":"007","text":"PO 007","amount":{"value":1234567890123456789.10},"missing":null,"fixed":1}',
    );
    const [wrong] = await writer.write([record({ number: '1', quantity: 'many' })], signal);
    assert.ok(wrong?.outcome === 'failed');
    assert.deepEqual([wrong.error.code, wrong.error.path], ['PCP_REST_NUMBER', 'quantity']);
  });

  it('takes the name of what it created from a Location, wherever that has it', async () => {
    const writer = await writerOf({ create: { path: '/orders?mode=new', id: 'Location' } });
    for (const [location, externalKey] of [
      ['/api/orders/5/', '5'],
      ['/api/orders?id=5', '5'],
      ['https://elsewhere/api/orders.php?lang=en&ID=A%201', 'A 1'],
      ['/api/orders/?number=5', '5'],
      ['/api/orders/5?lang=en', '5'],
      // The list alone names nothing: a change of "orders" would be one of all of them.
      ['/api/orders?lang=en&page=1', undefined],
      ['/api/orders', undefined],
    ] as const) {
      context.api.handler = () => ({ status: 201, headers: { location } });
      const [result] = await writer.write([record({ number: '1' })], signal);
      assert.deepEqual(result, { outcome: 'created', ...(externalKey && { externalKey }) }, location);
    }
  });

  it('never lets a value become another path', async () => {
    const writer = await writerOf({ update: { path: '/orders/{number}', method: 'PATCH' } });
    const unfit = ['', '..', '.', null, { a: 1 }];
    const results = await writer.write(
      unfit.map((number) => record({ number })),
      signal,
    );
    for (const result of results) assert.ok(result.outcome === 'failed' && result.error.class === 'data');
    assert.equal(context.api.asked.length, 0);
    context.api.handler = () => ({ status: 200 });
    await writer.write([record({ number: '../a?b=1' })], signal);
    assert.equal(context.api.asked[0]?.path, '/orders/..%2Fa%3Fb%3D1');
  });

  it('creates what a look-up finds nothing of, however the API says so', async () => {
    const writer = await writerOf({
      create: ORDERS.create,
      lookup: { path: '/orders?number={number}', items: '/data' },
    });
    for (const nothing of [{ status: 204 }, { status: 404 }, { status: 410 }, { body: { data: [] } }]) {
      context.api.handler = ({ method }) => (method === 'GET' ? nothing : { status: 201, body: { id: 1 } });
      const results = await writer.write([record({ number: '1' })], signal);
      assert.deepEqual(results, [{ outcome: 'created', externalKey: '1' }], JSON.stringify(nothing));
    }
  });

  it('never looks for a record without a key, which would find any', async () => {
    const lookup = { path: '/orders?number={number}' };
    const writer = await writerOf({ ...ORDERS, lookup });
    const results = await writer.write([record({ number: '' }), record({ number: null })], signal);
    for (const result of results) {
      assert.ok(result.outcome === 'failed' && result.error.code === 'PCP_REST_PATH_VALUE');
    }
    assert.equal(context.api.asked.length, 0);
  });

  it('changes by key first and creates what the API does not have', async () => {
    context.api.handler = ({ method, path }) =>
      method === 'PUT' && path === '/orders/2' ? { status: 404 } : { status: method === 'POST' ? 201 : 200, body: {} };
    const results = await (await writerOf(BY_KEY)).write([record({ number: '1' }), record({ number: '2' })], signal);
    assert.deepEqual(results, [{ outcome: 'updated' }, { outcome: 'created' }]);
  });

  it('gives its idempotency key to the create that follows an update in vain, not to both', async () => {
    context.api.handler = ({ method }) => ({ status: method === 'PUT' ? 404 : 201, body: {} });
    const writer = await writerOf({ ...BY_KEY, idempotency_header: 'Idempotency-Key' });
    await writer.write([record({ number: '1' }, { idempotencyKey: 'k' })], signal);
    assert.deepEqual(
      context.api.asked.map(({ method, headers }) => [method, headers['idempotency-key']]),
      [
        ['PUT', undefined],
        ['POST', 'k'],
      ],
    );
  });

  it('looks a record up before it creates one, and finds what an earlier write made', async () => {
    const held = new Map([['2', { id: 20, externalId: '2' }]]);
    context.api.handler = ({ method, query }) => {
      if (method === 'GET') return { body: { data: [held.get(query.get('externalId')!)].filter(Boolean) } };
      return { status: method === 'POST' ? 201 : 200, body: { id: 99 } };
    };
    const lookup = { path: '/orders?externalId={external_id}', items: '/data', key: ['/externalId'] };
    const writer = await writerOf({ ...ORDERS, lookup });
    const records = [record({ number: '1' }), record({ number: '2' })];
    assert.deepEqual(await writer.write(records, signal), [
      { outcome: 'created', externalKey: '99' },
      { outcome: 'updated', externalKey: '20' },
    ]);
    assert.ok(context.api.paths().includes('PUT /orders/20'));
    assert.deepEqual(await writer.resolve!(records, signal), [
      { state: 'absent' },
      { state: 'found', externalKey: '20', data: { id: 20, externalId: '2' } },
    ]);
  });

  it('does not overwrite what was not asked for', async () => {
    const lookup = { path: '/orders?q={number}' };
    context.api.handler = ({ query }) => ({
      body: query.get('q') === '1' ? [{ number: '10', id: 1 }] : [{ id: 1 }, { id: 2 }],
    });
    const writer = await writerOf({ ...ORDERS, lookup });
    const results = await writer.write([record({ number: '1' }), record({ number: '2' })], signal);
    assert.deepEqual(
      results.map((result) => result.outcome === 'failed' && result.error.code),
      ['PCP_REST_OTHER_RECORD', 'PCP_REST_AMBIGUOUS'],
    );
    assert.ok(context.api.asked.every(({ method }) => method === 'GET'));
    const [resolution] = await writer.resolve!([record({ number: '2' })], signal);
    assert.equal(resolution?.state, 'unknown');
  });

  it('writes nothing where it cannot tell whether the record that was found is the one', async () => {
    context.api.handler = ({ method }) =>
      method === 'GET' ? { body: [{ id: 7, ids: { external: '1' } }] } : { status: 200, body: {} };
    const lookup = { path: '/orders?no={number}' };
    const write = async (key?: string[]) => {
      context.api.asked.length = 0;
      const writer = await writerOf({ ...ORDERS, lookup: { ...lookup, ...(key && { key }) } }, { max_concurrency: 1 });
      return writer.write([record({ number: '1' }), record({ number: '2' })], signal);
    };
    await assert.rejects(write(), { code: 'PCP_REST_KEY_UNSEEN', path: '/config/entities/orders/lookup/key' });
    const codes = (results: Awaited<ReturnType<typeof write>>) =>
      results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome));
    assert.deepEqual(codes(await write(['/ids/external'])), ['updated', 'PCP_REST_OTHER_RECORD']);
    assert.deepEqual(codes(await write(['/none'])), ['PCP_REST_OTHER_RECORD', 'PCP_REST_OTHER_RECORD']);
    assert.deepEqual(codes(await write([])), ['updated', 'updated']);
  });

  it('leaves alone what the API has and cannot change', async () => {
    const lookup = { path: '/orders?number={number}' };
    context.api.handler = () => ({ body: [{ id: 5, number: '1', quantity: 10.5, unit: 'PC' }] });
    const writer = await writerOf({ create: ORDERS.create, lookup });
    const [same] = await writer.write(
      [record({ number: '1', quantity: '10.50', unit: 'PC', note: 'not shown' })],
      signal,
    );
    assert.deepEqual(same, { outcome: 'unchanged', externalKey: '5' });
    const [other] = await writer.write([record({ number: '1', quantity: '11' })], signal);
    assert.ok(other?.outcome === 'failed' && other.error.code === 'PCP_REST_NO_UPDATE');
  });

  it('hands on the idempotency key, and derives none', async () => {
    context.api.handler = () => ({ status: 201, body: { id: 1 } });
    const writer = await writerOf({ ...ORDERS, idempotency_header: 'Idempotency-Key' });
    await writer.write([record({ number: '1' }, { idempotencyKey: 'k-1' })], signal);
    await writer.write([record({ number: '2' })], signal);
    assert.deepEqual(
      context.api.asked.map(({ headers }) => headers['idempotency-key']),
      ['k-1', undefined],
    );
  });

  it('tells the refusal of a record with the text and field of the API', async () => {
    const cases = [
      [
        422,
        { errors: { quantity: ['must be positive'] } },
        undefined,
        '422: quantity: must be positive',
        'quantity',
        'data',
      ],
      [400, { errors: [{ pointer: '/due', detail: 'is in the past' }] }, undefined, /is in the past/, '/due', 'data'],
      [
        400,
        { fault: { text: 'Ordem bloqueada' }, message: 'x' },
        '/fault/text',
        '400: Ordem bloqueada',
        undefined,
        'data',
      ],
      [409, { detail: 'changed meanwhile' }, undefined, '409: changed meanwhile', undefined, 'conflict'],
      [412, '', undefined, /./, undefined, 'conflict'],
    ] as const;
    for (const [status, body, error, message, field, errorClass] of cases) {
      context.api.handler = () => ({ status, body });
      const create = { path: '/orders', ...(error && { error }) };
      const [result] = await (await writerOf({ create })).write([record({ number: '1' })], signal);
      assert.ok(result?.outcome === 'failed');
      assert.equal(result.error.class, errorClass);
      assert.equal(result.error.path, field);
      if (typeof message === 'string') assert.ok(result.error.message.endsWith(message), result.error.message);
      else assert.match(result.error.message, message);
    }
  });

  it('repeats no secret that the API repeats', async () => {
    const config = { authentication: 'bearer' };
    const entity = { create: { path: '/orders', result: '/ok', id: 'Location' } };
    const writer = await openWriter(context.open({ orders: entity }, config, { token: 'canary-4711' }));
    for (const status of [422, 200]) {
      context.api.handler = ({ headers }) => ({
        status,
        body: { ok: false, message: `${headers.authorization} is not allowed` },
      });
      const [result] = await writer.write([record({ number: '1' })], signal);
      assert.ok(result?.outcome === 'failed' && result.error.message.includes('is not allowed'));
      assert.ok(!result.error.message.includes('canary'), result.error.message);
    }
    context.api.handler = () => ({ body: { ok: true }, headers: { location: '/orders/100%' } });
    assert.deepEqual(await writer.write([record({ number: '1' })], signal), [
      { outcome: 'created', externalKey: '100%' },
    ]);
  });

  it('believes an API that answers 200 to what it refused', async () => {
    const create = { path: '/orders', id: '/id', result: '/type', ok: ['S', 'W'], error: '/text' };
    const answers = [{ type: 'S', id: 1 }, { type: 'E', text: 'Material unknown' }, { id: 3 }, 'not JSON'];
    context.api.handler = (asked) => ({ body: answers[Number(bodyOf(asked).number)] });
    const results = await (await writerOf({ create })).write(
      answers.map((_, number) => record({ number })),
      signal,
    );
    assert.deepEqual(
      results.map((result) => ('error' in result ? [result.outcome, result.error.class] : result)),
      [
        { outcome: 'created', externalKey: '1' },
        ['failed', 'data'],
        ['unknown', 'transient'],
        ['unknown', 'transient'],
      ],
    );
    assert.ok(results[1]?.outcome === 'failed' && results[1].error.message.endsWith('Material unknown'));
  });

  it('keeps the digits of an id', async () => {
    const headers = { 'content-type': 'application/json' };
    context.api.handler = () => ({ status: 201, headers, body: '{"id":1234567890123456789}' });
    const results = await (await writerOf(ORDERS)).write([record({ number: '1' })], signal);
    assert.deepEqual(results, [{ outcome: 'created', externalKey: '1234567890123456789' }]);
  });

  it('says that a record is gone from the other system', async () => {
    context.api.handler = () => ({ status: 404, body: {} });
    const [result] = await (await writerOf(ORDERS)).write([record({ number: '1' }, { externalKey: '9' })], signal);
    assert.ok(result?.outcome === 'failed');
    assert.deepEqual([result.error.class, result.error.code], ['conflict', 'PCP_TARGET_DELETED']);
    const [absent] = await (await writerOf({ update: BY_KEY.update })).write([record({ number: '1' })], signal);
    assert.ok(absent?.outcome === 'failed' && absent.error.code === 'PCP_REST_NOT_THERE');
  });

  it('changes nothing that somebody changed meanwhile', async () => {
    let etag = '"1"';
    context.api.handler = ({ method, headers }) => {
      if (method === 'GET') return { body: {}, headers: { etag } };
      return headers['if-match'] === etag ? { status: 200, body: {} } : { status: 412, body: {} };
    };
    const writer = await writerOf({ ...ORDERS, etag: true });
    const [updated] = await writer.write([record({ number: '1' }, { externalKey: '9' })], signal);
    assert.equal(updated?.outcome, 'updated');
    etag = '"2"';
    const stale = record({ number: '1' }, { externalKey: '9', version: '"1"' });
    const [conflict] = await writer.write([stale], signal);
    assert.ok(conflict?.outcome === 'failed' && conflict.error.class === 'conflict');
    const looked = ['GET /orders/9', 'PUT /orders/9', 'PUT /orders/9', 'GET /orders/9'];
    assert.deepEqual(context.api.paths(), looked, 'by then it may have been what was sent');
  });

  it('creates nothing twice whose name the API did not tell', async () => {
    context.api.handler = () => ({ status: 201, body: {} });
    const writer = await writerOf({ create: { path: '/orders' } });
    const [created] = await writer.write([record({ number: '1', quantity: 1 })], signal);
    assert.equal(created?.outcome, 'created');
    const [again] = await writer.write([record({ number: '1', quantity: 2 }, { wasWritten: true })], signal);
    assert.ok(again?.outcome === 'failed' && again.error.code === 'PCP_REST_NO_UPDATE');
    assert.equal(context.api.asked.length, 1);
  });

  it('changes nothing that was changed after it was last seen, though a look-up shows what it is now', async () => {
    context.api.handler = ({ method, headers }) => {
      if (method === 'GET') return { body: { number: '1', id: '9', quantity: 1, version: '"2"' } };
      return { status: headers['if-match'] === '"2"' ? 200 : 412, body: {} };
    };
    const lookup = { path: '/orders/by-number/{external_id}' };
    const writer = await writerOf({ ...ORDERS, lookup, etag: '/version' });
    const change = { number: '1', quantity: 2 };
    const [conflict] = await writer.write([record(change, { version: '"1"' })], signal);
    assert.ok(conflict?.outcome === 'failed' && conflict.error.class === 'conflict');
    assert.equal((await writer.write([record(change)], signal))[0]?.outcome, 'updated');
  });

  it('removes records, and what is gone is removed', async () => {
    context.api.handler = ({ path }) => ({ status: path === '/orders/2' ? 404 : 204 });
    const writer = await writerOf(BY_KEY);
    const results = await writer.delete!([record({ number: '1' }), record({ number: '2' })], signal);
    assert.deepEqual(results, [{ outcome: 'deleted' }, { outcome: 'deleted' }]);
    assert.deepEqual(context.api.paths().sort(), ['DELETE /orders/1', 'DELETE /orders/2']);
  });

  it('removes nothing that somebody changed meanwhile', async () => {
    let etag = '"1"';
    context.api.handler = ({ method, headers }) => {
      if (method === 'GET') return { body: {}, headers: { etag } };
      if (headers['if-match'] === undefined) return { status: 428 };
      return { status: headers['if-match'] === etag ? 204 : 412 };
    };
    const writer = await writerOf({ ...ORDERS, delete: { path: '/orders/{id}' }, etag: true });
    const known = record({ number: '1' }, { externalKey: '9' });
    assert.deepEqual(await writer.delete!([known], signal), [{ outcome: 'deleted' }]);
    etag = '"2"';
    const [conflict] = await writer.delete!([{ ...known, version: '"1"' }], signal);
    assert.ok(conflict?.outcome === 'failed' && conflict.error.class === 'conflict');
  });
});
