import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Deadline } from '../../../lib/protocols/http/deadline';

const AN_HOUR = 3_600_000;

describe('deadlines of one signal', () => {
  const begin = (signal: AbortSignal) => new Deadline(AN_HOUR, signal, () => new Error('too late'));

  it('end together when it is aborted, those excepted that are over', () => {
    const controller = new AbortController();
    const [first, second, third] = [1, 2, 3].map(() => begin(controller.signal)) as [Deadline, Deadline, Deadline];
    const ended: string[] = [];
    first.watch(() => ended.push('first'));
    second.watch(() => ended.push('second'));
    third.watch(() => ended.push('third'));
    second.clear();
    controller.abort(new Error('enough'));
    assert.deepEqual(ended, ['first', 'third']);
    assert.throws(() => third.throwIfOver(), { code: 'PCP_CANCELLED' });
    first.clear();
    third.clear();
  });

  it('listen to it once, and not at all when none is left', () => {
    const { signal } = new AbortController();
    const deadlines = [1, 2, 3].map(() => begin(signal));
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    for (const deadline of deadlines) deadline.clear();
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const again = begin(signal);
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    again.clear();
  });
});
