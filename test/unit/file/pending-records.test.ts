import assert from 'node:assert/strict';
import { type FileInProgress, PendingRecords } from '../../../lib/connectors/generic/file/pending-records';

const file = (path: string): FileInProgress => ({
  identity: { path, size: 1, mtimeMs: 1, head: '' },
  format: 'csv',
  delivered: 0,
});

describe('pending records', () => {
  it('share batches between files, and finish each with its last record', () => {
    const pending = new PendingRecords();
    const [a, b, c] = [file('a'), file('b'), file('c')];
    for (const [each, count] of [
      [a, 3],
      [b, 0],
      [c, 4],
    ] as const) {
      pending.startFile(each);
      for (let line = 1; line <= count; line++) pending.add({}, line);
      pending.finishFile(each);
    }
    const cuts = [];
    while (!pending.isEmpty) {
      const { records, finished, current, positions } = pending.cut(2);
      cuts.push({
        positions: records.map((_, index) => positions(index)),
        finished: finished.map(({ identity }) => identity.path),
        current: current && `${current.identity.path} ${current.delivered}`,
      });
    }
    assert.deepEqual(cuts, [
      { positions: ['a:1', 'a:2'], finished: [], current: 'a 2' },
      { positions: ['a:3', 'c:1'], finished: ['a', 'b'], current: 'c 1' },
      { positions: ['c:2', 'c:3'], finished: [], current: 'c 3' },
      { positions: ['c:4'], finished: ['c'], current: null },
    ]);
    assert.deepEqual([a.delivered, b.delivered, c.delivered], [3, 0, 4]);
  });
});
