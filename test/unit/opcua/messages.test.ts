import assert from 'node:assert/strict';
import type { ClientSubscription } from '../../../lib/protocols/opcua/library';
import { takeEachMessageOnce } from '../../../lib/protocols/opcua/library-mends';

describe('OPC UA: messages of a subscription', () => {
  const at = (seconds: number) => new Date(1_000 * seconds);
  const message = (sequenceNumber: number, seconds: number, notificationData: object[] = [{}]) => ({
    ...{ sequenceNumber, publishTime: at(seconds), notificationData },
  });

  function subscription() {
    const numbers: number[] = [];
    const library = {
      lastSequenceNumber: -1,
      onNotificationMessage({ sequenceNumber, notificationData }: ReturnType<typeof message>) {
        this.lastSequenceNumber = sequenceNumber;
        if (notificationData.length > 0) numbers.push(sequenceNumber);
      },
    };
    takeEachMessageOnce(library as unknown as ClientSubscription);
    return { library, numbers };
  }

  it('are taken once, also when they were asked for again and come by themselves as well', () => {
    const { library, numbers } = subscription();
    for (const one of [message(1, 1), message(2, 2), message(2, 2), message(1, 1), message(3, 3)]) {
      library.onNotificationMessage(one);
    }
    assert.deepEqual(numbers, [1, 2, 3]);
  });

  it('are others when the subscription was made anew and counts from the beginning', () => {
    const { library, numbers } = subscription();
    for (const one of [message(1, 1), message(2, 2), message(1, 9), message(2, 10)]) library.onNotificationMessage(one);
    assert.deepEqual(numbers, [1, 2, 1, 2]);
  });

  it('are still to come when a sign of life has their number', () => {
    const { library } = subscription();
    for (const one of [message(1, 1), message(2, 2, [])]) library.onNotificationMessage(one);
    assert.equal(library.lastSequenceNumber, 1);
  });
});
