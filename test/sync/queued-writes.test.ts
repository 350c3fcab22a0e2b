import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'mqtt';
import type { OpenConnection } from '../../lib/model/connection';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { type Broker, mosquitto } from '../support/mosquitto';

const TOPICS = {
  reports: { topic: 'report/{n}', publish: { queue: true } },
  news: { topic: 'news/{n}', publish: { queue: true, expiry_s: 1 } },
  commands: { topic: 'command/{n}' },
};

describe('writes that wait', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let hub: Hub;
  let broker: Broker;
  let connection: OpenConnection;

  before(async function () {
    broker = await mosquitto(this, { keepsSessions: true });
    ({ path: directory, remove } = await temporaryDirectory());
    hub = await openHub(directory);
    const { id } = await hub.connections.create({
      name: 'queue',
      connector_type: 'iot.mqtt',
      config: { url: `mqtt://127.0.0.1:${broker.open}`, topics: TOPICS, writes_enabled: true },
    });
    connection = await hub.connections.open(id);
    // The broker keeps all for this one.
    const reader = reading();
    await reader.subscribeAsync('#', { qos: 1 });
    await reader.endAsync();
    await broker.stop();
  });
  after(async () => {
    await hub?.close();
    await broker?.release();
    await remove?.();
  });

  const reading = () => connect(`mqtt://127.0.0.1:${broker.open}`, { clientId: 'reader', clean: false });

  /** What came up to this topic, in order; copies left out. */
  async function receivedUpTo(last: string): Promise<string[]> {
    const topics = new Set<string>();
    const reader = reading();
    reader.on('message', (topic) => topics.add(topic));
    while (!topics.has(last)) await delay(20);
    await reader.endAsync();
    return [...topics];
  }

  const write = (entity: string, ...numbers: unknown[]) =>
    hub.runner.write(
      connection,
      { entity, keyFields: ['n'] },
      numbers.map((n) => ({ n })),
    );
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const file = () => join(directory, 'integrations.writes.db');

  it('arrive in order when the broker is back, although the runner was killed and Node-RED began anew', async () => {
    const first = await write('reports', ...range(1, 700), null, 701);
    assert.deepEqual(
      first.map((result) => ('error' in result ? result.error.code : result.outcome)),
      [...range(1, 700).map(() => 'created'), 'PCP_MQTT_TOPIC_VALUE', 'created'],
    );
    const waits = async () =>
      (await hub.health()).writes_waiting.map(({ connection_id: id, records }) => [id, records]);
    while ((await waits()).length === 0) await delay(20);
    assert.deepEqual(await waits(), [[connection.id, 701]]);
    assert.match(
      await hub.metrics.exposition(),
      new RegExp(`integration_queued_writes{connection="${connection.id}"} 701\\n`),
    );
    process.kill((await hub.health()).runner.pid as number, 'SIGKILL');
    while ((await write('reports', 702).catch(() => [])).length === 0) await delay(20);
    await hub.close();
    assert.ok(existsSync(file()));
    hub = await openHub(directory);
    await broker.start();
    assert.deepEqual(
      await receivedUpTo('report/702'),
      range(1, 702).map((n) => `report/${n}`),
    );
    while ((await hub.health()).writes_waiting.length > 0) await delay(20);
  });

  it('are left out when they have waited for longer than they are good for', async () => {
    await broker.stop();
    await write('news', 1);
    const late = Date.now() + 1_000;
    await write('reports', 800);
    while (Date.now() <= late) await delay(20);
    await broker.start();
    const topics = await receivedUpTo('report/800');
    assert.ok(!topics.includes('news/1'), topics.join());
  });

  it('are none where nothing may be written, where it was not asked for, and none for machines', async () => {
    await broker.stop();
    await assert.rejects(write('commands', 1), { class: 'transient' });
    const forbidden = { ...connection, config: { ...connection.config, writes_enabled: false } };
    await assert.rejects(hub.runner.write(forbidden, { entity: 'reports', keyFields: [] }, [{ n: 900 }]), {
      code: 'PCP_WRITE_REFUSED',
    });
    const ofMachine = { machine: { topic: 'spBv1.0/plant/NCMD/{n}', publish: { queue: true } } };
    const machine = { ...connection, config: { ...connection.config, topics: ofMachine } };
    await assert.rejects(hub.runner.write(machine, { entity: 'machine', keyFields: [] }, [{ n: 1 }]), {
      code: 'PCP_SETTING_INVALID',
    });
    await broker.start();
    await write('reports', 901);
    const topics = await receivedUpTo('report/901');
    assert.deepEqual(
      topics.filter((topic) => !/^report\/(?!900)/.test(topic)),
      [],
    );
    // Written, and soon removed; what was not yet is written once more.
    for (let isThere = true; isThere; hub = await openHub(directory)) {
      await hub.close();
      isThere = existsSync(file());
    }
  });
});
