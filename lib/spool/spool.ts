import type { DatabaseSync } from 'node:sqlite';
import type { SourceRecord } from '../connectors/contract';
import type { Deliveries, Delivery } from '../model/delivery';
import { IntegrationError } from '../model/errors';
import type { LiveAlarm } from '../model/stream';
import { SpooledDeliveries } from './deliveries';
import { openSpoolFile, type SpoolFileOptions } from './file';
import { fill, hasRoom, type SpoolLimits, whenFull } from './limits';
import { Losses } from './losses';
import { type Amount, type Range, type Row, rowsOf, type Spooled, SpoolRows } from './rows';

/** A group is committed at this size, */
const GROUP_RECORDS = 500;
/**
 * or after this time. When a source waits for its acknowledgement, as soon as what has arrived by now is taken: it may send
 * nothing more until then, and what it sends during a commit is the next group.
 */
const GROUP_MS = 200;
/** One that was full is said to have room again below this share of its limits. */
const REFILLED = 0.5;
const TIDY_EVERY_MS = 10_000;
const VACUUM_PAGES = 2_000;

export interface SpoolUsage extends Amount {
  dropped: number;
}

/** Records that came together and are acknowledged together. */
interface Append extends Amount {
  rows: Row[];
  receivedAt: number;
  isAwaited: boolean;
  signal: AbortSignal | undefined;
  delivery: Delivery | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** What is known of a stream while the spool is open. */
interface StreamState extends SpoolUsage {
  limits: SpoolLimits;
  /** Appends that wait for their commit, in order; those that found no room stay at its head. */
  waiting: Append[];
  losses: Losses;
  /** Read by the run that forwards, and not removed yet. */
  taken: Range[];
  listeners: Set<() => void>;
}

/**
 * The durable queue between the shop floor and the store: a SQLite file of its own, so that values are safe before their
 * source is told so, whatever becomes of the store and of this process.
 */
export class Spool implements Deliveries {
  /** Of this very file: sequence numbers mean nothing in another. */
  readonly id: string;
  private readonly file: DatabaseSync;
  private readonly rows: SpoolRows;
  private readonly deliveries: SpooledDeliveries;
  private readonly streams = new Map<number, StreamState>();
  private timer: NodeJS.Timeout | undefined;
  private soon: NodeJS.Immediate | undefined;
  private waiting = 0;
  /** What else is to be committed. */
  private changes: { make(): void; resolve(): void; reject(error: unknown): void }[] = [];
  private readonly tidying: NodeJS.Timeout;

  constructor(
    path: string,
    private readonly options: SpoolFileOptions,
  ) {
    const { file, id } = openSpoolFile(path, options);
    this.file = file;
    this.id = id;
    this.rows = new SpoolRows(file);
    this.deliveries = new SpooledDeliveries(file);
    this.tidying = setInterval(() => this.tidy(), TIDY_EVERY_MS).unref();
  }

  /** Makes a stream known, or gives it other limits. What an earlier process left of it is there. */
  configure(stream: number, limits: SpoolLimits): void {
    const known = this.streams.get(stream);
    if (known !== undefined) {
      known.limits = limits;
      if (known.waiting.length > 0) this.schedule(0);
      return;
    }
    this.streams.set(stream, {
      ...this.rows.amount(stream),
      dropped: Number(this.file.prepare('SELECT dropped FROM streams WHERE stream = ?').get(stream)?.dropped ?? 0),
      limits,
      waiting: [],
      losses: new Losses(),
      taken: [],
      listeners: new Set(),
    });
  }

  /**
   * Resolves when the records are durable, or dropped as the limits say.
   * @param isAwaited a source waits for this to go on
   * @param signal aborted when nobody waits any more, so that the source sends them again: they are withdrawn unless committed
   * @param delivery of which they are: one that is repeated, and has been appended to this stream, is not appended again
   */
  async append(
    stream: number,
    records: readonly SourceRecord[],
    isAwaited: boolean,
    signal?: AbortSignal,
    delivery?: Delivery,
  ): Promise<void> {
    if (delivery?.isRepeated && this.deliveries.has(stream, delivery)) return;
    const rows = rowsOf(records);
    const append = {
      rows,
      records: records.length,
      bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
      receivedAt: Date.now(),
      isAwaited,
      signal,
      delivery,
    };
    await new Promise<void>((resolve, reject) => {
      this.stateOf(stream).waiting.push({ ...append, resolve, reject });
      this.waiting += records.length;
      this.schedule(isAwaited || this.waiting >= GROUP_RECORDS ? 0 : GROUP_MS);
    });
  }

