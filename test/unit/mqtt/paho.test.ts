import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { inProject } from '../../package/project';
import { type Broker, mosquitto } from '../../support/mosquitto';
import { absent } from '../../support/server-process';
import { Connectors, connectionTo, Listener, signal } from './connections';

const PYTHON = '/usr/bin/python3';

describe('mqtt: with a client of other hands', () => {
  let broker: Broker;
  let peer: ChildProcess | undefined;
  const connectors = new Connectors();

  before(async function () {
    if (spawnSync(PYTHON, ['-c', 'import paho.mqtt.properties']).status !== 0) {
      absent(this, 'paho-mqtt', 'apt-get install python3-paho-mqtt');
    }
    broker = await mosquitto(this);
    const script = inProject('test/support/paho_peer.py');
    const child = spawn(PYTHON, [script, String(broker.open), 'paho'], { stdio: ['ignore', 'pipe', 'ignore'] });
    process.once('exit', () => child.kill('SIGKILL'));
    peer = child;
    await once(child.stdout, 'data');
  });
  after(async () => {
    await connectors.close();
    peer?.kill('SIGKILL');
    await broker?.release();
  });

  for (const qos of [1, 2] as const) {
    it(`properties, payload and QoS ${qos} go there and come back`, async () => {
      const publish = {
        qos,
        numbers: ['quantity'],
        content_type: 'application/json',
        response_topic: 'paho/answer/{order}',
        correlation_data: '{order}',
        user_properties: { plant: 'p1' },
        expiry_s: 120,
      };
      const topics = { ask: { topic: 'paho/ask', publish }, answers: { topic: 'paho/answer/{answered}', qos } };
      const connector = connectors.open(connectionTo(broker.plain, { topics, writes_enabled: true }));
      const listener = await new Listener(connector, { entity: 'answers' }).connected();
      const target = { entity: 'ask', keyFields: ['order'], fields: ['order'], resume: null, runId: 1, mappingId: 1 };
      const data = { order: '1000001', quantity: '9007199254740993', text: 'Parafuso de aço ✓' };
      const writer = await connector.openWriter?.(target, signal());
      const results = await writer?.write([{ data, key: '["1"]', sourceKey: '["1"]', hash: '' }], signal());
      assert.deepEqual(results, [{ outcome: 'created' }]);
      const [answer] = await listener.take(1);
      // The broker takes off the whole seconds that a message waited: MQTT 5.0, 3.3.2.3.3.
      const expiry = Number(answer?._expiry_s);
      assert.ok(expiry > 0 && expiry <= publish.expiry_s, `expires after ${expiry} s`);
      const bytes = Buffer.byteLength('{"order":"1000001","quantity":9007199254740993,"text":"Parafuso de aço ✓"}');
      assert.deepEqual(
        { ...answer, _received_at: null, _user_properties: { ...(answer?._user_properties as object) } },
        {
          ...data,
          answered: '1000001',
          _topic: 'paho/answer/1000001',
          _qos: qos,
          _retain: false,
          _duplicate: false,
          _received_at: null,
          _expiry_s: expiry,
          _content_type: 'application/json',
          _correlation_data: Buffer.from('1000001').toString('base64'),
          _user_properties: { plant: 'p1', seen: `${bytes} bytes, QoS ${qos}` },
        },
      );
      await connectors.close();
    });
  }
});
