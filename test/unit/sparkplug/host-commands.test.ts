import assert from 'node:assert/strict';
import { connectedHost, metric, payloadOf, rebirths, Sender, START } from './edge-node-messages';

describe('Sparkplug host: commands', () => {
  function born() {
    const connected = connectedHost();
    const sender = new Sender();
    connected.receive(sender.birth([metric('d/x', 'Int16', 1), metric('speed', 'UInt8', 1, { alias: 4 })]));
    connected.receive(sender.device('DBIRTH', 'd', metric('x', 'Int32', 5), metric('set point', 'Double', 1)));
    return { ...connected, sender };
  }

  it('tck-id-operational-behavior-data-commands-dcmd-verb, -metric-name, -metric-value; tck-id-topics-dcmd-topic', () => {
    const { message } = born().host.write('g/n/d/set point', 21.5, START);
    assert.deepEqual([message.topic, message.qos, message.retain], ['spBv1.0/g/DCMD/n/d', 0, false]);
    assert.deepEqual(payloadOf(message), {
      timestamp: START,
      metrics: [{ name: 'set point', timestamp: START, datatype: 10, double_value: 21.5 }],
    });
  });

  it('tck-id-operational-behavior-data-commands-ncmd-verb: to an edge node, by alias where it has one', () => {
    const { message } = born().host.write('g/n/speed', 200, START);
    assert.equal(message.topic, 'spBv1.0/g/NCMD/n');
    assert.deepEqual(payloadOf(message).metrics, [{ alias: 4, timestamp: START, datatype: 5, int_value: 200 }]);
  });

  it('prefer a metric of the edge node where a name could mean both', () => {
    assert.equal(born().host.write('g/n/d/x', 2, START).message.topic, 'spBv1.0/g/NCMD/n');
  });

  it('are refused for what is unknown, offline, or does not fit', () => {
    const { host, receive, sender } = born();
    assert.throws(() => host.write('g/n/speed', 256, START), { code: 'PCP_SPARKPLUG_VALUE' });
    for (const tag of ['g/n/none', 'g/m/speed', 'speed', '']) {
      assert.throws(() => host.write(tag, 1, START), { class: 'config', code: 'PCP_SPARKPLUG_TAG' });
    }
    receive(sender.death());
    assert.throws(() => host.write('g/n/speed', 1, START), { class: 'transient', code: 'PCP_SPARKPLUG_OFFLINE' });
  });

  it('tell what comes back when they are obeyed', () => {
    assert.equal(born().host.write('g/n/d/set point', 21.5, START).expected, 21.5);
  });

  it('may wait for the birth of an edge node, which an active host asks for', () => {
    const { host, receive, sender } = born();
    const ask = (edgeNode: string, group = 'g') => rebirths(host.askForBirth({ group, edgeNode }, START));
    assert.deepEqual(
      [host.isOnline('g/n/speed'), host.isOnline('g/n/none'), host.isOnline('g/m/a')],
      [true, false, false],
    );
    assert.deepEqual(ask('n'), []);
    assert.deepEqual(ask('m'), ['spBv1.0/g/NCMD/m']);
    receive(sender.death());
    assert.equal(host.isOnline('g/n/speed'), false);
    assert.deepEqual(ask('n'), ['spBv1.0/g/NCMD/n']);
    for (const [edgeNode, group] of [
      ['', 'g'],
      ['+', 'g'],
      ['n', '#'],
    ] as const)
      assert.deepEqual(ask(edgeNode, group), []);
  });

  it('ask no edge node as a passive host, and none of another group', () => {
    for (const options of [{ role: 'passive' }, { groups: ['h'] }] as const) {
      assert.deepEqual(rebirths(connectedHost(options).host.askForBirth({ group: 'g', edgeNode: 'n' }, START)), []);
    }
  });

  it('know what was declared', () => {
    const metrics = [...born().host.metrics()].map(({ tag, dataType, isReadOnly }) => [tag, dataType, isReadOnly]);
    assert.deepEqual(metrics, [
      ['g/n/bdSeq', 'Int64', false],
      ['g/n/Node Control/Rebirth', 'Boolean', false],
      ['g/n/d/x', 'Int16', false],
      ['g/n/speed', 'UInt8', false],
      ['g/n/d/x', 'Int32', false],
      ['g/n/d/set point', 'Double', false],
    ]);
  });
});