  release(session: string, id: number): Promise<void> {
    return this.change(() => this.deliveries.release(session, id));
  }

  forget(session: string): Promise<void> {
    return this.change(() => this.deliveries.forget(session));
  }

  usage(stream: number): SpoolUsage & { oldestAt: number | null; alarms: LiveAlarm[] } {
    const { records, bytes, dropped, losses, waiting } = this.stateOf(stream);
    const kept = waiting.reduce((sum, append) => sum + append.records, 0);
    const oldestAt = records === 0 ? null : this.rows.oldestAt(stream);
    return { records, bytes, dropped, oldestAt, alarms: losses.alarms(Date.now(), kept) };
  }

  /** The streams that have records, known or not. */
  get filled(): number[] {
    return this.rows.streams;
  }

  /** Number of the newest record, of whatever stream. */
  get lastSeq(): number {
    return this.rows.last;
  }

  /** Takes records in order, which stay until they are removed; the limits leave them alone meanwhile. */
  take(stream: number, after: number, upTo: number, limit: number): Spooled[] {
    const rows = this.rows.read(stream, after, upTo, limit);
    const [first] = rows;
    if (first !== undefined) this.stateOf(stream).taken.push([first.seq, (rows.at(-1) as Spooled).seq]);
    return rows;
  }

  /** The target has these. */
  remove(stream: number, range: Range): void {
    const state = this.stateOf(stream);
    state.taken = state.taken.filter(([from]) => from !== range[0]);
    subtract(state, this.rows.remove(stream, range));
    if (state.waiting.length > 0) this.schedule(0);
  }

  /** Whoever took records of the stream is gone. */
  putBack(stream: number): void {
    this.stateOf(stream).taken = [];
  }

