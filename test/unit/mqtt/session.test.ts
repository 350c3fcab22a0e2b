import assert from 'node:assert/strict';
import { readSettings } from '../../../lib/connectors/iot/mqtt/settings';
import { Inbox } from '../../../lib/protocols/mqtt/inbox';
import { MqttSession } from '../../../lib/protocols/mqtt/session';
import { temporaryDirectory } from '../../support/hub';
import { type Broker, mosquitto, publishBy } from '../../support/mosquitto';
import { Connectors, connectionTo, Listener, signal } from './connections';
import { ACCEPTED, FakeBroker, publishHead } from './fake-broker';

describe('mqtt: one connection for several subscriptions', () => {
  let broker: Broker;
  const connectors = new Connectors();

  before(async function () {
    broker = await mosquitto(this);
  });
  afterEach(async () => {
    await connectors.close();
    connectors.logged.length = 0;
  });
  after(() => broker?.release());

  for (const version of ['3.1.1', '5']) {
    const open = (config: Record<string, unknown> = {}) =>
      connectors.open(
        connectionTo(broker.plain, { protocol_version: version, client_id: `one-${version}`, ...config }),
      );
    const send = (topic: string, n: number) => publishBy(broker.open, topic, String(n), '-q', '1');

    it(`${version}: each subscription gets its own messages once, also where filters overlap`, async () => {
      const connector = open();
      const [all, some, other] = await Promise.all(
        [['over/#'], ['over/+/x', 'over/a/x'], ['else/#']].map((tags) =>
          new Listener(connector, { items: tags.map((tag) => ({ tag })) }).connected(),
        ),
      );
      send('over/a/x', 1);
      send('over/b', 2);
      send('else/x', 3);
      send('over/c/x', 4);
      const values = async (listener: Listener, count: number) =>
        (await listener.take(count)).map(({ value }) => value);
      assert.deepEqual(await values(all!, 3), [1, 2, 4]);
      assert.deepEqual(await values(some!, 2), [1, 4]);
      assert.deepEqual(await values(other!, 1), [3]);
    });

    it(`${version}: a message that two have is acknowledged when both have taken it`, async () => {
      const config = { session_expiry_s: 600, client_id: `both-${version}` };
      const items = [{ tag: `both-${version}/#` }];
      const connector = open(config);
      const quick = await new Listener(connector, { items }).connected();
      const slow = await new Listener(connector, { items }).connected();
      send(`both-${version}/x`, 1);
      assert.equal((await quick.take(1))[0]?.value, 1);
      assert.equal((await slow.next()).records[0]?.value, 1);
      await connectors.close();
      const again = await new Listener(open(config), { items }).connected();
      assert.deepEqual(
        (await again.take(1)).map(({ value, _duplicate }) => [value, _duplicate]),
        [[1, true]],
      );
    });

    it(`${version}: a hub keeps its session by itself, and another hub has another`, async () => {
      const directories = [await temporaryDirectory(), await temporaryDirectory()];
      const items = [{ tag: `own-${version}/#` }];
      const connection = connectionTo(broker.plain, { protocol_version: version });
      delete connection.config.session_expiry_s;
      const listen = (hub: number) =>
        new Listener(connectors.open(connection, directories[hub]!.path), { items }).connected();
      await Promise.all([listen(0), listen(1)]);
      await connectors.close();
      send(`own-${version}/x`, 1);
      for (const hub of [0, 1])
        assert.deepEqual(
          (await (await listen(hub)).take(1)).map(({ value }) => value),
          [1],
        );
      await Promise.all(directories.map(({ remove }) => remove()));
    });

    it(`${version}: who subscribes anew gets what the one before did not take, and what came in between`, async () => {
      const connector = open();
      const items = [{ tag: `anew-${version}/#` }];
      const other = await new Listener(connector, { items: [{ tag: `mark/${version}` }] }).connected();
      const first = await new Listener(connector, { items }).connected();
      send(`anew-${version}/x`, 1);
      send(`anew-${version}/x`, 2);
      const taken = await first.next();
      const untaken = taken.records.length > 1 ? taken.records : [...taken.records, ...(await first.next()).records];
      assert.equal(untaken.length, 2);
      await first.stop();
      send(`anew-${version}/x`, 3);
      // Arrives after what was sent before it.
      send(`mark/${version}`, 0);
      await other.take(1);
      const second = await new Listener(connector, { items }).connected();
      assert.deepEqual(
        (await second.take(3)).map(({ value }) => value),
        [1, 2, 3],
      );
    });

    it(`${version}: two that subscribe anew both get what came in between, and messages go on at once`, async () => {
      const connector = open({ receive_maximum: 5 });
      const items = [{ tag: `both-anew-${version}/#` }];
      const other = await new Listener(connector, { items: [{ tag: `mark/both-${version}` }] }).connected();
      const first = await Promise.all([0, 1].map(() => new Listener(connector, { items }).connected()));
      await Promise.all(first.map((listener) => listener.stop()));
      send(`both-anew-${version}/x`, 0);
      send(`mark/both-${version}`, 0);
      await other.take(1);
      const second = await Promise.all([0, 1].map(() => new Listener(connector, { items }).connected()));
      for (let n = 1; n < 30; n++) send(`both-anew-${version}/x`, n);
      const expected = Array.from({ length: 30 }, (_, n) => n);
      for (const records of await Promise.all(second.map((listener) => listener.take(30)))) {
        const values = records.map(({ value }) => value);
        assert.deepEqual(values, expected);
      }
      assert.deepEqual(connectors.logged, []);
    });

    it(`${version}: the messages of one that has gone keep nobody else from theirs for long`, async () => {
      const connector = open({ receive_maximum: 5 });
      const other = await new Listener(connector, { items: [{ tag: `stays-${version}/#` }] }).connected();
      const gone = await new Listener(connector, { items: [{ tag: `gone-${version}/#` }] }).connected();
      await gone.stop();
      for (let n = 0; n < 30; n++) send(`gone-${version}/x`, n);
      for (let n = 0; n < 30; n++) send(`stays-${version}/x`, n);
      assert.equal((await other.take(30)).length, 30);
    });
  }
});

