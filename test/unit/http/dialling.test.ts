import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HttpOptions } from '../../../lib/protocols/http/client';
import { AUTHORITY, CLIENT, SERVER } from '../../support/certificates';
import { CountingNetwork, HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

describe('http: what is dialled', () => {
  const { open } = clients();
  let server: HostileServer;

  before(async () => {
    server = await HostileServer.start({
      '/': (_request, response) => response.end('ok'),
      '/close': (_request, response) => response.writeHead(200, { connection: 'close' }).end('ok'),
    });
  });
  after(() => server.stop());

  const read = async (options: HttpOptions, target: string | URL = '/') =>
    (await open(options).request({ target, signal: live })).text();
  const refused = async (names: Record<string, string[][]>, options: Partial<HttpOptions> = {}) => {
    const network = new CountingNetwork(names, server.port);
    const error = await failure(read({ baseUrl: 'http://erp.plant', network, ...options }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_ADDRESS_REFUSED']);
    return network.dialled;
  };

  it('resolves a name once and connects to what was checked', async () => {
    const network = new CountingNetwork({ 'erp.plant': [['10.0.0.7'], ['169.254.169.254']] }, server.port);
    assert.equal(await read({ baseUrl: 'http://erp.plant', network }), 'ok');
    assert.deepEqual([network.resolved, network.dialled], [['erp.plant'], ['10.0.0.7:80']]);
    assert.equal(server.seen.at(-1)?.headers.host, 'erp.plant');
  });

  it('refuses a name with one bad address among good ones, without dialling any', async () => {
    for (const bad of ['169.254.169.254', '127.0.0.1', '::1', '0.0.0.0', '::ffff:169.254.169.254', '64:ff9b::7f00:1']) {
      assert.deepEqual(await refused({ 'erp.plant': [['93.184.216.34', bad]] }), [], bad);
    }
  });

  it('refuses a name that leads elsewhere the next time it is asked', async () => {
    const network = new CountingNetwork({ 'erp.plant': [['93.184.216.34'], ['127.0.0.1']] }, server.port);
    const client = open({ baseUrl: 'http://erp.plant', network });
    await (await client.request({ target: '/close', signal: live })).text();
    const error = await failure(client.request({ target: '/', signal: live }));
    assert.equal(error.code, 'PCP_ADDRESS_REFUSED');
    assert.deepEqual(network.dialled, ['93.184.216.34:80']);
  });

  it('tries the next address when one does not answer', async () => {
    const network = new CountingNetwork({ 'erp.plant': [['10.0.0.1', '10.0.0.2']] }, server.port);
    const connectTo = network.connect.bind(network);
    network.connect = (address, port) => {
      const socket = connectTo(address, port);
      return address === '10.0.0.1' ? socket.destroy(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })) : socket;
    };
    assert.equal(await read({ baseUrl: 'http://erp.plant', network }), 'ok');
    assert.deepEqual(network.dialled, ['10.0.0.1:80', '10.0.0.2:80']);
  });

  it('refuses a private host that came from data, unless the settings allow it', async () => {
    const names = { 'erp.plant': [['10.0.0.7']] };
    assert.deepEqual(await refused(names, { ownHost: false }), []);
    assert.deepEqual(await refused({}, { ownHost: false, baseUrl: server.origin }), []);
    const network = new CountingNetwork(names, server.port);
    assert.equal(
      await read({ baseUrl: 'http://erp.plant', network, ownHost: false, allowedTargets: ['10.0.0.0/8'] }),
      'ok',
    );
  });

  it('refuses links of data that leave the origin before anything is resolved', async () => {
    const network = new CountingNetwork({}, server.port);
    const client = open({ baseUrl: server.origin, network });
    for (const link of ['http://169.254.169.254/', 'https://evil.plant/', `https://127.0.0.1:${server.port}/`]) {
      assert.throws(() => client.resolveLink(link, client.baseUrl), { code: 'PCP_URL_REFUSED' });
      const error = await failure(client.request({ target: new URL(link), signal: live }));
      assert.equal(error.code, 'PCP_URL_REFUSED');
    }
    assert.deepEqual([network.resolved, network.dialled], [[], []]);
  });

  describe('through a proxy', () => {
    let proxy: Server;
    let asked: { line: string; authorization: string | undefined }[];
    let tlsProxy: Server;
    /** Names of the client certificates that the proxies saw. */
    let shown: unknown[];
    let proxyPort: number;
    let secure: HostileServer;

    before(async () => {
      secure = await HostileServer.start({ '/': (_request, response) => response.end('secure') }, SERVER);
      const note = ({ method, url, headers }: IncomingMessage) =>
        asked.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'] });
      proxy = createServer((request, response) => {
        note(request);
        response.end('from the proxy');
      });
      tlsProxy = createTlsServer({ ...SERVER, requestCert: true, rejectUnauthorized: false });
      const tunnel = (request: IncomingMessage, socket: Socket) => {
        note(request);
        shown.push((socket as Partial<TLSSocket>).getPeerCertificate?.().subject?.CN);
        if (request.url === 'closed.plant:443') return socket.end('HTTP/1.1 407 Who are you\r\n\r\n');
        const through = connect(secure.port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          through.pipe(socket).pipe(through);
        });
        through.on('error', () => socket.destroy());
        socket.on('error', () => through.destroy());
      };
      for (const server of [proxy, tlsProxy]) {
        server.on('connect', tunnel);
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      }
      proxyPort = (proxy.address() as AddressInfo).port;
    });
    beforeEach(() => {
      asked = [];
      shown = [];
    });
    after(async () => {
      for (const server of [proxy, tlsProxy]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await secure.stop();
    });

    const options = (baseUrl: string, network = new CountingNetwork()) => ({
      baseUrl,
      network,
      proxy: `http://user:canary%40@127.0.0.1:${proxyPort}`,
      tls: { ca: AUTHORITY },
    });
    const authorization = `Basic ${Buffer.from('user:canary@').toString('base64')}`;

    it('asks for a way through for https and hands http over, and dials nothing else', async () => {
      const network = new CountingNetwork();
      assert.equal(await read(options('https://erp.plant', network)), 'secure');
      assert.equal(await read(options('http://erp.plant:8080/api', network), '/a?b=1'), 'from the proxy');
      assert.deepEqual(asked, [
        { line: 'CONNECT erp.plant:443', authorization },
        { line: 'GET http://erp.plant:8080/api/a?b=1', authorization },
      ]);
      assert.deepEqual([...new Set(network.dialled)], [`127.0.0.1:${proxyPort}`]);
    });

    it('takes a percent sign in a password as it is', async () => {
      const proxy = `http://user:100%zz@127.0.0.1:${proxyPort}`;
      assert.equal(await read({ ...options('https://erp.plant'), proxy }), 'secure');
      assert.equal(asked[0]?.authorization, `Basic ${Buffer.from('user:100%zz').toString('base64')}`);
    });

    it('checks the certificate of the server behind it', async () => {
      assert.equal((await failure(read(options('https://other.plant')))).code, 'PCP_TLS_NAME');
    });

    it('does not let it reach what this machine would refuse', async () => {
      const names = { 'evil.plant': [['169.254.169.254']] };
      for (const url of [
        'http://169.254.169.254',
        'https://169.254.169.254',
        'http://evil.plant',
        'https://evil.plant',
      ]) {
        const network = new CountingNetwork(names);
        const error = await failure(read(options(url, network)));
        assert.equal(error.code, 'PCP_ADDRESS_REFUSED', url);
        assert.deepEqual(network.dialled, []);
      }
      const bad = await failure(read({ ...options('https://erp.plant'), proxy: 'http://169.254.169.254:3128' }));
      assert.deepEqual([bad.code, bad.path], ['PCP_ADDRESS_REFUSED', '/config/proxy_url']);
      assert.deepEqual(asked, []);
    });

    it('speaks TLS with the proxy as well, and shows it no certificate that is for the server', async () => {
      const { port } = tlsProxy.address() as AddressInfo;
      const tls = { ca: AUTHORITY, certificate: CLIENT.cert, privateKey: CLIENT.key };
      const through = { ...options('https://erp.plant'), proxy: `https://127.0.0.1:${port}`, tls };
      assert.equal(await read(through), 'secure');
      assert.deepEqual(asked, [{ line: 'CONNECT erp.plant:443', authorization: undefined }]);
      assert.deepEqual(shown, [undefined]);
    });

    it('names the proxy when that is what does not answer', async () => {
      const error = await failure(read({ ...options('https://erp.plant'), proxy: 'http://127.0.0.1:1' }));
      assert.deepEqual([error.code, error.path], ['PCP_CONNECT_REFUSED', '/config/proxy_url']);
      assert.match(error.message, /127\.0\.0\.1:1/);
    });

    it('says that the proxy refused, without its password', async () => {
      const error = await failure(read(options('https://closed.plant')));
      assert.deepEqual([error.class, error.code, error.outcomeUnknown], ['config', 'PCP_PROXY_REFUSED', false]);
      assert.doesNotMatch(JSON.stringify(error), /canary/);
    });
  });
});
