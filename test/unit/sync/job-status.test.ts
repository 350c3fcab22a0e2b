import assert from 'node:assert/strict';
import type { RunState } from '../../../lib/model/sync';
import { jobStatus } from '../../../lib/sync/runs/job-status';
import { noCounters, type RunRow } from '../../../lib/sync/runs/run-rows';

function run(state: RunState, read: number, total: number | null): RunRow {
  const at = new Date('2026-11-24T05:00:00Z');
  return {
    id: 1,
    jobId: 'job',
    connectionId: 1,
    mappingId: 1,
    direction: 'import',
    kind: 'sync',
    replayMode: null,
    trigger: null,
    dueAt: null,
    refetched: 0,
    own: 0,
    full: false,
    dryRun: false,
    attempts: 1,
    withoutProgress: 0,
    fence: 1,
    worker: null,
    writerState: null,
    activeMs: 1000,
    nextAttemptAt: null,
    cancelRequestedAt: null,
    errorClass: null,
    spool: null,
    errorCode: null,
    errorMessage: null,
    hint: null,
    warnings: [],
    startedAt: at,
    endedAt: at,
    updatedAt: at.getTime(),
    state,
    total,
    counters: { ...noCounters(), read },
  };
}

describe('progress of a job', () => {
  const cases: [what: string, runs: RunRow[], total: number | null, percent: number | null][] = [
    ['went through', [run('succeeded', 90, 100)], 90, 100],
    ['went through with bad records', [run('partial', 90, null)], 90, 100],
    ['was cancelled', [run('cancelled', 30, 120)], 120, 25],
    ['was cancelled without an estimate', [run('cancelled', 30, null)], null, null],
    ['failed after more than was expected', [run('failed', 30, 20)], 30, 99],
    ['goes on', [run('succeeded', 50, 50), run('running', 25, 50)], 100, 75],
    ['was cancelled in its second run', [run('succeeded', 50, 50), run('cancelled', 0, 50)], 100, 50],
  ];
  for (const [what, runs, total, percent] of cases) {
    it(`that ${what}`, () => {
      const { progress } = jobStatus(runs);
      assert.deepEqual([progress.total, progress.percent], [total, percent]);
    });
  }
});
