import type { Delivery } from '../../model/delivery';
import type { Certificates } from '../secure-context';

export interface MqttOptions {
  /** Brokers of one cluster: `mqtt:`, `mqtts:`, `ws:` or `wss:`; tried in order until one answers. */
  servers: readonly URL[];
  /** 4 is MQTT 3.1.1. */
  version: 4 | 5;
  clientId: string;
  username?: string;
  password?: string;
  tls: Certificates & { servername?: string; alpn?: string };
  keepaliveSeconds: number;
  /** How long the broker keeps the session of a lost connection; 0 = none, each connection starts clean. */
  sessionExpirySeconds: number;
  /** Messages of QoS 1 and 2 that may wait for our acknowledgement. */
  receiveMaximum: number;
  /** Larger messages are neither sent nor taken. */
  maxMessageBytes: number;
  /** Of one dialogue: dialling a server, CONNECT, SUBSCRIBE, PUBLISH. */
  timeoutMs: number;
  will?: OutgoingMessage & { delaySeconds?: number };
  /** Where messages of QoS 2 are known that came in this session; absent: a copy over another connection is one more message. */
  deliveries?: SessionDeliveries;
  /** What the broker sent that was left out. */
  onProblem(message: string): void;
}

export interface SessionDeliveries {
  session: string;
  /** The broker may use the number anew when this has resolved. */
  release(messageId: number): Promise<void>;
  /** The broker does not know the session. */
  forget(): Promise<void>;
}

export interface OutgoingMessage {
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  retain: boolean;
  /** MQTT 5 only, like all of `MessageProperties`. */
  properties?: MessageProperties;
}

export interface MessageProperties {
  expirySeconds?: number;
  contentType?: string;
  isText?: boolean;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: Record<string, string | string[]>;
}

/** A message as it was sent. */
export interface ReceivedMessage {
  topic: string;
  payload: Buffer;
  qos: number;
  /** Sent because of the subscription, not because it was published now. */
  retain: boolean;
  /** Sent before, and not acknowledged. */
  duplicate: boolean;
  properties: MessageProperties;
  /** Identifiers of the subscriptions that it answers; MQTT 5 only. */
  subscriptionIds: readonly number[];
  /** Names it until it is acknowledged; 0 with QoS 0. */
  messageId: number;
}

export interface IncomingMessage extends ReceivedMessage {
  /** With QoS 2. */
  delivery?: Delivery;
  /** Tells the broker that it need not be sent again; calling it again is harmless. */
  acknowledge(): void;
}

export interface TopicSubscription {
  /** With wildcards, and with "$share/group/" in front where it is shared. */
  filter: string;
  qos: 0 | 1 | 2;
  /** Whether retained messages come: always, only when the subscription is new (MQTT 5), never (MQTT 5). */
  retained?: 'keep' | 'new' | 'skip';
  /** MQTT 5 only. */
  id?: number;
}
