import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { serialize } from 'node:v8';
import type { Connector, SourceRecord } from '../connectors/contract';
import { ConnectorRegistry } from '../connectors/registry';
import type { OpenConnection } from '../model/connection';
import type { Deliveries } from '../model/delivery';
import { IntegrationError } from '../model/errors';
import type { LiveStatus } from '../model/stream';
import { ConnectionQuestions } from '../runner/connection-questions';
import { logOf, protectedPlacesOf } from '../runner/engine';
import { type Handlers, OpenCalls } from '../runner/open-calls';
import type { FromRunner, LiveCalls, RunnerSetup, ToRunner } from '../runner/protocol';
import type { Session } from '../runner/serve';
import { Vault } from '../security/vault';
import { Spool } from '../spool/spool';
import { unreadable } from '../spool/unreadable-record';
import { GuardedRegistry } from '../sync/sign-ins/sign-in-guard';
import { DefinitionFile, type StreamDefinition } from './definitions';
import { FlowSubscription } from './flow-subscription';
import { Forwarding, type ForwardingOptions } from './forwarding';
import { RefusedHere } from './refused-here';
import { SharedConnections } from './shared-connections';
import { limitsOf, SpooledStream, type StreamLog, standbyStatus } from './spooled-stream';

const SPOOL_FILE = 'integrations.spool.db';
const LOOK_EVERY_MS = 1_000;
/** So long a new process waits for the store to say whose its streams are; then it listens, since values do not wait. */
const CONTACT_MS = 3_000;

/** Everything that the live process holds open, and what it answers. */
export class LiveSession implements Session {
  private readonly connections: SharedConnections;
  private readonly definitions: DefinitionFile;
  private readonly forwarding: Forwarding;
  private readonly questions: ConnectionQuestions;
  private readonly refused: RefusedHere;
  private readonly log: StreamLog;
  private readonly streams = new Map<number, SpooledStream>();
  /** All that may be listened to here; those are that are this instance's. */
  private wanted: readonly StreamDefinition[] = [];
  private readonly subscriptions = new Map<number, FlowSubscription>();
  private readonly calls: OpenCalls<LiveCalls>;
  private readonly looking: NodeJS.Timeout;
  private openedSpool: Spool | null = null;
  /** The last statuses told were not empty. */
  private hasTold = false;
  /** When what is listened to here last changed. */
  private standbySince = Date.now();
  /** Changes of the streams happen one after the other. */
  private changing: Promise<void> = Promise.resolve();
  private readonly handlers: Handlers<LiveCalls> = {
    readTags: (signal, connection, tags) =>
      this.with(connection, 'readTags', (connector) => connector.readTags?.(tags, signal)),
    writeTags: (signal, connection, writes, deadline) => {
      const late = AbortSignal.timeout(Math.max(0, deadline - Date.now()));
      const inTime = AbortSignal.any([signal, late]);
      return this.with(connection, 'writeTags', (connector) => {
        if (Date.now() >= deadline || inTime.aborted) throw expired(connection);
        return connector.writeTags?.(writes, inTime, deadline).catch((thrown: unknown) => {
          const error = IntegrationError.from(thrown);
          const isUnsent = late.aborted && error.class === 'cancelled' && !error.outcomeUnknown;
          throw isUnsent ? expired(connection) : error;
        });
      });
    },
    planTags: (signal, connection, writes) =>
      this.with(connection, 'planTags', (connector) => connector.planTags?.(writes, signal)),
    browse: (signal, connection, parent) =>
      this.with(connection, 'browse', (connector) => connector.browse?.(parent, signal)),
    call: (signal, connection, operation, parameters, deadline) =>
      this.with(connection, 'call', (connector) => {
        if (deadline !== null && Date.now() >= deadline) throw expired(connection);
        return connector.call?.(operation, parameters, signal, deadline ?? undefined);
      }),
  };

