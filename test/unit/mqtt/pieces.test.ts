import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IntegrationError } from '../../../lib/model/errors';
import { forgetLosses, isClientIdClash } from '../../../lib/protocols/mqtt/client-id-clash';
import type { ReceivedMessage } from '../../../lib/protocols/mqtt/options';
import { type OversizedPacket, PacketReader } from '../../../lib/protocols/mqtt/packet-reader';
import { guessPayload, loadPayloadCodec } from '../../../lib/protocols/mqtt/payload';
import { covers, matches, topicPattern } from '../../../lib/protocols/mqtt/topic';
import { publishHead } from './fake-broker';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('mqtt: topics', () => {
  it('match as the standard says', () => {
    for (const [filter, topic, expected] of [
      ['sport/tennis/player1/#', 'sport/tennis/player1', true],
      ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
      ['sport/#', 'sport', true],
      ['#', 'a/b', true],
      ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
      ['sport/+', 'sport', false],
      ['sport/+', 'sport/', true],
      ['+/+', '/finance', true],
      ['/+', '/finance', true],
      ['+', '/finance', false],
      ['#', '$SYS/uptime', false],
      ['+/uptime', '$SYS/uptime', false],
      ['$SYS/#', '$SYS/uptime', true],
    ] as const) {
      assert.equal(matches(filter, topic), expected, `${filter} ${topic}`);
    }
  });

  it('cover others only where they cover every topic of them', () => {
    for (const [filter, other, expected] of [
      ['plant/#', 'plant/+/order', true],
      ['plant/+/order', 'plant/+/order', true],
      ['plant/+/order', 'plant/l1/order', true],
      ['plant/l1/order', 'plant/+/order', false],
      ['plant/+', 'plant/#', false],
      ['plant/+', 'plant/l1/order', false],
    ] as const) {
      assert.equal(covers(filter, other), expected, `${filter} ${other}`);
    }
  });

  it('name fields of records, in both directions', () => {
    const pattern = topicPattern('plant/{line}/{machine}/state', '/x');
    assert.equal(pattern.filter, 'plant/+/+/state');
    const fields = { line: 'l1', machine: 'm7' };
    assert.deepEqual(pattern.fieldsOf('plant/l1/m7/state'), fields);
    assert.equal(pattern.topicFor(fields), 'plant/l1/m7/state');
  });

  it('are refused where they are none', () => {
    for (const topic of ['', 'x/{y/z', 'x/{y}z', 'a/#/b', 'a#', 'a/b+', 'a\0b', `a/${'x'.repeat(70_000)}`]) {
      assert.throws(
        () => topicPattern(topic, '/x'),
        (thrown) => thrown instanceof IntegrationError && thrown.code === 'PCP_MQTT_TOPIC',
      );
    }
  });
});