  /** Resolves with the next commit of this stream, or when the signal aborts. */
  appended(stream: number, signal: AbortSignal): Promise<void> {
    const { listeners } = this.stateOf(stream);
    return new Promise((resolve) => {
      const done = (): void => {
        listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      listeners.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Forgets what a stream left: its mapping is gone. */
  discard(stream: number): number {
    const { records } = this.rows.removeAll(stream);
    this.deliveries.discard(stream);
    this.file.prepare('DELETE FROM streams WHERE stream = ?').run(stream);
    const state = this.streams.get(stream);
    if (state === undefined) return records;
    Object.assign(state, { records: 0, bytes: 0, dropped: 0 });
    const error = new IntegrationError('cancelled', 'PCP_STREAM_GONE', 'The mapping is not live here any more.');
    for (const append of state.waiting.splice(0)) {
      this.waiting -= append.records;
      append.reject(error);
    }
    return records;
  }

  /** Commits what waits and has room; the rest was never acknowledged. */
  close(): void {
    clearInterval(this.tidying);
    this.commit();
    this.failWaiting(new IntegrationError('cancelled', 'PCP_SPOOL_CLOSED', 'The spool was closed.'));
    this.file.close();
  }

  /** Resolves when it is durable. */
  private change(make: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.changes.push({ make, resolve, reject });
      this.schedule(0);
    });
  }

  private schedule(delay: number): void {
    if (delay === 0) {
      this.soon ??= setImmediate(() => this.commit());
      return;
    }
    this.timer ??= setTimeout(() => this.commit(), delay);
  }

  /** One transaction for all that waits. */
  private commit(): void {
    clearTimeout(this.timer);
    clearImmediate(this.soon);
    this.timer = undefined;
    this.soon = undefined;
    const taken: Append[] = [];
    const changes = this.changes.splice(0);
    const { last } = this.rows;
    const before = new Map(
      [...this.streams].map(([stream, { records, bytes, dropped }]) => [stream, { records, bytes, dropped }]),
    );
    try {
      this.file.exec('BEGIN IMMEDIATE');
      for (const { make } of changes) make();
      for (const [stream, state] of this.streams) this.write(stream, state, taken);
      this.file.exec('COMMIT');
    } catch (cause) {
      if (this.file.isTransaction) this.file.exec('ROLLBACK');
      this.rows.last = last;
      for (const [stream, usage] of before) Object.assign(this.stateOf(stream), usage);
      const message = `Live values could not be written to the spool: ${(cause as Error).message}`;
      const hint = 'Is the disk full? What was not written is not acknowledged either.';
      const error = new IntegrationError('transient', 'PCP_SPOOL_FAILED', message, { hint, cause });
      for (const { reject } of [...changes, ...taken]) reject(error);
      this.failWaiting(error);
      return;
    }
    for (const { records, resolve } of taken) {
      this.waiting -= records;
      resolve();
    }
    for (const { resolve } of changes) resolve();
    for (const { listeners } of this.streams.values()) for (const listener of [...listeners]) listener();
  }

  /** Nothing says what of a group could be written: whoever sent it is told, and sends it again or knows that it is lost. */
  private failWaiting(error: unknown): void {
    for (const state of this.streams.values()) {
      for (const append of state.waiting.splice(0)) append.reject(error);
    }
    this.waiting = 0;
  }

  /** Moves the appends that are written or dropped from those that wait to `done`. */
  private write(stream: number, state: StreamState, done: Append[]): void {
    const droppedBefore = state.dropped;
    this.withdraw(state);
    for (let append = state.waiting[0]; append !== undefined; append = state.waiting[0]) {
      if (!this.findsRoom(stream, state, append)) {
        if (whenFull(state, append) === 'stop_ack') break;
        state.dropped += append.records;
      } else {
        for (const row of append.rows) this.rows.append(stream, append.receivedAt, row);
        if (append.delivery !== undefined) this.deliveries.add(stream, append.delivery);
        state.records += append.records;
        state.bytes += append.bytes;
      }
      state.waiting.shift();
      done.push(append);
    }
    this.noteDropped(stream, state, droppedBefore);
  }

  private withdraw(state: StreamState): void {
    const gone = state.waiting.filter(({ signal }) => signal?.aborted);
    if (gone.length === 0) return;
    state.waiting = state.waiting.filter(({ signal }) => !signal?.aborted);
    for (const { records, signal, reject } of gone) {
      this.waiting -= records;
      reject(signal?.reason);
    }
  }

  private findsRoom(stream: number, state: StreamState, append: Append): boolean {
    if (hasRoom(state, append)) {
      if (state.losses.isFull && fill(state) < REFILLED) {
        state.losses.refill();
        this.options.log('warn', `The spool of stream ${stream} has room again. Dropped so far: ${state.dropped}.`);
      }
      return true;
    }
    const how = whenFull(state, append);
    if (!state.losses.isFull) {
      state.losses.fill(Date.now());
      this.options.log('warn', `The spool of stream ${stream} is full (${how}).`);
    }
    if (how === 'stop_ack' || how === 'drop_newest') return false;
    const { taken } = state;
    for (;;) {
      const removed =
        how === 'downsample' ? this.rows.thinOut(stream, taken) : this.rows.removeOldest(stream, taken, append);
      subtract(state, removed);
      state.dropped += removed.records;
      if (hasRoom(state, append)) return true;
      if (removed.records === 0) return false;
    }
  }

  private noteDropped(stream: number, state: StreamState, before: number): void {
    if (state.dropped === before) return;
    state.losses.drop(state.dropped - before, Date.now());
    this.file
      .prepare('INSERT INTO streams VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET dropped = excluded.dropped')
      .run(stream, state.dropped);
  }

  /** Drops what is too old, and gives free pages back. */
  private tidy(): void {
    try {
      for (const [stream, state] of this.streams) {
        const { maxAgeMs } = state.limits;
        if (maxAgeMs === undefined || state.records === 0) continue;
        const removed = this.rows.removeOlder(stream, state.taken, Date.now() - maxAgeMs);
        subtract(state, removed);
        state.dropped += removed.records;
        this.noteDropped(stream, state, state.dropped - removed.records);
        if (removed.records > 0) {
          this.options.log(
            'warn',
            `${removed.records} records of stream ${stream} were dropped: they had become too old.`,
          );
          if (state.waiting.length > 0) this.schedule(0);
        }
      }
      this.file.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    } catch (error) {
      this.options.log('warn', `The spool could not be tidied: ${(error as Error).message}`);
    }
  }

  private stateOf(stream: number): StreamState {
    const state = this.streams.get(stream);
    if (state === undefined) throw new Error(`Stream ${stream} is not configured.`);
    return state;
  }
}

function subtract(from: Amount, { records, bytes }: Amount): void {
  from.records -= records;
  from.bytes -= bytes;
}
