import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SourceRecord } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import type { LiveAlarm } from '../../model/stream';
import { recordText } from '../unreadable-record';
import { openSpoolFile, type SpoolFileOptions } from './file';
import { fill, hasRoom, type SpoolLimits, whenFull } from './limits';
import { Losses } from './losses';
import { makeRoom, type Range, removeOlder } from './room';

/** A group is committed at this size, */
const GROUP_RECORDS = 500;
/**
 * or after this time. When a source waits for its acknowledgement, as soon as what has arrived by now is taken: it may send
 * nothing more until then, and what it sends during a commit is the next group.
 */
const GROUP_MS = 200;
/** Rows of one statement: together they take a third less. */
const STATEMENT_ROWS = 50;
/** Row, index and page of a record, beside its text. */
const RECORD_OVERHEAD = 60;
/** One that was full is said to have room again below this share of its limits. */
const REFILLED = 0.5;
const TIDY_EVERY_MS = 10_000;
const VACUUM_PAGES = 2_000;

export interface Spooled {
  seq: number;
  receivedAt: number;
  record: SourceRecord;
}

export interface SpoolUsage {
  records: number;
  bytes: number;
  dropped: number;
}

/** Records that came together and are acknowledged together. */
interface Append {
  rows: { text: string; bytes: number; receivedAt: number }[];
  bytes: number;
  isAwaited: boolean;
  signal: AbortSignal | undefined;
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
export class Spool {
  /** Of this very file: sequence numbers mean nothing in another. */
  readonly id: string;
  private readonly file: DatabaseSync;
  private readonly insertOne: StatementSync;
  private readonly insertMany: StatementSync;
  private readonly streams = new Map<number, StreamState>();
  private timer: NodeJS.Timeout | undefined;
  private soon: NodeJS.Immediate | undefined;
  private waiting = 0;
  private readonly tidying: NodeJS.Timeout;

  constructor(
    path: string,
    private readonly options: SpoolFileOptions,
  ) {
    const { file, id } = openSpoolFile(path, options);
    this.file = file;
    this.id = id;
    this.insertOne = file.prepare(insertOf(1));
    this.insertMany = file.prepare(insertOf(STATEMENT_ROWS));
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
    const row = this.file
      .prepare(
        `SELECT COUNT(*) AS records, COALESCE(SUM(bytes), 0) AS bytes,
           COALESCE((SELECT dropped FROM streams WHERE stream = ?), 0) AS dropped FROM spool WHERE stream = ?`,
      )
      .get(stream, stream) as unknown as SpoolUsage;
    this.streams.set(stream, { ...row, limits, waiting: [], losses: new Losses(), taken: [], listeners: new Set() });
  }

  /**
   * Resolves when the records are durable, or dropped as the limits say.
   * @param isAwaited a source waits for this to go on
   * @param signal aborted when nobody waits any more, so that the source sends them again: they are withdrawn unless committed
   */
  append(stream: number, records: readonly SourceRecord[], isAwaited: boolean, signal?: AbortSignal): Promise<void> {
    const receivedAt = Date.now();
    const rows = records.map((record) => {
      const text = recordText(record);
      return { text, bytes: Buffer.byteLength(text) + RECORD_OVERHEAD, receivedAt };
    });
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    return new Promise((resolve, reject) => {
      this.stateOf(stream).waiting.push({ rows, bytes, isAwaited, signal, resolve, reject });
      this.waiting += rows.length;
      this.schedule(isAwaited || this.waiting >= GROUP_RECORDS ? 0 : GROUP_MS);
    });
  }

  usage(stream: number): SpoolUsage & { oldestAt: number | null; alarms: LiveAlarm[] } {
    const { records, bytes, dropped, losses, waiting } = this.stateOf(stream);
    const oldest = records === 0 ? undefined : this.first(stream);
    const kept = waiting.reduce((sum, { rows }) => sum + rows.length, 0);
    const oldestAt = oldest === undefined ? null : Number(oldest.received_at);
    return { records, bytes, dropped, oldestAt, alarms: losses.alarms(Date.now(), kept) };
  }

  /** The streams that have records, known or not. */
  get filled(): number[] {
    return this.file
      .prepare('SELECT DISTINCT stream FROM spool')
      .all()
      .map(({ stream }) => Number(stream));
  }

  /** Number of the newest record, of whatever stream. */
  get lastSeq(): number {
    return Number(this.file.prepare('SELECT MAX(seq) AS seq FROM spool').get()?.seq ?? 0);
  }

