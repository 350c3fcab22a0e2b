import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dataTypeName } from '../../../lib/protocols/sparkplug/codec/data-types';
import type { Payload } from '../../../lib/protocols/sparkplug/codec/payload';
import { decodeValue } from '../../../lib/protocols/sparkplug/codec/values';
import { type EdgeNodeOptions, SparkplugEdgeNode } from '../../../lib/protocols/sparkplug/edge-node/edge-node';
import type { MetricUpdate } from '../../../lib/protocols/sparkplug/edge-node/published-metrics';
import { SparkplugHost } from '../../../lib/protocols/sparkplug/host/host';
import type { Message } from '../../../lib/protocols/sparkplug/message';
import { commandMessage, rebirthCommand } from '../../../lib/protocols/sparkplug/metrics';
import { metric, payloadOf, START } from './edge-node-messages';

const NODE = { group: 'g', edgeNode: 'n' };

const update = (name: string, value: unknown, more: Partial<MetricUpdate> = {}): MetricUpdate => ({
  metric: name,
  dataType: 'Int32',
  value,
  timestamp: START,
  ...more,
});
const ofDevice = (name: string, value: unknown, more: Partial<MetricUpdate> = {}) =>
  update(name, value, { device: 'd', ...more });

function born(options: Partial<EdgeNodeOptions> = {}, updates: MetricUpdate[] = [update('a', 1), ofDevice('x', 5)]) {
  const node = new SparkplugEdgeNode({ ...NODE, ...options });
  assert.deepEqual(node.update(updates, START), []);
  const will = node.connecting(START);
  const births = node.connected(START);
  return { node, will, births };
}

const kinds = (messages: Message[]) => messages.map(({ topic }) => topic.split('/').slice(2).join(' '));
const values = ({ metrics = [] }: Payload) =>
  metrics.map((item) => [item.name ?? item.alias, decodeValue(item, dataTypeName(item.datatype ?? 3))]);

