import type { Connector } from '../../lib/connectors/contract';
import { ConnectorRegistry, type LoadedConnector } from '../../lib/connectors/registry';
import { createExpressionEvaluator } from '../../lib/mapping/expressions/evaluator';
import type { JobStatus, SyncRequest } from '../../lib/model/services';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { EntityRecordStore } from '../../lib/platform/records';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import { openStore, type Store } from '../../lib/store/store';
import { Tally } from '../../lib/store/tally';
import { StoreClock } from '../../lib/sync/clock';
import { Worker } from '../../lib/sync/runs/worker';
import { SyncService } from '../../lib/sync/service';
import { RefusedSignIns } from '../../lib/sync/sign-ins/refused-sign-ins';
import { GuardedRegistry } from '../../lib/sync/sign-ins/sign-in-guard';

/** The engine with its store and one worker, all in this process, so that a test can stand between it and its connectors. */
export class TestEngine {
  readonly connections: ConnectionStore;
  readonly mappings: MappingStore;
  readonly records: EntityRecordStore;
  readonly sync: SyncService;
  private readonly vault: Vault;
  /** Stands between the engine and its connectors. */
  disturb: (connector: Connector, type: string) => Connector = (connector) => connector;
  /** Dead letters that may be open. */
  deadLetterLimit = 1000;
  readonly tally: Tally;
  /** What the worker logs. */
  readonly said: string[] = [];
  private worker: Worker | undefined;
  private readonly registry = new ConnectorRegistry();
  private readonly expressions = createExpressionEvaluator();

  private constructor(
    readonly store: Store,
    directory: string,
    private readonly more: Record<string, LoadedConnector>,
  ) {
    this.vault = new Vault(loadKeys({ directory }));
    this.tally = new Tally(store.database, () => undefined);
    const { vault } = this;
    this.connections = new ConnectionStore({ store, vault, validate: () => undefined });
    this.mappings = new MappingStore({ store, check: async () => undefined });
    this.records = new EntityRecordStore({ database: store.database, types: new EntityTypeStore(store.database) });
    this.sync = new SyncService({
      database: async () => store.database,
      vault,
      connections: this.connections,
      mappings: this.mappings,
      check: async () => undefined,
      wakeRunner: () => undefined,
      nudgeCancel: () => undefined,
    });
  }

  /** @param more connectors besides those of the package, by type */
  static async open(directory: string, more: Record<string, LoadedConnector> = {}): Promise<TestEngine> {
    const engine = new TestEngine(await openStore({ directory }), directory, more);
    await engine.startWorker();
    return engine;
  }

  /** @param database what stands in for the store's own */
  async startWorker(database: SqlDatabase = this.store.database): Promise<void> {
    await this.worker?.stop();
    const load = async (type: string): Promise<LoadedConnector> => {
      const { descriptor, create } = this.more[type] ?? (await this.registry.load(type));
      return { descriptor, create: (...parameters) => this.disturb(create(...parameters), type) };
    };
    this.worker = new Worker({
      database,
      registry: new GuardedRegistry({ load }, new RefusedSignIns(this.store.database, this.vault)),
      expressions: this.expressions,
      openConnection: async (id) => ({ ...(await this.connections.open(id)), timezone: null }),
      environment: { store: this.store.database, log: () => undefined },
      vault: this.vault,
      deadLetters: { limit: this.deadLetterLimit, openDays: 180, closedDays: 30 },
      logDays: 90,
      clock: await StoreClock.of(this.store.database),
      mapping: (id) => this.mappings.get(id),
      check: async () => undefined,
      retry: { maxWithoutProgress: 2, maxAttempts: 20, baseDelayMs: 0, maxDelayMs: 0 },
      concurrency: 1,
      kinds: ['sync', 'replay', 'reconcile', 'repair'],
      tally: this.tally,
      onChange: (jobId) => void this.sync.changed(jobId),
      log: (level, message) => void this.said.push(`${level} ${message}`),
    });
  }

  async run(connectionId: number, request: SyncRequest = {}): Promise<JobStatus> {
    return this.end((await this.sync.start(connectionId, request)).job_id);
  }

  /** Lets the worker look for runs. */
  async look(): Promise<void> {
    await this.worker?.wake();
  }

  /** Works until a job is over. */
  async end(jobId: string): Promise<JobStatus> {
    for (;;) {
      await this.look();
      const status = await this.sync.status(jobId);
      if (status.status !== 'in_progress') return status;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    await this.worker?.stop();
    await this.tally.close();
    await this.store.close();
    await this.expressions.close();
  }
}
