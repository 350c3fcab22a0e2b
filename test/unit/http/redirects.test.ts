import assert from 'node:assert/strict';
import type { HttpClient, HttpOptions, HttpRequest } from '../../../lib/protocols/http/client';
import { CountingNetwork, endless, HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

describe('http: redirects', () => {
  const { open } = clients();
  let server: HostileServer;

  before(async () => {
    server = await HostileServer.start({
      '/ok': (_request, response) => response.end('{"ok":true}'),
      '/echo': (request, response, body) => response.end(`${request.method} ${body}`),
      '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end('moved'),
      '/moved': (_request, response) => response.writeHead(302, { location: '/ok' }).end('moved'),
      '/moved-for-good': (_request, response) => response.writeHead(308, { location: '/echo' }).end(),
      '/to-nowhere': (_request, response) => response.writeHead(303, { location: '/none' }).end(),
      '/see-other': (_request, response) => response.writeHead(303, { location: '/echo' }).end(),
      '/to-metadata': (_request, response) =>
        response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
      '/to-other-host': (_request, response) =>
        response.writeHead(307, { location: 'https://evil.plant/?token=canary' }).end(),
      '/to-other-port': (_request, response) => response.writeHead(301, { location: 'http://127.0.0.1:1/' }).end(),
      '/to-user': (request, response) =>
        response.writeHead(302, { location: `http://user:canary@${request.headers.host}/ok` }).end(),
      '/to-other-endless': (_request, response) =>
        endless(response, 'HTTP/1.1 302 Found\r\nLocation: http://evil.plant/\r\n'),
      '/to-file': (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    });
  });

  after(() => server.stop());

  const connect = (options: Partial<HttpOptions> = {}) => open({ baseUrl: server.origin, ...options });
  const get = (client: HttpClient, target: string, request: Partial<HttpRequest> = {}) =>
    client.request({ target, signal: live, ...request });

  it('follows redirects on its own origin, with the method and body that they ask for', async () => {
    const client = connect();
    const moved = await get(client, '/moved');
    assert.equal(await moved.text(), '{"ok":true}');
    assert.equal(moved.url.pathname, '/ok');
    const write = { method: 'POST', body: 'x' };
    assert.equal(await (await get(client, '/moved-for-good', write)).text(), 'POST x');
    assert.equal(await (await get(client, '/see-other', write)).text(), 'GET ');
  });

  it('does not know what became of a write that leads to nothing', async () => {
    const error = await failure(get(connect(), '/to-nowhere', { method: 'POST', body: 'x' }));
    assert.deepEqual([error.code, error.outcomeUnknown], ['PCP_HTTP_NOT_FOUND', true]);
    assert.equal((await get(connect(), '/to-nowhere')).status, 404);
  });

  it('follows no more redirects than its limit', async () => {
    const before = server.seen.length;
    const error = await failure(get(connect(), '/loop'));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_REDIRECT_LOOP']);
    assert.equal(server.seen.length - before, 6);
  });

  it('follows no redirect away from its origin, and makes no write into a read', async () => {
    const network = new CountingNetwork();
    const client = connect({ network });
    for (const path of ['/to-metadata', '/to-other-host', '/to-other-port', '/to-user', '/to-file']) {
      const error = await failure(get(client, path));
      assert.deepEqual([error.class, error.code], ['config', 'PCP_REDIRECT_REFUSED'], path);
      assert.doesNotMatch(JSON.stringify(error), /canary/);
    }
    assert.equal((await failure(get(client, '/moved', { method: 'POST' }))).code, 'PCP_REDIRECT_REFUSED');
    const one = connect({ network, maxConcurrency: 1 });
    assert.equal((await failure(get(one, '/to-other-endless'))).code, 'PCP_REDIRECT_REFUSED');
    assert.equal((await get(one, '/ok')).status, 200);
    assert.deepEqual([...new Set(network.dialled)], [`127.0.0.1:${server.port}`]);
  });
});