describe('mqtt: payloads', () => {
  it('CBOR of RFC 8949: exact integers, big numbers, decimals, times, bytes', async () => {
    const { decode } = await loadPayloadCodec(['cbor']);
    for (const [bytes, expected] of [
      ['1b 0020000000000001', '9007199254740993'],
      ['1b 001fffffffffffff', 9_007_199_254_740_991],
      ['3b ffffffffffffffff', '-18446744073709551616'],
      ['c2 49 010000000000000000', '18446744073709551616'],
      ['c3 49 010000000000000000', '-18446744073709551617'],
      ['c4 82 21 19 6ab3', '273.15'],
      ['c4 82 22 01', '0.001'],
      ['c4 82 22 20', '-0.001'],
      ['c1 1a 514b67b0', '2013-03-21T20:04:00.000Z'],
      ['c0 74 323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
      ['43 00ff07', 'AP8H'],
      ['a1 61 61 82 01 f6', { a: [1, null] }],
      ['fb 3ff199999999999a', 1.1],
      ['bf 61 61 01 ff', { a: 1 }],
    ] as const) {
      assert.deepEqual(decode(hex(bytes), 'cbor'), expected, bytes);
    }
  });

  it('that are broken are refused, whatever they are', async () => {
    const { decode } = await loadPayloadCodec(['cbor']);
    const nested = Buffer.alloc(100_000, 0x81);
    for (const [payload, format] of [
      [hex('a2 61 61'), 'cbor'],
      [hex('d9 1234 01'), 'cbor'],
      [hex('c1 61 78'), 'cbor'],
      [hex('c4 01'), 'cbor'],
      [nested, 'cbor'],
      [Buffer.alloc(0), 'cbor'],
      [Buffer.alloc(0), 'json'],
      [Buffer.from('[1'), 'json'],
      [hex('ff fe'), 'json'],
      [Buffer.from(`${'['.repeat(101)}${']'.repeat(101)}`), 'json'],
      [Buffer.from(`${'['.repeat(100_000)}1.2345678901234567${']'.repeat(100_000)}`), 'json'],
      [Buffer.concat([Buffer.alloc(101, 0x81), hex('80')]), 'cbor'],
      [hex('ff fe'), 'text'],
    ] as const) {
      assert.throws(
        () => decode(payload, format),
        (thrown) => thrown instanceof IntegrationError && thrown.code === 'PCP_MQTT_PAYLOAD',
        payload.toString('hex').slice(0, 20),
      );
    }
  });

  it('of unknown format are JSON, text or bytes', () => {
    for (const depth of [100, 101, 5000]) {
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      assert.equal(typeof guessPayload(Buffer.from(nested)), depth === 100 ? 'object' : 'string');
    }
    assert.equal(guessPayload(Buffer.from('9007199254740993')), '9007199254740993');
    assert.equal(guessPayload(Buffer.from('on')), 'on');
    assert.equal(guessPayload(hex('ff fe')), '//4=');
  });
});

describe('mqtt: packets of a broker', () => {
  const CONNACK = hex('20 03 00 00 00');

  function reader(version: 4 | 5 = 4) {
    const messages: ReceivedMessage[] = [];
    const oversized: OversizedPacket[] = [];
    const released: number[] = [];
    const packets = new PacketReader({
      version,
      mostBytes: 200,
      onMessage: (message) => messages.push(message),
      onReleased: (messageId) => released.push(messageId),
      onOversized: (packet) => oversized.push(packet),
    });
    return { packets, messages, oversized, released };
  }

  it('are told apart wherever the stream is cut: messages, what is too large, and the rest for the library', () => {
    const small = Buffer.concat([publishHead('a', 1, 3), Buffer.from('abc')]);
    const large = Buffer.concat([publishHead('big/topic', 2, 300), Buffer.alloc(300, 7)]);
    const ping = hex('d0 00');
    const release = hex('62 02 01 02');
    const stream = Buffer.concat([CONNACK, small, large, ping, release, large, ping, small]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const { packets, messages, oversized, released } = reader();
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const left = edges.slice(1).flatMap((end, index) => packets.read(stream.subarray(edges[index], end)));
        assert.deepEqual(Buffer.concat(left), Buffer.concat([CONNACK, ping, ping]));
        assert.deepEqual(
          messages.map(({ topic, payload, qos, messageId }) => [topic, payload.toString(), qos, messageId]),
          [1, 2].map(() => ['a', 'abc', 1, 1]),
        );
        assert.deepEqual(
          oversized.map(({ message }) => message),
          [1, 2].map(() => ({ topic: 'big/topic', qos: 1, messageId: 2 })),
        );
        assert.deepEqual(released, [258]);
      }),
    );
  });

  it('say all that a message of MQTT 5 may', () => {
    const { packets, messages } = reader(5);
    const properties = [
      '01 01',
      '02 00 00 00 1e',
      '03 0001 63',
      '08 0001 72',
      '09 0002 ff00',
      '0b ff7f',
      '0b 01',
      '26 0001 6b 0001 31',
      '26 0009 5f5f70726f746f5f5f 0001 32',
      '26 0001 6b 0001 33',
    ];
    const inner = hex(properties.join(''));
    const body = Buffer.concat([hex('0001 61 0007'), Buffer.from([inner.length]), inner, Buffer.from('on')]);
    packets.read(Buffer.concat([CONNACK, Buffer.from([0x3d, body.length]), body]));
    const [message] = messages;
    assert.deepEqual(
      { ...message, payload: message?.payload.toString() },
      {
        topic: 'a',
        payload: 'on',
        qos: 2,
        retain: true,
        duplicate: true,
        messageId: 7,
        subscriptionIds: [16_383, 1],
        properties: {
          isText: true,
          expirySeconds: 30,
          contentType: 'c',
          responseTopic: 'r',
          correlationData: hex('ff00'),
          userProperties: Object.fromEntries([
            ['k', ['1', '3']],
            ['__proto__', '2'],
          ]),
        },
      },
    );
  });

  for (const [what, version, bytes] of [
    ['a message before the sign-in', 4, '30 03 0001 61'],
    ['QoS 3', 4, '20020000 36 05 0001 61 0001'],
    ['no topic', 4, '20020000 30 02 0000'],
    ['a topic longer than the packet', 4, '20020000 30 03 ffff 61'],
    ['no packet id', 4, '20020000 32 03 0001 61'],
    ['properties longer than the packet', 5, '2003000000 30 04 0001 61 05'],
    ['a property that is cut off', 5, '2003000000 30 06 0001 61 02 02 00'],
    ['a property that is none of a message', 5, '2003000000 30 06 0001 61 02 11 00'],
    ['a topic alias', 5, '2003000000 30 07 0001 61 03 23 0001'],
    ['a length without an end', 4, '20020000 30 ffffffff01'],
    ['a release of nothing', 4, '20020000 62 01 00'],
  ] as const) {
    it(`are refused with ${what}`, () => {
      const { packets, messages } = reader(version);
      assert.throws(() => packets.read(hex(bytes)), Error);
      assert.deepEqual(messages, []);
    });
  }
});

describe('mqtt: clients with one id', () => {
  it('are suspected after three connections that the broker closed within a minute, while it could be reached', () => {
    const lost = (at: number) => isClientIdClash('broker', 'line-1', at);
    assert.deepEqual([0, 20_000, 40_000].map(lost), [false, false, true]);
    assert.deepEqual([90_000, 160_000, 230_000].map(lost), [false, false, false], 'slowly');
    assert.deepEqual([231_000].map(lost), [false]);
    forgetLosses('broker', 'line-1');
    assert.deepEqual([232_000, 233_000].map(lost), [false, false], 'a broker that was away');
  });
});
