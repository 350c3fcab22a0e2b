import { rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Connector, SourceRecord, WriteResult } from '../connectors/contract';
import type { OpenConnection } from '../model/connection';
import { type ErrorClass, IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { WaitingWrites } from '../model/stream';
import { Outage } from '../outage';
import type { Spooled } from '../spool/rows';
import { Spool } from '../spool/spool';
import { hasQueuedWrites, queuedWritesFile } from './queued-writes';
import type { RecordWriter } from './records';
import type { EngineContext } from './stream';

const MOST_BYTES = 256 * 1024 * 1024;
const MOST_AGE_MS = 7 * 24 * 60 * 60_000;
const BATCH_RECORDS = 500;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** These are about one record: it is told and left out. All others are about the other side, or wait for a person. */
const OF_RECORD: readonly ErrorClass[] = ['data', 'conflict', 'permission'];

interface Target {
  entity: string;
  keyFields: string[];
}

interface QueuedWrite extends SourceRecord, Target {
  data: Record<string, unknown>;
  /** In epoch milliseconds: it is not written later. */
  until?: number;
}

export interface WriteQueueOptions {
  context: Pick<EngineContext, 'registry' | 'environment' | 'openConnection'>;
  writer: Pick<RecordWriter, 'write'>;
  directory: string;
  isFlushed: boolean;
  /** Of one connection. */
  mostBytes?: number;
}

/**
 * Writes of flows that wait on disk until their target takes them, where the connector says that they may: in order, over
 * restarts, each at least once.
 */
export class WriteQueue {
  private readonly path: string;
  private opened: Spool | null = null;
  private readonly stopped = new AbortController();
  /** By connection. */
  private readonly draining = new Map<number, Promise<void>>();

  constructor(private readonly options: WriteQueueOptions) {
    this.path = queuedWritesFile(options.directory);
    if (hasQueuedWrites(options.directory)) for (const connectionId of this.spool.filled) this.drain(connectionId);
  }

  get busy(): boolean {
    return this.draining.size > 0;
  }

  /** What is not written yet. */
  get waiting(): WaitingWrites[] {
    if (this.opened === null) return [];
    const { opened } = this;
    return opened.filled.map((connectionId) => {
      const { records, bytes, oldestAt } = opened.usage(connectionId);
      const oldest_at = oldestAt === null ? null : new Date(oldestAt).toISOString();
      return { connection_id: connectionId, records, bytes, oldest_at };
    });
  }

  /**
   * Keeps the records that can be written, and says of the others why not; null where writes to this entity do not wait.
   * @throws what the connector throws when nothing may be written there; transient PCP_WRITE_QUEUE_FULL
   */
  async take(
    connection: OpenConnection,
    target: Target,
    records: readonly Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<WriteResult[] | null> {
    const { create, descriptor } = await this.options.context.registry.load(connection.connector_type);
    if (!descriptor.queuesWrites) return null;
    const connector = create(connection, this.options.context.environment);
    try {
      const rules = connector.queues?.(target.entity) ?? null;
      if (rules === null) return null;
      const results = await checked(connector, target, records, signal);
      const until = rules.validForMs === undefined ? {} : { until: Date.now() + rules.validForMs };
      const writes = records.flatMap((data, index): QueuedWrite[] =>
        results[index]?.outcome === 'created'
          ? [{ entity: target.entity, keyFields: target.keyFields, data, ...until }]
          : [],
      );
      await this.append(connection, writes);
      return results;
    } finally {
      await connector.close();
    }
  }

  /** What waits is there next time. */
  async close(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.draining.values());
    const isEmpty = this.opened?.filled.length === 0;
    this.opened?.close();
    if (isEmpty) for (const suffix of ['', '-wal', '-shm']) rmSync(this.path + suffix, { force: true });
  }

  private get mostBytes(): number {
    return this.options.mostBytes ?? MOST_BYTES;
  }

  private get spool(): Spool {
    const { isFlushed, context } = this.options;
    this.opened ??= new Spool(this.path, { isFlushed, log: context.environment.log });
    return this.opened;
  }

  private configure(connectionId: number): void {
    // With room for what is under way when it is full: nothing that was taken is dropped for it.
    this.spool.configure(connectionId, {
      maxBytes: 2 * this.mostBytes,
      maxAgeMs: MOST_AGE_MS,
      whenFull: 'drop_newest',
    });
  }

  private async append({ id, name }: OpenConnection, writes: readonly QueuedWrite[]): Promise<void> {
    if (writes.length === 0) return;
    this.configure(id);
    if (this.spool.usage(id).bytes >= this.mostBytes) {
      throw new IntegrationError(
        'transient',
        'PCP_WRITE_QUEUE_FULL',
        phrase`Too much waits to be written to ${name}.`,
        { hint: 'It goes on when the other side takes what waits.' },
      );
    }
    await this.spool.append(id, writes, true);
    this.drain(id);
  }

  private drain(connectionId: number): void {
    if (this.draining.has(connectionId)) return;
    this.configure(connectionId);
    const done = this.empty(connectionId).finally(() => this.draining.delete(connectionId));
    this.draining.set(connectionId, done);
  }

  /** Writes what waits for a connection, as long as it takes. Never throws. */
  private async empty(connectionId: number): Promise<void> {
    const { environment } = this.options.context;
    const outage = new Outage(`Writes that wait for connection ${connectionId}`, environment.log);
    const { signal } = this.stopped;
    for (let failures = 0; !signal.aborted; ) {
      const rows = this.spool.take(connectionId, 0, Number.MAX_SAFE_INTEGER, BATCH_RECORDS);
      if (rows.length === 0) return;
      const error = await this.write(connectionId, rows).catch((thrown: unknown) => IntegrationError.from(thrown));
      this.spool.putBack(connectionId);
      if (error === null) {
        failures = 0;
        outage.succeeded();
        continue;
      }
      if (signal.aborted) return;
      outage.failed(error);
      const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures++, 20));
      await wait(delay, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /**
   * Writes the first of these that go to one entity, and removes those that are done with.
   * @returns what kept the next one from being written
   */
  private async write(connectionId: number, rows: readonly Spooled[]): Promise<IntegrationError | null> {
    const { context, writer } = this.options;
    const [first] = rows as [Spooled];
    const { entity, keyFields } = first.record as QueuedWrite;
    const others = rows.findIndex(
      ({ record }) => !isDeepStrictEqual([record.entity, record.keyFields], [entity, keyFields]),
    );
    const together = others < 0 ? rows : rows.slice(0, others);
    const firstInTime = together.findIndex(({ record }) => !isLate(record as QueuedWrite));
    if (firstInTime !== 0) {
      const count = firstInTime < 0 ? together.length : firstInTime;
      this.options.context.environment.log(
        'warn',
        `${count} writes to ${entity} had waited too long, and were left out.`,
      );
      this.spool.remove(connectionId, [first.seq, (together[count - 1] as Spooled).seq]);
      return null;
    }
    const connection = await context.openConnection(connectionId);
    const data = together.map(({ record }) => (record as QueuedWrite).data);
    const results = await writer.write(connection, { entity, keyFields }, data, this.stopped.signal);
    const next = results.findIndex((result) => 'error' in result && !isRejected(result));
    const done = next < 0 ? results.length : next;
    for (const result of results.slice(0, done)) {
      if (!('error' in result)) continue;
      const { code, message } = result.error;
      context.environment.log('error', `A write to ${entity} that had waited was refused: ${code}: ${message}`);
    }
    if (done > 0) this.spool.remove(connectionId, [first.seq, (together[done - 1] as Spooled).seq]);
    const failed = results[done];
    return failed !== undefined && 'error' in failed ? failed.error : null;
  }
}

/** What can be said of each record before it is sent. */
async function checked(
  connector: Connector,
  target: Target,
  records: readonly Record<string, unknown>[],
  signal: AbortSignal,
): Promise<WriteResult[]> {
  const results: WriteResult[] = [];
  for (const data of records) {
    try {
      await connector.describeWrite?.(target, { data, key: '', sourceKey: '', hash: '' }, signal);
      results.push({ outcome: 'created' });
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (!OF_RECORD.includes(error.class) || error.code === 'PCP_WRITE_REFUSED') throw error;
      results.push({ outcome: 'failed', error });
    }
  }
  return results;
}

function isRejected(result: WriteResult): boolean {
  return result.outcome === 'failed' && OF_RECORD.includes(result.error.class);
}

function isLate({ until }: QueuedWrite): boolean {
  return until !== undefined && Date.now() > until;
}
