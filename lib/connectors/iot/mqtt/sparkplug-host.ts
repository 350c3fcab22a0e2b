import { IntegrationError } from '../../../model/errors';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { IncomingMessage, MqttOptions } from '../../../protocols/mqtt/options';
import type { Effects } from '../../../protocols/sparkplug/host/effects';
import type { SparkplugHost } from '../../../protocols/sparkplug/host/host';
import type { MetricValue } from '../../../protocols/sparkplug/host/metric-values';
import type { Message } from '../../../protocols/sparkplug/message';
import { type EdgeNodeName, edgeNodeOf, parseTopic } from '../../../protocols/sparkplug/topics';
import type { ConnectorEnvironment } from '../../contract';
import type { KnownEdgeNodes } from './known-edge-nodes';

export interface ValueListener {
  values(values: readonly MetricValue[]): void;
  /** The connection is gone; null when it was closed from here. */
  end(error: IntegrationError | null): void;
}

const FAREWELL_MS = 1500;
/** How long an edge node may take to answer a request for its birth. */
const BIRTHS_MS = 2000;
const MOST_TOLD = 1000;

/** The connection of a Sparkplug host, shared by all who listen to its values. What the host knows outlives it. */
export class HostConnection {
  readonly #host: SparkplugHost;
  readonly #known: KnownEdgeNodes;
  readonly #log: ConnectorEnvironment['log'];
  readonly #closing = new AbortController();
  readonly #listeners = new Set<ValueListener>();
  readonly #told = new Set<string>();
  #connection!: MqttConnection;
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number | undefined;

  /** @throws as `MqttConnection.open` and `MqttConnection.subscribe` */
  static async open(
    host: SparkplugHost,
    known: KnownEdgeNodes,
    options: MqttOptions,
    log: ConnectorEnvironment['log'],
    signal: AbortSignal,
  ): Promise<HostConnection> {
    const opened = new HostConnection(host, known, log);
    const will = host.connecting(Date.now());
    const receive = (message: IncomingMessage) => opened.#receive(message);
    opened.#connection = await MqttConnection.open({ ...options, ...(will && { will }) }, receive, signal);
    try {
      for (const subscription of host.subscriptions()) await opened.#connection.subscribe(subscription, signal);
    } catch (thrown) {
      await opened.#connection.close();
      throw thrown;
    }
    void opened.#connection.ended.then((error) => opened.#lost(error));
    opened.#apply(host.connected());
    for (const name of known) opened.#ask(name);
    for (const { tags, ...name } of known.takeRemembered()) opened.#apply(host.remember(name, tags, Date.now()));
    return opened;
  }

  private constructor(host: SparkplugHost, known: KnownEdgeNodes, log: ConnectorEnvironment['log']) {
    this.#host = host;
    this.#known = known;
    this.#log = log;
  }

  get ended(): Promise<IntegrationError | null> {
    return this.#connection.ended;
  }

  add(listener: ValueListener): void {
    this.#listeners.add(listener);
  }

  remove(listener: ValueListener): void {
    this.#listeners.delete(listener);
  }

  /** Asks for the births of edge nodes that were not seen, and waits a little until all their tags are ready. */
  async births(tags: readonly string[], isReady: (tag: string) => boolean, signal: AbortSignal): Promise<void> {
    for (const tag of tags) this.#ask(edgeNodeOf(tag));
    await this.until(() => tags.every(isReady), AbortSignal.any([signal, AbortSignal.timeout(BIRTHS_MS)]));
  }

  async publish(message: Message, signal: AbortSignal): Promise<void> {
    await this.#connection.publish(message, signal);
  }

  /** Resolves when a condition on values holds, checked after each that comes; false when it does not in time. */
  async until(isMet: () => boolean, signal: AbortSignal): Promise<boolean> {
    if (isMet()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const listener: ValueListener = { values: () => isMet() && resolve(true), end: () => resolve(false) };
    const stop = () => resolve(isMet());
    this.add(listener);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      return await promise;
    } finally {
      this.remove(listener);
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    const farewell = AbortSignal.timeout(FAREWELL_MS);
    try {
      for (const message of this.#host.disconnecting(Date.now())) await this.publish(message, farewell);
    } catch {
      // Then the broker publishes the will.
    }
    this.#closing.abort();
    await this.#connection.close();
  }

  #receive(message: IncomingMessage): void {
    const { topic: text, payload, retain } = message;
    const effects = this.#host.receive(text, payload, Date.now(), retain);
    message.acknowledge();
    const topic = parseTopic(text);
    const isBirth = topic?.type === 'NBIRTH' || topic?.type === 'DBIRTH';
    if (isBirth && !retain && effects.problems.length === 0) this.#known.add(topic);
    this.#apply(effects);
  }

  #ask(name: EdgeNodeName | undefined): void {
    if (name !== undefined) this.#apply(this.#host.askForBirth(name, Date.now()));
  }

  #apply({ values, publish, problems }: Effects): void {
    for (const { code, message, path = '' } of problems) this.#tell(`${code} ${path}`, `${message} (${path})`);
    for (const message of publish) {
      this.publish(message, this.#closing.signal).catch((thrown: unknown) => {
        if (!this.#closing.signal.aborted) this.#log('warn', IntegrationError.from(thrown).message);
      });
    }
    if (values.length > 0) for (const listener of this.#listeners) listener.values(values);
    this.#schedule();
  }

  #schedule(): void {
    const deadline = this.#host.deadline();
    if (deadline === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    if (deadline === undefined) return;
    const expire = () => {
      this.#timerAt = undefined;
      this.#apply(this.#host.expire(Date.now()));
    };
    this.#timer = setTimeout(expire, Math.max(0, deadline - Date.now()));
  }

  #lost(error: IntegrationError | null): void {
    this.#apply(this.#host.disconnected(Date.now()));
    for (const listener of this.#listeners) listener.end(error);
  }

  /** Each once: what is wrong with an edge node is wrong with each of its messages. */
  #tell(key: string, message: string): void {
    if (this.#told.has(key) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(key);
    this.#log('warn', message);
  }
}
