import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { IntegrationError } from '../../lib/model/errors';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An answer that came is known, whatever becomes of the commit that follows it. */
describe('answers of an API that offers neither key nor look-up', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let server: Server;
  let handler: Handler;
  let posts: string[];
  let connectionId: number;

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

  async function map(entity: Record<string, unknown>, materials: string[], required: string[] = []): Promise<void> {
    const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = { base_url, timeout_ms: 2000, entities: { items: entity } };
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
        { source: 'note', target: 'description' },
        ...required.map((target) => ({ source: target, target, required: true })),
      ],
      options: { max_error_ratio: 1 },
    });
    for (const material of materials) await engine.records.create('material', { material, description: 'one' });
  }

  const run = async () => (await engine.run(connectionId)).logs[0]!;
  const asked = async () =>
    (await engine.sync.deadLetters({ state: 'open' })).items.map(({ error_class }) => error_class);

  it('keeps what the API answered where the dead letters of the others have no room', async () => {
    handler = (_request, response, body) => response.writeHead(body.includes('bad') ? 422 : 201).end('{}');
    engine.deadLetterLimit = 1;
    await engine.startWorker();
    await map({ create: { path: '/items' } }, ['A', 'B', 'bad1', 'bad2']);
    assert.equal((await run()).details.error_code, 'PCP_DEAD_LETTERS_FULL');
    engine.deadLetterLimit = 10;
    await engine.startWorker();
    const { details, records_error } = await run();
    assert.deepEqual([details.unchanged, records_error], [2, 2]);
    assert.equal(posts.filter((body) => !body.includes('bad')).length, 2);
    assert.deepEqual(await asked(), ['data', 'data']);
  });

  it('sends nothing while what failed before it has no room', async () => {
    engine.deadLetterLimit = 0;
    await engine.startWorker();
    handler = (_request, response) => response.writeHead(201).end('{}');
    await map({ create: { path: '/items' } }, ['A', 'B'], ['base_unit']);
    await engine.records.replace('material', ['B'], { material: 'B', description: 'one', base_unit: 'kg' });
    assert.equal((await run()).details.error_code, 'PCP_DEAD_LETTERS_FULL');
    assert.equal(posts.length, 0);
  });

  it('keeps what the API answered when the store is away for a moment', async () => {
    let failures = 0;
    const { database } = engine.store;
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
    await engine.startWorker(failing);
    handler = (_request, response) => {
      failures = 2;
      response.writeHead(201).end('{}');
    };
    await map({ create: { path: '/items' } }, ['A']);
    const log = await run();
    assert.equal(log.status, 'success');
    assert.equal(posts.length, 1);
    assert.deepEqual(await asked(), []);
  });

  it('asks about the records of a request for many that was refused, part of which may have been written', async () => {
    handler = (_request, response) => response.writeHead(422).end('{"message":"order 2 is bad"}');
    await map({ bulk: { path: '/items' } }, ['A', 'B']);
    await run();
    const [letter] = (await engine.sync.deadLetters({ state: 'open' })).items;
    assert.match(String(letter?.message), /order 2 is bad/);
    await run();
    assert.equal(posts.length, 1);
    assert.deepEqual(await asked(), ['unknown_outcome', 'unknown_outcome']);
  });
});
