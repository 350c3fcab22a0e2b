import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { ReadAhead } from '../../../lib/sync/read-ahead';

describe('reading ahead', () => {
  function source(answers: (number | Error | null)[]) {
    const pulled: number[] = [];
    let at = 0;
    const pull = async () => {
      pulled.push(at);
      const answer = answers[at++];
      if (answer instanceof Error) throw answer;
      return answer ?? null;
    };
    return { pull, pulled };
  }

  it('pulls one page ahead of the one in hand and never more', async () => {
    const { pull, pulled } = source([1, 2, 3]);
    const pages = new ReadAhead(pull, 1);
    assert.equal(pages.ready, false);
    assert.equal(await pages.take(), 1);
    await turn();
    assert.equal(pages.ready, true);
    assert.deepEqual(pulled, [0, 1]);
    assert.deepEqual([await pages.take(), await pages.take(), await pages.take()], [2, 3, null]);
  });

  it('pulls as many pages ahead as it may, one after another', async () => {
    const waiting: ((page: number | null) => void)[] = [];
    let asked = 0;
    const pull = () => {
      asked++;
      return new Promise<number | null>((resolve) => waiting.push(resolve));
    };
    const pages = new ReadAhead(pull, 2);
    const first = pages.take();
    for (const page of [1, 2, 3]) {
      assert.equal(asked, page, 'one at a time');
      waiting.shift()?.(page);
      await turn();
    }
    assert.equal(await first, 1);
    assert.equal(asked, 3, 'two ahead');
    assert.equal(await pages.take(), 2);
    assert.equal(pages.ready, true);
    assert.equal(asked, 4);
    waiting.shift()?.(null);
    await turn();
    assert.deepEqual([await pages.take(), pages.ready, await pages.take()], [3, false, null]);
    assert.equal(asked, 4, 'nothing comes after the end');
  });

  it('has nothing ready that would have to be waited for', async () => {
    const { pull, pulled } = source([1, 2]);
    const pages = new ReadAhead(pull, 0);
    assert.equal(await pages.take(), 1);
    await turn();
    assert.equal(pages.ready, false);
    assert.deepEqual(pulled, [0]);
  });

  it('keeps a failure for the one who takes the page, and is neither ready then nor at the end', async () => {
    const torn = new ReadAhead(source([1, new Error('torn')]).pull, 1);
    await torn.take();
    await turn();
    assert.equal(torn.ready, false);
    await assert.rejects(torn.take(), /torn/);
    await torn.settle();

    const ended = new ReadAhead(source([1, null]).pull, 1);
    await ended.take();
    await turn();
    assert.equal(ended.ready, false);
    assert.equal(await ended.take(), null);
  });
});
