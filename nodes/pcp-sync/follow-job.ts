import { IntegrationError } from '../../lib/model/errors';
import { phrase } from '../../lib/model/phrase';
import type { JobStatus, Sync } from '../../lib/model/services';

/** A job commits hundreds of times per second; a flow would drown in messages about it. */
const PROGRESS_EVERY_MS = 500;

/** Resolves with the job's end. Watching stops with it, and when the signal aborts (the run itself goes on). */
export function followJob(
  sync: Sync,
  job: JobStatus,
  signal: AbortSignal,
  onProgress: (job: JobStatus) => void,
): Promise<JobStatus> {
  return new Promise((resolve, reject) => {
    let unwatch = () => {};
    let settled = false;
    let toldAt = Number.NEGATIVE_INFINITY;
    let latest = job;
    let next: NodeJS.Timeout | undefined;
    const tell = () => {
      next = undefined;
      toldAt = performance.now();
      onProgress(latest);
    };
    const finish = (settle: () => void) => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', abort);
      unwatch();
      clearTimeout(next);
      settle();
    };
    const abort = () => finish(() => reject(signal.reason));
    const consider = (status: JobStatus) => {
      if (settled) return;
      if (status.status !== 'in_progress') return finish(() => resolve(status));
      latest = status;
      if (next !== undefined) return;
      const wait = toldAt + PROGRESS_EVERY_MS - performance.now();
      if (wait <= 0) tell();
      else next = setTimeout(tell, wait);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    unwatch = sync.watch(job.job_id, consider);
    // It may have ended between its start and the watch.
    sync.status(job.job_id).then(consider, (error) => finish(() => reject(error)));
  });
}

export function jobTotals(job: JobStatus): { success: number; errors: number } {
  return job.logs.reduce(
    (totals, log) => ({
      success: totals.success + log.records_success,
      errors: totals.errors + log.records_error,
    }),
    { success: 0, errors: 0 },
  );
}

/** Why the job failed, or null when it did not: the first of its runs that ended in an error. */
export function jobFailure(job: JobStatus): IntegrationError | null {
  if (job.status !== 'error') return null;
  const log = job.logs.find((candidate) => candidate.status === 'error');
  const errorClass = log?.error_class ?? 'bug';
  const code = log?.details.error_code ?? (errorClass === 'cancelled' ? 'PCP_CANCELLED' : 'PCP_RUN_FAILED');
  const hint = log?.details.hint;
  return new IntegrationError(
    errorClass,
    code,
    log?.said ?? log?.error_message ?? phrase`The run failed.`,
    hint ? { hint } : {},
  );
}
