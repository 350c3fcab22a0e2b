import assert from 'node:assert/strict';
import type { HttpOptions } from '../../../lib/protocols/http/client';
import { AUTHORITY, CLIENT, EXPIRED, OTHER, SERVER } from '../../support/certificates';
import { CountingNetwork, HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

const paths = { '/': (_request: unknown, response: { end(text: string): unknown }) => response.end('ok') };

describe('http: TLS', () => {
  const { open } = clients();
  const servers: HostileServer[] = [];
  let good: HostileServer;

  const start = async (options: Parameters<typeof HostileServer.start>[1]) => {
    const server = await HostileServer.start(paths, options);
    servers.push(server);
    return server;
  };
  const read = async (options: HttpOptions) => {
    const client = open(options);
    return (await client.request({ target: '/', signal: live })).text();
  };
  const tls = { ca: AUTHORITY };

  before(async () => {
    good = await start(SERVER);
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  it('trusts an authority of its own besides the public ones, and nothing without it', async () => {
    assert.equal(await read({ baseUrl: good.origin, tls }), 'ok');
    const error = await failure(read({ baseUrl: good.origin }));
    assert.deepEqual([error.class, error.code, error.path], ['config', 'PCP_TLS_UNTRUSTED', '/config/tls_ca']);
    assert.equal(error.outcomeUnknown, false);
  });

  it('refuses a certificate for another name, by name and by address', async () => {
    const other = await start(OTHER);
    for (const host of ['localhost', '127.0.0.1']) {
      const network = new CountingNetwork({ localhost: [['127.0.0.1']] });
      const error = await failure(read({ baseUrl: `https://${host}:${other.port}`, tls, network }));
      assert.deepEqual([error.class, error.code], ['config', 'PCP_TLS_NAME'], host);
    }
    // Unless that is the name that the settings expect.
    const named = { baseUrl: other.origin, tls: { ...tls, servername: 'other.plant' } };
    assert.equal(await read(named), 'ok');
    // Which says nothing of the server that gives the tokens.
    const oauth2 = { type: 'oauth2', grant: 'client_credentials', clientId: 'c', tokenUrl: good.origin } as const;
    assert.equal((await failure(read({ ...named, authentication: oauth2 }))).code, 'PCP_OAUTH_ANSWER');
  });

  it('checks the name of the URL, not that of the address it leads to', async () => {
    const network = new CountingNetwork({ 'erp.plant': [['10.0.0.7']] }, good.port);
    assert.equal(await read({ baseUrl: 'https://erp.plant', tls, network }), 'ok');
    assert.equal(good.seen.at(-1)?.headers.host, 'erp.plant');
    assert.deepEqual(network.dialled, ['10.0.0.7:443']);
  });

  it('refuses a certificate that is not valid today', async () => {
    const error = await failure(read({ baseUrl: (await start(EXPIRED)).origin, tls }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_TLS_EXPIRED']);
  });

  it('refuses old TLS, and a port that speaks none', async () => {
    const old = await start({ ...SERVER, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    const plain = await start(undefined);
    for (const port of [old.port, plain.port]) {
      const error = await failure(read({ baseUrl: `https://127.0.0.1:${port}`, tls }));
      assert.deepEqual([error.class, error.code], ['config', 'PCP_TLS_FAILED']);
    }
  });

  it('shows its certificate to a server that wants one', async () => {
    const strict = await start({ ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: true });
    const own = { certificate: CLIENT.cert, privateKey: CLIENT.key };
    assert.equal(await read({ baseUrl: strict.origin, tls: { ...tls, ...own } }), 'ok');
    const sealed = { certificate: CLIENT.cert, privateKey: CLIENT.encryptedKey, passphrase: CLIENT.passphrase };
    assert.equal(await read({ baseUrl: strict.origin, tls: { ...tls, ...sealed } }), 'ok');
    const error = await failure(read({ baseUrl: strict.origin, tls }));
    assert.deepEqual([error.class, error.code], ['auth', 'PCP_TLS_CLIENT_REFUSED']);
  });

  it('refuses certificates that cannot be used when it is opened, without quoting them', () => {
    const { cert: certificate, key: privateKey, encryptedKey } = CLIENT;
    for (const wrong of [
      { ca: 'nonsense' },
      { certificate: 'nonsense', privateKey },
      { certificate, privateKey: SERVER.key },
      { certificate, privateKey: encryptedKey, passphrase: 'canary' },
    ]) {
      assert.throws(
        () => open({ baseUrl: good.origin, tls: wrong }),
        (error: Error & { code: string }) =>
          error.code === 'PCP_TLS_CERTIFICATE' && !/canary|BEGIN/.test(error.message),
        JSON.stringify(wrong).slice(0, 40),
      );
    }
  });

  it('tells how far it got in a test', async () => {
    const reached = await open({ baseUrl: good.origin, tls }).probe(live);
    assert.deepEqual(reached, { address: `127.0.0.1:${good.port}`, tls: 'TLSv1.3' });
    const error = await failure(open({ baseUrl: good.origin }).probe(live));
    assert.equal(error.code, 'PCP_TLS_UNTRUSTED');
  });
});
