import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { type Broker, mosquitto } from '../support/mosquitto';
import { FakeBroker, publishHead } from '../unit/mqtt/fake-broker';

const MESSAGES = 300;
const KILLS = 3;
const SUBSCRIBE = 0x82;
const DUPLICATE = 0x08;
const PUBREC = Buffer.from([0x50, 2, 0, 7]);
const PUBREL = Buffer.from([0x62, 2, 0, 7]);
const PUBCOMP = Buffer.from([0x70, 2, 0, 7]);

describe('messages of QoS 2', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let hub: Hub;
  let broker: Broker | undefined;
  let fake: FakeBroker | undefined;

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    hub = await openHub(directory);
  });
  afterEach(async () => {
    await hub.close();
    await broker?.release();
    await fake?.stop();
    await remove();
  });

  async function until(isDone: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isDone())) await delay(20);
  }

  /** Without a time or a key that would absorb a copy. */
  async function follow(port: number): Promise<number> {
    const { id } = await hub.connections.create({
      name: 'broker',
      connector_type: 'iot.mqtt',
      config: {
        url: `mqtt://127.0.0.1:${port}`,
        protocol_version: '3.1.1',
        client_id: 'once',
        topics: { counts: { topic: 'once/#', qos: 2 } },
      },
    });
    const mapping = await hub.mappings.create({
      connection_id: id,
      name: 'counts',
      entity_type: 'measurement',
      direction: 'import',
      source_entity: 'counts',
      target_entity: 'measurement',
      sync_mode: 'live',
      field_mappings: [
        { source: '_topic', target: 'tag' },
        { source: '_time', target: 'source_timestamp' },
        { source: '_id', target: 'record_id' },
        { source: 'n', target: 'value_number' },
      ],
    });
    return mapping.id;
  }

  async function numbers(): Promise<number[]> {
    const { items } = await hub.records.list('measurement', { limit: 1000 });
    return items.map(({ value_number }) => Number(value_number)).sort((a, b) => a - b);
  }

  async function kill(): Promise<void> {
    await until(async () => (await hub.health()).live.pid !== null);
    process.kill((await hub.health()).live.pid as number, 'SIGKILL');
  }

  it('are in the target once, although the process is killed again and again', async function () {
    broker = await mosquitto(this);
    const mappingId = await follow(broker.open);
    await until(() => hub.live.status(mappingId)?.state === 'connected');
    const publisher = await connectAsync(`mqtt://127.0.0.1:${broker.open}`);
    for (let n = 0; n < MESSAGES; n++) {
      const published = publisher.publishAsync('once/n', JSON.stringify({ n }), { qos: 2 });
      if (n % (MESSAGES / KILLS) === 50) await kill();
      if (n % 20 === 0) await published;
    }
    await until(async () => (await numbers()).at(-1) === MESSAGES - 1 && (await numbers()).length >= MESSAGES);
    await publisher.endAsync();
    assert.deepEqual(
      await numbers(),
      Array.from({ length: MESSAGES }, (_, n) => n),
    );
  });

  it('are taken once by their packet id, until the broker lets go of it: over kills, lost answers and new messages', async () => {
    let client: Socket | undefined;
    let connections = 0;
    const publish = (n: number, flags = 0) => {
      const payload = Buffer.from(JSON.stringify({ n }));
      const head = publishHead('once/n', 7, payload.length);
      head[0] = 0x34 | flags;
      client?.write(Buffer.concat([head, payload]));
    };
    /** What the broker sends when the session goes on. */
    let repeats = () => {};
    fake = await FakeBroker.start((socket, chunk, index) => {
      if (index === 0) {
        client = socket;
        socket.write(Buffer.from([0x20, 2, connections++ === 0 ? 0 : 1, 0]));
        repeats();
      }
      for (let at = 0; at < chunk.length; at += 2 + chunk[at + 1]!) {
        if (chunk[at] === SUBSCRIBE) socket.write(Buffer.from([0x90, 3, chunk[at + 2]!, chunk[at + 3]!, 2]));
      }
    });
    const got = (packet: Buffer) =>
      (fake?.received.toString('latin1').split(packet.toString('latin1')).length ?? 0) - 1;
    const mappingId = await follow(fake.port);
    await until(() => hub.live.status(mappingId)?.state === 'connected');

    publish(1);
    await until(() => got(PUBREC) === 1);
    publish(1, DUPLICATE);
    await until(() => got(PUBREC) === 2);
    repeats = () => publish(1, DUPLICATE);
    await kill();
    await until(() => got(PUBREC) === 3);
    client?.write(PUBREL);
    await until(() => got(PUBCOMP) === 1);
    repeats = () => {};

    publish(2);
    await until(() => got(PUBREC) === 4);
    repeats = () => publish(2, DUPLICATE);
    client?.destroy();
    await until(() => got(PUBREC) === 5);
    client?.write(PUBREL);
    await until(() => got(PUBCOMP) === 2);

    // A new message under the same number, whose first copy got lost on the way.
    repeats = () => publish(3, DUPLICATE);
    client?.destroy();
    await until(() => got(PUBREC) === 6);
    await until(async () => (await numbers()).includes(3));
    assert.deepEqual(await numbers(), [1, 2, 3]);
  });
});
