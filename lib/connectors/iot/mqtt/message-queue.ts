import { Bell } from '../../../bell';
import type { IntegrationError } from '../../../model/errors';
import type { IncomingMessage } from '../../../protocols/mqtt/options';

/** Messages of QoS 0 that wait for a slow receiver; those above have a limit by the broker's window. */
const MOST_MESSAGES = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

/** Messages between the connection and who takes them, in the order they came. */
export class MessageQueue {
  #messages: IncomingMessage[] = [];
  #bytes = 0;
  #dropped = 0;
  readonly #bell = new Bell();
  #isInterrupted = false;
  #end: { error: IntegrationError | null } | undefined;

  /** @param onDropped called once when messages of QoS 0 begin to be left out, and with their number when that is over */
  constructor(private readonly onDropped: (count: number) => void) {}

  push(message: IncomingMessage): void {
    if (this.#end !== undefined) return;
    const isFull = this.#messages.length >= MOST_MESSAGES || this.#bytes >= MOST_BYTES;
    if (isFull && message.qos === 0) {
      if (this.#dropped++ === 0) this.onDropped(0);
      return;
    }
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    this.#bell.ring();
  }

  /** Lets who takes messages look up, without one. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#bell.ring();
  }

  /** @param error null = nothing more is wanted; else what came unacknowledged comes again, and the rest is still given */
  end(error: IntegrationError | null): void {
    this.#end ??= { error };
    this.#messages = error === null ? [] : this.#messages.filter(({ qos }) => qos === 0);
    this.#bell.ring();
  }

  /**
   * What waits: at least one message, unless it was interrupted; null at the end.
   * @throws what ended it
   */
  async take(most: number): Promise<IncomingMessage[] | null> {
    while (this.#messages.length === 0 && this.#end === undefined && !this.#isInterrupted) await this.#bell.rung();
    if (this.#messages.length === 0 && this.#end !== undefined) {
      if (this.#end.error !== null) throw this.#end.error;
      return null;
    }
    this.#isInterrupted = false;
    const taken = this.#messages.splice(0, most);
    for (const { payload } of taken) this.#bytes -= payload.length;
    if (this.#dropped > 0) this.onDropped(this.#dropped);
    this.#dropped = 0;
    return taken;
  }
}
