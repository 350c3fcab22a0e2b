import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { RunCounters } from '../model/sync';
import type { SqlTransaction } from '../protocols/sql/database';
import type { StoreClock } from './clock';
import { abandonRun, type Execution, executeRun, reasonOf } from './execute';
import { Lease, streamName, WORKER, workerIsGone } from './lease';
import { executeReplay, reopenChosen } from './replay';
import type { RetryPolicy } from './retry';
import { ACTIVE, getRun, type RunRow, stateList, toRun } from './run-rows';
import { type Ending, endingOf, settle } from './settle';
import { type EngineContext, openStream } from './stream';

/** How often a worker looks for runs that wait, and for those whose worker is gone. */
const LOOK_EVERY_MS = 5_000;
const STOP_GRACE_MS = 15_000;

export interface WorkerOptions extends EngineContext {
  clock: StoreClock;
  mapping(id: number): Promise<Mapping>;
  retry: RetryPolicy;
  /** Runs at the same time. */
  concurrency: number;
  /** Called after every committed change of a job. */
  onChange(jobId: string): void;
  log(level: 'info' | 'warn' | 'error', message: string): void;
}

/** Claims runs from the store and executes them. Any number of workers may share one store. */
export class Worker {
  private readonly active = new Map<number, AbortController>();
  private readonly done = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  private lookAgain = false;
  private stopped = false;
  private waiting = 0;

  constructor(private readonly options: WorkerOptions) {}

  /** True while runs are executed or wait for their time, so that this process must stay. */
  get busy(): boolean {
    return this.active.size > 0 || this.waiting > 0 || this.looking !== null;
  }

  /** Looks for work now. Never throws: a store that is away is looked at again later. */
  async wake(): Promise<void> {
    if (this.stopped) return;
    if (this.looking !== null) {
      this.lookAgain = true;
      return this.looking;
    }
    clearTimeout(this.timer);
    this.looking = this.look()
      .catch((error: unknown) =>
        this.options.log('warn', `The store could not be read: ${IntegrationError.from(error).message}`),
      )
      .finally(() => {
        this.looking = null;
        if (this.stopped) return;
        this.timer = setTimeout(() => void this.wake(), this.lookAgain ? 0 : LOOK_EVERY_MS);
        this.lookAgain = false;
      });
    return this.looking;
  }

  /** Looks at once whether somebody wants a run of this worker to be cancelled. */
  async checkCancelled(): Promise<void> {
    for (const [id, controller] of this.active) {
      const run = await getRun(this.options.database, id);
      if (run.cancelRequestedAt !== null && run.state === 'cancelling') controller.abort(cancelled());
    }
  }

