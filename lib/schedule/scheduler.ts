import type { Schedule } from '../calendar/definition';
import { type Fire, fireAt, type Plan, planFires } from '../calendar/due';
import { IntegrationError } from '../model/errors';
import type { Mappings } from '../model/services';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { Rounds } from '../rounds';
import { afterBlackout, type Beginning } from '../sync/runs/run-rows';
import type { JobStarter, UnattendedJob } from '../sync/runs/start';
import { type MappedStream, streamsOf } from '../sync/runs/streams';
import { type Owner, type ScheduleRow, ScheduleRows } from './rows';

/** How often schedules are read that another process may have changed. */
const LOOK_EVERY_MS = 15_000;
const STORE_RETRY_MS = 5_000;

export interface SchedulerOptions {
  database: SqlDatabase;
  mappings: Pick<Mappings, 'get'>;
  starter: JobStarter;
  /** @param skipped why only a run that tells so is to be there */
  startComparison(
    mappingId: number,
    dueAt: number,
    decide: (transaction: SqlTransaction) => Promise<boolean>,
    skipped?: Beginning,
  ): Promise<void>;
  /** The time that all processes of the store go by. */
  clock: { measure(): Promise<void>; now(): number };
  /** Tells the runner that there is work; must not throw. */
  wakeRunner(): void;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

/** Starts runs when they are due. Any number of processes may do so over one store: each due time is fired by one of them. */
export class Scheduler {
  private readonly rows: ScheduleRows;
  private readonly rounds: Rounds;
  /** Why a schedule cannot be fired, by its owner: it is said once. */
  private readonly broken = new Map<string, string>();

  constructor(private readonly options: SchedulerOptions) {
    this.rows = new ScheduleRows(options.database);
    const round = async () => {
      const next = await this.fireDue();
      return Math.min(LOOK_EVERY_MS, Math.max(0, next - options.clock.now()));
    };
    this.rounds = new Rounds({ name: 'The schedules', round, retryMs: STORE_RETRY_MS, log: options.log });
  }

  /** Looks what is due now, and sees to it that it is looked again in time. Never throws. */
  look(): Promise<void> {
    return this.rounds.now();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  /** @returns when the next one is due */
  private async fireDue(): Promise<number> {
    const { clock, log } = this.options;
    await clock.measure();
    let next = Number.POSITIVE_INFINITY;
    for (const row of await this.rows.all()) {
      if (this.rounds.isStopped) break;
      const name = nameOf(row.owner);
      try {
        next = Math.min(next, await this.treat(row));
        this.broken.delete(name);
      } catch (error) {
        const { class: kind, message } = IntegrationError.from(error);
        if (kind === 'transient') throw error;
        log(
          this.broken.get(name) === message ? 'debug' : 'warn',
          `The schedule of ${name} cannot be fired: ${message}`,
        );
        this.broken.set(name, message);
      }
    }
    return next;
  }

  /** @returns when this one is to be looked at again */
  private async treat(row: ScheduleRow): Promise<number> {
    const { owner, known } = row;
    const name = nameOf(owner);
    const schedule = row.schedule();
    const now = this.options.clock.now();
    let next: number | null;
    if (known?.definition !== schedule.key) {
      next = schedule.times.after(now);
      await this.rows.begin(row, schedule, next);
    } else {
      next = known.nextFireAt;
      const plan = next === null ? null : planFires(name, schedule, next, now);
      if (next !== null && plan !== null) {
        await this.fire(owner, schedule, next, plan);
        next = plan.nextFireAt;
      }
    }
    return next === null ? Number.POSITIVE_INFINITY : fireAt(name, schedule, next);
  }

  private async fire(owner: Owner, schedule: Schedule, due: number, plan: Plan): Promise<void> {
    const { fires, nextFireAt } = plan;
    if (owner.kind === 'comparison') return this.compare(owner, schedule, due, plan);
    const streams = await this.streamsOf(owner);
    const jobs = fires.map(
      ({ dueAt, as, isCaughtUp }): UnattendedJob => ({
        streams,
        trigger: 'schedule',
        dueAt,
        overlap: isCaughtUp ? 'queue_all' : schedule.overlap,
        ...beginningOf(as),
      }),
    );
    const isOurs = await this.options.starter.startUnattended(jobs, (transaction) =>
      this.rows.moveOn(transaction, owner, schedule, due, nextFireAt),
    );
    if (isOurs) this.options.wakeRunner();
  }

  /** Of several that were missed one says all; one that is due in a blackout is skipped: the next one says it. */
  private async compare(owner: Owner, schedule: Schedule, due: number, { fires, nextFireAt }: Plan): Promise<void> {
    const decide: Parameters<SchedulerOptions['startComparison']>[2] = (transaction) =>
      this.rows.moveOn(transaction, owner, schedule, due, nextFireAt);
    const isWanted = fires.some(({ as }) => 'run' in as);
    const [first] = fires.map(({ as }) => ('skip' in as ? as.skip : 'PCP_SKIPPED_BLACKOUT'));
    const skipped = isWanted || first === undefined ? undefined : skippedFor(first);
    await this.options.startComparison(owner.id, due, decide, skipped);
  }

  /** Mappings with a schedule of their own do not follow their connection's. */
  private async streamsOf({ kind, id }: Owner): Promise<MappedStream[]> {
    const { mappings, starter } = this.options;
    const chosen =
      kind === 'mapping'
        ? [await mappings.get(id)]
        : (await starter.startable(id)).filter(({ schedule }) => schedule === null);
    return chosen.flatMap((mapping) => streamsOf(mapping));
  }
}

function nameOf({ kind, id }: Owner): string {
  return `${kind} ${id}`;
}

function beginningOf(as: Fire['as']): { beginning?: Beginning } {
  if ('run' in as) return {};
  if ('waitUntil' in as) return { beginning: afterBlackout(as.waitUntil) };
  return { beginning: skippedFor(as.skip) };
}

function skippedFor(code: 'PCP_SKIPPED_BLACKOUT' | 'PCP_SKIPPED_MISSED'): Beginning {
  const why =
    code === 'PCP_SKIPPED_BLACKOUT'
      ? 'It was due in a blackout.'
      : 'It was due while nothing was there to start it; the schedule does not make up for that.';
  return { state: 'skipped', failure: new IntegrationError('cancelled', code, why).toJSON() };
}
