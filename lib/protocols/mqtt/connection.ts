import type * as Mqtt from 'mqtt';
import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import { Deadline } from '../http/deadline';
import { connectError } from '../http/errors';
import { loadPackage } from '../load-package';
import { forgetLosses, isClientIdClash } from './client-id-clash';
import { dial, SETTING } from './dial';
import { connectionLost, connectRefused, disconnected, noAnswer, notMqtt, requestRefused, takenOver } from './errors';
import { Inbox } from './inbox';
import type { IncomingMessage, MqttOptions, OutgoingMessage, TopicSubscription } from './options';
import { type OversizedPacket, PacketReader } from './packet-reader';
import { PacketStream } from './packet-stream';
import { connectPacketOf, propertiesOut, subscribeOptions } from './packets';

/** As the library says it, without a code. */
const SILENCE = 'Keepalive timeout';
const CLOSE_MS = 2000;
const DISCONNECT_WITH_WILL = 4;
const REFUSED = 0x80;

/**
 * One MQTT connection, from CONNECT until it is closed or lost: it never connects again by itself. Messages are acknowledged
 * to the broker when their receiver says so, in the order they came in; meanwhile others keep coming.
 */
export class MqttConnection {
  readonly server: URL;
  readonly tls: string | undefined;
  /** Resolves when the connection has ended, with what ended it; null when it was closed from here. */
  readonly ended: Promise<IntegrationError | null>;
  /** Messages that the broker takes unacknowledged at a time. */
  receiveMaximum = 65_535;
  readonly #client: Mqtt.MqttClient;
  readonly #options: MqttOptions;
  readonly #inbox: Inbox;
  readonly #pending = new Set<(error: IntegrationError) => void>();
  #largestPacket: number;
  #pinging: NodeJS.Timeout | undefined;
  #failure: IntegrationError | undefined;
  #closing: Promise<void> | undefined;
  #isSignedIn = false;
  #isEnded = false;

  /**
   * @param receive called for every message, from the first one on
   * @throws transient PCP_CONNECT_..., PCP_MQTT_..., config PCP_TLS_..., PCP_MQTT_..., auth PCP_MQTT_UNAUTHORIZED
   */
  static async open(
    options: MqttOptions,
    receive: (message: IncomingMessage) => void,
    signal: AbortSignal,
  ): Promise<MqttConnection> {
    const { MqttClient } = loadPackage<typeof Mqtt>('mqtt');
    const { socket, server, tls } = await dial(options, signal).catch((thrown: unknown) => {
      for (const { host } of options.servers) forgetLosses(host, options.clientId);
      throw thrown;
    });
    const reader = new PacketReader({
      version: options.version,
      mostBytes: options.maxMessageBytes,
      onMessage: (message) => {
        const taken = connection.#inbox.take(message);
        if (taken !== undefined) receive(taken);
      },
      onReleased: (messageId) => void connection.#release(messageId),
      onOversized: (packet) => connection.#oversized(packet),
    });
    const stream = new PacketStream(socket, reader);
    const client = new MqttClient(() => stream, connectPacketOf(options));
    const connection: MqttConnection = new MqttConnection(options, server, tls, stream, client);
    await connection.#signIn(signal);
    return connection;
  }

