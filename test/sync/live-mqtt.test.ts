import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { type Broker, mosquitto, USER } from '../support/mosquitto';

const MESSAGES = 600;

describe('live values of a broker', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let broker: Broker;
  let hub: Hub;
  let publisher: MqttClient;
  let mappingId: number;

  before(async function () {
    broker = await mosquitto(this);
    ({ path: directory, remove } = await temporaryDirectory());
    hub = await openHub(directory);
    const { id } = await hub.connections.create({
      name: 'broker',
      connector_type: 'iot.mqtt',
      config: {
        url: `mqtt://127.0.0.1:${broker.plain}`,
        username: USER.username,
        client_id: 'hub',
        session_expiry_s: 3600,
        topics: { speed: { topic: 'line/+/speed', qos: 1, key: ['n'] } },
      },
      credentials: { password: USER.password },
    });
    const mapping = await hub.mappings.create({
      connection_id: id,
      name: 'speeds',
      entity_type: 'measurement',
      direction: 'import',
      source_entity: 'speed',
      target_entity: 'measurement',
      sync_mode: 'live',
      field_mappings: [
        { source: '_topic', target: 'tag' },
        { source: 'at', target: 'source_timestamp', type: 'datetime', format: 'unix_ms' },
        { source: 'n', target: 'value_number' },
        { source: '_id', target: 'record_id' },
      ],
    });
    mappingId = mapping.id;
    publisher = await connectAsync(`mqtt://127.0.0.1:${broker.plain}`, { ...USER, reconnectPeriod: 50 });
  });

  after(async () => {
    await publisher?.endAsync(true);
    await hub?.close();
    await broker?.release();
    await remove?.();
  });

  async function until(isDone: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isDone())) await delay(50);
  }

  const arrived = async () => (await hub.records.list('measurement', { limit: 1 })).total;
  const publish = (n: number) =>
    publisher.publishAsync(`line/${n % 3}/speed`, JSON.stringify({ n, at: 1_700_000_000_000 + n }), { qos: 1 });

  it('arrive, each of them, although the broker and the process end in between', async () => {
    await until(() => hub.live.status(mappingId)?.state === 'connected');
    for (let n = 0; n < MESSAGES; n++) {
      await publish(n);
      if (n === 200) process.kill((await hub.health()).live.pid as number, 'SIGKILL');
      if (n === 400) {
        await until(async () => (await arrived()) > 200);
        await broker.stop('SIGTERM');
        await broker.start();
      }
    }
    // The broker repeats what was not acknowledged; a message without a time that the hub knows is then another one.
    await until(async () => {
      const { items } = await hub.records.list('measurement', { limit: 1000 });
      return new Set(items.map(({ value_number }) => value_number)).size === MESSAGES;
    });
    assert.equal((await hub.sync.deadLetters({})).total, 0);
    assert.equal((await hub.health()).live.restarts, 1);
  });

  it('that nobody can decode are dead letters', async () => {
    await publisher.publishAsync('line/1/speed', 'no JSON', { qos: 1 });
    await until(async () => (await hub.sync.deadLetters({})).total === 1);
    await publish(MESSAGES);
    await until(async () => (await arrived()) > MESSAGES);
  });

  it('are refused where they could not be kept', async () => {
    const { connection_id, ...mapping } = await hub.mappings.get(mappingId);
    const folder = await hub.connections.create({
      name: 'folder',
      connector_type: 'generic.file',
      config: { root: directory },
    });
    const wrong: [Partial<MappingInput>, string][] = [
      [{ direction: 'export' }, '/direction'],
      [{ connection_id: folder.id }, '/sync_mode'],
      [{ peer_connection_id: folder.id, target_entity: 'all.csv', key_fields: ['tag'] }, '/peer_connection_id'],
    ];
    for (const [change, path] of wrong) {
      const input = { ...mapping, connection_id, name: 'wrong', ...change } as MappingInput;
      await assert.rejects(hub.mappings.create(input), { code: 'PCP_MAPPING_INVALID', path });
    }
  });

  it('go to another system as well', async () => {
    const { connection_id } = await hub.mappings.get(mappingId);
    const storage = join(directory, 'line.sqlite');
    const line = new DatabaseSync(storage, { timeout: 5000 });
    line.exec('CREATE TABLE speeds (n INTEGER PRIMARY KEY, topic TEXT)');
    const database = await hub.connections.create({
      name: 'line',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage },
    });
    await hub.mappings.create({
      connection_id,
      peer_connection_id: database.id,
      name: 'to the line',
      entity_type: 'speed',
      direction: 'import',
      source_entity: 'speed',
      target_entity: 'speeds',
      sync_mode: 'live',
      key_fields: ['n'],
      field_mappings: [
        { source: 'n', target: 'n' },
        { source: '_topic', target: 'topic' },
      ],
    });
    const count = line.prepare('SELECT COUNT(*) AS n FROM speeds');
    const rows = () => count.get()?.n;
    await until(async () => {
      await publish(MESSAGES + 1);
      return Number(rows()) > 0;
    });
    assert.equal(rows(), 1);
    line.close();
  });

  it('are not started by hand', async () => {
    const { connection_id } = await hub.mappings.get(mappingId);
    await assert.rejects(hub.sync.start(connection_id, { mapping_id: mappingId }), { code: 'PCP_MAPPING_LIVE' });
    await assert.rejects(hub.sync.start(connection_id, {}), { code: 'PCP_NO_MAPPING' });
  });
});
