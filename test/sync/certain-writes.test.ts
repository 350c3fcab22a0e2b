import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Whether a write took place is told from what was answered: what may be done is asked about, what surely was not is sent again. */
describe('a write to an API that offers neither key nor look-up', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let server: Server;
  let handler: Handler;
  let posts: string[];
  let connectionId: number;
  // A pause that one test was asked for is none of the next test's connection: that has other limits.
  let atOnce = 40;

  beforeEach(async () => {
    posts = [];
    server = createServer(async (request, response) => {
      const body = await text(request);
      if (request.method !== 'GET') posts.push(body);
      handler(request, response, body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const directory = await temporaryDirectory();
    remove = directory.remove;
    engine = await TestEngine.open(directory.path);
  });

  afterEach(async () => {
    await engine.close();
    await new Promise((resolve) => server.close(resolve));
    await remove();
  });

  async function map(entity: Record<string, unknown>, materials: string[]): Promise<void> {
    const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = { base_url, timeout_ms: 2000, max_concurrency: ++atOnce, entities: { items: entity } };
    ({ id: connectionId } = await engine.connections.create({ name: 'api', connector_type: 'generic.rest', config }));
    await engine.mappings.create({
      connection_id: connectionId,
      name: 'items',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'items',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'status', target: 'status' },
      ],
      options: { max_error_ratio: 1 },
    });
    for (const material of materials) await engine.records.create('material', { material, status: 'active' });
  }

  const run = async () => (await engine.run(connectionId)).logs[0]!;
  const asked = async () =>
    (await engine.sync.deadLetters({ state: 'open' })).items.map(({ error_class }) => error_class);

  const maybeDone: Record<string, Handler> = {
    'a failure whose body is cut': (_request, response) => {
      response.writeHead(500, { 'content-length': 100 });
      response.write('partly', () => response.destroy());
    },
    'a failure without a body': (_request, response) => response.writeHead(504).end(),
    'a wish for a pause (503)': (_request, response) => response.writeHead(503, { 'retry-after': '1' }).end(),
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
      handler = answering;
      await map({ create: { path: '/items' } }, ['A']);
      await run();
      await run();
      assert.equal(posts.length, 1);
      assert.deepEqual(await asked(), ['unknown_outcome']);
    });
  }

  it('is refused, not lost, where the right to write is missing', async () => {
    handler = (_request, response) => response.writeHead(403).end();
    await map({ create: { path: '/items' } }, ['A', 'B']);
    const log = await run();
    assert.deepEqual([log.status, log.error_class], ['error', 'permission']);
    assert.deepEqual(await asked(), []);
    handler = (_request, response) => response.writeHead(201).end('{}');
    assert.equal((await run()).details.created, 2);
  });

  it('is not judged by the status of the record that the API repeats', async () => {
    handler = (_request, response, body) => {
      const made = (JSON.parse(body) as object[]).map((item, index) => ({ id: index + 1, ...item }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(made));
    };
    await map({ bulk: { path: '/items', id: '/id' } }, ['A', 'B']);
    assert.equal((await run()).details.created, 2);
    assert.equal((await run()).details.unchanged, 2);
    assert.equal(posts.length, 1);
  });

  it('creates no second record of a changed one whose name the API did not tell', async () => {
    handler = (_request, response) => response.writeHead(201).end();
    await map({ create: { path: '/items' } }, ['A']);
    await run();
    await engine.records.replace('material', ['A'], { material: 'A', status: 'blocked' });
    const log = await run();
    assert.equal(log.records_error, 1);
    assert.equal(posts.length, 1);
    const [letter] = (await engine.sync.deadLetters({ state: 'open' })).items;
    assert.equal(letter?.code, 'PCP_REST_NO_UPDATE');
  });
});
