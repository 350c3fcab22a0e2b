import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { exchangeError } from './errors';

export interface Head {
  status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  headers: Record<string, string>;
}

/** One request on the wire and its answer. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly head: Promise<Head>;
  /** As it comes, not yet inflated; its errors are IntegrationErrors. */
  readonly body: Readable;
  received = 0;
  /** Resolves when nothing more comes, for whatever reason. */
  readonly done: Promise<void>;
  private readonly gotHead = Promise.withResolvers<Head>();
  private readonly isDone = Promise.withResolvers<void>();
  private controller: Dispatcher.DispatchController | undefined;
  private answered = false;
  private ended = false;

  constructor(
    private readonly url: URL,
    private readonly signal: AbortSignal,
  ) {
    this.head = this.gotHead.promise;
    this.done = this.isDone.promise;
    this.body = new Readable({
      read: () => this.controller?.resume(),
      destroy: (error, done) => {
        this.controller?.abort(error ?? new Error('discarded'));
        this.end();
        done(error);
      },
    });
    // Whoever reads the body gets its error; a body that nobody reads has none to tell.
    this.body.on('error', () => undefined);
    signal.addEventListener('abort', this.onAbort, { once: true });
    if (signal.aborted) this.onAbort();
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
    if (!this.body.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.body.push(null);
    this.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** What went wrong, as an error of the hub. */
  explain(thrown: unknown): Error {
    return exchangeError(thrown, this.url, { sent: this.controller !== undefined, answered: this.answered });
  }

  private readonly onAbort = (): void => this.fail(this.signal.reason);

  private fail(thrown: unknown): void {
    const error = this.explain(thrown);
    this.gotHead.reject(error);
    this.body.destroy(error);
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.signal.removeEventListener('abort', this.onAbort);
    this.isDone.resolve();
  }
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}
