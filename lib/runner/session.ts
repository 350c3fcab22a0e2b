import type { Batch, Connector, ReadQuery, SourceRecord } from '../connectors/contract';
import { ConnectorRegistry } from '../connectors/registry';
import { createExpressionEvaluator } from '../mapping/expressions/evaluator';
import type { ConnectionOfRun, OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import { parseDatabaseUrl } from '../protocols/sql/url';
import { sqliteFiles } from '../security/protected-files';
import { Vault } from '../security/vault';
import { MappingStore } from '../store/mappings';
import { openStore, type Store } from '../store/store';
import { StoreClock } from '../sync/clock';
import { SharedRequestLimits } from '../sync/http/request-limits';
import { SignInStore } from '../sync/http/sign-ins';
import { preview } from '../sync/preview';
import { recordFilter } from '../sync/record-filter';
import { RecordMapper, RecordWriter } from '../sync/records';
import { Worker } from '../sync/runs/worker';
import type { EngineContext } from '../sync/stream';
import { type Calls, type FromRunner, packResults, type RunnerSetup, type ToRunner } from './protocol';

/** This process does nothing else, so it may wait for another writer of an SQLite store. */
const BUSY_TIMEOUT_MS = 10_000;

interface OpenRead {
  /** Applies the query's filters where the connector gave more. */
  keep(records: SourceRecord[], signal: AbortSignal): Promise<SourceRecord[]>;
  connector: Connector;
  iterator: AsyncIterator<Batch>;
  /** The batch that the reader has in hand, acknowledged when it asks for the next. */
  inHand: Batch | null;
  controller: AbortController;
}

type Handler<Name extends keyof Calls> = (
  signal: AbortSignal,
  ...parameters: Calls[Name]['arguments']
) => Promise<Calls[Name]['answer']>;

/** Everything that a runner holds open, and what it answers. */
export class RunnerSession {
  private readonly calls = new Map<number, AbortController>();
  private readonly reads = new Map<number, Promise<OpenRead>>();
  private readonly awaited = new Map<
    number,
    { resolve(connection: ConnectionOfRun): void; reject(error: Error): void }
  >();
  private nextQuestion = 1;
  private readonly handlers: { [Name in keyof Calls]: Handler<Name> };

  private constructor(
    private readonly send: (message: FromRunner) => void,
    private readonly store: Store,
    private readonly context: EngineContext & { expressions: { close(): Promise<void> } },
    private readonly worker: Worker,
    private readonly sharedLimits: SharedRequestLimits | undefined,
  ) {
    const mapper = new RecordMapper(context);
    const writer = new RecordWriter(context);
    this.handlers = {
      test: (signal, connection) => this.connected(connection, (connector) => connector.test(signal)),
      discover: (signal, connection) =>
        this.connected(connection, async (connector) => (await connector.discover?.(signal)) ?? []),
      describe: (signal, connection, entity) =>
        this.connected(connection, async (connector) => {
          const description = await connector.describe?.(entity, signal);
          if (description !== undefined) return description;
          throw new IntegrationError(
            'config',
            'PCP_NOT_DESCRIBED',
            `Entities of ${connection.name} cannot be described.`,
          );
        }),
      preview: (signal, { connections = [], ...request }) => {
        const openConnection = async (id: number) =>
          connections.find((connection) => connection.id === id) ?? context.openConnection(id);
        return preview({ ...context, openConnection }, request, signal);
      },
      map: async (signal, ...parameters) => mapper.map(...parameters, signal),
      write: (signal, ...parameters) => writer.write(...parameters, signal),
      call: (signal, connection, operation, parameters) =>
        this.connected(connection, async (connector) => {
          if (connector.call !== undefined) return connector.call(operation, parameters, signal);
          throw new IntegrationError('config', 'PCP_NOT_CALLABLE', `${connection.name} has no operations to call.`);
        }),
    };
  }

  static async open(setup: RunnerSetup, send: (message: FromRunner) => void): Promise<RunnerSession> {
    const store = await openStore({
      directory: setup.directory,
      busyTimeoutMs: BUSY_TIMEOUT_MS,
      flushLater: true,
      ...(setup.storeUrl !== undefined && { url: setup.storeUrl }),
    });
    const log = (level: 'info' | 'warn' | 'error' | 'debug', message: string): void =>
      send({ type: 'log', level, message });
    const clock = await StoreClock.of(store.database);
    // Only reads are made here; what is written to mappings was checked by the hub.
    const mappings = new MappingStore({ store, check: async () => undefined });
    const { directories, paths } = setup.protectedPlaces;
    const storage = setup.storeUrl ? parseDatabaseUrl(setup.storeUrl).storage : undefined;
    const vault = new Vault(setup.keys);
    // A store in a file has one runner.
    const sharedLimits = store.database.dialect === 'sqlite' ? undefined : new SharedRequestLimits(store.database, log);
    const signIns = new SignInStore(store.database, vault, log);
    const asked: { session?: RunnerSession } = {};
    const context = {
      database: store.database,
      registry: new ConnectorRegistry(),
      expressions: createExpressionEvaluator({ heapMb: setup.expressionHeapMb }),
      openConnection: (id: number) => asked.session!.askConnection(id),
      environment: {
        store: store.database,
        directory: setup.directory,
        protectedPlaces: { directories, paths: [...paths, ...(storage === undefined ? [] : sqliteFiles(storage))] },
        allowedTargets: setup.allowedTargets,
        http: { signIns, ...(sharedLimits !== undefined && { sharedLimits }) },
        log,
      },
    };
    const worker = new Worker({
      ...context,
      clock,
      mapping: (id) => mappings.get(id),
      vault,
      deadLetters: setup.deadLetters,
      logDays: setup.logDays,
      retry: setup.retry,
      concurrency: setup.concurrency,
      onChange: (jobId) => send({ type: 'changed', jobId }),
      log,
    });
    const session = new RunnerSession(send, store, context, worker, sharedLimits);
    asked.session = session;
    await worker.wake();
    return session;
  }

  /** True while this process must stay. */
  get busy(): boolean {
    return this.worker.busy || this.calls.size > 0 || this.reads.size > 0;
  }

  async receive(message: ToRunner): Promise<void> {
    switch (message.type) {
      case 'wake':
        return this.worker.wake();
      case 'check_cancelled':
        await this.worker.checkCancelled();
        return this.worker.wake();
      case 'call':
        return this.call(message.id, message.name, message.arguments);
      case 'read':
        return this.startRead(message.id, this.openRead(message.connection, message.query));
      case 'next':
        return this.next(message.id);
      case 'abort':
        this.calls.get(message.id)?.abort();
        return this.endRead(message.id);
      case 'connection': {
        const awaited = this.awaited.get(message.id);
        this.awaited.delete(message.id);
        if (message.connection !== undefined) awaited?.resolve(message.connection);
        else if (message.error !== undefined) awaited?.reject(IntegrationError.fromJSON(message.error));
      }
    }
  }

  /** Interrupts runs after their batch, ends reads, closes the store. */
  async close(): Promise<void> {
    for (const controller of this.calls.values()) controller.abort();
    await Promise.allSettled([...this.reads.keys()].map((id) => this.endRead(id)));
    await this.worker.stop();
    await this.sharedLimits?.close();
    await this.context.expressions.close();
    await this.store.close();
  }

  private askConnection(connectionId: number): Promise<ConnectionOfRun> {
    const id = this.nextQuestion++;
    return new Promise((resolve, reject) => {
      this.awaited.set(id, { resolve, reject });
      this.send({ type: 'open_connection', id, connectionId });
    });
  }

  private async call(id: number, name: keyof Calls, parameters: unknown[]): Promise<void> {
    const controller = new AbortController();
    this.calls.set(id, controller);
    try {
      const handler = this.handlers[name] as (signal: AbortSignal, ...rest: unknown[]) => Promise<unknown>;
      const answer = await handler(controller.signal, ...parameters);
      this.send({ type: 'answer', id, value: Array.isArray(answer) ? packResults(answer) : answer });
    } finally {
      this.calls.delete(id);
    }
  }

  private async connected<T>(connection: OpenConnection, work: (connector: Connector) => Promise<T>): Promise<T> {
    const { create } = await this.context.registry.load(connection.connector_type);
    const connector = create(connection, this.context.environment);
    try {
      return await work(connector);
    } finally {
      await connector.close();
    }
  }

  private async openRead(connection: OpenConnection, query: ReadQuery): Promise<OpenRead> {
    const { create } = await this.context.registry.load(connection.connector_type);
    const connector = create(connection, this.context.environment);
    const controller = new AbortController();
    const batches = connector.read?.(query, controller.signal);
    if (batches === undefined) {
      await connector.close();
      throw new IntegrationError('config', 'PCP_NOT_READABLE', `${connection.name} cannot be read.`);
    }
    const keep = recordFilter(query.filters ?? [], this.context.expressions);
    return { connector, iterator: batches[Symbol.asyncIterator](), keep, inHand: null, controller };
  }

  private startRead(id: number, opening: Promise<OpenRead>): void {
    this.reads.set(id, opening);
    // Whoever asks for the first batch is told why it failed.
    opening.catch(() => undefined);
  }

  private async next(id: number): Promise<void> {
    const opening = this.reads.get(id);
    if (opening === undefined) {
      // Begun in a runner that is no more: whoever reads must hear of it, or waits for ever.
      throw new IntegrationError('transient', 'PCP_READ_LOST', 'The runner that was reading has ended.', {
        hint: 'Read again, from the cursor of the last batch.',
      });
    }
    try {
      const read = await opening;
      await read.inHand?.acknowledge?.();
      read.inHand = null;
      const result = await read.iterator.next();
      if (result.done === true) {
        await this.endRead(id);
        this.send({ type: 'batch', id, batch: null });
        return;
      }
      read.inHand = result.value;
      const { total, cursorAfter } = result.value;
      const records = await read.keep(result.value.records, read.controller.signal);
      this.send({ type: 'batch', id, batch: { records, cursorAfter, ...(total !== undefined && { total }) } });
    } catch (error) {
      await this.endRead(id);
      throw error;
    }
  }

  private async endRead(id: number): Promise<void> {
    const opening = this.reads.get(id);
    if (opening === undefined) return;
    this.reads.delete(id);
    // One that could not be opened has told so to whoever asked for its first batch.
    const read = await opening.catch(() => null);
    read?.controller.abort();
    await read?.iterator.return?.();
    await read?.connector.close();
  }
}
