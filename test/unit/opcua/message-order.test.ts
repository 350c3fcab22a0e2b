import assert from 'node:assert/strict';
import { type Message, MessageOrder } from '../../../lib/protocols/opcua/message-order';

describe('OPC UA: the order of messages', () => {
  const FOR_EVER = 2 ** 31 - 1;

  /** @param bytes of each message */
  function ordered(patienceMs = FOR_EVER, bytes = 100) {
    const given: (number | 'lost')[] = [];
    const asked: number[] = [];
    const kept = new Map<number, Promise<Message | undefined>>();
    const message = (number: number, notificationData: object[] = [{}]): Message => ({
      ...{ sequenceNumber: number, notificationData, binaryStoreSize: () => bytes },
    });
    const order = new MessageOrder(
      {
        give: ({ sequenceNumber }) => void given.push(sequenceNumber),
        lost: () => void given.push('lost'),
        ask: (number) => {
          asked.push(number);
          return kept.get(number) ?? new Promise(() => undefined);
        },
      },
      patienceMs,
    );
    const arrive = (...numbers: number[]) => {
      for (const number of numbers) order.arrived(message(number));
    };
    return { order, given, asked, kept, arrive, message };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('is that of their numbers, each once, also when one comes by itself as well as it was asked for', async () => {
    const { given, asked, arrive, kept, message } = ordered();
    const second = Promise.withResolvers<Message>();
    kept.set(2, second.promise);
    arrive(1, 3, 2, 1);
    second.resolve(message(2));
    await settled();
    arrive(3, 4);
    assert.deepEqual([given, asked], [[1, 2, 3, 4], [2]]);
  });

  it('begins anew with a subscription that is made anew, after what was still waiting', () => {
    const { order, given, arrive } = ordered();
    arrive(1, 2, 4);
    order.restart();
    arrive(1, 2);
    assert.deepEqual(given, [1, 2, 'lost', 4, 1, 2]);
    assert.equal(order.last, 2);
  });

  it('is kept for one that is still to come when a sign of life has its number', () => {
    const { order, given, arrive, message } = ordered();
    arrive(1);
    order.arrived(message(2, []));
    assert.equal(order.last, 1);
    arrive(2);
    assert.deepEqual(given, [1, 2]);
  });

  it('is given up for what cannot be had, once it takes too long or too much waits', async () => {
    const slow = ordered(1);
    slow.arrive(1, 3, 6, 7);
    while (slow.given.length < 6) await settled();
    assert.deepEqual(slow.given, [1, 'lost', 3, 'lost', 6, 7]);
    const large = ordered(FOR_EVER, 2 ** 23);
    large.arrive(2, 3);
    assert.deepEqual(large.given, []);
    large.arrive(4);
    assert.deepEqual(large.given, ['lost', 2, 3, 4]);
  });

  it('goes round: after the highest number comes the first one', async () => {
    const { given, arrive, kept, message, asked } = ordered(1);
    arrive(2 ** 31 - 1);
    while (given.length < 2) await settled();
    arrive(2 ** 32 - 2);
    while (given.length < 4) await settled();
    kept.set(1, Promise.resolve(message(1)));
    arrive(2 ** 32 - 1, 2);
    await settled();
    assert.deepEqual(given.slice(4), [2 ** 32 - 1, 1, 2]);
    assert.equal(asked.at(-1), 1);
  });

  it('waits for a connection that is away', async () => {
    const { given, arrive, kept } = ordered();
    kept.set(2, Promise.reject(new Error('away')));
    arrive(1, 3);
    await settled();
    assert.deepEqual(given, [1]);
    arrive(2);
    assert.deepEqual(given, [1, 2, 3]);
  });
});