  constructor(
    private readonly setup: RunnerSetup,
    private readonly send: (message: FromRunner) => void,
    registry: ConnectorRegistry = new ConnectorRegistry(),
    times: Pick<ForwardingOptions, 'leftMs'> = {},
  ) {
    this.log = logOf(send);
    this.calls = new OpenCalls(this.handlers, send);
    this.definitions = new DefinitionFile(setup.directory, new Vault(setup.keys));
    this.questions = new ConnectionQuestions(send);
    const { log } = this;
    const { allowedTargets, directory } = setup;
    const retry = (): void => this.connections.retry();
    const deliveries: Deliveries = {
      release: async (session, id) => (this.hasSpool ? this.spool.release(session, id) : undefined),
      forget: async (session) => (this.hasSpool ? this.spool.forget(session) : undefined),
    };
    const environment = {
      directory,
      protectedPlaces: protectedPlacesOf(setup),
      allowedTargets,
      deliveries,
      log,
      retry,
    };
    this.refused = new RefusedHere(directory, new Vault(setup.keys), send);
    const guarded = new GuardedRegistry(registry, this.refused);
    this.connections = new SharedConnections({ load: (type) => guarded.load(type), environment });
    if (setup.spool.isEnabled) this.wanted = this.lastDefinitions();
    this.forwarding = new Forwarding({
      setup,
      registry,
      questions: this.questions,
      send,
      log,
      spool: () => this.spool,
      assumed: this.wanted.map(({ lease }) => lease),
      ...times,
      onOwnership: () => this.inBackground(() => this.apply()),
    });
    this.looking = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    if (this.wanted.length > 0) this.inBackground(() => this.begin());
  }

  get busy(): boolean {
    return this.wanted.length + this.subscriptions.size + this.calls.size + this.connections.size > 0;
  }

  async receive(message: ToRunner): Promise<void> {
    switch (message.type) {
      case 'streams':
        return this.inTurn(() => this.change(message.streams, message.kept, message.unknown));
      case 'call':
        return this.calls.answer(message.id, message.name, message.arguments);
      case 'subscribe':
        this.subscriptions.set(
          message.id,
          new FlowSubscription(this.connections, message.connection, message.subscription),
        );
        return;
      case 'next':
        return this.next(message.id);
      case 'abort':
        this.calls.abort(message.id);
        return this.unsubscribe(message.id);
      case 'check_cancelled':
        return this.forwarding.checkCancelled();
      case 'retry':
        return this.connections.retry();
      case 'sign_in':
        return this.refused.answered(message);
      case 'connection':
        this.questions.answered(message);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.looking);
    this.calls.abortAll();
    await this.changing;
    await Promise.all([
      ...[...this.streams.values()].map((stream) => stream.stop()),
      ...[...this.subscriptions.keys()].map((id) => this.unsubscribe(id)),
    ]);
    await this.forwarding.close(this.connections.closeAll());
    this.openedSpool?.close();
  }

  private get spool(): Spool {
    const { directory, spool } = this.setup;
    this.openedSpool ??= new Spool(join(directory, SPOOL_FILE), { isFlushed: spool.isFlushed, log: this.log });
    return this.openedSpool;
  }

  private get hasSpool(): boolean {
    return this.openedSpool !== null || existsSync(join(this.setup.directory, SPOOL_FILE));
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.changing.then(work);
    this.changing = done.catch(() => undefined);
    return done;
  }

  /** Nobody waits for it: what goes wrong, such as a full disk, is tried again with the next change. */
  private inBackground(work: () => Promise<void>): void {
    this.inTurn(work).catch((error: unknown) => {
      const { code, message } = IntegrationError.from(error);
      this.log('error', `Streams could not be changed: ${code}: ${message}`);
    });
  }

  /** The store that knows the streams may be away. */
  private lastDefinitions(): StreamDefinition[] {
    try {
      const streams = this.definitions.read();
      // Sealed with the current key, so that an earlier one can go.
      if (streams.length > 0) this.definitions.write(streams);
      return streams;
    } catch (error) {
      const { code, message } = IntegrationError.from(error);
      this.log('error', `The streams of the last time could not be read: ${code}: ${message}`);
      return [];
    }
  }

  /** With the streams as they were last. */
  private async begin(): Promise<void> {
    this.configure();
    await Promise.race([this.forwarding.contacted, wait(CONTACT_MS, undefined, { ref: false })]);
    await this.apply();
  }

  /**
   * @param kept mappings whose spooled records stay
   * @param unknown mappings about which nothing can be said now: their streams go on as they are
   */
  private async change(streams: StreamDefinition[], kept: number[], unknown: number[]): Promise<void> {
    this.wanted = [...streams, ...this.wanted.filter(({ mapping_id }) => unknown.includes(mapping_id))];
    this.configure();
    await this.apply();
    this.discardOthers(kept);
  }

