import { abortable } from '../../../abortable';

/** What is opened when first asked for, once for all that ask, and anew when it has ended. */
export class Shared<T extends { close(): Promise<void> }> {
  #opening: Promise<T> | undefined;

  constructor(
    private readonly open: () => Promise<T>,
    private readonly endOf: (opened: T) => Promise<unknown>,
  ) {}

  /** Is opened, or being opened. */
  get isWanted(): boolean {
    return this.#opening !== undefined;
  }

  /** What others wait for too goes on when one of them gives up. */
  async get(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#opening ??= this.#kept();
    return abortable(this.#opening, signal);
  }

  async close(): Promise<void> {
    // What could not be opened has told so to who asked for it.
    await this.#opening?.then((opened) => opened.close()).catch(() => undefined);
  }

  #kept(): Promise<T> {
    const opening = this.open();
    const forget = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.then((opened) => this.endOf(opened).then(forget), forget);
    return opening;
  }
}
