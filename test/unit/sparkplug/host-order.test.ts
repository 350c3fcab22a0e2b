import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Effects } from '../../../lib/protocols/sparkplug/host/effects';
import type { HostOptions } from '../../../lib/protocols/sparkplug/host/host';
import { connectedHost, metric, rebirths, Sender, START, short } from './edge-node-messages';

describe('Sparkplug host: order', () => {
  const value = (number: number) => metric('a', 'Int32', number);
  const numbers = ({ values }: Effects) => values.map((item) => item.value);

  function born(options: Partial<HostOptions> = {}) {
    const connected = connectedHost({ reorderTimeoutMs: 500, ...options });
    const sender = new Sender();
    connected.receive(sender.birth([value(0)]));
    return { ...connected, sender };
  }

  it('tck-id-operational-behavior-host-reordering-start, -success: a late message is waited for', () => {
    const { host, receive, sender } = born();
    const [first, second, third] = [1, 2, 3].map((number) => sender.data(value(number)));
    assert.deepEqual(numbers(receive(third!, 10)), []);
    assert.deepEqual(numbers(receive(second!, 20)), []);
    assert.equal(host.deadline(), START + 510);
    assert.deepEqual(numbers(receive(first!, 30)), [1, 2, 3]);
    assert.equal(host.deadline(), undefined);
  });

  it('tck-id-operational-behavior-host-reordering-rebirth: what does not come is asked for by a rebirth', () => {
    const { receive, expire, sender } = born();
    sender.data(value(1));
    receive(sender.data(value(2)), 10);
    assert.deepEqual(short(expire(509)), []);
    const effects = expire(510);
    assert.deepEqual(short(effects), [['g/n/a', 2, 'uncertain', 'messages missing']]);
    assert.deepEqual(
      effects.problems.map(({ code }) => code),
      ['PCP_SPARKPLUG_GAP'],
    );
    assert.deepEqual(rebirths(effects), ['spBv1.0/g/NCMD/n']);
    assert.deepEqual(short(receive(sender.data(value(3)), 520)), [['g/n/a', 3, 'uncertain', 'messages missing']]);
    assert.deepEqual(short(receive(sender.birth([value(4)]), 530)), [['g/n/a', 4, 'good']]);
    assert.deepEqual(short(receive(sender.data(value(5)), 540)), [['g/n/a', 5, 'good']]);
  });

  it('tck-id-payloads-sequence-num-incrementing: 0 follows 255', () => {
    const { host, receive, sender } = born();
    for (let number = 1; number <= 600; number += 1) {
      assert.deepEqual(numbers(receive(sender.data(value(number)))), [number]);
    }
    assert.equal(host.deadline(), undefined);
  });

  it('messages that overtook their birth come after it, those of the life before come before it', () => {
    const { receive, sender } = born();
    receive(sender.data(value(1)));
    sender.data(value(2));
    assert.deepEqual(numbers(receive(sender.data(value(3)))), []);
    sender.time = START + 1;
    const birth = sender.birth([value(10)]);
    const overtaking = sender.data(value(11));
    assert.deepEqual(numbers(receive(overtaking)), []);
    assert.deepEqual(numbers(receive(birth)), [3, 10, 11]);
  });

  it('is that of the sender, however messages are shuffled within the time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 40 }), (ranks) => {
        const { receive, sender } = born();
        const messages = ranks.map((rank, index) => ({ rank, message: sender.data(value(index + 1)) }));
        const shuffled = messages.toSorted((a, b) => a.rank - b.rank);
        const seen = shuffled.flatMap(({ message }) => numbers(receive(message, 100)));
        assert.deepEqual(
          seen,
          ranks.map((_, index) => index + 1),
        );
      }),
    );
  });
});