  private configure(): void {
    for (const { mapping_id, options } of this.wanted) this.spool.configure(mapping_id, limitsOf(options));
    this.forwarding.setDefinitions(this.wanted);
  }

  /** Listens to what is this instance's, and to nothing else. */
  private async apply(): Promise<void> {
    const streams = this.wanted.filter((definition) => this.forwarding.owns(definition));
    const known = [...this.streams.values()].map(({ definition }) => definition);
    if (isDeepStrictEqual(new Set(streams), new Set(known))) return;
    this.definitions.write(streams);
    this.standbySince = Date.now();
    for (const [id, stream] of this.streams) {
      const next = streams.find(({ mapping_id }) => mapping_id === id);
      if (next !== undefined && isDeepStrictEqual(sourceOf(next), sourceOf(stream.definition))) continue;
      this.streams.delete(id);
      await stream.stop();
    }
    for (const definition of streams) {
      const running = this.streams.get(definition.mapping_id);
      if (running === undefined) this.startStream(definition);
      else running.definition = definition;
    }
    this.tellStatuses(Date.now());
  }

  private startStream(definition: StreamDefinition): void {
    this.streams.set(definition.mapping_id, new SpooledStream(definition, this.spool, this.connections, this.log));
  }

  private discardOthers(kept: readonly number[]): void {
    if (!this.hasSpool) return;
    for (const stream of this.spool.filled) {
      if (kept.includes(stream)) continue;
      const records = this.spool.discard(stream);
      this.log(
        'warn',
        `${records} spooled records of mapping ${stream}, which is gone or not live any more, were dropped.`,
      );
    }
  }

  private look(): void {
    const now = Date.now();
    for (const stream of this.streams.values()) stream.look(now);
    this.tellStatuses(now);
  }

  private tellStatuses(now: number): void {
    if (this.wanted.length === 0 && !this.hasTold) return;
    this.hasTold = this.wanted.length > 0;
    const statuses = [...this.streams].map(([id, stream]): [number, LiveStatus] => [id, stream.status(now)]);
    for (const definition of this.wanted.filter((each) => this.forwarding.isElsewhere(each))) {
      const { mapping_id: id } = definition;
      if (!this.streams.has(id)) statuses.push([id, standbyStatus(this.spool.usage(id), this.standbySince)]);
    }
    this.send({ type: 'streams', statuses });
  }

  /** @throws config PCP_NOT_SUPPORTED when the connector cannot do it */
  private async with<T>(
    connection: OpenConnection,
    what: keyof Connector,
    work: (connector: Connector) => Promise<T> | undefined,
  ): Promise<T> {
    const { shared, release } = this.connections.acquire(connection);
    try {
      return await shared.use(async (connector) => {
        const result = connector[what] === undefined ? undefined : work(connector);
        if (result !== undefined) return result;
        throw new IntegrationError('config', 'PCP_NOT_SUPPORTED', `${connection.name} has no ${what}.`);
      });
    } finally {
      release();
    }
  }

  private async next(id: number): Promise<void> {
    const subscription = this.subscriptions.get(id);
    if (subscription === undefined) {
      // Begun in a process that is no more: whoever listens must hear of it, or waits for ever.
      throw new IntegrationError('transient', 'PCP_READ_LOST', 'The process that was listening has ended.');
    }
    const batch = await subscription.next();
    try {
      this.send({ type: 'batch', id, batch });
    } catch (cause) {
      if (batch?.kind !== 'records') throw cause;
      this.send({ type: 'batch', id, batch: { ...batch, records: batch.records.map(sendable) } });
    }
  }

  private async unsubscribe(id: number): Promise<void> {
    const subscription = this.subscriptions.get(id);
    this.subscriptions.delete(id);
    await subscription?.stop();
  }
}

/** What a stream listens to and how it is spooled; the rest concerns only what is made of its records. */
function sourceOf({ connection, entity, options, name }: StreamDefinition) {
  return { connection, entity, options, name };
}

function sendable(record: SourceRecord): SourceRecord {
  try {
    serialize(record);
    return record;
  } catch (cause) {
    return unreadable(record, cause);
  }
}

function expired({ name }: OpenConnection): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_WRITE_EXPIRED',
    `A write to ${name} was too old before it could be sent.`,
    {
      hint: 'It was not sent, and is not sent later.',
    },
  );
}
