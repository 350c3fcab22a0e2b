import assert from 'node:assert/strict';
import { WriteRun } from '../../lib/connectors/write-run';
import { IntegrationError } from '../../lib/model/errors';

describe('a batch on its way to another system', () => {
  it('stops where the run may have lost its hold on the mapping', async () => {
    const asked: number[] = [];
    const target = {
      assertSafeToWrite() {
        if (asked.length > 0) throw new IntegrationError('transient', 'PCP_LEASE_ENDING', 'Too late.');
      },
    };
    const run = new WriteRun(3, 1, new AbortController().signal, target);
    await run.each([[0], [1], [2]], async ([index]) => {
      asked.push(index!);
      run.results[index!] = { outcome: 'created' };
    });
    assert.deepEqual(asked, [0]);
    assert.throws(() => run.end(), {
      code: 'PCP_LEASE_ENDING',
      results: [{ outcome: 'created' }, undefined, undefined],
    });
  });
});
