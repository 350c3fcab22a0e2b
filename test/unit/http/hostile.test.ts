import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { HttpClient, HttpOptions, HttpRequest } from '../../../lib/protocols/http/client';
import { type Allowance, OwnLimits } from '../../../lib/protocols/http/request-gate';
import { CountingNetwork, endless, HostileServer, raw } from '../../support/hostile-server';
import { withVirtualTime } from '../../support/virtual-time';
import { clients, failure, live } from './support';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const BOMB = gzipSync(Buffer.alloc(40 * 1024 * 1024));

describe('http: hostile servers', () => {
  const { open } = clients();
  let server: HostileServer;
  let isLargeSent: boolean;

  before(async () => {
    server = await HostileServer.start({
      '/ok': (_request, response) => response.end('{"ok":true}'),
      '/html': (_request, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('  <!doctype html><p>Sign in'),
      '/empty': (_request, response) => response.end(),
      '/silent': () => undefined,
      '/slow-head': (_request, response) => {
        const timer = setInterval(() => raw(response, response.socket?.bytesWritten ? 'X: 1\r\n' : HEAD), 20);
        response.socket?.once('close', () => clearInterval(timer));
      },
      '/stalled-body': (_request, response) => raw(response, `${HEAD}Content-Length: 100\r\n\r\n{"a":`),
      '/endless': (_request, response) => endless(response, HEAD),
      '/endless-failure': (_request, response) => endless(response, 'HTTP/1.1 400 Bad Request\r\n'),
      '/hints': (_request, response) =>
        raw(response, `HTTP/1.1 103 Early Hints\r\n\r\n${HEAD}Content-Length: 11\r\n\r\n{"ok":true}`),
      '/large': (_request, response) => {
        response.once('finish', () => {
          isLargeSent = true;
        });
        response.end(Buffer.alloc(64 * 1024 * 1024));
      },
      '/drip': (_request, response) => {
        raw(response, `${HEAD}Content-Length: 100000\r\n\r\n`);
        const timer = setInterval(() => raw(response, 'x'), 5);
        response.socket?.once('close', () => clearInterval(timer));
      },
      '/byte-by-byte': (_request, response) => {
        const bytes = [...Buffer.from(`${HEAD}Content-Length: 17\r\n\r\n\ufeff"\ufeffç€😀"`)];
        const timer = setInterval(() => {
          const byte = bytes.shift();
          if (byte === undefined) clearInterval(timer);
          else response.socket?.write(Uint8Array.of(byte));
        }, 1);
      },
      '/short': (_request, response) => raw(response, `${HEAD}Content-Length: 100\r\n\r\n{"ok":true}`).end(),
      '/long': (_request, response) => raw(response, `${HEAD}Content-Length: 11\r\n\r\n{"ok":true}and more`),
      '/two-lengths': (_request, response) =>
        raw(response, `${HEAD}Content-Length: 11\r\nContent-Length: 12\r\n\r\n{"ok":true}x`),
      '/chunk-size': (_request, response) => raw(response, `${HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\nx`),
      '/cut-chunk': (_request, response) => raw(response, `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nab`).end(),
      '/no-http': (_request, response) => raw(response, '220 mail.plant ESMTP\r\n').end(),
      '/reset': (_request, response) => response.socket?.resetAndDestroy(),
      '/many-headers': (_request, response) => raw(response, `${HEAD}${'X-Filler: 0123456789\r\n'.repeat(10_000)}\r\n`),
      '/endless-header': (_request, response) => raw(response, `${HEAD}X-Filler: ${'x'.repeat(100_000)}`),
      '/announced': (_request, response) => raw(response, `${HEAD}Content-Length: 100000000\r\n\r\n`),
      '/bomb': (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB),
      '/gzip': (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"ok":true}')),
      '/deflate': (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'deflate' }).end(deflateSync('{"ok":true}')),
      '/br': (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('{"ok":true}')),
      '/cut-gzip': (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"ok":true}').subarray(0, 20)),
      '/no-gzip': (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('plain text'),
      '/no-br': (_request, response) => response.writeHead(200, { 'content-encoding': 'br' }).end('plain text'),
      '/no-body': (_request, response) => response.writeHead(204, { 'content-encoding': 'br' }).end(),
      '/zstd': (_request, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('x'),
      '/twice': (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(gzipSync('x'))),
      '/latin1': (_request, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json; charset=iso-8859-1' })
          .end(Buffer.from('"Peça"', 'latin1')),
      '/not-utf8': (_request, response) => response.end(Buffer.from('"Peça"', 'latin1')),
      '/echo': (request, response, body) => response.end(`${request.method} ${body}`),
      '/body': (_request, response, body) => response.end(body),
    });
  });

  after(() => server.stop());

  const connect = (options: Partial<HttpOptions> = {}) => open({ baseUrl: server.origin, ...options });
  const get = (client: HttpClient, target: string, request: Partial<HttpRequest> = {}) =>
    client.request({ target, signal: live, ...request });
  const text = async (target: string, options: Partial<HttpOptions> = {}) =>
    (await get(connect(options), target)).text();

  it('reads what is honest: byte by byte, packed in three ways, in another character set, longer than said', async () => {
    for (const path of ['/ok', '/gzip', '/deflate', '/br', '/long', '/hints']) {
      const response = await get(connect(), path);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), '{"ok":true}', path);
    }
    assert.equal(await text('/latin1'), '"Peça"');
    // A byte order mark is one at the beginning alone.
    assert.equal(await text('/byte-by-byte'), '"\ufeffç€😀"');
  });

  it('takes a body no faster than it is read', async () => {
    const client = connect({ limits: { body: Number.POSITIVE_INFINITY } });
    isLargeSent = false;
    const stream = (await get(client, '/large')).stream();
    const { value: first } = await stream[Symbol.asyncIterator]().next();
    assert.ok(first.length > 0);
    for (let turn = 0; turn < 200; turn++) await (await get(client, '/ok')).text();
    assert.ok(!isLargeSent, 'all of it was taken');
    // It keeps its place meanwhile.
    const one = connect({ maxConcurrency: 1 });
    const large = await get(one, '/large');
    const before = server.seen.length;
    const next = get(one, '/echo');
    for (let turn = 0; turn < 20; turn++) await (await get(client, '/ok')).text();
    assert.ok(!server.seen.slice(before).some(({ url }) => url === '/echo'));
    large.discard();
    assert.equal(await (await next).text(), 'GET ');
  });

  it('gives a large body up where its reader stops', async () => {
    const client = connect({ limits: { body: Number.POSITIVE_INFINITY } });
    const stream = (await get(client, '/endless')).stream();
    let size = 0;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > 200_000) break;
    }
    assert.ok(stream.destroyed);
    while (server.openConnections > 0) await new Promise(setImmediate);
    // Also where nothing comes any more, and where nobody wanted to read.
    const stalled = (await get(client, '/stalled-body')).stream();
    await once(stalled, 'data');
    stalled.destroy();
    while (server.openConnections > 0) await new Promise(setImmediate);
    (await get(client, '/endless')).discard();
    while (server.openConnections > 0) await new Promise(setImmediate);
    // And one that was refused before it was read.
    const narrow = connect({ maxConcurrency: 1, limits: { body: 100 } });
    assert.equal((await failure((await get(narrow, '/announced')).bytes())).code, 'PCP_HTTP_TOO_LARGE');
    assert.equal(await (await get(narrow, '/ok')).text(), '{"ok":true}');
    // The place of the request is free again.
    const one = connect({ maxConcurrency: 1, limits: { body: Number.POSITIVE_INFINITY } });
    const endless = (await get(one, '/endless')).stream();
    await once(endless, 'data');
    endless.destroy();
    assert.equal(await (await get(one, '/ok')).text(), '{"ok":true}');
  });

  it('ends an answer that is no JSON', async () => {
    for (const path of ['/html', '/empty']) {
      const error = await failure((await get(connect(), path)).jsonText());
      assert.equal(error.code, 'PCP_HTTP_NOT_JSON');
      assert.equal(error.class, 'transient');
    }
    assert.equal(await (await get(connect(), '/ok')).jsonText(), '{"ok":true}');
  });

  it('ends an answer in another character set than it says', async () => {
    assert.equal((await failure(text('/not-utf8'))).code, 'PCP_HTTP_CHARSET');
  });

  describe('by the clock', () => {
    withVirtualTime();

    it('waits for the head of an answer no longer than its limit', async () => {
      for (const path of ['/silent', '/slow-head']) {
        const error = await failure(text(path, { timeouts: { headers: 150 } }));
        assert.deepEqual(
          [error.class, error.code, error.outcomeUnknown],
          ['transient', 'PCP_HTTP_TIMEOUT', true],
          path,
        );
      }
    });

    it('waits for the next piece of a body no longer than its limit', async () => {
      const error = await failure(text('/stalled-body', { timeouts: { idle: 150 } }));
      assert.deepEqual([error.class, error.code, error.outcomeUnknown], ['transient', 'PCP_HTTP_TIMEOUT', true]);
    });

    it('ends the whole at the time of the caller, in every phase', async () => {
      for (const path of ['/silent', '/slow-head', '/stalled-body', '/drip']) {
        const error = await failure(get(connect(), path, { timeoutMs: 150 }).then((response) => response.bytes()));
        assert.deepEqual(
          [error.class, error.code, error.outcomeUnknown],
          ['transient', 'PCP_HTTP_TIMEOUT', true],
          path,
        );
      }
      // One whose body is never read gives its place back as well.
      const one = connect({ maxConcurrency: 1 });
      await get(one, '/drip', { timeoutMs: 100 });
      assert.equal(await (await get(one, '/ok')).text(), '{"ok":true}');
    });

    it('does not count the time in which a request waits for its turn', async () => {
      const client = connect({ maxConcurrency: 1 });
      const first = failure(get(client, '/silent', { timeoutMs: 300 }));
      const second = get(client, '/ok', { timeoutMs: 200 });
      assert.equal((await first).code, 'PCP_HTTP_TIMEOUT');
      assert.equal(await (await second).text(), '{"ok":true}');
    });
  });

  it('stops at the signal of the caller, in every phase', async () => {
    for (const path of ['/silent', '/slow-head', '/stalled-body', '/drip']) {
      const controller = new AbortController();
      const work = get(connect(), path, { signal: controller.signal }).then((response) => response.bytes());
      await once(process, 'never', { signal: AbortSignal.timeout(50) }).catch(() => undefined);
      controller.abort();
      const error = await failure(work);
      assert.deepEqual([error.class, error.code], ['cancelled', 'PCP_CANCELLED'], path);
    }
    const stopped = AbortSignal.abort();
    const before = server.seen.length;
    assert.equal((await failure(get(connect(), '/ok', { signal: stopped }))).class, 'cancelled');
    assert.equal(server.seen.length, before);
    const turning = new AbortController();
    const turn = async () => {
      turning.abort();
      return () => undefined;
    };
    const sharedLimits = {
      of: (_id: number, allowance: Allowance) => Object.assign(new OwnLimits(allowance), { turn, now: () => null }),
    };
    const turned = await failure(get(connect({ sharedLimits, connectionId: 4717 }), '/ok', { signal: turning.signal }));
    assert.deepEqual([turned.class, turned.outcomeUnknown], ['cancelled', false]);
    assert.equal(server.seen.length, before);
    const late = await failure(get(connect(), '/silent', { signal: AbortSignal.timeout(50) }));
    assert.deepEqual([late.class, late.code], ['transient', 'PCP_HTTP_TIMEOUT']);
  });

  it('ends what is under way when it is closed', async () => {
    const client = connect();
    const before = server.seen.length;
    const work = failure(get(client, '/silent'));
    while (server.seen.length === before) await new Promise(setImmediate);
    await client.close();
    assert.equal((await work).class, 'cancelled');
    assert.equal((await failure(get(client, '/ok'))).class, 'cancelled');
  });

  it('reads no more than its limit', async () => {
    for (const path of ['/endless', '/announced']) {
      const error = await failure(text(path, { limits: { body: 100_000 } }));
      assert.deepEqual([error.class, error.code], ['guard', 'PCP_HTTP_TOO_LARGE'], path);
    }
    const response = await get(connect(), '/endless', { maxBytes: 10 });
    assert.equal((await failure(response.bytes())).code, 'PCP_HTTP_TOO_LARGE');
    assert.equal(await text('/ok', { limits: { body: 11 } }), '{"ok":true}');
    assert.equal((await failure(text('/ok', { limits: { body: 10 } }))).code, 'PCP_HTTP_TOO_LARGE');
  });

  it('reads of a failure no more than its message', async () => {
    const error = await (await get(connect(), '/endless-failure')).failure();
    assert.match(error.message, /^GET http:\S+ answered 400: x{300}$/);
  });

  it('stops inflating a bomb by its size and by its ratio', async () => {
    for (const body of [1_000_000, Number.POSITIVE_INFINITY]) {
      const error = await failure(text('/bomb', { limits: { body } }));
      assert.deepEqual([error.class, error.code], ['guard', 'PCP_HTTP_TOO_LARGE']);
    }
  });

  it('reads no more of a head than its limit', async () => {
    for (const path of ['/many-headers', '/endless-header']) {
      const error = await failure(text(path));
      assert.deepEqual([error.class, error.code], ['guard', 'PCP_HTTP_HEADERS_TOO_LARGE'], path);
    }
  });

  it('knows an answer that was cut off or is damaged', async () => {
    for (const path of ['/short', '/cut-chunk', '/chunk-size', '/cut-gzip', '/no-gzip', '/no-br', '/two-lengths']) {
      const error = await failure(text(path));
      assert.deepEqual([error.class, error.code, error.outcomeUnknown], ['transient', 'PCP_HTTP_CUT', true], path);
    }
  });

  it('reads nothing where there is nothing, whatever the head says of it', async () => {
    for (const [method, path] of [
      ['HEAD', '/gzip'],
      ['HEAD', '/announced'],
      ['PUT', '/no-body'],
    ]) {
      assert.equal(await (await get(connect(), path as string, { method: method as string })).text(), '', path);
    }
  });

  it('refuses a packing that it did not ask for', async () => {
    for (const path of ['/zstd', '/twice']) assert.equal((await failure(text(path))).code, 'PCP_HTTP_ENCODING');
  });

  it('tells what is not HTTP', async () => {
    const error = await failure(text('/no-http'));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_HTTP_PROTOCOL']);
  });

  it('tells a connection that was never made from one that was lost with a request on it', async () => {
    const after = await failure(get(connect(), '/reset', { method: 'POST', body: '{}' }));
    assert.deepEqual([after.class, after.code, after.outcomeUnknown], ['transient', 'PCP_CONNECT_LOST', true]);
    const refused = await failure(get(open({ baseUrl: 'http://127.0.0.1:1' }), '/', { method: 'POST', body: '{}' }));
    assert.deepEqual(
      [refused.class, refused.code, refused.outcomeUnknown],
      ['transient', 'PCP_CONNECT_REFUSED', false],
    );
    const network = new CountingNetwork({ 'erp.plant': [] });
    const unknown = await failure(get(open({ baseUrl: 'http://mes.plant', network }), '/'));
    assert.deepEqual(
      [unknown.class, unknown.code, unknown.outcomeUnknown],
      ['transient', 'PCP_CONNECT_HOST_UNKNOWN', false],
    );
  });

  it('waits for a name and a connection no longer than their limit', async () => {
    const never = new Promise<never>(() => undefined);
    for (const network of [
      { resolve: () => never, connect: () => assert.fail() },
      { resolve: async () => ['10.0.0.1'], connect: () => new Socket() },
    ]) {
      const client = open({ baseUrl: 'http://erp.plant', network, timeouts: { connect: 50 } });
      const error = await failure(get(client, '/'));
      assert.deepEqual([error.class, error.code, error.outcomeUnknown], ['transient', 'PCP_CONNECT_TIMEOUT', false]);
    }
  });

  it('leaves no socket open behind a handshake that never came', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const closed = once(silent, 'connection').then(([socket]) => once((socket as Socket).resume(), 'close'));
    const client = open({ baseUrl: `https://127.0.0.1:${port}`, timeouts: { connect: 100 } });
    assert.equal((await failure(get(client, '/'))).code, 'PCP_CONNECT_TIMEOUT');
    await closed;
    await new Promise((resolve) => silent.close(resolve));
  });

  it('sends nothing that was given up while its connection was made', async () => {
    const name = Promise.withResolvers<string[]>();
    const network = new CountingNetwork({}, server.port);
    network.resolve = () => name.promise;
    const client = open({ baseUrl: 'http://erp.plant', network });
    const controller = new AbortController();
    const before = server.seen.length;
    const work = failure(get(client, '/body', { method: 'POST', body: 'x', signal: controller.signal }));
    await new Promise(setImmediate);
    controller.abort();
    const error = await work;
    assert.deepEqual([error.class, error.outcomeUnknown], ['cancelled', false]);
    name.resolve(['10.0.0.7']);
    assert.equal(await (await get(client, '/ok')).text(), '{"ok":true}');
    assert.deepEqual(
      server.seen.slice(before).map(({ url }) => url),
      ['/ok'],
    );
  });

  it('dials no further address once it is closed', async () => {
    const dialled: string[] = [];
    const network = {
      resolve: async () => ['10.0.0.1', '10.0.0.2'],
      connect(address: string) {
        dialled.push(address);
        return new Socket();
      },
    };
    const client = open({ baseUrl: 'http://erp.plant', network });
    const work = failure(get(client, '/'));
    while (dialled.length === 0) await new Promise(setImmediate);
    await client.close();
    assert.equal((await work).class, 'cancelled');
    await new Promise(setImmediate);
    assert.deepEqual(dialled, ['10.0.0.1']);
  });

  it('refuses headers that would be two', async () => {
    const error = await failure(get(connect(), '/ok', { headers: { 'x-a': 'canary\r\nx-b: 1' } }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_HTTP_REQUEST']);
    assert.doesNotMatch(error.message, /canary/);
  });

  it('sends texts and bytes', async () => {
    assert.equal(await (await get(connect(), '/body', { method: 'PUT', body: 'ç' })).text(), 'ç');
    assert.equal(await (await get(connect(), '/body', { method: 'PUT', body: Buffer.from('ç') })).text(), 'ç');
  });
});
