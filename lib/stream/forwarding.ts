import { setTimeout as wait } from 'node:timers/promises';
import { abortable } from '../abortable';
import type { Connector } from '../connectors/contract';
import type { ConnectorRegistry } from '../connectors/registry';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import { Outage } from '../outage';
import type { SqlDatabase } from '../protocols/sql/database';
import type { ConnectionQuestions } from '../runner/connection-questions';
import { type Engine, openEngine } from '../runner/engine';
import type { FromRunner, RunnerSetup } from '../runner/protocol';
import type { Spool } from '../spool/spool';
import { streamName } from '../store/stream-names';
import { ensureStream } from '../sync/runs/lease';
import { settleLeft } from '../sync/runs/left-streams';
import { ACTIVE, ENDED, insertRun, newJobId, stateList } from '../sync/runs/run-rows';
import type { StreamDefinition } from './definitions';
import { Ownership } from './ownership';
import { SpoolSource, TURN_MS } from './spool-source';
import type { StreamLog } from './spooled-stream';

/** More streams than a plant has: a run of each may be open, since most of the time it waits. */
const CONCURRENCY = 256;
const STORE_RETRY_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** A run that failed, rather than waits, needs a person: it is tried again all the same, ever more seldom. */
const FIRST_RESTART_MS = 5_000;
const LAST_RESTART_MS = 60 * 60_000;
/** A run of another instance that waits, and that nobody has taken up for so long, keeps the owner waiting no longer. */
const LEFT_MS = 10_000;
/** When this instance stops, its runs have so long for the batch in hand. */
const LAST_BATCH_MS = 3_000;

export interface ForwardingOptions {
  setup: RunnerSetup;
  registry: ConnectorRegistry;
  questions: ConnectionQuestions;
  send(message: FromRunner): void;
  log: StreamLog;
  spool(): Spool;
  /** Leases that this instance held last. */
  assumed: readonly string[];
  leftMs?: number;
  /** Other streams are this instance's now. */
  onOwnership(): void;
}

interface Failure {
  runId: number;
  times: number;
  retryAt: number;
}

/** Brings what is spooled to its targets by ordinary runs of the engine: one for each stream that has something to forward. */
export class Forwarding {
  private readonly stopped = new AbortController();
  private engine: Engine | null = null;
  private definitions = new Map<number, StreamDefinition>();
  /** Of the runs in hand, by mapping. */
  private readonly sources = new Map<number, SpoolSource>();
  private readonly failures = new Map<number, Failure>();
  /** Streams that were changed since their last run failed. */
  private readonly changed = new Set<number>();
  /** When what is left of others' streams may go on, by mapping. */
  private readonly restUntil = new Map<number, number>();
  /** Since when runs of other instances are in the way. */
  private readonly leftSince = new Map<number, number>();
  private readonly ownership: Ownership;
  private readonly contact = Promise.withResolvers<void>();
  private pausing = new AbortController();
  private readonly working: Promise<void>;
  private readonly storeAway: Outage;

  constructor(private readonly options: ForwardingOptions) {
    this.storeAway = new Outage('Live values wait in the spool', options.log);
    this.ownership = new Ownership(() => options.spool().id, options.assumed);
    this.working = this.work();
  }

  setDefinitions(definitions: readonly StreamDefinition[]): void {
    const before = this.definitions;
    this.definitions = new Map(definitions.map((definition) => [definition.mapping_id, definition]));
    for (const { mapping_id: id, version, is_live_first } of definitions) {
      const known = before.get(id);
      if (known?.version === version && known.is_live_first === is_live_first) continue;
      this.changed.add(id);
      this.sources.get(id)?.ended.abort();
    }
    for (const [id, source] of this.sources) if (!this.definitions.has(id)) source.ended.abort();
    this.ownership.expire();
    this.pausing.abort();
  }

  /** Resolves when the store has said once which streams are this instance's, or did not answer. */
  get contacted(): Promise<void> {
    return this.contact.promise;
  }

