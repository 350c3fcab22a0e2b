import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodePayload } from '../../../lib/protocols/sparkplug/codec/payload';
import { Capacity } from '../../../lib/protocols/sparkplug/host/capacity';
import type { Effects } from '../../../lib/protocols/sparkplug/host/effects';
import type { HostOptions } from '../../../lib/protocols/sparkplug/host/host';
import { payloads } from './arbitrary';
import { aliased, at, connectedHost, metric, payloadOf, rebirths, Sender, START, short } from './edge-node-messages';

describe('Sparkplug host: life of edge nodes', () => {
  const A = metric('a', 'Int32', 1);

  function born(options: Partial<HostOptions> = {}) {
    const connected = connectedHost(options);
    const sender = new Sender();
    connected.receive(sender.birth([A], 3));
    connected.receive(sender.device('DBIRTH', 'd', metric('x', 'Int32', 5)));
    return { ...connected, sender };
  }

  it('tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale, -devices-tags-stale', () => {
    const { host, receive, sender } = born();
    const { values } = receive(sender.death(3), 5000);
    assert.deepEqual(
      values.map(({ tag, value, quality, status, source_timestamp: time }) => [tag, value, quality, status, time]),
      [
        ['g/n/d/x', 5, 'bad', 'stale', at(5000)],
        ['g/n/a', 1, 'bad', 'stale', at(5000)],
      ],
    );
    assert.equal(host.last('g/n/a')[0]?.quality, 'bad');
    assert.deepEqual(receive(sender.death(3), 6000).values, []);
  });

  it('tck-id-payloads-ndeath-bdseq: a death of an earlier connection is ignored', () => {
    const { receive, sender } = born();
    assert.deepEqual(receive(sender.death(2)).values, []);
    assert.deepEqual(short(receive(sender.data(metric('a', 'Int32', 2)))), [['g/n/a', 2, 'good']]);
  });

  it('tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale: at the time of the DDEATH', () => {
    const { receive, sender } = born();
    const { values } = receive(sender.device('DDEATH', 'd'), 9000);
    assert.deepEqual(
      values.map(({ tag, status, source_timestamp: time }) => [tag, status, time]),
      [['g/n/d/x', 'stale', at(0)]],
    );
  });

  it('tell once that a value is stale', () => {
    const { receive, sender } = born();
    assert.deepEqual(short(receive(sender.device('DDEATH', 'd'))), [['g/n/d/x', 5, 'bad', 'stale']]);
    assert.deepEqual(short(receive(sender.death(3))), [['g/n/a', 1, 'bad', 'stale']]);
  });

  it('devices that are not born after their edge node are stale', () => {
    const { host, receive, expire, sender } = born();
    receive(sender.device('DBIRTH', 'e', metric('y', 'Int32', 6)));
    assert.deepEqual(short(receive(sender.birth([A], 3))), [['g/n/a', 1, 'good']]);
    receive(sender.device('DBIRTH', 'd', metric('x', 'Int32', 5)));
    assert.deepEqual(short(expire(host.deadline()! - START)), [['g/n/e/y', 6, 'bad', 'stale']]);
    assert.equal(host.deadline(), undefined);
  });

  describe('that ended while nobody listened', () => {
    const TAGS = [
      { metric: 'a', dataType: 'Int32' },
      { metric: 'gone', dataType: 'Double' },
      { device: 'd', metric: 'x', dataType: 'Int32' },
    ] as const;
    const stale = (tag: string) => [tag, null, 'bad', 'stale'];

    it('are stale at once where nobody can be asked, until a birth', () => {
      const { host, receive } = connectedHost({ role: 'passive' });
      const told = host.remember({ group: 'g', edgeNode: 'n' }, TAGS, START);
      assert.deepEqual(short(told), [stale('g/n/a'), stale('g/n/gone'), stale('g/n/d/x')]);
      assert.deepEqual(told.values[2], {
        ...{
          tag: 'g/n/d/x',
          value: null,
          quality: 'bad',
          status: 'stale',
          source_timestamp: at(0),
          received_at: at(0),
        },
        ...{ data_type: 'Int32', group_id: 'g', edge_node_id: 'n', device_id: 'd', metric: 'x' },
      });
      assert.equal([...host.lastValues()].length, 3);
      assert.deepEqual(short(receive(new Sender().birth([A], 3))), [['g/n/a', 1, 'good']]);
    });

    it('are asked for, as often as the throttle allows, and stale when no birth comes', () => {
      const { host, expire } = connectedHost();
      assert.deepEqual(rebirths(host.askForBirth({ group: 'g', edgeNode: 'n' }, START)), ['spBv1.0/g/NCMD/n']);
      const effects = host.remember({ group: 'g', edgeNode: 'n' }, TAGS, START);
      assert.deepEqual([effects.values, effects.publish], [[], []]);
      assert.equal([...host.lastValues()].length, 0);
      let values: unknown[] = [];
      while (values.length === 0) values = short(expire(host.deadline()! - START));
      assert.deepEqual(values, [stale('g/n/a'), stale('g/n/gone'), stale('g/n/d/x')]);
      assert.equal(host.deadline(), undefined);
    });

    it('are stale when the births that come are without them', () => {
      const { host, receive, expire } = connectedHost();
      host.remember({ group: 'g', edgeNode: 'n' }, TAGS, START);
      assert.deepEqual(short(receive(new Sender().birth([A], 3), 4000)), [['g/n/a', 1, 'good']]);
      const effects = expire(host.deadline()! - START);
      assert.deepEqual(short(effects), [stale('g/n/gone'), stale('g/n/d/x')]);
      assert.equal(host.deadline(), undefined);
    });

    it('of groups that nobody listens to any more are left alone', () => {
      const { host } = connectedHost({ role: 'passive', groups: ['other'] });
      assert.deepEqual(host.remember({ group: 'g', edgeNode: 'n' }, TAGS, START).values, []);
    });
  });

  it('values are stale while the host has no connection, and births are asked for when it is back', () => {
    const { host } = born();
    assert.deepEqual(short(host.disconnected(START)), [
      ['g/n/d/x', 5, 'bad', 'stale'],
      ['g/n/a', 1, 'bad', 'stale'],
    ]);
    assert.equal(host.deadline(), undefined);
    host.connecting(START + 100);
    host.connected();
    assert.deepEqual(rebirths(host.expire(host.deadline()!)), ['spBv1.0/g/NCMD/n']);
  });

  it('data without a birth is uncertain, or unknown by its alias, and makes an active host ask for the birth', () => {
    const { receive } = connectedHost();
    const sender = new Sender();
    sender.seq = 5;
    const effects = receive(sender.data(metric('a', 'Int32', -1), { name: 'b', int_value: 5 }, aliased(3, 'Int32', 1)));
    assert.deepEqual(short(effects), [
      ['g/n/a', -1, 'uncertain', 'no birth'],
      ['g/n/b', 5, 'uncertain', 'not in birth'],
    ]);
    assert.deepEqual(rebirths(effects), ['spBv1.0/g/NCMD/n']);
  });

  it('tck-id-operational-behavior-data-commands-ncmd-rebirth-verb, -name, -value; tck-id-topics-ncmd-mqtt', () => {
    const { receive } = connectedHost();
    const [message] = receive(new Sender().data(A)).publish;
    assert.deepEqual([message?.topic, message?.qos, message?.retain], ['spBv1.0/g/NCMD/n', 0, false]);
    // tck-id-payloads-ncmd-seq, tck-id-topics-ncmd-timestamp
    assert.deepEqual(payloadOf(message), {
      timestamp: START,
      metrics: [{ name: 'Node Control/Rebirth', timestamp: START, datatype: 11, boolean_value: true }],
    });
  });

  it('births are asked for once in a second, and less often while none comes', () => {
    const { host, receive, expire } = connectedHost();
    const sender = new Sender();
    const sentAt: number[] = [];
    const note = (effects: Effects, time: number) => {
      if (rebirths(effects).length > 0) sentAt.push(time);
    };
    for (let time = 0; time <= 8000; time += 100) {
      note(receive(sender.data(A), time), time);
      while (host.deadline() !== undefined && host.deadline()! <= START + time) note(expire(time), time);
    }
    assert.deepEqual(sentAt, [0, 1000, 3000, 7000]);
    receive(sender.birth([A]), 8100);
    receive(sender.death(0), 8200);
    assert.deepEqual(rebirths(receive(sender.data(A), 8300)), ['spBv1.0/g/NCMD/n']);
  });

  it('a passive host publishes nothing', () => {
    const { host, receive, expire } = connectedHost({ role: 'passive' });
    const sender = new Sender();
    assert.deepEqual(receive(sender.data(A)).publish, []);
    assert.deepEqual(expire(60_000).publish, []);
    assert.deepEqual(
      [host.connecting(START), host.connected().publish, host.disconnecting(START)],
      [undefined, [], []],
    );
  });

  it('what is no message of an edge node does nothing, and what cannot be read is one problem', () => {
    const { host, receive } = born();
    for (const topic of ['spBv1.0/g/NCMD/n', 'spBv1.0/g/DCMD/n/d', 'other/topic', 'spBv1.0/STATE/hub']) {
      assert.deepEqual({ ...receive([topic, Buffer.from('{}')]) }, { values: [], publish: [], problems: [] });
    }
    assert.deepEqual(host.receive(...new Sender().birth([A]), START, true).values, []);
    const { problems } = receive(['spBv1.0/g/NDATA/n', Buffer.from([0xff])]);
    assert.deepEqual(
      problems.map(({ code, path }) => [code, path]),
      [['PCP_SPARKPLUG_MALFORMED', 'spBv1.0/g/NDATA/n']],
    );
  });

  it('survives whatever anybody publishes', () => {
    const type = fc.constantFrom('NBIRTH', 'NDEATH', 'NDATA', 'DBIRTH', 'DDEATH', 'DDATA', 'NCMD');
    const topic = fc.tuple(type, fc.constantFrom('n', 'n/d', 'm')).map(([kind, name]) => `spBv1.0/g/${kind}/${name}`);
    const payload = fc.oneof(
      payloads.map(encodePayload),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    );
    const state = fc.tuple(fc.constantFrom('spBv1.0/STATE/hub', 'spBv1.0/g', ''), payload);
    const message = fc.oneof(fc.tuple(topic, payload), state);
    fc.assert(
      fc.property(fc.array(fc.tuple(message, fc.nat({ max: 3000 })), { maxLength: 30 }), (messages) => {
        const { host, receive, expire } = connectedHost({ role: 'primary', hostId: 'hub', flatten: true });
        let time = 0;
        for (const [[name, bytes], pause] of messages) {
          time += pause;
          const effects = [receive([name, bytes], time), expire(time)];
          for (const { problems } of effects) for (const { class: kind } of problems) assert.equal(kind, 'data');
        }
        JSON.stringify(host.disconnected(START + time).values);
      }),
      { numRuns: 300 },
    );
  });

  it('names that nobody declared, and names without end, take no memory', () => {
    const { host, receive } = connectedHost({ role: 'passive' }, new Capacity(10));
    const metrics = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => metric(`${prefix}${index}`, 'Int32', index));
    const sender = new Sender();
    assert.equal(receive(sender.data(...metrics('made up', 20))).values.length, 20);
    assert.equal([...host.lastValues()].length, 5);
    assert.equal(receive(sender.birth(metrics('a', 1))).values.length, 1 + 5);
    const { problems, values } = receive(new Sender('other').birth(metrics('b', 5)));
    assert.deepEqual([problems.map(({ code }) => code), values], [['PCP_SPARKPLUG_TOO_MANY'], []]);
    // The same again takes no more than before.
    for (let time = 0; time < 20; time += 1) assert.equal(receive(sender.birth(metrics('a', 1))).values.length, 1);
  });

  it('names that are too long for what is made of them are refused', () => {
    const { receive } = connectedHost({ flatten: true });
    const codes = ([name, bytes]: [string, Buffer]) => receive([name, bytes]).problems.map(({ code }) => code);
    assert.deepEqual(codes(new Sender('n'.repeat(1000)).birth([A])), ['PCP_SPARKPLUG_MALFORMED']);
    assert.deepEqual(codes(new Sender().birth([metric('m'.repeat(1001), 'Int32', 1)])), ['PCP_SPARKPLUG_MALFORMED']);
    const template = { metrics: [metric('x'.repeat(600), 'Int32', 1)] };
    const { values } = receive(new Sender().birth([{ name: 'm'.repeat(600), datatype: 19, template_value: template }]));
    assert.deepEqual([values.length, values[0]?.metric], [1, 'm'.repeat(600)]);
  });

  it('a birth with as many instances as its template has members is read once for each', () => {
    const { receive } = connectedHost();
    const members = Array.from({ length: 20_000 }, (_, index) => ({ name: `m${index}`, datatype: 3 }));
    const definition = { name: 'T', datatype: 19, template_value: { is_definition: true, metrics: members } };
    const instances = Array.from({ length: 20_000 }, (_, index) => ({
      name: `i${index}`,
      datatype: 19,
      template_value: { template_ref: 'T' },
    }));
    assert.equal(receive(new Sender().birth([definition, ...instances])).values.length, 20_000);
  });

  it('takes a birth with as many metrics as a payload may have, and not more edge nodes than memory bears', () => {
    const { receive } = connectedHost();
    const metrics = Array.from({ length: 200_000 }, (_, index) => metric(`m${index}`, 'Int32', index));
    assert.equal(receive(new Sender().birth(metrics)).values.length, 200_000);
    const codes = new Set<string>();
    for (let index = 0; index < 10_001; index += 1) {
      for (const { code } of receive(new Sender(`n${index}`).birth()).problems) codes.add(code);
    }
    assert.deepEqual([...codes], ['PCP_SPARKPLUG_TOO_MANY']);
  });
});
