import assert from 'node:assert/strict';
import { SparkplugHost } from '../../../lib/protocols/sparkplug/host/host';
import { START } from './edge-node-messages';

describe('Sparkplug host: primary', () => {
  const state = (online: boolean, timestamp: number) => JSON.stringify({ online, timestamp });
  const shown = (message: { topic: string; payload: Buffer; qos: number; retain: boolean } | undefined) =>
    message && [message.topic, message.payload.toString(), message.qos, message.retain];

  function primary() {
    const host = new SparkplugHost({ role: 'primary', hostId: 'hub', groups: ['g', 'h'] });
    const will = host.connecting(START);
    return { host, will };
  }

  it('tck-id-host-topic-phid-death-topic, -qos, -retain, -payload: the will', () => {
    assert.deepEqual(shown(primary().will), ['spBv1.0/STATE/hub', state(false, START), 1, true]);
  });

  it('tck-id-host-topic-phid-birth-sub-required, tck-id-message-flow-phid-sparkplug-subscription: own STATE first', () => {
    assert.deepEqual(primary().host.subscriptions(), [
      { filter: 'spBv1.0/STATE/hub', qos: 1 },
      { filter: 'spBv1.0/g/#', qos: 1 },
      { filter: 'spBv1.0/h/#', qos: 1 },
    ]);
  });

  it('tck-id-host-topic-phid-birth-topic, -qos, -retain, -payload-timestamp: the timestamp of the will', () => {
    const { host } = primary();
    assert.deepEqual(host.connected().publish.map(shown), [['spBv1.0/STATE/hub', state(true, START), 1, true]]);
  });

  it('tck-id-message-flow-hid-sparkplug-state-message-delivered: says again that it is online', () => {
    const { host } = primary();
    const offline = Buffer.from(state(false, START - 9));
    assert.deepEqual(host.receive('spBv1.0/STATE/hub', offline, START).publish, []);
    host.connected();
    for (const isRetained of [true, false]) {
      assert.deepEqual(host.receive('spBv1.0/STATE/hub', offline, START + 5, isRetained).publish.map(shown), [
        ['spBv1.0/STATE/hub', state(true, START), 1, true],
      ]);
    }
    const online = Buffer.from(state(true, START));
    assert.deepEqual(host.receive('spBv1.0/STATE/hub', online, START).publish, []);
    assert.deepEqual(host.receive('spBv1.0/STATE/other', offline, START).publish, []);
    assert.deepEqual(
      host.receive('spBv1.0/STATE/hub', Buffer.from('OFFLINE'), START).problems.map(({ code }) => code),
      ['PCP_SPARKPLUG_MALFORMED'],
    );
  });

  it('tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean: the death has its own time, and is not answered', () => {
    const { host } = primary();
    host.connected();
    const death = host.disconnecting(START + 60_000);
    assert.deepEqual(death.map(shown), [['spBv1.0/STATE/hub', state(false, START + 60_000), 1, true]]);
    assert.deepEqual(host.receive('spBv1.0/STATE/hub', death[0]!.payload, START + 60_001).publish, []);
  });

  it('needs an id that can be part of a topic', () => {
    for (const hostId of ['', 'a/b']) {
      assert.throws(() => new SparkplugHost({ role: 'primary', hostId }), {
        code: 'PCP_SPARKPLUG_ID',
        path: '/config/sparkplug_host_id',
      });
    }
  });
});
