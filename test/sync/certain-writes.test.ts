import assert from 'node:assert/strict';
import { type Handler, ItemExport } from '../support/item-export';

/** Whether a write took place is told from what was answered: what may be done is asked about, what surely was not is sent again. */
describe('a write to an API that offers neither key nor look-up', () => {
  let items: ItemExport;

  beforeEach(async () => {
    items = await ItemExport.start();
  });
  afterEach(() => items.stop());

  const maybeDone: Record<string, Handler> = {
    'a failure whose body is cut': (_request, response) => {
      response.writeHead(500, { 'content-length': 100 });
      response.write('partly', () => response.destroy());
    },
    'a failure without a body': (_request, response) => response.writeHead(504).end(),
    'a wish for a pause (503)': (_request, response) => response.writeHead(503, { 'retry-after': '1' }).end(),
    'a web page (200)': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><title>Sign in</title>');
    },
    'a way to elsewhere that ends in a failure (303)': (request, response) => {
      if (request.method === 'GET') response.writeHead(404).end();
      else response.writeHead(303, { location: '/items/1' }).end();
    },
    'a way that a write does not go (302)': (_request, response) => {
      response.writeHead(302, { location: '/sign-in' }).end();
    },
  };
  for (const [answer, answering] of Object.entries(maybeDone)) {
    it(`is asked about once when it is answered by ${answer}`, async () => {
      items.handler = answering;
      await items.map({ create: { path: '/items' } }, ['A']);
      await items.run();
      await items.run();
      assert.equal(items.posts.length, 1);
      assert.deepEqual(await items.asked(), ['unknown_outcome']);
    });
  }

  it('is refused, not lost, where the right to write is missing', async () => {
    items.handler = (_request, response) => response.writeHead(403).end();
    await items.map({ create: { path: '/items' } }, ['A', 'B']);
    const log = await items.run();
    assert.deepEqual([log.status, log.error_class], ['error', 'permission']);
    assert.deepEqual(await items.asked(), []);
    items.handler = (_request, response) => response.writeHead(201).end('{}');
    assert.equal((await items.run()).details.created, 2);
  });

  it('is not judged by the status of the record that the API repeats', async () => {
    items.handler = (_request, response, body) => {
      const made = (JSON.parse(body) as object[]).map((item, index) => ({ id: index + 1, ...item }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(made));
    };
    await items.map({ bulk: { path: '/items', id: '/id' } }, ['A', 'B']);
    assert.equal((await items.run()).details.created, 2);
    assert.equal((await items.run()).details.unchanged, 2);
    assert.equal(items.posts.length, 1);
  });

  it('creates no second record of a changed one whose name the API did not tell', async () => {
    items.handler = (_request, response) => response.writeHead(201).end();
    await items.map({ create: { path: '/items' } }, ['A']);
    await items.run();
    await items.engine.records.replace('material', ['A'], { material: 'A', status: 'blocked' });
    const log = await items.run();
    assert.equal(log.records_error, 1);
    assert.equal(items.posts.length, 1);
    const [letter] = (await items.engine.sync.deadLetters({ state: 'open' })).items;
    assert.equal(letter?.code, 'PCP_REST_NO_UPDATE');
  });
});