  /** Claims nothing more, interrupts what runs after its batch, and gives the leases back. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    const reason = new IntegrationError(
      'transient',
      'PCP_INTERRUPTED',
      'The worker was stopped; the run goes on later.',
    );
    for (const controller of this.active.values()) controller.abort(reason);
    const grace = new Promise<void>((resolve) => setTimeout(resolve, STOP_GRACE_MS).unref());
    await Promise.race([Promise.allSettled([...this.done]), grace]);
  }

  private async look(): Promise<void> {
    const { database, clock, concurrency } = this.options;
    const rows = await database.query(
      `SELECT * FROM integration_sync_logs WHERE state IN (${stateList(ACTIVE)}) ORDER BY id LIMIT 500`,
    );
    const runs = rows.map(toRun).filter((run) => !this.active.has(run.id));
    const abandoned = (run: RunRow): boolean =>
      run.state !== 'running' && run.state !== 'cancelling' ? true : workerIsGone(run.worker) || run.worker === WORKER;
    this.waiting = runs.filter(abandoned).length;
    for (const run of runs) {
      if (this.stopped || this.active.size >= concurrency) return;
      const due = run.nextAttemptAt === null || run.nextAttemptAt <= clock.now();
      if (due) await this.claim(run);
    }
  }

  private async claim(run: RunRow): Promise<void> {
    const { database, clock } = this.options;
    const controller = new AbortController();
    this.active.set(run.id, controller);
    const lease = await Lease.acquire(
      database,
      clock,
      streamName(run.mappingId, run.direction),
      run.id,
      (transaction, fence) => claimRun(transaction, run, fence, clock.now()),
      () => this.checkCancelled(),
    ).catch((error: unknown) => {
      this.active.delete(run.id);
      throw error;
    });
    if (lease === null) {
      this.active.delete(run.id);
      return;
    }
    lease.lost.signal.addEventListener('abort', () => controller.abort(lease.lost.signal.reason));
    const work = this.execute(await getRun(database, run.id), lease, controller.signal).finally(() => {
      this.active.delete(run.id);
      this.done.delete(work);
      void this.wake();
    });
    this.done.add(work);
  }

  /** Never throws: whatever happens ends in the run's row, or is left to the lease's end. */
  private async execute(run: RunRow, lease: Lease, signal: AbortSignal): Promise<void> {
    const { database, clock, retry, log, onChange } = this.options;
    onChange(run.jobId);
    let ending: Ending;
    try {
      ending = { counters: await this.attempt(run, lease, signal) };
    } catch (error) {
      const failure = reasonOf(error, signal);
      if (failure.class === 'bug') log('error', `Run ${run.id}: ${failure.message}\n${(error as Error)?.stack ?? ''}`);
      ending = { failure };
    }
    lease.stop();
    if (ending.failure?.code === 'PCP_LEASE_LOST') return;
    try {
      await database.transaction(async (transaction) => {
        await lease.assertHeld(transaction);
        const current = await getRun(transaction, run.id);
        const end = endingOf(current, ending, retry, clock.now());
        await settle(transaction, current, end, clock.now());
        if (end.state !== 'queued' && end.nextAttemptAt === null) await reopenChosen(transaction, run.id);
        await lease.release(transaction);
        if (end.failure)
          log(
            'warn',
            `Run ${run.id} of mapping ${run.mappingId}: ${end.state}, ${end.failure.code}: ${end.failure.message}`,
          );
      });
      await database.flush();
    } catch (error) {
      log('error', `Run ${run.id} could not be closed: ${IntegrationError.from(error).message}`);
    }
    onChange(run.jobId);
  }

  private async attempt(run: RunRow, lease: Lease, signal: AbortSignal): Promise<RunCounters> {
    const { options } = this;
    if (run.withoutProgress > options.retry.maxWithoutProgress) {
      throw new IntegrationError(
        'poison',
        'PCP_WORKER_DIED',
        `The worker died ${run.withoutProgress - 1} times without getting past the same batch.`,
        {
          hint: "A record of this batch is too large for the runner, or its driver crashes: look at the runner's log.",
        },
      );
    }
    const mapping = await options.mapping(run.mappingId);
    const stream = await openStream(options, mapping, run.direction, signal);
    try {
      const execution: Execution = {
        database: options.database,
        clock: options.clock,
        lease,
        run,
        mapping,
        stream,
        signal,
        onProgress: () => options.onChange(run.jobId),
      };
      if (run.state === 'cancelling') {
        await abandonRun(execution);
        throw cancelled();
      }
      return await (run.kind === 'replay' ? executeReplay(execution) : executeRun(execution));
    } finally {
      await stream.close();
    }
  }
}

function cancelled(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The run was cancelled.');
}

/** Moves a run to this worker; a dry run begins its counting anew. */
async function claimRun(transaction: SqlTransaction, run: RunRow, fence: number, now: number): Promise<boolean> {
  const restart = run.dryRun
    ? `, ${['read', 'created', 'updated', 'unchanged', 'deleted', 'filtered', 'conflicts', 'errors'].map((name) => `c_${name} = 0`).join(', ')}`
    : '';
  const changed = await transaction.execute(
    `UPDATE integration_sync_logs
     SET state = CASE WHEN state = 'cancelling' THEN 'cancelling' ELSE 'running' END, fence = ?, worker = ?,
       attempts = attempts + 1, no_progress = no_progress + 1, next_attempt_at = NULL, updated_at = ?${restart}
     WHERE id = ? AND (state IN ('queued', 'waiting_retry', 'waiting_quota')
       OR (state IN ('running', 'cancelling') AND fence < ?))`,
    [fence, WORKER, now, run.id, fence],
  );
  return changed === 1;
}
