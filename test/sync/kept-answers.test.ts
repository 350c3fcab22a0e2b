import assert from 'node:assert/strict';
import { IntegrationError } from '../../lib/model/errors';
import { ItemExport } from '../support/item-export';

/** An answer that came is known, whatever becomes of the commit that follows it. */
describe('answers of an API that offers neither key nor look-up', () => {
  let items: ItemExport;

  beforeEach(async () => {
    items = await ItemExport.start();
  });
  afterEach(() => items.stop());

  it('keeps what the API answered where the dead letters of the others have no room', async () => {
    items.handler = (_request, response, body) => response.writeHead(body.includes('bad') ? 422 : 201).end('{}');
    items.engine.deadLetterLimit = 1;
    await items.engine.startWorker();
    await items.map({ create: { path: '/items' } }, ['A', 'B', 'bad1', 'bad2']);
    assert.equal((await items.run()).details.error_code, 'PCP_DEAD_LETTERS_FULL');
    items.engine.deadLetterLimit = 10;
    await items.engine.startWorker();
    const { details, records_error } = await items.run();
    assert.deepEqual([details.unchanged, records_error], [2, 2]);
    assert.equal(items.posts.filter((body) => !body.includes('bad')).length, 2);
    assert.deepEqual(await items.asked(), ['data', 'data']);
  });

  it('sends nothing while what failed before it has no room', async () => {
    items.engine.deadLetterLimit = 0;
    await items.engine.startWorker();
    items.handler = (_request, response) => response.writeHead(201).end('{}');
    await items.map({ create: { path: '/items' } }, ['A', 'B'], ['base_unit']);
    await items.engine.records.replace('material', ['B'], { material: 'B', status: 'active', base_unit: 'kg' });
    assert.equal((await items.run()).details.error_code, 'PCP_DEAD_LETTERS_FULL');
    assert.equal(items.posts.length, 0);
  });

  it('keeps what the API answered when the store is away for a moment', async () => {
    let failures = 0;
    const { database } = items.engine.store;
    const failing = new Proxy(database, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'transaction' && failures > 0) {
          failures--;
          return () => Promise.reject(new IntegrationError('transient', 'PCP_TEST', 'The store is away.'));
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await items.engine.startWorker(failing);
    items.handler = (_request, response) => {
      failures = 2;
      response.writeHead(201).end('{}');
    };
    await items.map({ create: { path: '/items' } }, ['A']);
    const log = await items.run();
    assert.equal(log.status, 'success');
    assert.equal(items.posts.length, 1);
    assert.deepEqual(await items.asked(), []);
  });

  it('asks about the records of a request for many that was refused, part of which may have been written', async () => {
    items.handler = (_request, response) => response.writeHead(422).end('{"message":"order 2 is bad"}');
    await items.map({ bulk: { path: '/items' } }, ['A', 'B']);
    await items.run();
    const [letter] = (await items.engine.sync.deadLetters({ state: 'open' })).items;
    assert.match(String(letter?.message), /order 2 is bad/);
    await items.run();
    assert.equal(items.posts.length, 1);
    assert.deepEqual(await items.asked(), ['unknown_outcome', 'unknown_outcome']);
  });
});
