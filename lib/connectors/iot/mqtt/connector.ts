import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import { MqttSession } from '../../../protocols/mqtt/session';
import type {
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  DescribedRequest,
  EntityDescription,
  TestReport,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import type { LiveEvent, Subscription } from '../../live';
import { testConnection } from './connection-test';
import { describeTopic, topicInfo } from './describe';
import { type MqttSettings, type Role, readSettings, resolveTopic } from './settings';
import { subscribeTo } from './subscribe';
import { guaranteeOf, MqttWriter } from './writer';

export const create: ConnectorFactory = (connection, environment) => new MqttConnector(connection, environment);

/** The topics of one broker. Subscriptions share one session; what is published goes by it too, where it is open. */
class MqttConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #log: ConnectorEnvironment['log'];
  readonly #closing = new AbortController();
  #read: MqttSettings | undefined;
  #session: Promise<MqttSession> | undefined;
  #publisher: Promise<MqttConnection> | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#log = environment.log;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(() => ({ settings: this.#settings(), options: this.#options('test') }), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    const settings = this.#settings();
    return [...settings.topics.values()].map((topic) => topicInfo(topic, settings));
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    const settings = this.#settings();
    return describeTopic(resolveTopic(entity, settings), settings, this.#options('sample'), signal);
  }

  subscribe(subscription: Subscription, signal: AbortSignal): AsyncIterable<LiveEvent> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    return subscribeTo(subscription, this.#settings(), (by) => this.#openSession(by), this.#log, both);
  }

  guarantee(entity: string): WriteGuarantee {
    return guaranteeOf(resolveTopic(entity, this.#settings()));
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    signal.throwIfAborted();
    return this.#writer(target.entity);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedRequest> {
    signal.throwIfAborted();
    return (await this.#writer(target.entity)).describeWrite(record);
  }

  async close(): Promise<void> {
    this.#closing.abort(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection was closed.'));
    const open = [this.#session, this.#publisher];
    // What could not be opened has told so to who opened it.
    await Promise.all(open.map((opening) => opening?.then((each) => each.close()).catch(() => undefined)));
  }

  #writer(entity: string): Promise<MqttWriter> {
    const settings = this.#settings();
    return MqttWriter.open((signal) => this.#openPublisher(signal), resolveTopic(entity, settings), settings);
  }

  /** Dials nothing. */
  #settings(): MqttSettings {
    this.#read ??= readSettings(this.#connection);
    return this.#read;
  }

  #options(role: Role) {
    const options = this.#settings().optionsFor(role, (message) => this.#log('warn', message));
    const { servers, username } = options;
    const isOpen = servers.some(({ protocol }) => protocol === 'mqtt:' || protocol === 'ws:');
    if (role !== 'test' && username !== undefined && isOpen) {
      this.#log('debug', 'User and password go to the broker unencrypted: mqtts: or wss: would protect them.');
    }
    return options;
  }

  /** One for all that ask at the same time; a new one when the last one has ended. */
  #openSession(signal: AbortSignal): Promise<MqttSession> {
    this.#session ??= this.#kept(
      MqttSession.open(this.#options('subscribe'), this.#closing.signal),
      (session) => session.connection,
      () => {
        this.#session = undefined;
      },
    );
    return unlessAborted(this.#session, signal);
  }

  async #openPublisher(signal: AbortSignal): Promise<MqttConnection> {
    if (this.#session !== undefined) return (await unlessAborted(this.#session, signal)).connection;
    this.#publisher ??= this.#kept(
      MqttConnection.open(this.#options('publish'), (message) => message.acknowledge(), this.#closing.signal),
      (connection) => connection,
      () => {
        this.#publisher = undefined;
      },
    );
    return unlessAborted(this.#publisher, signal);
  }

  #kept<T>(opening: Promise<T>, connectionOf: (opened: T) => MqttConnection, forget: () => void): Promise<T> {
    opening.then((opened) => connectionOf(opened).ended.then(forget), forget);
    return opening;
  }
}

/** What others wait for too goes on when one of them gives up. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
