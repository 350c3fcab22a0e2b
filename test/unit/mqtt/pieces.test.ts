import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IntegrationError } from '../../../lib/model/errors';
import { forgetLosses, isClientIdClash } from '../../../lib/protocols/mqtt/client-id-clash';
import { type OversizedPacket, PacketGuard } from '../../../lib/protocols/mqtt/packet-guard';
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

describe('mqtt: oversized packets', () => {
  it('are left out wherever the stream is cut, and told with their topic', () => {
    const small = Buffer.concat([publishHead('a', 1, 3), Buffer.from('abc')]);
    const large = Buffer.concat([publishHead('big/topic', 2, 300), Buffer.alloc(300, 7)]);
    const ping = hex('d0 00');
    const stream = Buffer.concat([small, large, ping, large, small]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const told: OversizedPacket[] = [];
        const guard = new PacketGuard(200, (packet) => told.push(packet));
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const kept = edges.slice(1).flatMap((end, index) => guard.filter(stream.subarray(edges[index], end)));
        assert.deepEqual(Buffer.concat(kept), Buffer.concat([small, ping, small]));
        assert.deepEqual(
          told.map(({ message }) => message),
          [1, 2].map(() => ({ topic: 'big/topic', qos: 1, messageId: 2 })),
        );
      }),
    );
  });
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
