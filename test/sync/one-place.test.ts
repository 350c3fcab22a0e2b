import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

const RECORDS = 2000;

describe('a mapping between two entities of a connection that takes one request at a time', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let server: Server;
  let posts: string[];

  beforeEach(async () => {
    posts = [];
    // More than waits on the way while nobody reads.
    const list = Array.from({ length: RECORDS }, (_, number) => ({ no: String(number), text: 'x'.repeat(5000) }));
    server = createServer(async (request, response) => {
      const body = await text(request);
      if (request.method === 'POST') posts.push((JSON.parse(body) as { no: string }).no);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(request.method === 'POST' ? JSON.stringify({ id: posts.length }) : JSON.stringify(list));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const directory = await temporaryDirectory();
    remove = directory.remove;
    engine = await TestEngine.open(directory.path);
  });
  afterEach(async () => {
    await engine.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await remove();
  });

  it('reads the list and writes the copies', async () => {
    const { id } = await engine.connections.create({
      name: 'api',
      connector_type: 'generic.rest',
      config: {
        base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        max_concurrency: 1,
        entities: { list: { path: '/list', key: ['no'] }, copies: { create: { path: '/copies', id: '/id' } } },
      },
    });
    await engine.mappings.create({
      connection_id: id,
      peer_connection_id: id,
      name: 'items',
      entity_type: 'item',
      direction: 'import',
      source_entity: 'list',
      target_entity: 'copies',
      field_mappings: [{ source: 'no', target: 'no' }],
      key_fields: ['no'],
    });
    assert.equal((await engine.run(id)).logs[0]!.details.created, RECORDS);
    assert.equal(new Set(posts).size, RECORDS);
  });
});
