import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Row, Target } from './strict-api-server';

/**
 * An API of orders that inserts whatever it gets, in a process of its own: `keyed` does a request only once per
 * Idempotency-Key, `found` can be asked for an order by its number, `blind` offers neither.
 */
export class StrictApi {
  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {}

  static async start(): Promise<StrictApi> {
    const child = fork(join(__dirname, 'strict-api-server.js'), { execArgv: [] });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(message as number));
      child.once('exit', (code) => reject(new Error(`The API ended with ${code}.`)));
    });
    return new StrictApi(child, port);
  }

  /** How entities of generic.rest reach it; the first line of each request names the order. */
  static entities(): Record<Target, Record<string, unknown>> {
    const create = (target: Target) => ({ path: `/${target}?order={number}`, id: '/id' });
    const update = (target: Target) => ({ path: `/${target}/{id}` });
    return {
      keyed: { create: create('keyed'), update: update('keyed'), idempotency_header: 'Idempotency-Key' },
      found: { create: create('found'), update: update('found'), lookup: { path: '/found?number={external_id}' } },
      blind: { create: create('blind'), update: update('blind') },
    };
  }

  /** What it holds, in the order of arrival. */
  async rows(target: Target): Promise<Row[]> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/${target}`)).json()) as Row[];
  }

  /** Share of the writes that are done, and answered with a failure all the same. */
  set fateShare(share: number) {
    this.process.send(share);
  }

  /** How many were. */
  async fates(): Promise<number> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/fates`)).json()) as number;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await ended;
  }
}
