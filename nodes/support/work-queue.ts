import { IntegrationError } from '../../lib/model/errors';

/** Runs the jobs of one node one after another, holds a bounded number back, and ends quickly when the node closes. */
export class WorkQueue {
  readonly #limit: number;
  readonly #abort = new AbortController();
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Jobs that wait or run. */
  get size(): number {
    return this.#waiting;
  }

  /** @throws transient PCP_QUEUE_FULL at once when too many wait; cancelled PCP_NODE_CLOSED when the node closed first */
  run<T>(job: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#limit) {
      return Promise.reject(
        new IntegrationError('transient', 'PCP_QUEUE_FULL', `${this.#limit} messages already wait at this node.`, {
          hint: 'Send records in arrays, or slow the flow down in front of this node.',
        }),
      );
    }
    this.#waiting += 1;
    const result = this.#tail.then(() => {
      if (this.signal.aborted) throw closedError();
      return job(this.signal);
    });
    this.#tail = result.then(
      () => this.#leave(),
      () => this.#leave(),
    );
    return result;
  }

  #leave(): void {
    this.#waiting -= 1;
  }

  /** Aborts the job in hand and waits for it, at most as long as a node may take to close. */
  close(withinMs = 4_000): Promise<void> {
    this.#abort.abort(closedError());
    return settleWithin(this.#tail, withinMs);
  }
}

function closedError(): IntegrationError {
  return new IntegrationError(
    'cancelled',
    'PCP_NODE_CLOSED',
    'The node was closed by a deploy or by the end of Node-RED.',
  );
}

/** Resolves when the promise settles or the time is over, whichever is first. */
export function settleWithin(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const settle = () => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(settle, settle);
  });
}
