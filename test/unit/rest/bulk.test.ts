import assert from 'node:assert/strict';
import { type Asked, failureOf, openWriter, record, signal, withApi } from './server';

const bodyOf = ({ body }: Asked) => JSON.parse(body) as Record<string, unknown>;

describe('generic.rest: writing many with one request', () => {
  const context = withApi();
  const writerOf = (entity: Record<string, unknown>, config: Record<string, unknown> = {}) =>
    openWriter(context.open({ orders: entity }, config));
  const records = ['1', '2', '3', '4', '5'].map((number) => record({ number }));
  const bulk = { path: '/orders/batch', items: '/orders', size: 3, results: '/results', id: '/id' };
  const numbersOf = (asked: Asked) => (bodyOf(asked).orders as { number: string }[]).map(({ number }) => number);

  it('judges each item by itself; one without a result is unknown', async () => {
    context.api.handler = (asked) => ({
      status: 207,
      body: {
        results: numbersOf(asked)
          .filter((number) => number !== '5')
          .map((number) =>
            number === '2' ? { number, status: 422, error: { message: 'bad' } } : { number, status: 201, id: number },
          )
          .reverse(),
      },
    });
    for (const error of [undefined, '/error/message']) {
      context.api.asked.length = 0;
      const writer = await writerOf({ bulk: { ...bulk, match: '/number', ...(error && { error }) } });
      const results = await writer.write(records, signal);
      assert.deepEqual(
        results.map((result) => (result.outcome === 'created' ? result.externalKey : result.outcome)),
        ['1', 'failed', '3', '4', 'unknown'],
      );
      assert.ok(results[1]?.outcome === 'failed' && results[1].error.message.endsWith('bad'));
    }
    assert.deepEqual(context.api.asked.map(numbersOf).sort(), [
      ['1', '2', '3'],
      ['4', '5'],
    ]);
  });

  it('tells records by all parts of their key', async () => {
    const keyFields = ['order', 'item'];
    const keys = [
      ['a,b', 'c'],
      ['a', 'b,c'],
      ['a', 'd'],
    ];
    const some = keys.map(([order, item]) => record({ order, item }, {}, keyFields));
    context.api.handler = () => ({
      body: {
        results: keys.map(([order, item], id) => ({ id, key: { order, item }, name: `${order},${item}` })).reverse(),
      },
    });
    for (const [match, wanted] of [
      [
        ['/key/order', '/key/item'],
        ['0', '1', '2'],
      ],
      // One name for two of them tells nothing about either.
      ['/name', ['unknown', 'unknown', '2']],
    ] as const) {
      const connector = context.open({ orders: { bulk: { ...bulk, match } } });
      const results = await (await openWriter(connector, keyFields)).write(some, signal);
      assert.deepEqual(
        results.map((result) => (result.outcome === 'created' ? result.externalKey : result.outcome)),
        wanted,
      );
    }
  });

  it('without names in the results their number must be right', async () => {
    context.api.handler = () => ({ body: { results: [{ status: 'created' }, { status: 'error' }] } });
    const results = await (await writerOf({ bulk })).write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['unknown', 'unknown', 'unknown', 'created', 'failed'],
    );
  });

  it('where all or none are taken a success without results is that of all, unless it says no', async () => {
    const atomic = { path: '/orders/batch', atomic: true };
    for (const body of [undefined, { imported: 5 }, 'done']) {
      context.api.handler = () => ({ status: body === undefined ? 204 : 200, body });
      const results = await (await writerOf({ bulk: atomic })).write(records, signal);
      assert.deepEqual(results, new Array(5).fill({ outcome: 'created' }));
    }
    context.api.handler = () => ({ body: { success: false, errors: ['order 3 is bad'] } });
    for (const result of await (await writerOf({ bulk: atomic })).write(records, signal)) {
      assert.ok(result.outcome === 'failed' && result.error.message.endsWith('order 3 is bad'));
    }
    context.api.handler = () => ({ body: { imported: 5 } });
    for (const told of [{ atomic: false }, { results: '/results' }]) {
      const results = await (await writerOf({ bulk: { ...atomic, ...told } })).write(records, signal);
      for (const { outcome } of results) assert.equal(outcome, 'unknown');
    }
  });

  it('a request for all or none that is refused is halved until the bad record stands alone', async () => {
    context.api.handler = (asked) => {
      const numbers = numbersOf(asked);
      if (numbers.includes('3')) return { status: 400, body: { message: 'order 3 is bad' } };
      return { body: { results: numbers.map((id) => ({ id })) } };
    };
    const results = await (await writerOf({ bulk: { ...bulk, size: 100, atomic: true } })).write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'created', 'failed', 'created', 'created'],
    );
  });

  it('a refusal that tells of each record is judged by that, and nothing is sent again', async () => {
    context.api.handler = (asked) => ({
      status: 422,
      body: {
        results: numbersOf(asked).map((number) =>
          number === '2'
            ? { status: 422, error: 'bad' }
            : number === '4'
              ? { id: number }
              : { status: 201, id: number },
        ),
      },
    });
    const results = await (await writerOf({ bulk: { ...bulk, size: 100 } })).write(records, signal);
    assert.deepEqual(
      results.map((result) => (result.outcome === 'created' ? result.externalKey : result.outcome)),
      ['1', 'failed', '3', 'unknown', '5'],
    );
    assert.equal(context.api.asked.length, 1);
  });

  it('of a refused request nobody knows which records were written: they are looked up, or unknown', async () => {
    const held = new Map<string, number>();
    context.api.handler = (asked) => {
      const { method, query } = asked;
      if (method === 'GET') {
        const id = held.get(query.get('n')!);
        return { body: id === undefined ? [] : [{ id, number: query.get('n') }] };
      }
      for (const number of numbersOf(asked)) {
        if (number === '3') return { status: 422, body: { message: 'order 3 is bad' } };
        assert.ok(!held.has(number), `${number} is created twice`);
        held.set(number, held.size + 1);
      }
      return { body: { results: numbersOf(asked).map((number) => ({ id: held.get(number) })) } };
    };
    const some = { ...bulk, size: 100 };
    const lookup = { path: '/orders?n={number}' };
    const found = await (await writerOf({ bulk: some, lookup })).write(records, signal);
    assert.deepEqual(
      found.map(({ outcome }) => outcome),
      ['created', 'created', 'failed', 'created', 'created'],
    );
    held.clear();
    for (const entity of [{ bulk: some }, { bulk: some, lookup: { ...lookup, consistency: 'eventual' } }]) {
      held.clear();
      const unknown = await (await writerOf(entity)).write(records, signal);
      assert.ok(unknown.every(({ outcome }) => outcome === 'unknown'));
      assert.equal(held.size, 2);
    }
  });

  it('a lost answer leaves its records unknown, and what is updated anyway is tried again', async () => {
    context.api.handler = (asked) =>
      numbersOf(asked).includes('1') ? { cut: true } : { body: { results: [{ id: 4 }, { id: 5 }] } };
    const results = await (await writerOf({ bulk }, { max_concurrency: 1 })).write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['unknown', 'unknown', 'unknown', 'created', 'created'],
    );
    const failure = await failureOf((await writerOf({ bulk: { ...bulk, upsert: true } })).write(records, signal));
    assert.equal(failure.class, 'transient');
  });

  it('sends only what is new together, when there is a look-up', async () => {
    context.api.handler = (asked) => {
      if (asked.method === 'GET') return { body: asked.query.get('n') === '2' ? [{ id: 'X', number: '2' }] : [] };
      if (asked.method === 'PUT') return { status: 204 };
      return { body: { results: numbersOf(asked).map((id) => ({ id })) } };
    };
    const entity = {
      bulk: { ...bulk, size: 100 },
      update: { path: '/orders/{id}', body: { number: '{number}' } },
      lookup: { path: '/orders?n={number}' },
    };
    const results = await (await writerOf(entity)).write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'updated', 'created', 'created', 'created'],
    );
    const sent = context.api.asked.filter(({ method }) => method === 'POST').map(numbersOf);
    assert.deepEqual(sent, [['1', '3', '4', '5']]);
  });
});
