import type { Batch, Connector, ReadQuery, SourceRecord } from '../connectors/contract';
import { ConnectorRegistry } from '../connectors/registry';
import type { OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import { preview } from '../sync/preview';
import { recordFilter } from '../sync/record-filter';
import { RecordMapper, RecordWriter } from '../sync/records';
import { WriteQueue } from '../sync/write-queue';
import { ConnectionQuestions } from './connection-questions';
import { type Engine, openEngine } from './engine';
import { type Handlers, OpenCalls } from './open-calls';
import type { Calls, FromRunner, RunnerSetup, ToRunner } from './protocol';
import type { Session } from './serve';

const TELL_EVERY_MS = 1_000;

interface OpenRead {
  /** Applies the query's filters where the connector gave more. */
  keep(records: SourceRecord[], signal: AbortSignal): Promise<SourceRecord[]>;
  connector: Connector;
  iterator: AsyncIterator<Batch>;
  /** The batch that the reader has in hand, acknowledged when it asks for the next. */
  inHand: Batch | null;
  controller: AbortController;
}

/** Everything that a runner holds open, and what it answers. */
export class RunnerSession implements Session {
  private readonly calls: OpenCalls<Calls>;
  private readonly queue: WriteQueue;
  private readonly reads = new Map<number, Promise<OpenRead>>();
  private readonly telling: NodeJS.Timeout;
  /** What was told last was not empty. */
  private hasTold = false;

  private constructor(
    private readonly send: (message: FromRunner) => void,
    private readonly engine: Engine,
    private readonly questions: ConnectionQuestions,
    { directory, spool }: RunnerSetup,
  ) {
    const { context } = engine;
    const mapper = new RecordMapper(context);
    const writer = new RecordWriter(context);
    this.queue = new WriteQueue({ context, writer, directory, isFlushed: spool.isFlushed });
    const handlers: Handlers<Calls> = {
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
      present: (signal, connection, entity) =>
        this.connected(connection, async (connector) => (await connector.present?.(entity, signal)) ?? null),
      preview: (signal, { connections = [], ...request }) => {
        const openConnection = async (id: number) =>
          connections.find((connection) => connection.id === id) ?? context.openConnection(id);
        return preview({ ...context, openConnection }, request, signal);
      },
      map: async (signal, ...parameters) => mapper.map(...parameters, signal),
      write: async (signal, ...parameters) =>
        (await this.queue.take(...parameters, signal)) ?? (await writer.write(...parameters, signal)),
      call: (signal, connection, operation, parameters) =>
        this.connected(connection, async (connector) => {
          if (connector.call !== undefined) return connector.call(operation, parameters, signal);
          throw new IntegrationError('config', 'PCP_NOT_CALLABLE', `${connection.name} has no operations to call.`);
        }),
    };
    this.calls = new OpenCalls(handlers, send);
    this.telling = setInterval(() => this.tellWrites(), TELL_EVERY_MS).unref();
  }

  static async open(setup: RunnerSetup, send: (message: FromRunner) => void): Promise<RunnerSession> {
    const questions = new ConnectionQuestions(send);
    const engine = await openEngine(setup, {
      registry: new ConnectorRegistry(),
      questions,
      send,
      ownThread: true,
      concurrency: setup.concurrency,
      kinds: ['sync', 'replay', 'reconcile', 'repair'],
    });
    const session = new RunnerSession(send, engine, questions, setup);
    await engine.worker.wake();
    return session;
  }

  /** True while this process must stay. */
  get busy(): boolean {
    return this.engine.worker.busy || this.queue.busy || this.calls.size > 0 || this.reads.size > 0;
  }

  async receive(message: ToRunner): Promise<void> {
    switch (message.type) {
      case 'wake':
        return this.engine.worker.wake();
      case 'check_cancelled':
        await this.engine.worker.checkCancelled();
        return this.engine.worker.wake();
      case 'call':
        return this.calls.answer(message.id, message.name, message.arguments);
      case 'read':
        return this.startRead(message.id, this.openRead(message.connection, message.query));
      case 'next':
        return this.next(message.id);
      case 'abort':
        this.calls.abort(message.id);
        return this.endRead(message.id);
      case 'connection':
        this.questions.answered(message);
    }
  }

  /** Interrupts runs after their batch, ends reads, closes the store. */
  async close(): Promise<void> {
    clearInterval(this.telling);
    this.calls.abortAll();
    await this.queue.close();
    await Promise.allSettled([...this.reads.keys()].map((id) => this.endRead(id)));
    await this.engine.close();
  }

  private tellWrites(): void {
    const { waiting } = this.queue;
    if (waiting.length > 0 || this.hasTold) this.send({ type: 'writes', waiting });
    this.hasTold = waiting.length > 0;
  }

  private async connected<T>(connection: OpenConnection, work: (connector: Connector) => Promise<T>): Promise<T> {
    const { create } = await this.engine.context.registry.load(connection.connector_type);
    const connector = create(connection, this.engine.context.environment);
    try {
      return await work(connector);
    } finally {
      await connector.close();
    }
  }

  private async openRead(connection: OpenConnection, query: ReadQuery): Promise<OpenRead> {
    const { create } = await this.engine.context.registry.load(connection.connector_type);
    const connector = create(connection, this.engine.context.environment);
    const controller = new AbortController();
    const batches = connector.read?.({ ...query, acknowledges: true }, controller.signal);
    if (batches === undefined) {
      await connector.close();
      throw new IntegrationError('config', 'PCP_NOT_READABLE', `${connection.name} cannot be read.`);
    }
    const keep = recordFilter(query.filters ?? [], this.engine.context.expressions);
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
