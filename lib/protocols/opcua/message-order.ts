/** A NotificationMessage (Part 4, 7.26). One without data is a sign of life: its number is that of the message to come. */
export interface Message {
  sequenceNumber: number;
  notificationData?: (object | null)[] | null;
  binaryStoreSize(): number;
}

export interface MessageWays {
  /** Called in the order of the numbers, once for each message. */
  give(message: Message): void;
  /** Messages before the next one are lost. */
  lost(): void;
  /** Republish. @returns undefined where the server does not have it any more @throws when there was no answer */
  ask(number: number): Promise<Message | undefined>;
}

const HIGHEST = 2 ** 32 - 1;
/** Of messages that wait for one before them. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * Messages of one subscription in the order of their numbers (Part 4, 5.14.1 and 5.14.6): when one is missing the server is asked
 * for it, and those after it wait until it is there, or is lost: the server does not have it any more, does not answer in time,
 * or too much is waiting.
 */
export class MessageOrder {
  readonly #ways: MessageWays;
  readonly #patienceMs: number;
  #next = 1;
  /** All before this number were sent. */
  #sent = 1;
  /** By number, those that came before one that is missing. */
  readonly #waiting = new Map<number, Message>();
  #bytes = 0;
  /** Who asks for what is missing. */
  #asking: object | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(ways: MessageWays, patienceMs: number) {
    this.#ways = ways;
    this.#patienceMs = patienceMs;
  }

  /** Number of the message that was given last; 0 before the first. */
  get last(): number {
    return this.#next === 1 ? 0 : this.#next - 1;
  }

  arrived(message: Message): void {
    const { sequenceNumber: number, notificationData } = message;
    if (isBefore(number, this.#next)) return;
    const isSignOfLife = !notificationData?.length;
    if (!isSignOfLife && !this.#waiting.has(number)) {
      this.#waiting.set(number, message);
      if (number !== this.#next) this.#bytes += message.binaryStoreSize();
    }
    const sent = isSignOfLife ? number : after(number);
    if (isBefore(this.#sent, sent)) this.#sent = sent;
    this.#give();
    if (this.#isWhole) return;
    this.#patience ??= setTimeout(() => this.#giveUp(), this.#patienceMs).unref();
    if (this.#bytes > MOST_BYTES) this.#giveUp();
    else void this.#ask();
  }

  /** Another subscription takes the place of this one, and counts from the beginning. */
  restart(): void {
    this.#giveUp();
    this.#next = 1;
    this.#sent = 1;
  }

  stop(): void {
    clearTimeout(this.#patience);
    this.#waiting.clear();
    this.#sent = this.#next;
  }

  get #isWhole(): boolean {
    return this.#next === this.#sent;
  }

  #give(): void {
    for (let message = this.#waiting.get(this.#next); message !== undefined; message = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      this.#next = after(this.#next);
      this.#ways.give(message);
    }
    if (this.#waiting.size === 0) this.#bytes = 0;
    if (!this.#isWhole) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  async #ask(): Promise<void> {
    if (this.#asking !== undefined) return;
    const own = {};
    this.#asking = own;
    try {
      while (!this.#isWhole) {
        const number = this.#next;
        const message = await this.#ways.ask(number);
        if (this.#asking !== own) return;
        // It may have come by itself meanwhile.
        if (number !== this.#next) continue;
        if (message?.sequenceNumber === number) this.arrived(message);
        else this.#lose(after(number));
      }
    } catch {
      // Without a connection they come when it is back, or patience ends.
    }
    if (this.#asking === own) this.#asking = undefined;
  }

  #lose(next: number): void {
    this.#next = next;
    this.#ways.lost();
    this.#give();
  }

  #giveUp(): void {
    this.#asking = undefined;
    const numbers = [...this.#waiting.keys()].sort((one, other) => (isBefore(one, other) ? -1 : 1));
    for (const number of numbers) if (!isBefore(number, this.#next)) this.#lose(number);
    if (!this.#isWhole) this.#lose(this.#sent);
  }
}

function after(number: number): number {
  return number === HIGHEST ? 1 : number + 1;
}

/** Numbers go round: of two, the one that is less than half of the way behind the other is before it. */
function isBefore(one: number, other: number): boolean {
  const distance = (other - one + HIGHEST) % HIGHEST;
  return distance > 0 && distance < HIGHEST / 2;
}
