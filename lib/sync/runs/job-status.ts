import type { JobStatus } from '../../model/services';
import { type RunRow, statusOf, toSyncLog } from './run-rows';

/** What the runs of a job come to together. */
export function jobStatus(runs: RunRow[]): JobStatus {
  const logs = runs.map(toSyncLog);
  const statuses = new Set(runs.map((run) => statusOf(run.state)));
  const status = statuses.has('in_progress') ? 'in_progress' : statuses.has('error') ? 'error' : 'success';
  const processed = runs.reduce((sum, run) => sum + run.counters.read, 0);
  const totals = runs.map(totalOf);
  const total = totals.includes(null) ? null : (totals as number[]).reduce((sum, each) => sum + each, 0);
  const first = runs[0] as RunRow;
  const ended = runs.map((run) => run.endedAt?.getTime() ?? 0);
  const activeMs = runs.reduce((sum, run) => sum + run.activeMs, 0);
  return {
    job_id: first.jobId,
    connection_id: first.connectionId,
    status,
    started_at: first.startedAt.toISOString(),
    ended_at: status === 'in_progress' ? null : new Date(Math.max(...ended)).toISOString(),
    progress: {
      processed,
      total,
      percent: runs.every(isComplete) ? 100 : total === null ? null : percentage(processed, total),
      records_per_second: activeMs > 0 ? Math.round((processed * 1000) / activeMs) : 0,
    },
    logs,
  };
}

function isComplete(run: RunRow): boolean {
  return statusOf(run.state) === 'success';
}

/** A run that went through read all there was; of another, also one that was cancelled, the estimate stands. */
function totalOf(run: RunRow): number | null {
  if (isComplete(run)) return run.counters.read;
  return run.total === null ? null : Math.max(run.total, run.counters.read);
}

/** Estimates may be low: what did not go through never shows as complete. */
function percentage(processed: number, total: number): number {
  return total <= 0 ? 0 : Math.min(99, Math.floor((processed * 100) / total));
}
