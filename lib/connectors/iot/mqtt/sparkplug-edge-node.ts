import { IntegrationError } from '../../../model/errors';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { IncomingMessage, MqttOptions } from '../../../protocols/mqtt/options';
import type { SparkplugEdgeNode } from '../../../protocols/sparkplug/edge-node/edge-node';
import type { MetricUpdate } from '../../../protocols/sparkplug/edge-node/published-metrics';
import type { Message } from '../../../protocols/sparkplug/message';
import type { ConnectorEnvironment } from '../../contract';

const FAREWELL_MS = 1500;

/** The connection of an edge node: it is alive as long as this. What was published outlives it, for the next births. */
export class EdgeNodeConnection {
  readonly #node: SparkplugEdgeNode;
  readonly #log: ConnectorEnvironment['log'];
  readonly #timeoutMs: number;
  #connection!: MqttConnection;
  /** The primary host is offline at this broker. */
  isLeft = false;
  /** Messages leave in their sequence. */
  #sent: Promise<void> = Promise.resolve();
  #onBirth = Promise.withResolvers<void>();

  /** @throws as `MqttConnection.open` and `MqttConnection.subscribe` */
  static async open(
    node: SparkplugEdgeNode,
    options: MqttOptions,
    log: ConnectorEnvironment['log'],
    signal: AbortSignal,
  ): Promise<EdgeNodeConnection> {
    const opened = new EdgeNodeConnection(node, log, options.timeoutMs);
    const will = node.connecting(Date.now());
    // The host's state may come together with the grant of its subscription.
    const early: IncomingMessage[] = [];
    let take = (message: IncomingMessage): void => void early.push(message);
    const receive = (message: IncomingMessage) => {
      message.acknowledge();
      take(message);
    };
    opened.#connection = await MqttConnection.open({ ...options, will }, receive, signal);
    try {
      for (const subscription of node.subscriptions()) await opened.#connection.subscribe(subscription, signal);
    } catch (thrown) {
      await opened.#connection.close();
      throw thrown;
    }
    void opened.#connection.ended.then(() => node.disconnected());
    opened.#publishSoon(node.connected(Date.now(), opened.#connection.server.href));
    take = ({ topic, payload }) => opened.#receive(topic, payload);
    early.forEach(take);
    return opened;
  }

  private constructor(node: SparkplugEdgeNode, log: ConnectorEnvironment['log'], timeoutMs: number) {
    this.#node = node;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  get server(): URL {
    return this.#connection.server;
  }

  get ended(): Promise<IntegrationError | null> {
    return this.#connection.ended;
  }

  /**
   * Resolves when the values have left.
   * @throws transient PCP_SPARKPLUG_HOST_OFFLINE, or as `MqttConnection.publish`
   */
  async update(updates: readonly MetricUpdate[], signal: AbortSignal): Promise<void> {
    await this.#born(signal);
    await this.#publish(this.#node.update(updates, Date.now()), signal);
  }

  /** As for `update`. */
  async deviceGone(device: string, signal: AbortSignal): Promise<void> {
    await this.#born(signal);
    await this.#publish(this.#node.deviceGone(device, Date.now()), signal);
  }

  async close(): Promise<void> {
    try {
      await this.#publish(this.#node.disconnecting(Date.now()), AbortSignal.timeout(FAREWELL_MS));
    } catch {
      // Then the broker publishes the will.
    }
    // The specification wants both: the death before, and the will.
    await this.#connection.close(true);
  }

  async #born(signal: AbortSignal): Promise<void> {
    if (this.#node.isBorn) return;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    const late = Promise.withResolvers<never>();
    const stop = () =>
      late.reject(
        new IntegrationError('transient', 'PCP_SPARKPLUG_HOST_OFFLINE', 'The primary host of Sparkplug is offline.', {
          path: '/config/sparkplug_primary_host_id',
          hint: 'Start it, or empty the setting: the edge node publishes only while that host is online.',
        }),
      );
    limit.addEventListener('abort', stop, { once: true });
    void this.ended.then(stop);
    try {
      await Promise.race([this.#onBirth.promise, late.promise]);
    } finally {
      limit.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
  }

  #receive(topic: string, payload: Buffer): void {
    const { publish, commands, problems, disconnect } = this.#node.receive(topic, payload, Date.now());
    for (const { message } of problems) this.#log('warn', message);
    for (const { device, metric } of commands) {
      this.#log(
        'warn',
        `A command for "${[device, metric].filter(Boolean).join('/')}" was refused: nothing here obeys.`,
      );
    }
    this.#publishSoon(publish);
    if (disconnect) {
      this.#log('info', `The primary host of Sparkplug is offline at ${this.server.host}: the edge node leaves.`);
      this.isLeft = true;
      void this.#sent.then(() => this.#connection.close(true));
    }
  }

  #publishSoon(messages: readonly Message[]): void {
    this.#publish(messages, AbortSignal.timeout(this.#timeoutMs)).catch((thrown: unknown) => {
      this.#log('warn', IntegrationError.from(thrown).message);
    });
  }

  async #publish(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const before = this.#sent;
    const sending = before.then(async () => {
      for (const message of messages) await this.#connection.publish(message, signal);
    });
    this.#sent = sending.catch(() => undefined);
    if (this.#node.isBorn) this.#onBirth.resolve();
    await sending;
  }
}
