import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../support/server-process';

/** A server that says what a test wants, byte by byte. */
export class FakeBroker {
  /** Everything that clients sent. */
  received: Buffer = Buffer.alloc(0);
  readonly #sockets = new Set<Socket>();
  #changed = Promise.withResolvers<void>();

  private constructor(
    readonly port: number,
    private readonly server: Server,
  ) {}

  /** @param answer called with each chunk of a client, and how many came before */
  static async start(answer: (socket: Socket, chunk: Buffer, index: number) => void): Promise<FakeBroker> {
    const port = await freePort();
    const server = createServer();
    const broker = new FakeBroker(port, server);
    server.on('connection', (socket) => {
      let index = 0;
      broker.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => broker.#sockets.delete(socket));
      socket.on('data', (chunk) => {
        broker.received = Buffer.concat([broker.received, chunk]);
        broker.#changed.resolve();
        broker.#changed = Promise.withResolvers();
        answer(socket, chunk, index++);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return broker;
  }

  get clients(): number {
    return this.#sockets.size;
  }

  /** Waits until a client has sent these bytes. */
  async got(bytes: Buffer): Promise<void> {
    while (!this.received.includes(bytes)) await this.#changed.promise;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** CONNACK. */
export const ACCEPTED = { 4: Buffer.from([0x20, 2, 0, 0]), 5: Buffer.from([0x20, 3, 0, 0, 0]) };

/** The head of a PUBLISH of QoS 1 with a payload of so many bytes, which follow; MQTT 3.1.1. */
export function publishHead(topic: string, messageId: number, payloadBytes: number): Buffer {
  const name = Buffer.from(topic);
  let left = 2 + name.length + 2 + payloadBytes;
  const length: number[] = [];
  do {
    length.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from([0x32, ...length, name.length >> 8, name.length & 255, ...name, messageId >> 8, messageId & 255]);
}