describe('Sparkplug edge node', () => {
  it('tck-id-message-flow-edge-node-birth-publish-will-message-topic, -qos, -will-retained, -payload-bdSeq; tck-id-topics-ndeath-payload, -seq', () => {
    const { will } = born();
    assert.deepEqual([will.topic, will.qos, will.retain], ['spBv1.0/g/NDEATH/n', 1, false]);
    assert.deepEqual(payloadOf(will), {
      timestamp: START,
      metrics: [{ name: 'bdSeq', timestamp: START, datatype: 4, long_value: 0 }],
    });
  });

  it('tck-id-topics-nbirth-bdseq-increment: bdSeq counts connections from 0 to 255', () => {
    const node = new SparkplugEdgeNode(NODE);
    const counted = Array.from({ length: 258 }, () => payloadOf(node.connecting(START)).metrics?.[0]?.long_value);
    assert.deepEqual(counted, [...Array(256).keys(), 0, 1]);
    const later = new SparkplugEdgeNode({ ...NODE, bdSeq: 9 });
    assert.equal(payloadOf(later.connecting(START)).metrics?.[0]?.long_value, 9);
  });

  it('tck-id-message-flow-edge-node-ncmd-subscribe, tck-id-message-flow-device-dcmd-subscribe', () => {
    assert.deepEqual(born({ primaryHostId: 'hub' }).node.subscriptions(), [
      { filter: 'spBv1.0/g/NCMD/n', qos: 1 },
      { filter: 'spBv1.0/g/DCMD/n/+', qos: 1 },
      { filter: 'spBv1.0/STATE/hub', qos: 1 },
    ]);
  });

  it('tck-id-topics-nbirth-topic, -mqtt, -seq-num, -timestamp, -metrics, -bdseq-included, -rebirth-metric', () => {
    const [birth] = born().births;
    assert.deepEqual([birth?.topic, birth?.qos, birth?.retain], ['spBv1.0/g/NBIRTH/n', 0, false]);
    assert.deepEqual(payloadOf(birth), {
      timestamp: START,
      metrics: [
        { name: 'bdSeq', timestamp: START, datatype: 4, long_value: 0 },
        // tck-id-operational-behavior-data-commands-rebirth-name-aliases
        { name: 'Node Control/Rebirth', timestamp: START, datatype: 11, boolean_value: false },
        { name: 'a', alias: 1, timestamp: START, datatype: 3, int_value: 1 },
      ],
      seq: 0,
    });
  });

  it('tck-id-payloads-dbirth-order, -seq-inc; tck-id-topics-dbirth-topic, -mqtt', () => {
    const { births } = born();
    assert.deepEqual(kinds(births), ['NBIRTH n', 'DBIRTH n d']);
    assert.deepEqual([births[1]?.qos, births[1]?.retain], [0, false]);
    assert.deepEqual(payloadOf(births[1]), {
      timestamp: START,
      metrics: [{ name: 'x', alias: 2, timestamp: START, datatype: 3, int_value: 5 }],
      seq: 1,
    });
  });

  it('tck-id-topics-ndata-seq-num, -ddata-seq-num, -mqtt; tck-id-payloads-alias-data-cmd-requirement, -metric-datatype-not-req', () => {
    const { node } = born();
    const messages = node.update(
      [update('a', -2), ofDevice('x', null), update('a', 3, { timestamp: START + 1 })],
      START + 2,
    );
    assert.deepEqual(kinds(messages), ['NDATA n', 'DDATA n d']);
    assert.deepEqual(messages.map(payloadOf), [
      {
        timestamp: START + 2,
        metrics: [
          { alias: 1, timestamp: START, int_value: 4294967294 },
          { alias: 1, timestamp: START + 1, int_value: 3 },
        ],
        seq: 2,
      },
      // tck-id-operational-behavior-data-publish-dbirth-values
      { timestamp: START + 2, metrics: [{ alias: 2, timestamp: START, is_null: true }], seq: 3 },
    ]);
    const sequence = Array.from({ length: 300 }, () => payloadOf(node.update([update('a', 1)], START)[0]).seq);
    assert.deepEqual(sequence.slice(250, 256), [254, 255, 0, 1, 2, 3]);
  });

  it('tck-id-operational-behavior-data-publish-nbirth-order, -dbirth-order: the oldest values come first', () => {
    const times = (message: Message | undefined) => payloadOf(message).metrics?.map(({ timestamp }) => timestamp);
    const updates = [update('a', 1, { timestamp: START - 1 }), update('b', 2, { timestamp: START - 2 })];
    const { births } = born({}, [...updates, ...updates.map((each) => ({ ...each, device: 'd' }))]);
    assert.deepEqual(births.map(times), [
      [START - 2, START - 1, START, START],
      [START - 2, START - 1],
    ]);
  });

  it('names its metrics with their types where aliases are not wanted', () => {
    const { node } = born({ aliases: false });
    assert.deepEqual(payloadOf(node.update([update('a', 2)], START)[0]).metrics, [
      { name: 'a', timestamp: START, datatype: 3, int_value: 2 },
    ]);
  });

  it('tells quality, unit and that a value is historical', () => {
    const { node, births } = born({}, [update('a', 1, { unit: '°C' })]);
    assert.deepEqual(payloadOf(births[0]).metrics?.[2]?.properties, {
      keys: ['engUnit'],
      values: [{ type: 12, string_value: '°C' }],
    });
    const [data] = node.update(
      [
        update('a', 3, { unit: '°C' }),
        update('a', 2, { unit: '°C', quality: 'bad', isHistorical: true, timestamp: START - 1 }),
      ],
      START,
    );
    // tck-id-payloads-propertyset-quality-value-type, -value
    const [historical, current] = payloadOf(data).metrics ?? [];
    assert.equal(historical?.is_historical, true);
    assert.deepEqual(historical?.properties?.values?.[0], { type: 3, int_value: 0 });
    assert.equal(current?.properties, undefined);
    const again = node.receive('spBv1.0/g/NCMD/n', rebirthCommand(NODE, START).payload, START).publish;
    assert.deepEqual(values(payloadOf(again[0])).at(-1), ['a', 3]);
  });

  it('tck-id-topics-nbirth-metric-reqs: a metric that no birth has makes a birth of its owner', () => {
    const { node } = born();
    assert.deepEqual(kinds(node.update([ofDevice('y', 1)], START)), ['DBIRTH n d']);
    assert.deepEqual(kinds(node.update([update('z', 1, { device: 'e' })], START)), ['DBIRTH n e']);
    assert.deepEqual(kinds(node.update([update('b', 1)], START)), ['NBIRTH n', 'DBIRTH n d', 'DBIRTH n e']);
    assert.deepEqual(kinds(node.update([update('b', 1.5, { dataType: 'Double' })], START)), [
      'NBIRTH n',
      'DBIRTH n d',
      'DBIRTH n e',
    ]);
  });

  it('loses none of several values of a new metric', () => {
    const { node } = born();
    const messages = node.update(
      [1, 2, 3].map((value) => ofDevice('new', value, { timestamp: START + value })),
      START,
    );
    assert.deepEqual(
      messages.map((message) => values(payloadOf(message))),
      [
        [
          ['x', 5],
          ['new', 1],
        ],
        [
          [3, 2],
          [3, 3],
        ],
      ],
    );
  });

  it('tck-id-operational-behavior-data-commands-rebirth-action-1, -2, -3: births again, with the bdSeq of the will', () => {
    const { node, will, births } = born();
    node.update([update('a', 7)], START);
    const { publish, commands } = node.receive('spBv1.0/g/NCMD/n', rebirthCommand(NODE, START).payload, START + 5);
    assert.deepEqual(kinds(publish), kinds(births));
    assert.deepEqual(commands, []);
    assert.equal(payloadOf(publish[0]).seq, 0);
    const bdSeq = (message: Message | undefined) => payloadOf(message).metrics?.find(({ name }) => name === 'bdSeq');
    assert.equal(bdSeq(publish[0])?.long_value, bdSeq(will)?.long_value);
    assert.deepEqual(new Map(values(payloadOf(publish[0])) as [string, unknown][]).get('a'), 7);
  });

  it('tck-id-topics-ddeath-mqtt, -seq-num; tck-id-operational-behavior-device-ddeath: a device that returns is born again', () => {
    const { node } = born();
    const [death] = node.deviceGone('d', START);
    assert.deepEqual([death?.topic, death?.qos, death?.retain], ['spBv1.0/g/DDEATH/n/d', 0, false]);
    assert.deepEqual(payloadOf(death), { timestamp: START, seq: 2 });
    assert.deepEqual(node.deviceGone('d', START), []);
    assert.deepEqual(kinds(node.receive('spBv1.0/g/NCMD/n', rebirthCommand(NODE, START).payload, START).publish), [
      'NBIRTH n',
    ]);
    const returned = node.update([ofDevice('x', 6), ofDevice('x', 7)], START);
    assert.deepEqual(
      returned.map((message) => [...kinds([message]), ...values(payloadOf(message))]),
      [
        ['DBIRTH n d', ['x', 6]],
        ['DDATA n d', [2, 7]],
      ],
    );
    assert.deepEqual(kinds(node.update([ofDevice('x', 8)], START)), ['DDATA n d']);
  });

  it('tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath, tck-id-payloads-ndeath-will-message-publisher', () => {
    const { node, will } = born();
    const [death, ...more] = node.disconnecting(START);
    assert.deepEqual([death, more], [will, []]);
    assert.deepEqual(node.update([update('a', 9)], START), []);
    node.connecting(START);
    const [birth] = node.connected(START);
    assert.deepEqual(values(payloadOf(birth)), [
      ['bdSeq', 1],
      ['Node Control/Rebirth', false],
      ['a', 9],
    ]);
  });

  it('hands out commands by name or alias, in the type that was published', () => {
    const { node } = born();
    const command = (device: string | undefined, ...metrics: Parameters<typeof commandMessage>[2]) => {
      const { topic, payload } = commandMessage(NODE, device, metrics, START);
      const { commands, problems } = node.receive(topic, payload, START);
      return [...commands, ...problems.map(({ code }) => code)];
    };
    assert.deepEqual(command(undefined, { alias: 1, int_value: 4294967291 }), [
      { metric: 'a', dataType: 'Int32', value: -5 },
    ]);
    assert.deepEqual(command('d', metric('x', 'Int32', 8)), [
      { device: 'd', metric: 'x', dataType: 'Int32', value: 8 },
    ]);
    assert.deepEqual(command('d', { alias: 1, int_value: 1 }), ['PCP_SPARKPLUG_COMMAND']);
    assert.deepEqual(command(undefined, metric('bdSeq', 'Int64', 1)), ['PCP_SPARKPLUG_COMMAND']);
    assert.deepEqual(
      node.receive('spBv1.0/g/NCMD/n', Buffer.from([0xff]), START).problems.map(({ code }) => code),
      ['PCP_SPARKPLUG_MALFORMED'],
    );
    assert.deepEqual(node.receive('spBv1.0/g/NCMD/other', rebirthCommand(NODE, START).payload, START).publish, []);
  });

  it('takes nothing of an update with a value that does not fit', () => {
    const { node } = born();
    assert.throws(() => node.update([update('a', 2), update('a', 'x')], START), { code: 'PCP_SPARKPLUG_VALUE' });
    assert.throws(() => node.update([update('bdSeq', 2)], START), { code: 'PCP_SPARKPLUG_METRIC' });
    assert.throws(() => node.update([update('a', 2, { device: 'a/b' })], START), { code: 'PCP_SPARKPLUG_ID' });
    const { publish } = node.receive('spBv1.0/g/NCMD/n', rebirthCommand(NODE, START).payload, START);
    assert.deepEqual(values(payloadOf(publish[0])).at(-1), ['a', 1]);
  });
});

