import assert from 'node:assert/strict';
import type { IntegrationError } from '../../../lib/model/errors';
import { type Broker, mosquitto, publishBy, USER } from '../../support/mosquitto';
import { Connectors, connectionTo, Listener } from './connections';

const SIGN_IN = ['-u', USER.username, '-P', USER.password];

describe('mqtt: receiving', () => {
  let broker: Broker;
  const connectors = new Connectors();

  before(async function () {
    broker = await mosquitto(this);
  });
  afterEach(() => connectors.close());
  after(() => broker?.release());

  const send = (topic: string, payload: string, ...options: string[]) =>
    publishBy(broker.plain, topic, payload, ...SIGN_IN, ...options);

  for (const version of ['3.1.1', '5']) {
    describe(version, () => {
      const base = { protocol_version: version, client_id: `hub-${version}` };
      const open = (config: Record<string, unknown> = {}) =>
        connectors.open(connectionTo(broker.plain, { ...base, ...config }));

      it('gives an entity the object of the payload, fields of the topic, and exact numbers', async () => {
        const topics = { counts: { topic: `exact-${version}/{line}/count` } };
        const listener = await new Listener(open({ topics }), { entity: 'counts' }).connected();
        send(`exact-${version}/l1/count`, '{"good":9007199254740993,"rate":0.10000000000000000555,"id":7}', '-q', '1');
        const [record] = await listener.take(1);
        assert.equal(record?.line, 'l1');
        assert.equal(record?.good, '9007199254740993');
        assert.equal(record?.rate, '0.10000000000000000555');
        assert.equal(record?.id, 7);
        assert.equal(record?._topic, `exact-${version}/l1/count`);
        assert.equal(record?._retain, false);
      });

      it('gives topics as values of tags, whatever their payload is', async () => {
        const listener = await new Listener(open(), { items: [{ tag: `tags-${version}/#` }] }).connected();
        for (const payload of ['21.5', 'running', '{"a":1}']) send(`tags-${version}/x`, payload, '-q', '1');
        const values = await listener.take(3);
        assert.deepEqual(
          values.map(({ tag, value, quality }) => [tag, value, quality]),
          [21.5, 'running', { a: 1 }].map((value) => [`tags-${version}/x`, value, 'good']),
        );
      });

      it('holds up nobody else by a topic that has a connection of its own', async () => {
        const topics = {
          slow: { topic: `slow-${version}/#`, own_connection: true },
          fast: { topic: `fast-${version}/#` },
        };
        const connector = open({ topics, receive_maximum: 5 });
        const slow = await new Listener(connector, { entity: 'slow' }).connected();
        const fast = await new Listener(connector, { entity: 'fast' }).connected();
        // More than any broker sends without an acknowledgement; none is given.
        for (let n = 0; n < 30; n++) send(`slow-${version}/x`, `{"n":${n}}`, '-q', '1');
        await slow.next();
        for (let n = 0; n < 30; n++) send(`fast-${version}/x`, `{"n":${n}}`, '-q', '1');
        const records = await fast.take(30);
        assert.deepEqual(
          records.map(({ n }) => n),
          Array.from({ length: 30 }, (_, n) => n),
        );
      });

      it('gives what cannot be decoded with its error, so that it is not lost', async () => {
        const topics = { counts: { topic: `broken-${version}/#` } };
        const listener = await new Listener(open({ topics }), { entity: 'counts' }).connected();
        send(`broken-${version}/x`, '{"good":', '-q', '1');
        const [record] = await listener.take(1);
        assert.equal((record?._error as { code: string } | undefined)?.code, 'PCP_MQTT_PAYLOAD');
        assert.equal(record?.value, '{"good":');
      });

      for (const qos of [1, 2]) {
        it(`acknowledges a message of QoS ${qos} when it is told to, not before: a lost one comes again`, async () => {
          const client = `again-${version}-${qos}`;
          const config = { client_id: client, session_expiry_s: 600, topics: { all: { topic: `${client}/#`, qos } } };
          const first = open(config);
          const listener = await new Listener(first, { entity: 'all' }).connected();
          for (let n = 1; n <= 5; n++) send(`${client}/x`, `{"n":${n}}`, '-q', String(qos));
          const seen: unknown[] = [];
          while (seen.length < 5) {
            const event = await listener.next();
            for (const { n } of event.records) seen.push(n);
            // Three are durable when the power goes.
            if (seen.length <= 3) event.acknowledge?.();
          }
          await connectors.close();
          const second = await new Listener(open(config), { entity: 'all' }).connected();
          send(`${client}/x`, '{"n":6}', '-q', String(qos));
          const again: number[] = [];
          while (!again.includes(6)) again.push(...(await second.take(1)).map(({ n }) => Number(n)));
          assert.ok(again.includes(4) && again.includes(5), `4 and 5 are given again: ${again}`);
          assert.deepEqual(again, [...again].sort(), 'in order');
        });
      }

      it('gets what came while it was away, where the session is kept', async () => {
        const client = `away-${version}`;
        const config = { client_id: client, session_expiry_s: 600, topics: { all: { topic: `${client}/#` } } };
        await new Listener(open(config), { entity: 'all' }).connected();
        await connectors.close();
        for (let n = 1; n <= 5; n++) send(`${client}/x`, `{"n":${n}}`, '-q', '1');
        const listener = await new Listener(open(config), { entity: 'all' }).connected();
        assert.deepEqual(
          (await listener.take(5)).map(({ n }) => n),
          [1, 2, 3, 4, 5],
        );
      });

      it('flags retained messages, and leaves them out where they are not wanted', async () => {
        const topic = `kept-${version}/x`;
        send(topic, '{"n":1}', '-q', '1', '-r');
        const topics = { all: { topic }, fresh: { topic, retained: 'skip' } };
        const all = await new Listener(open({ topics }), { entity: 'all' }).connected();
        assert.equal((await all.take(1))[0]?._retain, true);
        await connectors.close();
        const fresh = await new Listener(open({ topics }), { entity: 'fresh' }).connected();
        send(topic, '{"n":2}', '-q', '1');
        const [record] = await fresh.take(1);
        assert.deepEqual([record?.n, record?._retain], [2, false]);
      });

      it('shares a subscription: each message goes to one of the group', async () => {
        const topics = { jobs: { topic: `jobs-${version}/+`, group: `group-${version}` } };
        const [one, two] = await Promise.all(
          ['a', 'b'].map((name) =>
            new Listener(open({ topics, client_id: `${name}-${version}` }), { entity: 'jobs' }).connected(),
          ),
        );
        const seen: unknown[] = [];
        const counts = [0, 0];
        const work = [one!, two!].map(async (listener, index) => {
          while (seen.length < 20) {
            const records = await listener.take(1).catch(() => []);
            counts[index]! += records.length;
            seen.push(...records.map(({ n }) => n));
          }
          await Promise.all([one!.stop(), two!.stop()]);
        });
        for (let n = 1; n <= 20; n++) send(`jobs-${version}/x`, `{"n":${n}}`, '-q', '1');
        await Promise.all(work);
        assert.equal(new Set(seen).size, 20);
        assert.equal(seen.length, 20);
        assert.ok(
          counts.every((count) => count > 0),
          String(counts),
        );
      });

      it('throws when the broker is gone, and is open again when it is back', async () => {
        const connector = open({ topics: { all: { topic: `gone-${version}/#` } } });
        const listener = await new Listener(connector, { entity: 'all' }).connected();
        await broker.stop('SIGKILL');
        const failure = (await listener.failure()) as IntegrationError;
        assert.deepEqual([failure.class, failure.code], ['transient', 'PCP_CONNECT_LOST']);
        await broker.start();
        const again = await new Listener(connector, { entity: 'all' }).connected();
        send(`gone-${version}/x`, '{"n":1}', '-q', '1');
        assert.equal((await again.take(1))[0]?.n, 1);
      });

      it('says that the client id is used twice', async () => {
        const config = { client_id: `twice-${version}` };
        const first = await new Listener(open(config), { items: [{ tag: 'x/#' }] }).connected();
        let failure = first.failure();
        for (let n = 0; n < 3; n++) {
          const next = await new Listener(open(config), { items: [{ tag: 'x/#' }] }).connected();
          const { code, hint } = (await failure) as IntegrationError;
          if (code === 'PCP_MQTT_CLIENT_ID_TAKEN') {
            assert.match(String(hint), /client_id/);
            return;
          }
          failure = next.failure();
        }
        assert.fail('it is not told');
      });
    });
  }
});
