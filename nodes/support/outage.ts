import { IntegrationError } from '../../lib/model/errors';

export interface OutageWriter {
  warn(message: string): void;
  log(message: string): void;
  debug(message: string): void;
}

/** Says once that the other side is gone and once that it is back, however many nodes and messages meet the outage. */
export class OutageLog {
  readonly #writer: OutageWriter;
  #since: number | null = null;

  constructor(writer: OutageWriter) {
    this.#writer = writer;
  }

  get open(): boolean {
    return this.#since !== null;
  }

  failed(thrown: unknown): void {
    const error = IntegrationError.from(thrown);
    if (error.class !== 'transient' && error.class !== 'auth' && error.class !== 'rate_limit') return;
    if (this.#since === null) {
      this.#since = Date.now();
      this.#writer.warn(`${error.code}: ${error.message}${error.hint ? ` ${error.hint}` : ''}`);
    } else {
      this.#writer.debug(`${error.code}: ${error.message}`);
    }
  }

  succeeded(): void {
    if (this.#since === null) return;
    const seconds = Math.max(1, Math.round((Date.now() - this.#since) / 1000));
    this.#since = null;
    this.#writer.log(`The connection works again after ${seconds} s.`);
  }
}