describe('Sparkplug edge node with a primary host', () => {
  const state = (online: boolean, timestamp: number) => Buffer.from(JSON.stringify({ online, timestamp }));

  function waiting(options: Partial<EdgeNodeOptions> = {}) {
    const { node, births } = born({ primaryHostId: 'hub', ...options });
    assert.deepEqual(births, []);
    const receive = (host: string, online: boolean, timestamp: number) => {
      const { publish, disconnect } = node.receive(`spBv1.0/STATE/${host}`, state(online, timestamp), START);
      return [...kinds(publish), ...(disconnect ? ['disconnect'] : [])];
    };
    return { node, receive };
  }

  it('tck-id-message-flow-edge-node-birth-publish-phid-wait, -id, -online', () => {
    const { node, receive } = waiting();
    assert.deepEqual(node.update([update('a', 2)], START), []);
    assert.deepEqual(receive('other', true, 1), []);
    assert.deepEqual(receive('hub', false, 1), []);
    assert.deepEqual(receive('hub', true, 5), ['NBIRTH n', 'DBIRTH n d']);
    assert.deepEqual(receive('hub', true, 6), []);
  });

  it('tck-id-operational-behavior-edge-node-termination-host-offline, -offline-timestamp; tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp', () => {
    const { node, receive } = waiting();
    receive('hub', true, 5);
    assert.deepEqual(receive('hub', false, 4), []);
    assert.deepEqual(receive('hub', false, 5), ['NDEATH n', 'disconnect']);
    assert.deepEqual(receive('hub', true, 6), []);
    node.connecting(START);
    assert.deepEqual(node.connected(START), []);
    assert.deepEqual(receive('hub', true, 4), []);
    assert.deepEqual(receive('hub', true, 7), ['NBIRTH n', 'DBIRTH n d']);
  });

  it('tck-id-operational-behavior-host-application-multi-server-timestamp: each broker has states of its own', () => {
    const { node, receive } = waiting();
    receive('hub', true, 5);
    receive('hub', false, 6);
    for (const [broker, born] of [
      ['other', true],
      ['', false],
    ] as const) {
      node.connecting(START);
      node.connected(START, broker);
      assert.equal(receive('hub', true, 5).includes('NBIRTH n'), born);
    }
  });

  it('tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk: leaves before it is born', () => {
    const { receive } = waiting({ walks: true });
    assert.deepEqual(receive('hub', false, 1), ['NDEATH n', 'disconnect']);
    assert.deepEqual(receive('hub', false, 2), []);
  });
});

