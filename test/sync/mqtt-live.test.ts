import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { type Broker, mosquitto } from '../support/mosquitto';

const EACH = 1500;

describe('live mappings of MQTT', function () {
  this.timeout(60_000);
  let broker: Broker;
  let hub: Hub;
  let remove: () => Promise<void>;

  before(async function () {
    broker = await mosquitto(this, { keepsSessions: true });
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await broker?.release();
    await remove?.();
  });

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const arrived = async () => (await hub.records.list('measurement', { limit: 1 })).total;

  /** By mosquitto_pub, which ends when the broker has acknowledged all of them. */
  const publish = (from: number): void => {
    const lines = Array.from({ length: EACH }, (_, index) => {
      const at = new Date(1_795_000_000_000 + from + index).toISOString();
      return JSON.stringify({ n: String(from + index), value: (from + index) / 8, at });
    });
    const parameters = ['-h', '127.0.0.1', '-p', String(broker.open), '-t', 'live/m1/power', '-q', '1', '-l'];
    execFileSync('mosquitto_pub', parameters, { input: `${lines.join('\n')}\n` });
  };

  it('all arrive, through a killed process and a broker that restarts', async () => {
    const { id } = await hub.connections.create({
      name: 'broker',
      connector_type: 'iot.mqtt',
      config: {
        url: `mqtt://127.0.0.1:${broker.open}`,
        client_id: 'hub-live',
        session_expiry_s: 3600,
        topics: { power: { topic: 'live/{machine}/power', key: ['n'] } },
      },
    });
    const mapping = await hub.mappings.create({
      connection_id: id,
      name: 'power',
      direction: 'import',
      sync_mode: 'live',
      source_entity: 'power',
      entity_type: 'measurement',
      target_entity: 'measurement',
      field_mappings: [
        { target: 'source', constant: 'mqtt' },
        { source: 'machine', target: 'tag', required: true },
        { source: 'at', target: 'source_timestamp' },
        { source: 'n', target: 'record_id' },
        { source: 'value', target: 'value_number' },
      ],
    });
    await until(async () => (await hub.live.status(mapping.id))?.state === 'connected');
    publish(0);
    process.kill((await hub.health()).live.pid!, 'SIGKILL');
    await until(async () => (await arrived()) === EACH);
    await broker.stop();
    await broker.start();
    publish(EACH);
    await until(async () => (await arrived()) === 2 * EACH);
    const { items } = await hub.records.list('measurement', { limit: 3 });
    for (const { tag, value_number, record_id } of items) {
      assert.equal(tag, 'm1');
      assert.equal(value_number, Number(record_id) / 8);
    }
    assert.equal((await hub.sync.deadLetters({})).total, 0);
  });
});
