import assert from 'node:assert/strict';
import { Batched } from '../../../lib/webhooks/incoming/batched';

describe('work that is done together', () => {
  it('takes what was asked for meanwhile, as much as may be at once, and answers each', async () => {
    const batches: number[][] = [];
    const first = Promise.withResolvers<void>();
    const work = new Batched<number, string>(async (values) => {
      batches.push(values);
      if (batches.length === 1) await first.promise;
      return values.map(String);
    }, 5);
    const one = work.do(0);
    while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const others = [1, 2, 3, 4, 5, 6, 7].map((value) => work.do(value));
    first.resolve();
    assert.deepEqual(await Promise.all([one, ...others]), ['0', '1', '2', '3', '4', '5', '6', '7']);
    assert.deepEqual(batches, [[0], [1, 2, 3, 4, 5], [6, 7]]);
  });

  it('goes by the weight of what is asked for, and takes one that is too heavy alone', async () => {
    const batches: number[][] = [];
    const work = new Batched<number, undefined>(
      async (values) => {
        batches.push(values);
        return values.map(() => undefined);
      },
      5,
      (value) => value,
    );
    await Promise.all([3, 2, 1, 9, 4, 4].map((value) => work.do(value)));
    assert.deepEqual(batches, [[3, 2], [1], [9], [4], [4]]);
  });

  it('fails for all of them, and goes on with the next', async () => {
    const work = new Batched<number, number>(async (values) => {
      if (values.includes(1)) throw new Error('away');
      return values;
    }, 2);
    const results = await Promise.allSettled([0, 1, 2].map((value) => work.do(value)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
  });
});
