import type { Connector } from '../../connectors/contract';
import { IntegrationError, inOneLine } from '../../model/errors';
import type { Mapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { RunKind } from '../../model/sync';
import { Rounds } from '../../rounds';
import type { Vault } from '../../security/vault';
import { heldBy } from '../../store/stream-names';
import type { Tally } from '../../store/tally';
import { WORKER } from '../../store/worker-name';
import type { StoreClock } from '../clock';
import { type Execution, executeRun, reasonOf } from '../execute';
import { executeReplay, reopenChosen } from '../letters/replay';
import { lookAtRepaired } from '../reconciliation/follow-up';
import { executeReconciliation } from '../reconciliation/reconcile';
import { type DeadLetterPolicy, Retention } from '../retention';
import { type EngineContext, openStream } from '../stream';
import { endAttempt } from './attempts';
import { claimRun, firstOfStreams } from './claim';
import { followersOf, lockFollowers, startFollowers } from './followers';
import { heldByOthers, Lease } from './lease';
import { noteAttempt, noteWorking, type Pause, pauses, waitForPause } from './pauses';
import type { RetryPolicy } from './retry';
import { ENDED, getRun, type RunRow } from './run-rows';
import { type Ending, endingOf, settle } from './settle';
import { takeBack, takeBackEarlier } from './unfinished-targets';

/** How often a worker looks for runs that wait, and for those whose worker is gone. */
const LOOK_EVERY_MS = 5_000;
const STOP_GRACE_MS = 15_000;
/** A run commits hundreds of times a second; nobody reads its progress that often, and each word to another process costs. */
const TELL_EVERY_MS = 200;

export interface WorkerOptions extends EngineContext {
  clock: StoreClock;
  mapping(id: number): Promise<Mapping>;
  /** Refuses a mapping that must not be started by another. @throws config */
  check(mapping: Mapping): Promise<void>;
  /** Seals and opens what dead letters keep. */
  vault: Vault;
  deadLetters: DeadLetterPolicy;
  /** Sync logs go after so long. */
  logDays: number;
  retry: RetryPolicy;
  /** Runs at the same time. */
  concurrency: number;
  /** Runs of other kinds are left to other workers. */
  kinds: readonly RunKind[];
  /** Runs among them that are another worker's to do. */
  isElsewhere?(run: RunRow): boolean;
  /** Of a live run: where its records wait. */
  liveSource?(mapping: Mapping): Connector;
  tally?: Pick<Tally, 'count' | 'time'>;
  /** Called when a run begins and ends, and from time to time while it gets on. */
  onChange(jobId: string): void;
  log(level: 'info' | 'warn' | 'error' | 'debug', message: string): void;
}

/** Claims runs from the store and executes them. Any number of workers may share one store. */
export class Worker {
  private readonly active = new Map<number, AbortController>();
  private readonly done = new Set<Promise<void>>();
  private waiting = 0;
  /** As of the last look. */
  private paused = new Map<number, Pause>();
  /** Connection that stands for the platform, by mapping. */
  private peers = new Map<number, number>();
  private readonly retention: Retention;
  private readonly rounds: Rounds;
  private tidying: Promise<void> | null = null;

  constructor(private readonly options: WorkerOptions) {
    this.retention = new Retention(options);
    this.rounds = new Rounds({
      name: 'The store',
      round: () => this.look().finally(() => this.tidyAside()),
      retryMs: LOOK_EVERY_MS,
      keepsProcess: true,
      log: options.log,
    });
  }

  /** True while runs are executed or wait for their time, so that this process must stay. */
  get busy(): boolean {
    return this.active.size > 0 || this.waiting > 0 || this.rounds.isGoing;
  }

  /** Looks for work now. Never throws: a store that is away is looked at again later. */
  wake(): Promise<void> {
    return this.rounds.now();
  }

  /** Beside the runs, which must not wait for it. */
  private tidyAside(): void {
    if (!this.rounds.isStopped) this.tidying ??= this.tidy();
  }

  private async tidy(): Promise<void> {
    try {
      await this.retention.tidy();
    } catch (error) {
      this.options.log(
        'warn',
        `Old logs and dead letters could not be removed: ${IntegrationError.from(error).message}`,
      );
    } finally {
      this.tidying = null;
    }
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
    void this.rounds.stop();
    const reason = new IntegrationError(
      'transient',
      'PCP_INTERRUPTED',
      'The worker was stopped; the run goes on later.',
    );
    for (const controller of this.active.values()) controller.abort(reason);
    const grace = new Promise<void>((resolve) => setTimeout(resolve, STOP_GRACE_MS).unref());
    await Promise.race([Promise.allSettled([...this.done, this.tidying]), grace]);
  }

  private async look(): Promise<number> {
    const { database, clock, concurrency } = this.options;
    await clock.measure();
    const all = await firstOfStreams(database, clock.now());
    const held = await heldByOthers(database);
    const isHeld = (run: RunRow): boolean => this.active.has(run.id) || held.has(run.id);
    const { kinds, isElsewhere } = this.options;
    const runs = all.filter((run) => kinds.includes(run.kind) && !isElsewhere?.(run) && !isHeld(run));
    // Between its two looks a comparison waits for minutes or hours: no process need be there for that.
    const rests = (run: RunRow): boolean => run.kind === 'reconcile' && (run.nextAttemptAt ?? 0) > clock.now();
    this.waiting = runs.filter((run) => !rests(run)).length;
    this.paused = await pauses(database);
    const peers = await database.query(
      'SELECT id, peer_connection_id FROM integration_mappings WHERE peer_connection_id IS NOT NULL',
    );
    this.peers = new Map(peers.map((row) => [Number(row.id), Number(row.peer_connection_id)]));
    const busy = new Set(all.filter(isHeld).flatMap((run) => this.endsOf(run)));
    for (const run of runs) {
      if (this.rounds.isStopped) return LOOK_EVERY_MS;
      const now = clock.now();
      if (run.nextAttemptAt !== null && run.nextAttemptAt > now) continue;
      const passed = this.endsOf(run).flatMap((id) => this.paused.get(id) ?? []);
      // After a pause one run finds out whether the other side is well again.
      const pause =
        passed.find(({ until }) => until > now) ?? passed.find(({ connectionId }) => busy.has(connectionId));
      // Whoever cancels wants an end, not to wait for it.
      if (pause !== undefined && run.state !== 'cancelling') {
        if (await waitForPause(database, run, pause, now)) this.options.onChange(run.jobId);
        continue;
      }
      if (this.active.size >= concurrency || !(await this.claim(run))) continue;
      for (const id of this.endsOf(run)) busy.add(id);
    }
    return LOOK_EVERY_MS;
  }

  private endsOf({ connectionId, mappingId }: RunRow): number[] {
    const peer = this.peers.get(mappingId);
    return peer === undefined ? [connectionId] : [connectionId, peer];
  }

  /** What a run commits shows that its ends work: the others that wait for them follow. */
  private noteProgress(run: RunRow): void {
    const { database, clock, log } = this.options;
    const now = clock.now();
    const over = this.endsOf(run).filter((id) => (this.paused.get(id)?.until ?? Number.POSITIVE_INFINITY) <= now);
    if (over.length === 0) return;
    for (const id of over) this.paused.delete(id);
    void noteWorking(database, over, now)
      .then(() => this.wake())
      .catch((error: unknown) => log('warn', `A pause could not be ended: ${IntegrationError.from(error).message}`));
  }

  /** @returns whether the run is this worker's now */
  private async claim(run: RunRow): Promise<boolean> {
    const { database, clock, log } = this.options;
    const controller = new AbortController();
    this.active.set(run.id, controller);
    const lease = await Lease.acquire(
      database,
      heldBy(run),
      run.id,
      (transaction, fence) => claimRun(transaction, run, fence, clock.now()),
      () => this.checkCancelled(),
    ).catch((error: unknown) => {
      this.active.delete(run.id);
      throw error;
    });
    if (lease === null) {
      this.active.delete(run.id);
      return false;
    }
    lease.lost.signal.addEventListener('abort', () => controller.abort(lease.lost.signal.reason));
    const claimed = await getRun(database, run.id).catch(async (error: unknown) => {
      // Nobody would work under this lease, and its heartbeats would keep everybody else from it.
      lease.stop();
      this.active.delete(run.id);
      await database.transaction((transaction) => lease.release(transaction)).catch(() => undefined);
      throw error;
    });
    const died = run.state === 'running' && run.worker !== WORKER;
    if (died) log('info', `${await this.named(run)} goes on where it was cut off.`);
    const crashes = died ? claimed.withoutProgress - 1 : 0;
    const work = this.execute(claimed, lease, crashes, controller.signal).finally(() => {
      this.active.delete(run.id);
      this.done.delete(work);
      void this.wake();
    });
    this.done.add(work);
    return true;
  }

  /** A number says little to whoever reads the log; a mapping that was deleted has no name any more. */
  private async named(run: RunRow): Promise<string> {
    const mapping = await this.options.mapping(run.mappingId).catch(() => null);
    return `Run ${run.id} of mapping ${run.mappingId}${mapping === null ? '' : ` "${mapping.name}"`}`;
  }

  /** Never throws: whatever happens ends in the run's row, or is left to the lease's end. */
  private async execute(run: RunRow, lease: Lease, crashes: number, signal: AbortSignal): Promise<void> {
    const { database, clock, retry, log, onChange } = this.options;
    onChange(run.jobId);
    let ending: Ending;
    try {
      ending = await this.attempt(run, lease, crashes, signal);
    } catch (error) {
      const failure = reasonOf(error, signal);
      if (failure.class === 'bug') log('error', `Run ${run.id}: ${failure.message}\n${(error as Error)?.stack ?? ''}`);
      ending = { failure };
    }
    lease.stop();
    if (ending.failure?.code === 'PCP_LEASE_LOST') {
      this.options.tally?.count('lease_lost_total', run.mappingId);
      return;
    }
    try {
      const followers = run.kind === 'sync' ? await followersOf(this.options) : new Map();
      const { state, failure } = await database.transaction(async (transaction) => {
        await lockFollowers(transaction, followers, run.mappingId);
        await lease.assertHeld(transaction);
        const current = await getRun(transaction, run.id);
        const end = endingOf(current, ending, retry, clock.now());
        await settle(transaction, current, end, clock.now());
        await endAttempt(transaction, current, end, clock.now());
        await noteAttempt(transaction, current, this.endsOf(run), end, clock.now());
        if (end.state !== 'queued' && end.nextAttemptAt === null) await reopenChosen(transaction, run.id);
        if (ENDED.includes(end.state)) await startFollowers(transaction, followers, current, clock.now());
        if (run.kind === 'repair') await lookAtRepaired(transaction, current, clock.now());
        await lease.release(transaction);
        return end;
      });
      if (failure) {
        log('warn', `${await this.named(run)}: ${state}, ${failure.code}: ${inOneLine(failure)}`);
      }
      await database.flush();
    } catch (error) {
      const why = ending.failure === undefined ? '' : ` (${ending.failure.code}: ${ending.failure.message})`;
      const { message } = IntegrationError.from(error);
      log(
        // A stream goes on by itself; that the store is away is said once.
        run.kind === 'live' ? 'debug' : 'error',
        `Run ${run.id} stopped${why}, which could not be saved; it goes on when the store works: ${message}`,
      );
    }
    onChange(run.jobId);
  }

  private async attempt(run: RunRow, lease: Lease, crashes: number, signal: AbortSignal): Promise<Ending> {
    const { options } = this;
    // A stream is tried for as long as it takes: only deaths count against it.
    const deaths = run.kind === 'live' ? crashes : run.withoutProgress;
    const surplus = deaths - options.retry.maxWithoutProgress;
    // Should it be the opening of the target that kills the worker, then that is tried once more and not again.
    if (surplus > 1 || (surplus === 1 && run.writerState === null)) throw workerDied(run);
    const mapping = await options.mapping(run.mappingId);
    const unwanted = unwantedBecause(run, mapping);
    if (unwanted !== null && run.writerState === null) throw unwanted;
    const source = run.kind === 'live' ? options.liveSource?.(mapping) : undefined;
    const context = isUnattended(run) ? unattended(options) : options;
    const stream = await openStream(context, mapping, run.direction, signal, source);
    let toldAt = 0;
    const execution: Execution = {
      database: options.database,
      clock: options.clock,
      lease,
      vault: options.vault,
      maxOpenLetters: options.deadLetters.limit,
      run,
      mapping,
      stream,
      signal,
      crashes,
      onProgress: (seconds) => {
        if (!run.dryRun && run.kind !== 'reconcile') options.tally?.time('batch_write_seconds', run.mappingId, seconds);
        this.noteProgress(run);
        if (performance.now() - toldAt < TELL_EVERY_MS) return;
        toldAt = performance.now();
        options.onChange(run.jobId);
      },
    };
    try {
      if (surplus === 1) throw workerDied(run);
      if (unwanted !== null) throw unwanted;
      if (run.kind === 'reconcile') return await executeReconciliation(execution, options.expressions);
      await takeBackEarlier(execution);
      return { counters: await (run.kind === 'replay' ? executeReplay(execution) : executeRun(execution)) };
    } catch (error) {
      await this.abandonWhenOver(execution, reasonOf(error, signal));
      throw error;
    } finally {
      await stream.close();
    }
  }

  /**
   * Takes the target back to the last commit when the run is not going to be continued. Only the store knows which commit
   * that was: the writer in hand cannot tell whether its last state was committed.
   */
  private async abandonWhenOver(execution: Execution, failure: IntegrationError): Promise<void> {
    const { database, clock, retry, log } = this.options;
    if (failure.code === 'PCP_LEASE_LOST') return;
    try {
      const run = await getRun(database, execution.run.id);
      const end = endingOf(run, { failure }, retry, clock.now());
      if (ENDED.includes(end.state)) await takeBack(execution, run);
    } catch (error) {
      const { message } = IntegrationError.from(error);
      log(
        execution.run.kind === 'live' ? 'debug' : 'warn',
        `Run ${execution.run.id} left its target unfinished: ${message}`,
      );
    }
  }
}

function workerDied({ withoutProgress }: RunRow): IntegrationError {
  return new IntegrationError(
    'poison',
    'PCP_WORKER_DIED',
    phrase`The worker died ${withoutProgress - 1} times without getting past the same batch.`,
    { hint: "A record of this batch is too large for the runner, or its driver crashes: look at the runner's log." },
  );
}

/** Why a run must not go on, if so. Dead letters are replayed whether their mapping is active or not. */
function unwantedBecause(run: RunRow, { name, is_active: isActive }: Mapping): IntegrationError | null {
  if (run.state === 'cancelling') return cancelled();
  if (isActive || run.kind !== 'sync') return null;
  const message = `Mapping "${name}" was switched off before the run went on.`;
  return new IntegrationError('cancelled', 'PCP_MAPPING_INACTIVE', message);
}

function cancelled(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The run was cancelled.');
}

/** Whether nobody waits for it. */
function isUnattended({ kind, trigger }: RunRow): boolean {
  return kind === 'live' || (trigger !== null && trigger !== 'api' && trigger !== 'node');
}

/** As runs have it that leave some of a quota to others. */
function unattended(context: EngineContext): EngineContext {
  const { environment } = context;
  return { ...context, environment: { ...environment, http: { ...environment.http, isUnattended: true } } };
}
