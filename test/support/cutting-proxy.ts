import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { SeededRandom } from '../../demo/random';

/** Where an exchange ends early: after so many bytes on one of both ways, or after so many milliseconds. */
interface Cut {
  way: 'request' | 'answer' | 'clock';
  at: number;
}

/** Longer than any request or answer of most tests, not by much. */
const BYTES = { request: 450, answer: 300 };
const MILLISECONDS = 15;
/** Of a message of PostgreSQL, after its type. */
const LENGTH_BYTES = 4;

/** What begins with data of a client: a request that may change something, another one, one that is never cut, or nothing. */
export type Recognise = (data: string) => 'write' | 'read' | 'other' | null;

const http: Recognise = (data) => {
  const [, method] = /^(GET|POST|PUT) \S+ HTTP/.exec(data) ?? [];
  return method === undefined ? null : method === 'GET' ? 'read' : 'write';
};

/** Commits of PostgreSQL: what was written before one of them takes place with it or never. */
export const commits: Recognise = (data) => {
  if (data.startsWith('P') && data.startsWith('\0COMMIT\0', LENGTH_BYTES + 1)) return 'write';
  return /^[PQ]/.test(data) ? 'other' : null;
};

/** Passes connections on to a server, and cuts them at random bytes and moments of random exchanges. */
export class CuttingProxy {
  /** Of requests that would change something. */
  cuts = 0;
  /** Connections that ended after such a request: no more answers than these were lost, by cuts or by the client's own limits. */
  lastWrites = 0;
  /** Share of the exchanges that are cut. */
  share = 0;
  /** Each order that was sent with POST, and how often. */
  readonly posts = new Map<string, number>();
  readonly port: number;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: number,
    private readonly random: SeededRandom,
    private readonly bytes: typeof BYTES,
    private readonly recognise: Recognise,
  ) {
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.pass(client));
  }

  static async start(target: number, random: SeededRandom, bytes = BYTES, recognise = http): Promise<CuttingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new CuttingProxy(server, target, random, bytes, recognise);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    let cut: Cut | undefined;
    let passed = { request: 0, answer: 0 };
    let isWrite = false;
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (isWrite) this.cuts++;
      client.resetAndDestroy();
      // What went on its way arrives.
      server.end();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      // The other end sees it as its own end.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        this.sockets.delete(socket);
        (socket === client ? server : client).destroySoon();
      });
    }
    const forward = (way: 'request' | 'answer', to: Socket, chunk: Buffer): void => {
      if (client.destroyed) return;
      const left = cut?.way === way ? cut.at - passed[way] : Number.POSITIVE_INFINITY;
      passed[way] += chunk.length;
      to.write(chunk.subarray(0, Math.max(0, left)));
      // A request shorter than its cut has arrived: then its answer is lost as a whole.
      if (chunk.length >= left) end();
    };
    client.on('close', () => {
      if (isWrite) this.lastWrites++;
    });
    client.on('data', (chunk: Buffer) => {
      const data = chunk.toString('latin1');
      const begins = this.recognise(data);
      if (begins !== null) {
        clearTimeout(timer);
        passed = { request: 0, answer: 0 };
        isWrite = begins === 'write';
        const [, order] = /^POST \S*[?&]order=([^& ]*)/.exec(data) ?? [];
        if (order !== undefined) this.posts.set(order, (this.posts.get(order) ?? 0) + 1);
        cut = begins !== 'other' && this.random.next() < this.share ? this.choose() : undefined;
        if (cut?.way === 'clock') timer = setTimeout(end, cut.at);
      }
      forward('request', server, chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (cut?.way === 'request') cut = { way: 'answer', at: 0 };
      forward('answer', client, chunk);
    });
  }

  private choose(): Cut {
    const way = this.random.pick(['request', 'answer', 'clock'] as const);
    if (way === 'clock') return { way, at: this.random.next() * MILLISECONDS };
    return { way, at: this.random.integer(0, this.bytes[way]) };
  }
}
