import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { IntegrationError } from '../../../lib/model/errors';
import { withVirtualTime } from '../../support/virtual-time';
import { Connectors, connectionTo, Listener, signal } from './connections';
import { ACCEPTED, FakeBroker, publishHead } from './fake-broker';

const MIB = 1024 * 1024;

describe('mqtt: brokers that misbehave', () => {
  let broker: FakeBroker | undefined;
  const connectors = new Connectors();
  const unhandled: unknown[] = [];
  const note = (thrown: unknown) => unhandled.push(thrown);

  before(() => {
    process.on('unhandledRejection', note);
  });
  after(() => {
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
  afterEach(async () => {
    await connectors.close();
    await broker?.stop();
    broker = undefined;
  });

  /** A broker that accepts, grants each subscription, and then does something of its own. */
  const granting = async (then: (socket: Socket) => void, version: 4 | 5 = 4) => {
    broker = await FakeBroker.start((socket, chunk, index) => {
      if (index === 0) socket.write(ACCEPTED[version]);
      if (index !== 1) return;
      const granted = version === 4 ? [0x90, 3, chunk[2]!, chunk[3]!, 1] : [0x90, 4, chunk[2]!, chunk[3]!, 0, 1];
      socket.write(Buffer.from(granted));
      then(socket);
    });
    return connectors.open(
      connectionTo(broker.port, { protocol_version: version === 4 ? '3.1.1' : '5', topics: { all: { topic: 'x/#' } } }),
    );
  };
  const failureOf = async (work: Promise<unknown>) =>
    work.then(
      () => assert.fail('it went well'),
      (thrown: unknown) => IntegrationError.from(thrown),
    );

  it('leaves out a message of 256 MB as it comes, tells it, and goes on', async () => {
    const payload = Buffer.alloc(MIB, 'x');
    const count = 255;
    const connector = await granting((socket) => {
      socket.write(publishHead('x/big', 7, payload.length * count));
      let sent = 0;
      const more = () => {
        while (sent++ < count) if (!socket.write(payload)) return void socket.once('drain', more);
        const small = Buffer.from('{"n":1}');
        socket.write(Buffer.concat([publishHead('x/small', 8, small.length), small]));
      };
      more();
    });
    const before = process.memoryUsage().rss;
    const listener = await new Listener(connector, { entity: 'all' }).connected();
    assert.equal((await listener.take(1))[0]?._topic, 'x/small');
    await broker?.got(Buffer.from([0x40, 2, 0, 7, 0x40, 2, 0, 8]));
    // What the broker of this process has sent is garbage that may not be collected yet.
    assert.ok(process.memoryUsage().rss - before < 200 * MIB, 'it does not get into memory');
    assert.match(connectors.logged.join('\n'), /267386\d+ bytes to "x\/big" was left out/);
  });

  describe('by the clock', () => {
    withVirtualTime();

    it('is kept waiting when it sends more than is taken, and the connection stays', async () => {
      const count = 5000;
      const payload = Buffer.alloc(4096, 'x');
      let sender: Socket | undefined;
      const fake = await FakeBroker.start((socket, chunk, index) => {
        if (index === 0) socket.write(ACCEPTED[4]);
        if (index !== 1) return;
        socket.write(Buffer.from([0x90, 3, chunk[2]!, chunk[3]!, 1]));
        for (let n = 1; n <= count; n++) socket.write(Buffer.concat([publishHead('x/y', n, payload.length), payload]));
        sender = socket;
      });
      broker = fake;
      const topics = { all: { topic: 'x/#', format: 'text' } };
      const config = { protocol_version: '3.1.1', topics, receive_maximum: 100, keepalive_s: 1, timeout_ms: 3000 };
      const listener = await new Listener(connectors.open(connectionTo(fake.port, config)), {
        entity: 'all',
      }).connected();
      const first = await listener.next();
      // Nothing of it is answered, and it does not count as dead.
      for (let pings = 1; pings <= 4; pings++) await fake.got(Buffer.alloc(pings * 2, Buffer.from([0xc0, 0])));
      assert.ok((sender?.writableLength ?? 0) > 0, 'the rest is still with the broker');
      first.acknowledge?.();
      await listener.take(count - first.records.length);
      await fake.got(Buffer.from([0x40, 2, count >> 8, count & 255]));
    });
  });

  for (const [name, bytes] of [
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['zeros', Buffer.alloc(4096)],
    ['a length without an end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0])],
    ['a topic longer than its packet', Buffer.from([0x30, 4, 0xff, 0xff, 65, 66])],
    ['an oversized packet without a message', Buffer.from([0x20, 0xff, 0xff, 0xff, 0x7f, 0, 0])],
  ] as const) {
    it(`ends the connection, and nothing else, at ${name} in place of an answer`, async () => {
      broker = await FakeBroker.start((socket) => void socket.end(bytes));
      const connector = connectors.open(connectionTo(broker.port, { timeout_ms: 2000 }));
      const error = await failureOf(new Listener(connector, { items: [{ tag: 'x/#' }] }).connected());
      assert.equal(error.class, 'transient', JSON.stringify(error));
      assert.ok(error.hint);
    });
  }

  it('survives random bytes after a proper beginning, in both versions', async () => {
    let seed = 20261127;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 16;
    };
    for (let round = 0; round < 200; round++) {
      const version = round % 2 === 0 ? 4 : 5;
      const bytes = Buffer.from(Array.from({ length: 1 + (random() % 200) }, () => random() & 255));
      if (round % 3 === 0) bytes[0] = [0x30, 0x32, 0x34, 0x62, 0x40, 0x50, 0x90, 0xe0, 0xf0][random() % 9]!;
      const connector = await granting((socket) => void socket.end(bytes), version);
      const error = await failureOf(
        new Listener(connector, { entity: 'all' }).connected().then((listener) => listener.take(1_000_000)),
      );
      assert.equal(error.class, 'transient', `${version} ${bytes.toString('hex')}: ${JSON.stringify(error)}`);
      await connectors.close();
      await broker?.stop();
    }
  });

  it('says so when the broker refuses a subscription', async () => {
    broker = await FakeBroker.start((socket, chunk, index) => {
      if (index === 0) socket.write(ACCEPTED[4]);
      if (index === 1) socket.write(Buffer.from([0x90, 3, chunk[2]!, chunk[3]!, 0x80]));
    });
    const topics = { secret: { topic: 'secret/#' } };
    const connector = connectors.open(connectionTo(broker.port, { protocol_version: '3.1.1', topics }));
    const report = await connector.test(signal());
    assert.equal(report.steps.at(-1)?.name, 'authorise');
    assert.equal(report.steps.at(-1)?.error?.code, 'PCP_MQTT_FORBIDDEN');
    const error = await failureOf(new Listener(connector, { entity: 'secret' }).connected());
    assert.deepEqual([error.class, error.code], ['permission', 'PCP_MQTT_FORBIDDEN']);
  });

  for (const [reason, code] of [
    [142, 'PCP_MQTT_CLIENT_ID_TAKEN'],
    [139, 'PCP_MQTT_UNAVAILABLE'],
    [151, 'PCP_MQTT_BUSY'],
  ] as const) {
    it(`tells why the broker ended the connection: ${reason}`, async () => {
      const connector = await granting((socket) => socket.end(Buffer.from([0xe0, 2, reason, 0])), 5);
      const error = await failureOf(
        new Listener(connector, { entity: 'all' }).connected().then((listener) => listener.take(1)),
      );
      assert.equal(error.code, code);
    });
  }

  for (const [reason, code] of [
    [132, 'PCP_MQTT_VERSION'],
    [133, 'PCP_MQTT_CLIENT_ID'],
    [134, 'PCP_MQTT_UNAUTHORIZED'],
    [136, 'PCP_MQTT_UNAVAILABLE'],
    [156, 'PCP_MQTT_REFUSED'],
  ] as const) {
    it(`tells why the broker does not take the client: ${reason}`, async () => {
      broker = await FakeBroker.start((socket) => void socket.end(Buffer.from([0x20, 3, 0, reason, 0])));
      const connector = connectors.open(connectionTo(broker.port));
      const error = await failureOf(new Listener(connector, { items: [{ tag: 'x/#' }] }).connected());
      assert.equal(error.code, code);
    });
  }

  describe('that do not answer in time', () => {
    withVirtualTime();

    it('does not wait for ever for the answer to its sign-in', async () => {
      broker = await FakeBroker.start(() => undefined);
      const connector = connectors.open(connectionTo(broker.port, { timeout_ms: 300 }));
      const error = await failureOf(new Listener(connector, { items: [{ tag: 'x/#' }] }).connected());
      assert.deepEqual([error.class, error.code], ['transient', 'PCP_MQTT_TIMEOUT']);
    });

    it('does not wait for ever for an answer, and leaves what was published open', async () => {
      broker = await FakeBroker.start((socket, _chunk, index) => {
        if (index === 0) socket.write(ACCEPTED[5]);
      });
      const topics = { out: { topic: 'x/{n}' } };
      const connector = connectors.open(connectionTo(broker.port, { topics, writes_enabled: true, timeout_ms: 300 }));
      const target = { entity: 'out', keyFields: ['n'], fields: ['n'], resume: null, runId: 1, mappingId: 1 };
      const writer = await connector.openWriter?.(target, signal());
      const error = await failureOf(
        writer!.write([{ data: { n: 1 }, key: '[1]', sourceKey: '[1]', hash: '' }], signal()).then((results) => {
          const [result] = results;
          assert.equal(result?.outcome, 'unknown');
          throw result?.outcome === 'unknown' ? result.error : new Error();
        }),
      );
      assert.deepEqual([error.code, error.outcomeUnknown], ['PCP_MQTT_TIMEOUT', true]);
    });
  });

  const silent = () => undefined;
  const accepting = (socket: Socket, _chunk: Buffer, index: number) => {
    if (index === 0) socket.write(ACCEPTED[4]);
  };
  // Deaf once it has granted the subscription: neither PINGREQ nor the end is answered.
  const deaf = (socket: Socket, chunk: Buffer, index: number) => {
    accepting(socket, chunk, index);
    if (index === 1) socket.write(Buffer.from([0x90, 3, chunk[2]!, chunk[3]!, 1]));
    if (index === 1) socket.pause();
  };
  for (const [moment, answer, sent] of [
    ['it signs in', silent, 'MQTT'],
    ['it subscribes', accepting, 'x/#'],
    ['the broker does not answer any more', deaf, 'x/#'],
  ] as const) {
    it(`closes long before its requests run out of time while ${moment}`, async function () {
      this.timeout(50_000);
      const fake = await FakeBroker.start(answer);
      broker = fake;
      const connector = connectors.open(connectionTo(fake.port, { protocol_version: '3.1.1', timeout_ms: 60_000 }));
      const listener = new Listener(connector, { items: [{ tag: 'x/#' }] });
      const connected = listener.connected();
      const ended = connected.then(
        (open) => open.next().catch(() => 'over'),
        () => 'over',
      );
      await fake.got(Buffer.from(sent));
      if (answer === deaf) await connected;
      await connector.close();
      await ended;
    });
  }

  it('says that a web server is no broker', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`;
      const report = await connectors.open(connectionTo(0, { url })).test(signal());
      assert.equal(report.steps.at(-1)?.error?.code, 'PCP_MQTT_WEBSOCKET');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
