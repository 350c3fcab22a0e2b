import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { SourceRecord } from '../../lib/connectors/contract';

const TAGS = 5;
const EVERY_MS = 10;
/** Records that are on their way without an acknowledgement. */
const WINDOW = 2_000;

/**
 * A source outside of every process of the hub: it counts at a rate, sends what it counted, and sends again to whoever connects
 * anew what was not acknowledged. It is the ledger against which a target is checked.
 */
export class Counter {
  /** Numbers up to here were acknowledged. */
  acknowledged = -1;
  counted = 0;
  /** A record that no target takes. */
  spoiled = -1;
  connections = 0;
  readonly port: number;
  private sent = 0;
  private socket: Socket | null = null;
  private timer: NodeJS.Timeout | undefined;
  private readonly startedAt = Date.now();

  private constructor(private readonly server: Server) {
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.serve(socket));
  }

  static async start(): Promise<Counter> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Counter(server);
  }

  /** Counts on. */
  run(perSecond: number): void {
    const step = (perSecond * EVERY_MS) / 1000;
    let due = this.counted;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      due += step;
      this.counted = Math.floor(due);
      this.send();
    }, EVERY_MS);
  }

  pause(): void {
    clearInterval(this.timer);
  }

  record(n: number): SourceRecord {
    const at = new Date(this.startedAt + n).toISOString();
    return {
      tag: `tag-${n % TAGS}`,
      value: n,
      quality: n === this.spoiled ? 'awful' : 'good',
      source_timestamp: at,
      n,
    };
  }

  async stop(): Promise<void> {
    this.pause();
    this.socket?.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.socket?.destroy();
    this.socket = socket;
    this.sent = this.acknowledged + 1;
    socket.on('error', () => socket.destroy());
    const lines = createInterface({ input: socket });
    // As of the socket, which it says once more.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      this.acknowledged = Math.max(this.acknowledged, Number(line));
      this.send();
    });
    this.send();
  }

  private send(): void {
    const to = Math.min(this.counted, this.acknowledged + 1 + WINDOW);
    if (this.socket === null || this.socket.destroyed || to <= this.sent) return;
    const records = Array.from({ length: to - this.sent }, (_, at) => this.record(this.sent + at));
    this.sent = to;
    this.socket.write(`${JSON.stringify(records)}\n`);
  }
}
