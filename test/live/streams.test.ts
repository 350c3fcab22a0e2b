import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import type { MappingView } from '../../lib/model/services';
import type { LiveStatus } from '../../lib/model/stream';
import { databaseUrl } from '../support/database-server';
import { Gate } from '../support/gate';
import { type Broker, mosquitto } from '../support/mosquitto';
import { postgresServer } from '../support/postgres';
import { type FlowNode, NodeRed } from './node-red-process';

const BATCH = 200;

/** A flow brings connection and mapping; Node-RED is killed again and again, and starts while its store is away. */
describe('live values through kill -9 of Node-RED', () => {
  let broker: Broker;
  let gate: Gate;
  let url: string;
  let nodeRed: NodeRed | undefined;
  let publisher: MqttClient;
  let published = 0;

  before(async function () {
    broker = await mosquitto(this);
    const options = await (await postgresServer(this)).createDatabase();
    gate = new Gate(options.port ?? 0);
    await gate.open();
    url = databaseUrl({ ...options, port: gate.port });
    publisher = await connectAsync(`mqtt://127.0.0.1:${broker.open}`);
  });
  after(async () => {
    await publisher?.endAsync(true);
    await nodeRed?.remove();
    await gate?.shut();
    await broker?.release();
  });

  const flows = (): FlowNode[] => [
    { id: 'tab', type: 'tab', label: 'Line' },
    {
      id: 'broker',
      type: 'pcp-connection',
      name: 'Broker',
      connectorType: 'iot.mqtt',
      config: {
        url: `mqtt://127.0.0.1:${broker.open}`,
        client_id: 'hub',
        session_expiry_s: 3600,
        topics: { speed: { topic: 'line/+/speed', qos: 1, key: ['n'] } },
      },
    },
    {
      id: 'mapping',
      type: 'pcp-mapping',
      name: 'Speeds',
      connection: 'broker',
      direction: 'import',
      sourceEntity: 'speed',
      targetEntity: 'measurement',
      syncMode: 'live',
      fieldMappings: [
        { source: '_topic', target: 'tag' },
        { source: '_time', target: 'source_timestamp' },
        { source: '_id', target: 'record_id' },
        { source: 'n', target: 'value_number' },
      ],
    },
  ];

  async function start(): Promise<NodeRed> {
    nodeRed = await NodeRed.start({
      ...(nodeRed ? { userDir: nodeRed.userDir } : { flows: flows() }),
      environment: { INTEGRATIONS_STORE_URL: url },
    });
    return nodeRed;
  }

  async function kill(running: NodeRed): Promise<void> {
    const exit = once(running.process, 'exit');
    running.process.kill('SIGKILL');
    await exit;
  }

  async function publish(count: number): Promise<void> {
    for (const end = published + count; published < end; published++) {
      await publisher.publishAsync(`line/${published % 3}/speed`, JSON.stringify({ n: published }), { qos: 1 });
    }
  }

  const streamOf = async (running: NodeRed): Promise<LiveStatus | null> => {
    const path = '/integrations/mappings';
    const { items } = await running.json<{ items: (MappingView & { live?: LiveStatus })[] }>('GET', path);
    return items[0]?.live ?? null;
  };
  const arrived = async (running: NodeRed) =>
    (await running.json<{ total: number }>('GET', '/integrations/entities/measurement/records?limit=1')).total;

  async function until(isDone: () => Promise<boolean>): Promise<void> {
    while (!(await isDone().catch(() => false))) await delay(100);
  }

  it('reach the platform all the same, each of them once', async () => {
    let running = await start();
    await until(async () => (await streamOf(running))?.state === 'connected');
    await publish(BATCH);
    await until(async () => (await arrived(running)) === published);

    await publish(BATCH / 2);
    await kill(running);
    await publish(BATCH / 2);
    running = await start();
    await until(async () => (await arrived(running)) >= published);

    await gate.shut();
    await publish(BATCH);
    await kill(running);
    running = await start();
    await publish(BATCH);
    await kill(running);
    running = await start();
    await publish(BATCH);
    await running.printed(/pcp-integrations\].*Nothing answers/);
    await gate.open();
    await until(async () => (await arrived(running)) >= published);

    const { items } = await running.json<{ items: { value_number: number }[] }>(
      'GET',
      '/integrations/entities/measurement/records?limit=1000',
    );
    assert.equal(new Set(items.map(({ value_number }) => value_number)).size, published);
    await running.stop();
  });
});
