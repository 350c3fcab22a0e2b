import type { IntegrationError } from '../model/errors';
import type { LiveAlarm, LiveOptions, LiveState, LiveStatus } from '../model/stream';
import type { SpoolLimits } from '../spool/limits';
import { Loss } from '../spool/losses';
import type { Spool } from '../spool/spool';
import { DEFAULT_SPOOL_BYTES, type StreamDefinition } from './definitions';
import { Meter } from './meter';
import type { Follower } from './shared-connection';
import type { SharedConnections } from './shared-connections';
import { Watchdog } from './watchdog';

export type StreamLog = (level: 'info' | 'warn' | 'error' | 'debug', message: string) => void;

/** One live mapping's way into the spool: subscribes, appends, acknowledges, and knows how it is. */
export class SpooledStream implements Follower {
  private readonly stopped = new AbortController();
  private readonly meter = new Meter();
  private readonly overflow = new Loss('overflow');
  private readonly watchdog: Watchdog;
  private readonly following: Promise<void>;
  private readonly release: () => void;
  private state_: LiveState = 'connecting';
  private since = Date.now();
  private error: IntegrationError | null = null;
  private stuck: ReturnType<Watchdog['stuckTags']>;

  constructor(
    public definition: StreamDefinition,
    private readonly spool: Spool,
    connections: SharedConnections,
    private readonly log: StreamLog,
  ) {
    const { connection, entity, options } = definition;
    this.watchdog = new Watchdog(
      {
        ...(options.silence_after_seconds !== undefined && { silenceMs: options.silence_after_seconds * 1000 }),
        ...(options.stuck_after_seconds !== undefined && { stuckMs: options.stuck_after_seconds * 1000 }),
      },
      Date.now(),
    );
    this.stuck = this.watchdog.stuckTags(Date.now());
    const { shared, release } = connections.acquire(connection);
    this.release = release;
    this.following = shared.follow({ entity }, this, this.stopped.signal);
  }

  async records(...[records, acknowledge, over, delivery]: Parameters<Follower['records']>): Promise<void> {
    const now = Date.now();
    this.meter.note(records.length, now);
    this.overflow.note(records.filter(({ overflow }) => overflow === true).length, now);
    this.watchdog.note(records, now);
    if (this.state_ === 'silent') this.enter('connected');
    // What is not acknowledged to its source comes once, whatever becomes of the subscription.
    const isAwaited = acknowledge !== undefined;
    const { mapping_id: stream } = this.definition;
    await this.spool.append(stream, records, isAwaited, isAwaited ? over : undefined, delivery);
    acknowledge?.();
  }

  state(state: 'connecting' | 'connected' | 'interrupted' | 'failed', error?: IntegrationError): void {
    if (state === 'connected') this.watchdog.restart(Date.now());
    this.enter(state, error);
  }

  /** To be called every second or so. */
  look(now: number): void {
    if (this.state_ === 'connected' && this.watchdog.isSilent(now)) {
      this.enter('silent');
      this.log('warn', `${this.name} has been silent for ${this.definition.options.silence_after_seconds} s.`);
    }
    const stuck = this.watchdog.stuckTags(now);
    const news = stuck.tags.filter((tag) => !this.stuck.tags.includes(tag));
    this.stuck = stuck;
    if (news.length > 0) this.log('warn', `${this.name} has values that do not change any more: ${news.join(', ')}.`);
  }

  status(now: number): LiveStatus {
    const usage = ofSpool(this.spool.usage(this.definition.mapping_id));
    return {
      ...usage,
      state: this.state_,
      since: new Date(this.since).toISOString(),
      error: this.error?.toJSON() ?? null,
      received: this.meter.total,
      records_per_second: this.meter.perSecond(now),
      last_record_at: isoOrNull(this.meter.lastAt),
      stuck_tags: this.stuck.tags,
      alarms: [...usage.alarms, ...this.overflow.alarms(now), ...this.alarms()],
    };
  }

  private alarms(): LiveAlarm[] {
    const alarms: LiveAlarm[] = [];
    if (this.state_ === 'silent') {
      alarms.push({ kind: 'silent', count: 1, since: new Date(this.watchdog.heardAt).toISOString() });
    }
    const { count, since } = this.stuck;
    if (count > 0) alarms.push({ kind: 'stuck', count, since: new Date(since).toISOString() });
    return alarms;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.following;
    this.release();
  }

  private get name(): string {
    return `Stream "${this.definition.name}"`;
  }

  private enter(state: LiveState, error?: IntegrationError): void {
    this.error = error ?? null;
    if (state === this.state_) return;
    if (this.state_ === 'silent' && state === 'connected') this.log('info', `${this.name} is heard again.`);
    this.state_ = state;
    this.since = Date.now();
  }
}

/** Of a stream that another instance listens to: what is left here is still forwarded. */
export function standbyStatus(usage: ReturnType<Spool['usage']>, since: number): LiveStatus {
  return {
    ...ofSpool(usage),
    state: 'standby',
    since: new Date(since).toISOString(),
    error: null,
    received: 0,
    records_per_second: 0,
    last_record_at: null,
    stuck_tags: [],
  };
}

function ofSpool({ records, bytes, dropped, oldestAt, alarms }: ReturnType<Spool['usage']>) {
  return { backlog: { records, bytes, oldest_at: isoOrNull(oldestAt) }, dropped, alarms };
}

export function limitsOf(options: LiveOptions): SpoolLimits {
  return {
    maxBytes: options.max_bytes ?? DEFAULT_SPOOL_BYTES,
    ...(options.max_records !== undefined && { maxRecords: options.max_records }),
    ...(options.max_age_seconds !== undefined && { maxAgeMs: options.max_age_seconds * 1000 }),
    ...(options.when_full !== undefined && { whenFull: options.when_full }),
  };
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