  /** Takes records in order, which stay until they are removed; the limits leave them alone meanwhile. */
  take(stream: number, after: number, upTo: number, limit: number): Spooled[] {
    const rows = this.file
      .prepare(
        'SELECT seq, received_at, record FROM spool WHERE stream = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
      )
      .all(stream, after, upTo, limit)
      .map((row) => ({
        seq: Number(row.seq),
        receivedAt: Number(row.received_at),
        record: JSON.parse(String(row.record)) as SourceRecord,
      }));
    const [first] = rows;
    if (first !== undefined) this.stateOf(stream).taken.push([first.seq, (rows.at(-1) as Spooled).seq]);
    return rows;
  }

  /** The target has these. */
  remove(stream: number, [from, to]: Range): void {
    const state = this.stateOf(stream);
    state.taken = state.taken.filter((range) => range[0] !== from);
    const sums = this.file
      .prepare('SELECT COUNT(*) AS records, SUM(bytes) AS bytes FROM spool WHERE stream = ? AND seq BETWEEN ? AND ?')
      .get(stream, from, to);
    if (Number(sums?.records) === 0) return;
    this.file.prepare('DELETE FROM spool WHERE stream = ? AND seq BETWEEN ? AND ?').run(stream, from, to);
    state.records -= Number(sums?.records);
    state.bytes -= Number(sums?.bytes);
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
    const { changes } = this.file.prepare('DELETE FROM spool WHERE stream = ?').run(stream);
    this.file.prepare('DELETE FROM streams WHERE stream = ?').run(stream);
    const state = this.streams.get(stream);
    if (state === undefined) return Number(changes);
    Object.assign(state, { records: 0, bytes: 0, dropped: 0 });
    const error = new IntegrationError('cancelled', 'PCP_STREAM_GONE', 'The mapping is not live here any more.');
    for (const { rows, reject } of state.waiting.splice(0)) {
      this.waiting -= rows.length;
      reject(error);
    }
    return Number(changes);
  }

  /** Commits what waits and has room; the rest was never acknowledged. */
  close(): void {
    clearInterval(this.tidying);
    this.commit();
    this.failWaiting(new IntegrationError('cancelled', 'PCP_SPOOL_CLOSED', 'The spool was closed.'));
    this.file.close();
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
    const before = new Map(
      [...this.streams].map(([stream, { records, bytes, dropped }]) => [stream, { records, bytes, dropped }]),
    );
    try {
      this.file.exec('BEGIN IMMEDIATE');
      for (const [stream, state] of this.streams) this.write(stream, state, taken);
      this.file.exec('COMMIT');
    } catch (cause) {
      if (this.file.isTransaction) this.file.exec('ROLLBACK');
      for (const [stream, usage] of before) Object.assign(this.stateOf(stream), usage);
      const message = `Live values could not be written to the spool: ${(cause as Error).message}`;
      const hint = 'Is the disk full? What was not written is not acknowledged either.';
      const error = new IntegrationError('transient', 'PCP_SPOOL_FAILED', message, { hint, cause });
      for (const append of taken) append.reject(error);
      this.failWaiting(error);
      return;
    }
    for (const { rows, resolve } of taken) {
      this.waiting -= rows.length;
      resolve();
    }
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
        state.dropped += append.rows.length;
      } else {
        this.insert(stream, append.rows);
        state.records += append.rows.length;
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
    for (const { rows, signal, reject } of gone) {
      this.waiting -= rows.length;
      reject(signal?.reason);
    }
  }

  private insert(stream: number, rows: Append['rows']): void {
    const values = rows.flatMap(({ receivedAt, bytes, text }) => [stream, receivedAt, bytes, text]);
    const width = values.length / rows.length;
    let at = 0;
    for (const step = STATEMENT_ROWS * width; at + step <= values.length; at += step) {
      this.insertMany.run(...values.slice(at, at + step));
    }
    for (; at < values.length; at += width) this.insertOne.run(...values.slice(at, at + width));
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
    const removed = makeRoom(this.file, stream, state.taken, how, append);
    state.records -= removed.records;
    state.bytes -= removed.bytes;
    state.dropped += removed.records;
    return hasRoom(state, append);
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
        const removed = removeOlder(this.file, stream, state.taken, Date.now() - maxAgeMs);
        state.records -= removed.records;
        state.bytes -= removed.bytes;
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

  private first(stream: number): Record<string, unknown> | undefined {
    return this.file.prepare('SELECT received_at FROM spool WHERE stream = ? ORDER BY seq LIMIT 1').get(stream);
  }

  private stateOf(stream: number): StreamState {
    const state = this.streams.get(stream);
    if (state === undefined) throw new Error(`Stream ${stream} is not configured.`);
    return state;
  }
}

function insertOf(rows: number): string {
  return `INSERT INTO spool (stream, received_at, bytes, record) VALUES ${Array(rows).fill('(?, ?, ?, ?)').join(', ')}`;
}
