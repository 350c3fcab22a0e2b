import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { apiErrorHandler, createApi } from '../../../lib/api/router';
import { exchange, listen, memoryIdempotency, type SendOptions, stop } from './api-server';
import { standInHub } from './stand-in-hub';

/** Layers as Node-RED has them: an admin application with its body parsers, mounted at its root in another one. */
function application(root: string) {
  const { hub, calls } = standInHub();
  const admin = express();
  admin.use(express.json({ limit: '5mb' }));
  admin.use(express.urlencoded({ limit: '5mb', extended: true }));
  admin.use('/integrations', createApi({ hub, idempotency: memoryIdempotency(), authenticated: false }));
  admin.use('/integrations', apiErrorHandler);
  const app = express();
  app.use(root, admin);
  return { server: createServer(app), calls };
}

const connection = { name: 'x', connector_type: 'generic.database', config: { host: 'h' } };

for (const root of ['/', '/admin/red']) {
  describe(`API: in an Express application at ${root}`, () => {
    const base = `${root === '/' ? '' : root}/integrations`;
    let server: Server;
    let calls: { name: string }[];
    let port: number;
    const send = (method: string, path: string, options: SendOptions = {}) =>
      exchange(port, method, `${base}${path}`, options);
    const post = (body: string, type = 'application/json') =>
      send('POST', '/connections', { headers: { 'Content-Type': type }, body });

    beforeEach(async () => {
      ({ server, calls } = application(root));
      port = await listen(server);
    });
    afterEach(() => stop(server));

    it('takes the body that the parser in front of it has read', async () => {
      const reply = await post(JSON.stringify(connection));
      assert.equal(reply.status, 201);
      assert.equal(reply.headers.location, `${base}/connections/1`);
      assert.equal((await send('GET', '/connections/1')).status, 200);
      assert.equal((await send('POST', '/sync/1')).status, 202);
    });

    it('names its own address in the document', async () => {
      const { body } = await send('GET', '/openapi.json');
      assert.equal((body.servers as { url: string }[])[0]?.url, base);
    });

    it('refuses a parsed form, and what is too large for it', async () => {
      const form = await post(
        'name=x&connector_type=generic.database&config[host]=evil',
        'application/x-www-form-urlencoded',
      );
      assert.equal(form.status, 415);
      const large = await post(JSON.stringify({ ...connection, description: 'a'.repeat(1_100_000) }));
      assert.equal(large.status, 413);
      const huge = await post(JSON.stringify({ ...connection, description: 'a'.repeat(6_000_000) }));
      assert.equal(huge.status, 413);
      assert.equal(huge.headers['content-type'], 'application/problem+json');
      assert.equal(calls.length, 0);
    });

    it('answers broken JSON with a problem, not with a stack', async () => {
      const reply = await post('{"password": "canary');
      assert.equal(reply.status, 400);
      assert.equal(reply.body.code, 'PCP_JSON_INVALID');
      assert.ok(!/canary|at JSON|node_modules/.test(reply.text));
    });

    it('refuses names that reach into prototypes, also when someone else has parsed them', async () => {
      const reply = await post('{"name":"x","connector_type":"generic.database","config":{"__proto__":{"x":1}}}');
      assert.equal(reply.status, 422);
      assert.equal(reply.body.errors?.[0]?.pointer, '/config/__proto__');
    });
  });
}
