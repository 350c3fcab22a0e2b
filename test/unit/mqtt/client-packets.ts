import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Message } from '../../../lib/protocols/sparkplug/message';

/** What a client sends, as MQTT 3.1.1 and 5 lay it out; what only answers the broker is left out. */
export type ClientPacket = (
  | { kind: 'connect'; isClean: boolean; sessionExpirySeconds: number; will: Message | undefined }
  | { kind: 'subscribe'; filters: { filter: string; qos: number }[] }
  | { kind: 'publish'; message: Message }
  | { kind: 'disconnect'; reason: number }
) & {
  /** Which connection of the client it is. */
  connection: number;
  /** Place among the packets of all clients that were recorded together. */
  place: number;
};

export type OfKind<K extends ClientPacket['kind']> = Extract<ClientPacket, { kind: K }>;

export function packetsOf<K extends ClientPacket['kind']>(packets: readonly ClientPacket[], kind: K): OfKind<K>[] {
  return packets.filter((packet): packet is OfKind<K> => packet.kind === kind);
}

/** Properties of CONNECT by the length of their values; 17 is the session's expiry. */
const PROPERTY_BYTES: Record<number, number> = { 17: 4, 23: 1, 25: 1, 33: 2, 34: 2, 39: 4 };
const SESSION_EXPIRY = 17;

class Reader {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  number(size: number): number {
    this.at += size;
    return this.bytes.readUIntBE(this.at - size, size);
  }

  length(): number {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.number(1);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  take(size: number): Buffer {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  text(): string {
    return this.take(this.number(2)).toString();
  }
}

/** Clients of a broker, with what each of them sends. */
export class Recording {
  readonly #packets = new Map<string, ClientPacket[]>();
  #places = 0;
  #changed = Promise.withResolvers<void>();
  readonly #stops: (() => void)[] = [];

  constructor(
    private readonly broker: number,
    private readonly version: 4 | 5,
  ) {}

  /** A port that leads to the broker. */
  async way(client: string): Promise<number> {
    const packets: ClientPacket[] = [];
    this.#packets.set(client, packets);
    let connections = 0;
    const server = createServer((near) => {
      const connection = connections++;
      const far = connect(this.broker, '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => undefined);
      this.#record(near, (packet) => packets.push({ ...packet, connection, place: this.#places++ } as ClientPacket));
      near.pipe(far).pipe(near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#stops.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  /** Grows. */
  of(client: string): ClientPacket[] {
    return this.#packets.get(client) ?? [];
  }

  /** Bounded by the test's own limit. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #record(socket: Socket, add: (packet: object) => void): void {
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let whole = wholePacket(rest); whole !== undefined; whole = wholePacket(rest)) {
        rest = rest.subarray(whole.end);
        const packet = this.#packet(whole.head, new Reader(whole.body));
        if (packet !== undefined) add(packet);
      }
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  #packet(head: number, reader: Reader): object | undefined {
    const isFive = this.version === 5;
    const properties = () => (isFive ? reader.take(reader.length()) : Buffer.alloc(0));
    switch (head >> 4) {
      case 1: {
        reader.text();
        reader.number(1);
        const flags = reader.number(1);
        reader.number(2);
        const sessionExpirySeconds = isFive ? sessionExpiry(new Reader(properties())) : 0;
        reader.text();
        const will = () => {
          properties();
          const topic = reader.text();
          const payload = reader.take(reader.number(2));
          return { topic, payload, qos: (flags >> 3) & 3, retain: (flags & 32) !== 0 };
        };
        return {
          kind: 'connect',
          isClean: (flags & 2) !== 0,
          sessionExpirySeconds,
          will: (flags & 4) !== 0 ? will() : undefined,
        };
      }
      case 3: {
        const qos = (head >> 1) & 3;
        const topic = reader.text();
        if (qos > 0) reader.number(2);
        properties();
        return {
          kind: 'publish',
          message: { topic, payload: reader.take(reader.left), qos, retain: (head & 1) !== 0 },
        };
      }
      case 8: {
        reader.number(2);
        properties();
        const filters: object[] = [];
        while (reader.left > 0) filters.push({ filter: reader.text(), qos: reader.number(1) & 3 });
        return { kind: 'subscribe', filters };
      }
      case 14:
        return { kind: 'disconnect', reason: reader.left > 0 ? reader.number(1) : 0 };
      default:
        return undefined;
    }
  }
}

function wholePacket(bytes: Buffer): { head: number; body: Buffer; end: number } | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    const byte = bytes[at] as number;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte >= 128) continue;
    const end = at + 1 + length;
    return bytes.length < end ? undefined : { head: bytes[0] as number, body: bytes.subarray(at + 1, end), end };
  }
  return undefined;
}

function sessionExpiry(properties: Reader): number {
  let seconds = 0;
  while (properties.left > 0) {
    const id = properties.number(1);
    const size = PROPERTY_BYTES[id];
    if (size === undefined) throw new Error(`Property ${id} of CONNECT is not known here.`);
    const value = properties.number(size);
    if (id === SESSION_EXPIRY) seconds = value;
  }
  return seconds;
}