describe('mqtt: a subscription whose messages nobody takes', () => {
  let broker: Broker;
  const connectors = new Connectors();
  before(async function () {
    broker = await mosquitto(this);
  });
  after(async () => {
    await connectors.close();
    await broker?.release();
  });

  it('is told to the others, who get nothing more until it goes on', async () => {
    const connector = connectors.open(connectionTo(broker.plain, { client_id: 'held', receive_maximum: 5 }));
    const full = await new Listener(connector, { items: [{ tag: 'full/#' }] }).connected();
    const other = await new Listener(connector, { items: [{ tag: 'other/#' }] }).connected();
    for (let n = 0; n < 10; n++) publishBy(broker.open, 'full/x', String(n), '-q', '1');
    publishBy(broker.open, 'other/x', '1', '-q', '1');
    const held = await other.state();
    assert.deepEqual([held.state, held.error?.code], ['interrupted', 'PCP_MQTT_HELD_UP']);
    assert.match(held.error!.message, /full\/x/);
    await full.take(10);
    assert.equal((await other.state()).state, 'connected');
    assert.equal((await other.take(1))[0]?.value, 1);
  });
});

describe('mqtt: subscriptions that are over', () => {
  it('are ended at the broker, and what waited for them is given up and told', async () => {
    const topic = 'over/x';
    const payload = Buffer.from('1');
    const broker = await FakeBroker.start((socket, chunk, index) => {
      if (index === 0) socket.write(ACCEPTED[4]);
      if (index !== 1) return;
      socket.write(Buffer.from([0x90, 3, chunk[2]!, chunk[3]!, 1]));
      for (const [name, id] of [
        [topic, 7],
        ['stranger/x', 8],
      ] as const) {
        socket.write(Buffer.concat([publishHead(name, id, payload.length), payload]));
      }
    });
    const problems: string[] = [];
    const settings = readSettings(connectionTo(broker.port, { protocol_version: '3.1.1' }));
    const options = settings.optionsFor('subscribe', (problem) => problems.push(problem));
    const session = await MqttSession.open(options, signal(), 50);
    const received = Promise.withResolvers<void>();
    const consumer = { subscriptions: [{ filter: 'over/#', qos: 1 as const }], receive: () => received.resolve() };
    await session.add(consumer, signal());
    await received.promise;
    session.remove(consumer);
    await broker.got(Buffer.from([0x40, 2, 0, 7, 0x40, 2, 0, 8]));
    await broker.got(Buffer.from([0xa2, 10]));
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /over\/x|stranger\/x/);
    await session.close();
    await broker.stop();
  });
});

describe('mqtt: acknowledgements', () => {
  it('leave in the order of the messages, those of one turn together', async () => {
    const sent: Buffer[] = [];
    const inbox = new Inbox(
      (bytes) => sent.push(bytes),
      'session',
      100,
      () => assert.fail('there is room'),
    );
    const take = (messageId: number, qos: number) =>
      inbox.take({
        topic: 'x',
        payload: Buffer.alloc(0),
        qos,
        retain: false,
        duplicate: false,
        properties: {},
        subscriptionIds: [],
        messageId,
      });
    const [first, second, none, third] = [take(1, 1), take(2, 2), take(0, 0), take(258, 1)];
    second!.acknowledge();
    third!.acknowledge();
    none!.acknowledge();
    await Promise.resolve();
    assert.deepEqual(sent, []);
    first!.acknowledge();
    first!.acknowledge();
    await Promise.resolve();
    assert.deepEqual(sent, [Buffer.from([0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x40, 2, 1, 2])]);
  });
});
