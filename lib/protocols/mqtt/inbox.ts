import type { IncomingMessage, ReceivedMessage } from './options';

const PUBACK = 0x40;
const PUBREC = 0x50;
const PUBCOMP = 0x70;

/** However few the messages are. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Waiting {
  qos: number;
  messageId: number;
  bytes: number;
  isDone: boolean;
  isSent: boolean;
}

/**
 * What the broker waits for: its messages of QoS 1 and 2 are acknowledged in the order in which they came, as MQTT wants it,
 * however their receivers finish.
 */
export class Inbox {
  readonly #waiting: Waiting[] = [];
  /** Of QoS 2, until the broker knows that they were received. */
  readonly #unreleased = new Map<number, Waiting>();
  #bytes = 0;
  #isFlushing = false;
  #isFull = false;

  /**
   * @param session names deliveries of QoS 2
   * @param most messages that may wait; MQTT 3.1.1 cannot tell the broker
   * @param onFull called with true when more wait, or larger ones than memory is for, and with false when there is room again
   */
  constructor(
    private readonly send: (bytes: Buffer) => void,
    private readonly session: string | undefined,
    private readonly most: number,
    private readonly onFull: (isFull: boolean) => void,
  ) {}

  /** @returns undefined for one of QoS 2 that came over this connection before */
  take(message: ReceivedMessage): IncomingMessage | undefined {
    const { qos, messageId, payload } = message;
    if (qos === 2 && this.#repeats(messageId)) return undefined;
    const waiting = qos === 0 ? undefined : this.#wait(qos, messageId, payload.length);
    const taken: IncomingMessage = { ...message, acknowledge: () => this.#done(waiting) };
    if (qos === 2 && this.session !== undefined)
      taken.delivery = { session: this.session, id: messageId, isRepeated: message.duplicate };
    return taken;
  }

  /** Messages that the broker knows of as sent, and not as received. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Acknowledges a message that nobody gets. */
  refuse({ qos, messageId }: { qos: number; messageId: number }): void {
    if (qos > 0) this.#done(this.#wait(qos, messageId, 0));
  }

  /** The broker knows that its message of QoS 2 was received, and may use its number again. */
  complete(messageId: number): void {
    this.#unreleased.delete(messageId);
    this.send(Buffer.from(answer(PUBCOMP, messageId)));
  }

  /** Sends what is acknowledged and not sent yet. */
  flush(): void {
    this.#isFlushing = false;
    let count = 0;
    while (this.#waiting[count]?.isDone === true) count += 1;
    if (count === 0) return;
    const answers = this.#waiting.splice(0, count).flatMap((waiting) => {
      const { qos, messageId } = waiting;
      this.#bytes -= waiting.bytes;
      waiting.isSent = true;
      return answer(qos === 1 ? PUBACK : PUBREC, messageId);
    });
    this.send(Buffer.from(answers));
    this.#look();
  }

  #repeats(messageId: number): boolean {
    const known = this.#unreleased.get(messageId);
    if (known?.isSent) this.send(Buffer.from(answer(PUBREC, messageId)));
    return known !== undefined;
  }

  #wait(qos: number, messageId: number, bytes: number): Waiting {
    const waiting = { qos, messageId, bytes, isDone: false, isSent: false };
    this.#waiting.push(waiting);
    if (qos === 2) this.#unreleased.set(messageId, waiting);
    this.#bytes += bytes;
    this.#look();
    return waiting;
  }

  /** It is full until half of it is free, so that it does not change with each message. */
  #look(): void {
    const share = this.#isFull ? 0.5 : 1;
    const isFull = this.#waiting.length > this.most * share || this.#bytes > MOST_BYTES * share;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.onFull(isFull);
  }

  /** Acknowledgements of one turn leave together. */
  #done(waiting: Waiting | undefined): void {
    if (waiting === undefined || waiting.isDone) return;
    waiting.isDone = true;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.flush());
  }
}

function answer(type: number, messageId: number): number[] {
  return [type, 2, messageId >> 8, messageId & 0xff];
}
