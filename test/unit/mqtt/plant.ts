import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { MqttConnection } from '../../../lib/protocols/mqtt/connection';
import { decodePayload, type Metric } from '../../../lib/protocols/sparkplug/codec/payload';
import type { Message } from '../../../lib/protocols/sparkplug/message';
import type { Broker } from '../../support/mosquitto';
import { signal } from './connections';

/** An edge node by hand: messages that the codec makes, published by a bare connection. */
export class Plant {
  readonly received: { topic: string; metrics: Metric[] }[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(readonly connection: MqttConnection) {}

  static async open(broker: Broker, will?: Message): Promise<Plant> {
    let plant: Plant | undefined;
    const connection = await MqttConnection.open(
      {
        servers: [new URL(`mqtt://127.0.0.1:${broker.open}`)],
        version: 5,
        clientId: `plant-${Math.random()}`,
        tls: {},
        keepaliveSeconds: 30,
        sessionExpirySeconds: 0,
        receiveMaximum: 100,
        maxMessageBytes: 1_000_000,
        timeoutMs: 5000,
        onProblem: assert.fail,
        ...(will && { will }),
      },
      (message) => {
        message.acknowledge();
        plant?.take(message.topic, message.payload);
      },
      signal(),
    );
    plant = new Plant(connection);
    return plant;
  }

  async publish(...messages: [string, Buffer][]): Promise<void> {
    for (const [topic, payload] of messages) {
      await this.connection.publish({ topic, payload, qos: 0, retain: false }, signal());
    }
  }

  async listen(filter: string): Promise<void> {
    await this.connection.subscribe({ filter, qos: 1 }, signal());
  }

  /** The first message to a topic, now or later. */
  async message(topic: string): Promise<Metric[]> {
    for (;;) {
      const index = this.received.findIndex((message) => message.topic === topic);
      if (index >= 0) return this.received.splice(index, 1)[0]!.metrics;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  private take(topic: string, payload: Buffer): void {
    const isState = topic.startsWith('spBv1.0/STATE/');
    const metrics = isState ? [{ string_value: payload.toString() }] : (decodePayload(payload).metrics ?? []);
    this.received.push({ topic, metrics });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A way to the broker that can be cut, as a pulled cable does it. */
export async function cable(broker: Broker): Promise<{ port: number; cut(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(broker.plain, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut };
}

/** Tag, value and quality. */
export const short = (records: Record<string, unknown>[]) =>
  records.map(({ tag, value, quality }) => [tag, value, quality]);