  private constructor(
    options: MqttOptions,
    server: URL,
    tls: string | undefined,
    stream: PacketStream,
    client: Mqtt.MqttClient,
  ) {
    this.#options = options;
    this.#largestPacket = options.maxMessageBytes;
    this.server = server;
    this.tls = tls;
    this.#client = client;
    const acknowledge = (packets: Buffer) => {
      if (!stream.destroyed) stream.write(packets);
    };
    this.#inbox = new Inbox(acknowledge, options.deliveries?.session, options.receiveMaximum, (isFull) =>
      this.#hold(stream, isFull),
    );
    client.on('error', (error) => this.#failed(error));
    stream.on('error', (error) => this.#failed(error));
    client.on('disconnect', ({ reasonCode = 0, properties }) => {
      this.#failure ??= disconnected(reasonCode, server, options.clientId, properties?.reasonString);
      client.stream.destroy();
    });
    this.ended = new Promise((resolve) => {
      client.on('close', () => {
        this.#isEnded = true;
        clearInterval(this.#pinging);
        const error = this.#closing === undefined ? (this.#failure ?? this.#closedByBroker()) : null;
        const left = error ?? new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection was closed.');
        for (const fail of this.#pending) fail(left);
        resolve(error);
      });
    });
  }

  get unacknowledged(): number {
    return this.#inbox.length;
  }

  /** @throws permission PCP_MQTT_FORBIDDEN, config PCP_MQTT_REFUSED, transient when the connection is lost */
  async subscribe(subscription: TopicSubscription, signal: AbortSignal): Promise<void> {
    const { filter } = subscription;
    await this.#ask<void>(phrase`a subscription`, signal, false, (resolve, reject) => {
      this.#client.subscribe(
        filter,
        subscribeOptions(subscription, this.#options.version),
        (error, _granted, packet) => {
          const reason = Number(packet?.granted?.[0] ?? 0);
          if (reason >= REFUSED)
            reject(requestRefused(phrase`the subscription to "${filter}"`, reason, { path: '/config/topics' }));
          else if (error) reject(IntegrationError.from(error));
          else resolve();
        },
      );
    });
  }

  async unsubscribe(filter: string, signal: AbortSignal): Promise<void> {
    await this.#ask<void>(phrase`an unsubscription`, signal, false, (resolve, reject) => {
      this.#client.unsubscribe(filter, (error) => (error ? reject(IntegrationError.from(error)) : resolve()));
    });
  }

  /**
   * Resolves when the broker has acknowledged the message; with QoS 0, when it has left.
   * @throws data PCP_MQTT_TOO_LARGE, permission PCP_MQTT_FORBIDDEN, transient (`outcomeUnknown` tells whether it may have
   * arrived)
   */
  async publish(message: OutgoingMessage, signal: AbortSignal): Promise<void> {
    const { topic, payload, qos, retain } = message;
    if (payload.length > this.#largestPacket) {
      throw new IntegrationError('data', 'PCP_MQTT_TOO_LARGE', `A message of ${payload.length} bytes is too large.`, {
        hint: `At most ${this.#largestPacket} bytes are sent: max_message_bytes of the connection, or the broker, says so.`,
      });
    }
    const properties = this.#options.version === 5 ? propertiesOut(message.properties ?? {}) : undefined;
    await this.#ask<void>(phrase`a message`, signal, true, (resolve, reject) => {
      this.#client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, (error) => {
        const reason = (error as { code?: number } | null)?.code;
        if (typeof reason === 'number') reject(requestRefused(phrase`a message to "${topic}"`, reason));
        else if (error) reject(IntegrationError.from(error));
        else resolve();
      });
    });
  }

  /**
   * Says goodbye to the broker, and does not wait for it long.
   * @param withWill the broker is to publish the will all the same (MQTT 5)
   */
  close(withWill = false): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#isEnded) return;
      const timer = setTimeout(() => this.#client.stream.destroy(), CLOSE_MS);
      this.#inbox.flush();
      // Without force the library would wait for answers that may never come.
      this.#client.outgoing = {};
      const reason = withWill && this.#options.version === 5 ? { reasonCode: DISCONNECT_WITH_WILL } : {};
      this.#client.end(false, reason);
      await this.ended;
      clearTimeout(timer);
    })();
    return this.#closing;
  }

  async #signIn(signal: AbortSignal): Promise<void> {
    try {
      const isKnown = await this.#ask<boolean>(phrase`the sign-in`, signal, false, (resolve) => {
        this.#client.once('connect', ({ properties, sessionPresent }) => {
          this.#isSignedIn = true;
          this.#largestPacket = Math.min(this.#largestPacket, properties?.maximumPacketSize ?? Infinity);
          this.receiveMaximum = properties?.receiveMaximum ?? this.receiveMaximum;
          resolve(sessionPresent);
        });
      });
      if (!isKnown) await this.#options.deliveries?.forget();
    } catch (thrown) {
      this.#closing ??= Promise.resolve();
      this.#client.stream.destroy();
      throw thrown;
    }
  }

  async #release(messageId: number): Promise<void> {
    try {
      await this.#options.deliveries?.release(messageId);
      this.#inbox.complete(messageId);
    } catch (thrown) {
      // The broker releases it again over the next connection.
      this.#failure ??= IntegrationError.from(thrown);
      this.#client.stream.destroy();
    }
  }

  /** An exchange with the broker, ended by its answer, the time limit, the signal or the end of the connection. */
  async #ask<T>(
    what: Said,
    signal: AbortSignal,
    isWrite: boolean,
    start: (resolve: (value: T) => void, reject: (error: IntegrationError) => void) => void,
  ): Promise<T> {
    if (this.#isEnded) throw this.#failure ?? connectionLost(this.server);
    const deadline = new Deadline(this.#options.timeoutMs, signal, () => noAnswer(what, this.server));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let isAnswered = false;
    const fail = (error: IntegrationError) => reject(error);
    this.#pending.add(fail);
    const answered =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        isAnswered = true;
        settle(value);
      };
    try {
      start(answered(resolve), answered(reject));
      return await deadline.of(promise);
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (!isWrite || isAnswered) throw error;
      throw IntegrationError.fromJSON({ ...error.toJSON(), outcomeUnknown: true });
    } finally {
      this.#pending.delete(fail);
      deadline.clear();
    }
  }

  /** While messages wait for their receivers nothing is read, answers to pings neither: they only keep the connection. */
  #hold(stream: PacketStream, isFull: boolean): void {
    stream.hold(isFull);
    clearInterval(this.#pinging);
    if (!isFull) return;
    const ping = () => {
      this.#client.sendPing();
      this.#client.reschedulePing(true);
    };
    this.#pinging = setInterval(ping, this.#options.keepaliveSeconds * 500);
  }

  #closedByBroker(): IntegrationError {
    const { clientId } = this.#options;
    if (!this.#isSignedIn) forgetLosses(this.server.host, clientId);
    const isClash = this.#isSignedIn && isClientIdClash(this.server.host, clientId, performance.now());
    return isClash ? takenOver(this.server, clientId) : connectionLost(this.server);
  }

  #failed(error: Error & { code?: number | string }): void {
    const { code } = error;
    // Numbers are the reasons of a CONNACK; texts are those of the system and of TLS, which may refuse a certificate late.
    if (typeof code === 'number' && !this.#client.connected) this.#failure ??= connectRefused(code, this.server);
    else if (typeof code === 'string' && code.startsWith('ERR_SSL_'))
      this.#failure ??= connectError(error, this.server, SETTING);
    else if (code !== undefined || error.message === SILENCE) this.#failure ??= connectionLost(this.server, error);
    else this.#failure ??= notMqtt(this.server, error);
    this.#client.stream.destroy();
  }

  #oversized({ bytes, message }: OversizedPacket): void {
    const limit = this.#options.maxMessageBytes;
    if (message === undefined) throw new Error(`a packet of ${bytes} bytes`);
    this.#options.onProblem(
      `A message of ${bytes} bytes to "${message.topic}" was left out: ${limit} is the limit (max_message_bytes).`,
    );
    this.#inbox.refuse(message);
  }
}
