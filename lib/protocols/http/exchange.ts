import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Deadline } from './deadline';
import { exchangeError } from './errors';

export interface Head {
  status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  headers: Record<string, string>;
}

/** What is held of a body that nobody reads yet. */
const MOST_HELD = 64 * 1024;
/** Whoever leaves a body unread for so long waits for something else, such as another request. */
const UNREAD_MS = 1000;

/** One request on the wire and its answer. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly head: Promise<Head>;
  received = 0;
  private readonly gotHead = Promise.withResolvers<Head>();
  private readonly atEnd: (() => void)[] = [];
  private readonly atRest: (() => void)[] = [];
  private unread: NodeJS.Timeout | undefined;
  private rested = false;
  private controller: Dispatcher.DispatchController | undefined;
  private answered = false;
  private ended = false;
  /** Why it ended before its time. */
  private failure: Error | undefined;
  private readonly held: Buffer[] = [];
  private stream: Readable | undefined;

  constructor(
    private readonly url: URL,
    deadline: Deadline,
  ) {
    this.head = this.gotHead.promise;
    deadline.watch((reason) => this.fail(reason));
  }

  /** Calls when nothing more comes, for whatever reason; at once if nothing does already. */
  whenDone(action: () => void): void {
    if (this.ended) action();
    else this.atEnd.push(action);
  }

  /** Calls when nobody reads on for a while, or nothing more comes. */
  whenAtRest(action: () => void): void {
    if (this.rested) action();
    else this.atRest.push(action);
  }

  /** The body, if all of it came before anybody asked: most answers are short, and a stream costs more than they do. */
  get whole(): Buffer | undefined {
    const isWhole = this.ended && this.failure === undefined && this.stream === undefined;
    if (!isWhole) return undefined;
    return this.held.length === 1 ? this.held[0] : Buffer.concat(this.held);
  }

  /** As it comes, not yet inflated; its errors are IntegrationErrors. */
  get body(): Readable {
    if (this.stream !== undefined) return this.stream;
    const stream = new Readable({
      read: () => this.resume(),
      destroy: (error, done) => {
        if (!this.ended) this.controller?.abort(error ?? new Error('discarded'));
        this.end();
        done(error);
      },
    });
    // Whoever reads the body gets its error; a body that nobody reads has none to tell.
    stream.on('error', () => undefined);
    for (const chunk of this.held.splice(0)) stream.push(chunk);
    if (this.failure !== undefined) stream.destroy(this.failure);
    else if (this.ended) stream.push(null);
    this.stream = stream;
    return stream;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.ended) controller.abort(new Error('discarded'));
    else this.controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.answered = true;
    this.gotHead.resolve({ status, headers: joined(headers) });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.received += chunk.length;
    if (this.stream === undefined) this.held.push(chunk);
    const takesMore = this.stream === undefined ? this.received < MOST_HELD : this.stream.push(chunk);
    if (!takesMore) this.pause(controller);
  }

  private pause(controller: Dispatcher.DispatchController): void {
    controller.pause();
    if (!this.rested) this.unread ??= setTimeout(() => this.rest(), UNREAD_MS).unref();
  }

  private resume(): void {
    clearTimeout(this.unread);
    this.unread = undefined;
    this.controller?.resume();
  }

  private rest(): void {
    this.rested = true;
    for (const action of this.atRest.splice(0)) action();
  }

  onResponseEnd(): void {
    this.stream?.push(null);
    this.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** What went wrong, as an error of the hub. */
  explain(thrown: unknown): Error {
    return exchangeError(thrown, this.url, { sent: this.controller !== undefined, answered: this.answered });
  }

  private fail(thrown: unknown): void {
    if (this.ended) return;
    const error = this.explain(thrown);
    this.failure = error;
    this.gotHead.reject(error);
    if (this.stream === undefined) this.controller?.abort(error);
    else this.stream.destroy(error);
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.unread);
    this.rest();
    for (const action of this.atEnd) action();
  }
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    result[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return result;
}
