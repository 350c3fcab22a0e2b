import { join } from 'node:path';
import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import { MqttSession } from '../../../protocols/mqtt/session';
import type {
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  DescribedWrite,
  EntityDescription,
  TestReport,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import type { BrowseNode, LiveEvent, Subscription, TagValue, TagWrite, TagWriteResult } from '../../live';
import { browseTopics } from './browse';
import { testConnection } from './connection-test';
import { describeTopic, topicInfo } from './describe';
import { KnownEdgeNodes } from './known-edge-nodes';
import { checkPublishable, type MqttSettings, type Role, readSettings, resolveTopic } from './settings';
import { Shared } from './shared';
import { Sparkplug } from './sparkplug';
import { SPARKPLUG } from './sparkplug-settings';
import type { SparkplugWriter } from './sparkplug-writer';
import { subscribeTo } from './subscribe';
import { guaranteeOf, MqttWriter } from './writer';

export const create: ConnectorFactory = (connection, environment) => new MqttConnector(connection, environment);

/** The topics of one broker. Subscriptions share one session; what is published goes by it too, where it is open. */
class MqttConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #log: ConnectorEnvironment['log'];
  readonly #directory: string | undefined;
  readonly #deliveries: ConnectorEnvironment['deliveries'];
  readonly #closing = new AbortController();
  #read: MqttSettings | undefined;
  /** One for all subscriptions, and one for each topic that has its own. */
  readonly #sessions = new Map<string | undefined, Shared<MqttSession>>();
  readonly #publisher = new Shared(
    async () => MqttConnection.open(this.#options('publish'), (message) => message.acknowledge(), this.#closing.signal),
    (connection) => connection.ended,
  );
  #ofSparkplug: Sparkplug | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#log = environment.log;
    this.#directory = environment.directory;
    this.#deliveries = environment.deliveries;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    const filters = () => [
      ...[...this.#settings().topics.values()].map(({ pattern }) => pattern.filter),
      ...this.#sparkplug().filters,
    ];
    return testConnection(() => ({ filters: filters(), options: this.#options('test') }), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    const settings = this.#settings();
    return [
      ...[...settings.topics.values()].map((topic) => topicInfo(topic, settings)),
      ...this.#sparkplug().entities(),
    ];
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    if (entity === SPARKPLUG) return this.#sparkplug().describe();
    const settings = this.#settings();
    return describeTopic(resolveTopic(entity, settings), settings, this.#options('sample'), signal);
  }

  subscribe(subscription: Subscription, signal: AbortSignal): AsyncIterable<LiveEvent> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const { entity } = subscription;
    // Tags are those of Sparkplug where it is on: other topics are entities.
    const isSparkplug = entity === SPARKPLUG || (entity === undefined && this.#sparkplug().isHost);
    if (isSparkplug) return this.#sparkplug().subscribe(subscription, both);
    return subscribeTo(subscription, this.#settings(), (by, own) => this.#session(own).get(by), this.#log, both);
  }

  async readTags(tags: readonly string[], signal: AbortSignal): Promise<TagValue[]> {
    return this.#sparkplug().readTags(tags, signal);
  }

  async writeTags(writes: readonly TagWrite[], signal: AbortSignal): Promise<TagWriteResult[]> {
    return this.#sparkplug().writeTags(writes, signal);
  }

  async browse(parent: string | null, signal: AbortSignal): Promise<BrowseNode[]> {
    signal.throwIfAborted();
    if (this.#sparkplug().isHost) return this.#sparkplug().browse(parent, signal);
    return browseTopics(parent, this.#options('sample'), signal);
  }

  queues(entity: string): { validForMs?: number } | null {
    if (entity === SPARKPLUG) return null;
    const topic = resolveTopic(entity, this.#settings());
    if (topic.publish.queue !== true) return null;
    checkPublishable(topic, this.#settings());
    const { expiry_s } = topic.publish;
    return expiry_s === undefined ? {} : { validForMs: expiry_s * 1000 };
  }

  guarantee(entity: string): WriteGuarantee {
    if (entity === SPARKPLUG) return this.#sparkplug().guarantee();
    return guaranteeOf(resolveTopic(entity, this.#settings()));
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    signal.throwIfAborted();
    return this.#writer(target);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    signal.throwIfAborted();
    const request = (await this.#writer(target)).describeWrite(record);
    // A broker cannot be asked what it was told before.
    return { current: undefined, request };
  }

  async close(): Promise<void> {
    this.#closing.abort(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection was closed.'));
    const opened = [...this.#sessions.values(), this.#publisher, this.#ofSparkplug];
    await Promise.all(opened.map((each) => each?.close()));
  }

  async #writer(
    target: Pick<WriteTarget, 'entity' | 'keyFields' | 'assertSafeToWrite'>,
  ): Promise<MqttWriter | SparkplugWriter> {
    if (target.entity === SPARKPLUG) return this.#sparkplug().writer(target);
    const settings = this.#settings();
    const open = async (signal: AbortSignal) =>
      this.#session().isWanted ? (await this.#session().get(signal)).connection : this.#publisher.get(signal);
    return MqttWriter.open(open, resolveTopic(target.entity, settings), settings, target);
  }

  #session(own?: string): Shared<MqttSession> {
    let session = this.#sessions.get(own);
    if (session === undefined) {
      const open = async () => MqttSession.open(this.#options('subscribe', own), this.#closing.signal);
      session = new Shared(open, (opened) => opened.connection.ended);
      this.#sessions.set(own, session);
    }
    return session;
  }

  /** Dials nothing. @throws config PCP_SPARKPLUG_ID */
  #sparkplug(): Sparkplug {
    this.#ofSparkplug ??= new Sparkplug(
      this.#settings(),
      (role) => this.#options(role),
      new KnownEdgeNodes(this.#directory && join(this.#directory, `sparkplug-${this.#connection.id}.json`), this.#log),
      this.#log,
      this.#closing.signal,
    );
    return this.#ofSparkplug;
  }

  /** Dials nothing. */
  #settings(): MqttSettings {
    this.#read ??= readSettings(this.#connection, this.#directory);
    return this.#read;
  }

  #options(role: Role, own?: string): MqttOptions {
    const options = this.#settings().optionsFor(role, (message) => this.#log('warn', message), own);
    const deliveries = this.#deliveries;
    if (deliveries === undefined || options.sessionExpirySeconds === 0) return options;
    const session = `${this.#connection.id}/${options.clientId}`;
    return {
      ...options,
      deliveries: {
        session,
        release: (messageId) => deliveries.release(session, messageId),
        forget: () => deliveries.forget(session),
      },
    };
  }
}
