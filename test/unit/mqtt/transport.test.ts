import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { AUTHORITY, CLIENT, SERVER } from '../../support/certificates';
import { type Broker, mosquitto, publishBy, USER } from '../../support/mosquitto';
import { freePort } from '../../support/server-process';
import { Connectors, connectionTo, Listener, signal } from './connections';

describe('mqtt: ways to a broker', () => {
  let broker: Broker;
  const connectors = new Connectors();

  before(async function () {
    broker = await mosquitto(this);
  });
  afterEach(() => connectors.close());
  after(() => broker?.release());

  const receives = async (config: Record<string, unknown>, credentials: Record<string, string> = {}) => {
    const connection = connectionTo(broker.plain, config);
    const connector = connectors.open({ ...connection, credentials: { ...connection.credentials, ...credentials } });
    const listener = await new Listener(connector, { items: [{ tag: 'way/#' }] }).connected();
    publishBy(broker.open, 'way/x', '1', '-q', '1');
    const [value] = await listener.take(1);
    assert.equal(value?.value, 1);
    return connector;
  };

  it('TLS with an authority of the plant', async () => {
    const connector = await receives({ url: `mqtts://localhost:${broker.tls}`, tls_ca: AUTHORITY });
    const report = await connector.test(signal());
    assert.equal(report.steps.find(({ name }) => name === 'tls')?.detail, 'TLSv1.3');
  });

  it('TLS with a name that is not the host', () =>
    receives({ url: `mqtts://127.0.0.1:${broker.otherName}`, tls_ca: AUTHORITY, tls_servername: 'other.plant' }));

  it('TLS with a client certificate', () =>
    receives(
      { url: `mqtts://localhost:${broker.mutual}`, tls_ca: AUTHORITY },
      { certificate: CLIENT.cert, private_key: CLIENT.encryptedKey, passphrase: CLIENT.passphrase },
    ));

  it('WebSocket', () => receives({ url: `ws://127.0.0.1:${broker.ws}/mqtt` }));

  it('the second server of a list, when the first one is away', async () => {
    const away = await freePort();
    await receives({ url: `mqtt://127.0.0.1:${away}, mqtt://127.0.0.1:${broker.plain}` });
  });

  it('refuses user and password in the URL, and settings that are none', async () => {
    const url = `mqtt://${USER.username}:${USER.password}@127.0.0.1:${broker.plain}`;
    for (const [config, path] of [
      [{ url }, '/config/url'],
      [{ topics: { x: { topic: 'a/#/b' } } }, '/config/topics/x/topic'],
      [{ topics: { x: { topic: 'a', pulish: {} } } }, '/config/topics/x'],
    ] as const) {
      const report = await connectors.open(connectionTo(broker.plain, config)).test(signal());
      const { error } = report.steps.at(-1)!;
      assert.deepEqual([error?.class, error?.path], ['config', path]);
      assert.ok(!JSON.stringify(report).includes(USER.password));
    }
  });

  for (const [scheme, path] of [
    ['mqtts', ''],
    ['wss', '/mqtt'],
  ]) {
    it(`${scheme}: says that a port without TLS does not answer it`, async () => {
      const url = `${scheme}://127.0.0.1:${broker.plain}${path}`;
      const { steps } = await connectors.open(connectionTo(broker.plain, { url })).test(signal());
      const { name, error } = steps.at(-1)!;
      assert.deepEqual([name, error?.code], ['tls', 'PCP_TLS_FAILED']);
    });
  }

  it('refuses a broker that offers TLS 1.1 only', async () => {
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    const server = createServer({ ...SERVER, ...old }, (socket) => socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `mqtts://localhost:${(server.address() as AddressInfo).port}`;
      const report = await connectors.open(connectionTo(0, { url, tls_ca: AUTHORITY })).test(signal());
      const { name, error } = report.steps.at(-1)!;
      assert.deepEqual([name, error?.code], ['tls', 'PCP_TLS_FAILED'], JSON.stringify(report));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('publishes the will when the connection is lost, not when it is closed', async () => {
    const will = { topic: 'way/will', payload: 'gone', qos: 1, retain: true };
    const watcher = connectors.open(connectionTo(broker.plain));
    const listener = await new Listener(watcher, { items: [{ tag: 'way/will' }, { tag: 'way/end' }] }).connected();
    const closed = connectors.open(connectionTo(broker.plain, { will }));
    await new Listener(closed, { items: [{ tag: 'x/#' }] }).connected();
    await closed.close();
    publishBy(broker.open, 'way/end', '1', '-q', '1');
    assert.equal((await listener.take(1))[0]?._topic, 'way/end');
    // Taken over by another client of the same id, which counts as lost.
    const client_id = 'way-will';
    for (let n = 0; n < 2; n++) {
      const connector = connectors.open(connectionTo(broker.plain, { will, client_id }));
      await new Listener(connector, { items: [{ tag: 'x/#' }] }).connected();
    }
    const [message] = await listener.take(1);
    assert.deepEqual([message?._topic, message?.value], ['way/will', 'gone']);
  });
});
