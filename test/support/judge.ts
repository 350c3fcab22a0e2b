import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How often the judge notes when it looks at its sockets: what it sees later came after that. */
const TICK_MS = 5;

/** An API that counts for itself what its callers do: how many requests in any second, and how many at a time. */
export class Judge {
  /** By the path that was asked for. */
  readonly arrivals: { path: string; notBefore: number; notAfter: number }[] = [];
  mostAtOnce = 0;
  /** Requests under way. */
  current = new Map<string, number>();
  /** When the judge last began to look at its sockets and was done with it, and the time before: new connections take two looks. */
  private looks = [performance.now(), performance.now()] as const;
  private readonly server: Server;
  private readonly timer: NodeJS.Timeout;
  private readonly watchers = new Set<() => void>();

  /** @param answerMs how long each answer takes; those below /held are never answered */
  constructor(private readonly answerMs: () => number) {
    // Timers run before the sockets of a turn of the event loop, immediates after them.
    this.timer = setInterval(() => {
      const now = performance.now();
      setImmediate(() => {
        this.looks = [now, this.looks[0]];
      });
    }, TICK_MS);
    this.server = createServer((request, response) => {
      const path = request.url ?? '';
      this.arrivals.push({ path, notBefore: this.looks[1], notAfter: performance.now() });
      this.count(path, 1);
      let isOpen = true;
      const end = () => {
        if (isOpen) this.count(path, -1);
        isOpen = false;
      };
      response.on('close', end);
      if (path.startsWith('/held')) return;
      setTimeout(() => {
        end();
        response.end('{}');
      }, this.answerMs());
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves once the condition holds, looked at with each request that comes or ends. */
  when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }

  /** The most requests that surely came within one second, however late the judge itself was to see them. */
  get mostPerSecond(): number {
    let most = 0;
    for (const [first, { notBefore }] of this.arrivals.entries()) {
      let count = 0;
      while ((this.arrivals[first + count]?.notAfter ?? Number.POSITIVE_INFINITY) - notBefore < 1000) count++;
      most = Math.max(most, count);
    }
    return most;
  }

  get summary(): string {
    const seconds = ((this.arrivals.at(-1)?.notAfter ?? 0) - (this.arrivals[0]?.notAfter ?? 0)) / 1000;
    const mean = this.arrivals.length / seconds;
    return `${this.arrivals.length} requests in ${seconds.toFixed(1)} s, ${mean.toFixed(2)} per second, at most ${this.mostPerSecond} in a second and ${this.mostAtOnce} at a time`;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private count(path: string, change: 1 | -1): void {
    this.current.set(path, (this.current.get(path) ?? 0) + change);
    const all = [...this.current.values()].reduce((sum, number) => sum + number, 0);
    this.mostAtOnce = Math.max(this.mostAtOnce, all);
    for (const look of this.watchers) look();
  }
}
