import { setTimeout as wait } from 'node:timers/promises';
import type { Connector } from '../connectors/contract';
import type { ConnectorRegistry } from '../connectors/registry';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { SqlDatabase } from '../protocols/sql/database';
import type { ConnectionQuestions } from '../runner/connection-questions';
import { type Engine, openEngine } from '../runner/engine';
import type { FromRunner, RunnerSetup } from '../runner/protocol';
import { Outage } from '../sync/outage';
import { ensureStream, streamName } from '../sync/runs/lease';
import { ACTIVE, ENDED, insertRun, newJobId, stateList } from '../sync/runs/run-rows';
import type { StreamDefinition } from './definitions';
import type { Spool } from './spool/spool';
import { SpoolSource } from './spool-source';
import type { StreamLog } from './spooled-stream';

/** More streams than a plant has: a run of each may be open, since most of the time it waits. */
const CONCURRENCY = 256;
const STORE_RETRY_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** A run that failed, rather than waits, needs a person: it is tried again all the same, ever more seldom. */
const FIRST_RESTART_MS = 5_000;
const LAST_RESTART_MS = 60 * 60_000;

export interface ForwardingOptions {
  setup: RunnerSetup;
  registry: ConnectorRegistry;
  questions: ConnectionQuestions;
  send(message: FromRunner): void;
  log: StreamLog;
  spool(): Spool;
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
  private readonly working: Promise<void>;
  private readonly storeAway: Outage;

  constructor(private readonly options: ForwardingOptions) {
    this.storeAway = new Outage('Live values wait in the spool', options.log);
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
  }

  async checkCancelled(): Promise<void> {
    await this.engine?.worker.checkCancelled();
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.working;
    await this.engine?.close();
  }

  /** Opens the store, as long as it takes, and then looks again and again for streams without a run. Never throws. */
  private async work(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      let delay = LOOK_EVERY_MS;
      if (this.definitions.size > 0) {
        try {
          this.engine ??= await this.open();
          await this.look(this.engine);
          this.storeAway.succeeded();
        } catch (error) {
          // Once it has been open, the worker says so.
          if (this.engine === null) this.storeAway.failed(IntegrationError.from(error));
          delay = STORE_RETRY_MS;
        }
      }
      await wait(delay, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async open(): Promise<Engine> {
    const { setup, registry, questions, send } = this.options;
    const engine = await openEngine(setup, {
      registry,
      questions,
      send,
      // This process must go on listening: it waits without blocking.
      busyTimeoutMs: 0,
      concurrency: CONCURRENCY,
      kinds: ['live'],
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
    const source: SpoolSource = new SpoolSource(spool, definition, () => {
      if (this.sources.get(mapping.id) === source) this.sources.delete(mapping.id);
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
      if (await this.start(context.database, definition)) started++;
    }
    if (started > 0) await worker.wake();
  }

  /** A replay of dead letters needs the mapping for itself: the live run ends, and another one follows. */
  private async makeWay(database: SqlDatabase): Promise<void> {
    if (this.sources.size === 0) return;
    const rows = await database.query(
      `SELECT DISTINCT mapping_id FROM integration_sync_logs WHERE kind <> 'live' AND state IN (${stateList(ACTIVE)})`,
    );
    for (const { mapping_id } of rows) this.sources.get(Number(mapping_id))?.ended.abort();
  }

  /** @returns whether there is a new run */
  private async start(
    database: SqlDatabase,
    { mapping_id: mappingId, version, connection }: StreamDefinition,
  ): Promise<boolean> {
    await ensureStream(database, streamName(mappingId));
    return database.transaction(async (transaction) => {
      // The row is a lock, as for whoever starts another run of this mapping.
      await transaction.execute('UPDATE integration_stream_locks SET stream = stream WHERE stream = ?', [
        streamName(mappingId),
      ]);
      const rows = await transaction.query(
        `SELECT id, state FROM integration_sync_logs WHERE mapping_id = ? AND (state IN (${stateList(ACTIVE)})
           OR id = (SELECT MAX(id) FROM integration_sync_logs WHERE mapping_id = ? AND kind = 'live')) ORDER BY id DESC`,
        [mappingId, mappingId],
      );
      const last = rows.find(({ state }) => ENDED.includes(state as (typeof ENDED)[number]));
      if (rows.some((row) => row !== last) || this.mustWait(mappingId, last)) return false;
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
        },
        Date.now(),
      );
      return true;
    });
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
