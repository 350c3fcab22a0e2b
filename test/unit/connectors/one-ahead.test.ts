import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { oneAhead } from '../../../lib/connectors/one-ahead';

describe('a read one page ahead', () => {
  const never = new AbortController().signal;

  it('asks for the next page while the one in hand is worked on, and for no more', async () => {
    const asked: number[] = [];
    async function* pages() {
      for (let page = 1; page <= 4; page++) {
        asked.push(page);
        yield page;
      }
    }
    const seen: [number, number[]][] = [];
    for await (const page of oneAhead(pages, never)) {
      await turn();
      seen.push([page, [...asked]]);
    }
    assert.deepEqual(seen, [
      [1, [1, 2]],
      [2, [1, 2, 3]],
      [3, [1, 2, 3, 4]],
      [4, [1, 2, 3, 4]],
    ]);
  });

  it('ends the request that nobody waits for any more', async () => {
    let isClosed = false;
    async function* pages(signal: AbortSignal) {
      try {
        yield 1;
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('ended')));
        });
      } finally {
        isClosed = true;
      }
    }
    for await (const page of oneAhead(pages, never)) {
      assert.equal(page, 1);
      break;
    }
    assert.equal(isClosed, true);
  });

  it('tells why there is no next page to whoever comes for it', async () => {
    async function* pages() {
      yield 1;
      throw new Error('away');
    }
    const read = oneAhead(pages, never);
    assert.deepEqual(await read.next(), { done: false, value: 1 });
    await turn();
    await assert.rejects(read.next(), /away/);
  });
});