  owns({ lease }: StreamDefinition): boolean {
    return this.ownership.owns(lease);
  }

  isElsewhere({ lease }: StreamDefinition): boolean {
    return this.ownership.isElsewhere(lease);
  }

  async checkCancelled(): Promise<void> {
    await this.engine?.worker.checkCancelled();
  }

  /** @param left resolves when nothing is listened to here any more: then another instance may */
  async close(left: Promise<unknown>): Promise<void> {
    this.stopped.abort();
    await this.working;
    await this.endRuns();
    await left;
    // While the store is away, the lease's end does as well.
    if (this.engine !== null) await this.ownership.release(this.engine.context.database).catch(() => undefined);
    await this.engine?.close();
  }

  /** A run that is only interrupted would be in the way of the instance that goes on with its stream. */
  private async endRuns(): Promise<void> {
    const sources = [...this.sources.values()];
    for (const { ended } of sources) ended.abort();
    const isOver = Promise.all(sources.map(({ closed }) => closed));
    await abortable(isOver, AbortSignal.timeout(LAST_BATCH_MS)).catch(() => undefined);
  }

  /** Opens the store, as long as it takes, and then looks again and again for streams without a run. Never throws. */
  private async work(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      let delay = LOOK_EVERY_MS;
      if (this.definitions.size > 0 || this.engine !== null) {
        try {
          this.engine ??= await this.open();
          await this.lookAtOwners(this.engine);
          this.storeAway.succeeded();
          await this.look(this.engine);
        } catch (error) {
          // Once it has been open, the worker says so.
          if (this.engine === null) this.storeAway.failed(IntegrationError.from(error));
          delay = STORE_RETRY_MS;
        }
        this.contact.resolve();
      }
      this.pausing = new AbortController();
      const until = AbortSignal.any([signal, this.pausing.signal]);
      await wait(delay, undefined, { signal: until, ref: false }).catch(() => undefined);
    }
  }

  private async lookAtOwners({ context }: Engine): Promise<void> {
    const wanted = new Set([...this.definitions.values()].map(({ lease }) => lease));
    if (await this.ownership.look(context.database, wanted)) this.options.onOwnership();
  }

  private async open(): Promise<Engine> {
    const { setup, registry, questions, send } = this.options;
    const engine = await openEngine(setup, {
      registry,
      questions,
      send,
      // Its commits are few and small.
      ownThread: false,
      concurrency: CONCURRENCY,
      kinds: ['live'],
      // Of another instance's spool.
      isElsewhere: ({ spool }) => spool !== this.options.spool().id,
      liveSource: (mapping) => this.source(mapping),
    });
    // Runs of a process that was killed go on.
    await engine.worker.wake();
    return engine;
  }

  private source(mapping: Mapping): Connector {
    const definition = this.definitions.get(mapping.id);
    if (definition === undefined) {
      throw new IntegrationError(
        'cancelled',
        'PCP_STREAM_GONE',
        `Mapping "${mapping.name}" is not live here any more.`,
      );
    }
    const spool = this.options.spool();
    const isOwner = (): boolean => this.owns(definition);
    const source: SpoolSource = new SpoolSource(spool, definition, isOwner, () => {
      if (this.sources.get(mapping.id) === source) this.sources.delete(mapping.id);
      if (!isOwner()) this.restUntil.set(mapping.id, performance.now() + TURN_MS);
    });
    this.sources.set(mapping.id, source);
    return source;
  }

  private async look({ context, worker }: Engine): Promise<void> {
    await this.makeWay(context.database);
    let started = 0;
    for (const definition of this.definitions.values()) {
      const id = definition.mapping_id;
      if (this.sources.has(id) || this.options.spool().usage(id).records === 0) continue;
      if (!this.owns(definition) && performance.now() < (this.restUntil.get(id) ?? 0)) continue;
      if (await this.start(context.database, definition)) started++;
    }
    if (started > 0) await worker.wake();
  }

  /**
   * A replay of dead letters needs the mapping for itself, and so does another instance for what its spool has left: the live
   * run ends, and another one follows.
   */
  private async makeWay(database: SqlDatabase): Promise<void> {
    if (this.sources.size === 0) return;
    const rows = await database.query(
      `SELECT DISTINCT mapping_id FROM integration_sync_logs
       WHERE (kind <> 'live' OR spool <> ?) AND state IN (${stateList(ACTIVE)})`,
      [this.options.spool().id],
    );
    for (const { mapping_id } of rows) this.sources.get(Number(mapping_id))?.ended.abort();
  }

  /** @returns whether there is a new run */
  private async start(database: SqlDatabase, definition: StreamDefinition): Promise<boolean> {
    const { mapping_id: mappingId, version, connection } = definition;
    const spool = this.options.spool().id;
    await ensureStream(database, streamName(mappingId));
    let inTheWay: Record<string, unknown>[] = [];
    const isStarted = await database.transaction(async (transaction) => {
      // The row is a lock, as for whoever starts another run of this mapping.
      await transaction.execute('UPDATE integration_stream_locks SET stream = stream WHERE stream = ?', [
        streamName(mappingId),
      ]);
      const rows = await transaction.query(
        `SELECT id, state, kind, spool FROM integration_sync_logs WHERE mapping_id = ? AND (state IN (${stateList(ACTIVE)})
           OR id = (SELECT MAX(id) FROM integration_sync_logs WHERE mapping_id = ? AND spool = ?)) ORDER BY id DESC`,
        [mappingId, mappingId, spool],
      );
      const last = rows.find(({ state }) => ENDED.includes(state as (typeof ENDED)[number]));
      const active = rows.filter((row) => row !== last);
      if (active.some((row) => row.kind !== 'live' || row.spool === spool)) return false;
      inTheWay = active;
      // The owner waits for what others have left of its stream, and makes way for it.
      if ((this.owns(definition) && inTheWay.length > 0) || this.mustWait(mappingId, last)) return false;
      await insertRun(
        transaction,
        {
          jobId: newJobId(),
          connectionId: connection.id,
          mappingId,
          mappingVersion: version,
          direction: 'import',
          kind: 'live',
          full: false,
          dryRun: false,
          createdBy: null,
          spool,
        },
        Date.now(),
      );
      return true;
    });
    if (!isStarted && this.owns(definition)) await this.settleLeft(database, mappingId, inTheWay);
    return isStarted;
  }

  /** Runs of an instance that has died would keep this one from forwarding for ever. */
  private async settleLeft(
    database: SqlDatabase,
    mappingId: number,
    runs: readonly Record<string, unknown>[],
  ): Promise<void> {
    const now = performance.now();
    for (const run of runs) {
      const id = Number(run.id);
      const since = this.leftSince.get(id) ?? now;
      this.leftSince.set(id, since);
      // One that is running has a worker, or had one that died; one that waits may be about to be taken up.
      const isLeft = run.state === 'running' || now - since >= (this.options.leftMs ?? LEFT_MS);
      if (isLeft && (await settleLeft(database, mappingId, id, Date.now()))) this.leftSince.delete(id);
    }
  }

  private mustWait(mappingId: number, last: Record<string, unknown> | undefined): boolean {
    if (last === undefined || last.state === 'succeeded' || last.state === 'partial') {
      this.failures.delete(mappingId);
      return false;
    }
    if (this.changed.delete(mappingId)) {
      this.failures.set(mappingId, { runId: Number(last.id), times: 0, retryAt: 0 });
      return false;
    }
    const known = this.failures.get(mappingId);
    if (known?.runId === Number(last.id)) return Date.now() < known.retryAt;
    const times = (known?.times ?? 0) + 1;
    const retryAt = Date.now() + Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (times - 1));
    this.failures.set(mappingId, { runId: Number(last.id), times, retryAt });
    return true;
  }
}