describe('Sparkplug edge node and host', () => {
  it('agree about every value, whatever is published', () => {
    const change = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      device: fc.constantFrom(undefined, 'd', 'e'),
      value: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 20 }),
        fc.boolean(),
        (batches, aliases) => {
          const host = new SparkplugHost({ role: 'active' });
          host.connecting(START);
          host.connected();
          const node = new SparkplugEdgeNode({ ...NODE, aliases });
          node.connecting(START);
          const seen: unknown[] = [];
          const deliver = (messages: Message[]) => {
            for (const { topic, payload } of messages) {
              const effects = host.receive(topic, payload, START);
              assert.deepEqual([effects.problems, effects.publish], [[], []]);
              for (const { tag, value, quality } of effects.values) seen.push(`${tag} ${value} ${quality}`);
            }
          };
          deliver(node.connected(START));
          for (const batch of batches) {
            deliver(
              node.update(
                batch.map(({ name, value, device }) => update(name, value, { ...(device && { device }) })),
                START,
              ),
            );
          }
          for (const { name, value, device } of batches.flat()) {
            const tag = ['g', 'n', ...(device ? [device] : []), name].join('/');
            assert.ok(seen.includes(`${tag} ${value} good`), `${tag} ${value}`);
          }
        },
      ),
    );
  });
});
