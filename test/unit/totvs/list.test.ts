import assert from 'node:assert/strict';
import { type ListPage, readPages } from '../../../lib/protocols/totvs/list';
import { failureOf } from '../rest/server';

describe('totvs: lists by the numbers of their pages', () => {
  async function read(pages: ListPage<number>[]): Promise<number[]> {
    const found: number[] = [];
    const ask = async (page: number) => pages[Math.min(page, pages.length) - 1]!;
    for await (const { entries } of readPages(ask, String, 2)) found.push(...entries);
    return found;
  }
  const page = (entries: number[], hasNext: boolean | undefined, total?: number): ListPage<number> => ({
    entries,
    hasNext,
    ...(total !== undefined && { total }),
  });

  it('give each entry once, though it moved to the next page, and more at once than was asked for', async () => {
    assert.deepEqual(await read([page([1, 2, 3], true), page([3, 4], false)]), [1, 2, 3, 4]);
    assert.deepEqual(await read([page([1], undefined), page([], undefined)]), [1]);
  });

  it('say so when the server gives the same page again and again', async () => {
    assert.equal((await failureOf(read([page([1, 2], true)]))).code, 'PCP_TOTVS_PAGING');
  });

  it('say so when some may have slipped through', async () => {
    assert.equal((await failureOf(read([page([1, 2], true, 4), page([3], false, 3)]))).code, 'PCP_TOTVS_LIST_MOVED');
    assert.equal((await failureOf(read([page([1, 2], false, 3)]))).code, 'PCP_TOTVS_LIST_MOVED');
  });
});
