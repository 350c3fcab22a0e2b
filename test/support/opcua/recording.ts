import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Of OPC UA: dissectors know the protocol by it. */
const SERVER_PORT = 4840;
const LARGEST_SEGMENT = 32_000;

/** A way to a server that keeps what goes over it, both ways, as a capture file that dissectors read. */
export class Recording {
  readonly port: number;
  readonly #server: Server;
  readonly #packets: Buffer[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#pass(client, target));
  }

  static async start(target: number): Promise<Recording> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Recording(server, target);
  }

  /** @returns what tshark makes of the recording: one line for each frame, these fields separated by tabs */
  dissect(file: string, fields: readonly string[]): string[][] {
    const head = Buffer.alloc(24);
    // Magic, version 2.4, time zone and accuracy unused, largest packet, raw IP.
    for (const [index, value] of [0xa1b2c3d4, 0x00040002, 0, 0, 0x40000, 101].entries())
      head.writeUInt32LE(value, index * 4);
    writeFileSync(file, Buffer.concat([head, ...this.#packets]));
    const parameters = [
      '-r',
      file,
      '-d',
      `tcp.port==${SERVER_PORT},opcua`,
      '-Y',
      'opcua || _ws.malformed',
      '-T',
      'fields',
    ];
    const output = execFileSync('tshark', [...parameters, ...fields.flatMap((field) => ['-e', field])], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 28,
    });
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket, target: number): void {
    const port = 50_000 + this.#sockets.size;
    const server = connect(target, '127.0.0.1');
    const sent = { client: 1, server: 1 };
    const keep = (from: 'client' | 'server', data: Buffer) => {
      for (let at = 0; at < data.length; at += LARGEST_SEGMENT) {
        const part = data.subarray(at, at + LARGEST_SEGMENT);
        const [source, destination] = from === 'client' ? [port, SERVER_PORT] : [SERVER_PORT, port];
        const other = from === 'client' ? sent.server : sent.client;
        this.#packets.push(packet(source, destination, sent[from], other, part));
        sent[from] += part.length;
      }
    };
    for (const [from, to, name] of [
      [client, server, 'client'],
      [server, client, 'server'],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (data) => {
        keep(name, data);
        to.write(data);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  }
}

/** A record of the capture file: IPv4 and TCP around the bytes. */
function packet(source: number, destination: number, sequence: number, acknowledged: number, data: Buffer): Buffer {
  const headers = Buffer.alloc(56);
  const length = 40 + data.length;
  const now = Date.now();
  headers.writeUInt32LE(Math.floor(now / 1000), 0);
  headers.writeUInt32LE((now % 1000) * 1000, 4);
  headers.writeUInt32LE(length, 8);
  headers.writeUInt32LE(length, 12);
  headers.writeUInt16BE(0x4500, 16);
  headers.writeUInt16BE(length, 18);
  headers.writeUInt16BE(0x4006, 24);
  headers.writeUInt32BE(0x7f000001, 28);
  headers.writeUInt32BE(0x7f000001, 32);
  headers.writeUInt16BE(source, 36);
  headers.writeUInt16BE(destination, 38);
  headers.writeUInt32BE(sequence, 40);
  headers.writeUInt32BE(acknowledged, 44);
  // 20 bytes of header; pushed and acknowledged.
  headers.writeUInt16BE(0x5018, 48);
  headers.writeUInt16BE(0xffff, 50);
  return Buffer.concat([headers, data]);
}
