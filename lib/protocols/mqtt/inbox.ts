import type { IPublishPacket } from 'mqtt';
import type { IncomingMessage, MessageProperties } from './options';

const PUBACK = 0x40;
const PUBREC = 0x50;

/** However few the messages are. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Waiting {
  qos: number;
  messageId: number;
  bytes: number;
  isDone: boolean;
}

/**
 * What the broker waits for: its messages of QoS 1 and 2 are acknowledged in the order in which they came, as MQTT wants it,
 * however their receivers finish.
 */
export class Inbox {
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #isFlushing = false;
  #isFull = false;

  /**
   * @param most messages that may wait; MQTT 3.1.1 cannot tell the broker
   * @param onFull called with true when more wait, or larger ones than memory is for, and with false when there is room again
   */
  constructor(
    private readonly send: (bytes: Buffer) => void,
    private readonly most: number,
    private readonly onFull: (isFull: boolean) => void,
  ) {}

  take(packet: IPublishPacket, properties: MessageProperties): IncomingMessage {
    const { topic, payload, qos, retain, dup, messageId = 0 } = packet;
    const ids = packet.properties?.subscriptionIdentifier ?? [];
    const waiting = qos === 0 ? undefined : this.#wait(qos, messageId, payload.length);
    return {
      topic,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      qos,
      retain,
      duplicate: dup,
      properties,
      subscriptionIds: Array.isArray(ids) ? ids : [ids],
      acknowledge: () => this.#done(waiting),
    };
  }

  /** Messages that the broker knows of as sent, and not as received. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Acknowledges a message that nobody gets. */
  refuse({ qos, messageId }: { qos: number; messageId: number }): void {
    if (qos > 0) this.#done(this.#wait(qos, messageId, 0));
  }

  /** Sends what is acknowledged and not sent yet. */
  flush(): void {
    this.#isFlushing = false;
    let count = 0;
    while (this.#waiting[count]?.isDone === true) count += 1;
    if (count === 0) return;
    const packets = Buffer.alloc(count * 4);
    for (const [index, { qos, messageId, bytes }] of this.#waiting.splice(0, count).entries()) {
      this.#bytes -= bytes;
      packets.writeUInt8(qos === 1 ? PUBACK : PUBREC, index * 4);
      packets.writeUInt8(2, index * 4 + 1);
      packets.writeUInt16BE(messageId, index * 4 + 2);
    }
    this.send(packets);
    this.#look();
  }

  #wait(qos: number, messageId: number, bytes: number): Waiting {
    const waiting = { qos, messageId, bytes, isDone: false };
    this.#waiting.push(waiting);
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
