import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { publishBy } from './mosquitto';

interface Message {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  properties?: Record<string, unknown>;
}

/** What a subscriber of other hands (mosquitto_sub) gets. */
export class Published {
  readonly messages: Message[] = [];
  #changed = Promise.withResolvers<void>();

  private constructor(
    private readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async of(port: number, filter: string, ...options: string[]): Promise<Published> {
    const format = '%j';
    const parameters = [
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-t',
      filter,
      '-t',
      'ready',
      '-V',
      '5',
      '-q',
      '2',
      '-F',
      format,
      ...options,
    ];
    const child = spawn('mosquitto_sub', parameters, { stdio: ['ignore', 'pipe', 'ignore'] });
    process.once('exit', () => child.kill('SIGKILL'));
    const published = new Published(port, child);
    const ready = Promise.withResolvers<void>();
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as Omit<Message, 'retain'> & { retain: number };
      if (said.topic === 'ready') ready.resolve();
      else published.messages.push({ ...said, retain: said.retain === 1 });
      published.#changed.resolve();
      published.#changed = Promise.withResolvers();
    });
    // Retained, so that it comes whenever the subscription is there.
    publishBy(port, 'ready', 'now', '-r', '-q', '1');
    await ready.promise;
    return published;
  }

  /** Waits until so many messages have come. */
  async count(count: number): Promise<Message[]> {
    while (this.messages.length < count) await this.#changed.promise;
    return this.messages;
  }

  /** The last record of each topic, once all that was published before has come. */
  async last(): Promise<Record<string, unknown>[]> {
    const marker = `conformance/marker/${Math.random()}`;
    publishBy(this.port, marker, 'here', '-q', '2');
    while (!this.messages.some(({ topic }) => topic === marker)) await this.#changed.promise;
    const records = new Map(
      this.messages
        .filter(({ topic }) => !topic.startsWith('conformance/marker'))
        .map(({ topic, payload }) => [topic, JSON.parse(payload) as Record<string, unknown>]),
    );
    return [...records.values()];
  }

  clear(): void {
    this.messages.length = 0;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await ended;
  }
}
