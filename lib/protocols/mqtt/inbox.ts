import type { IPublishPacket } from 'mqtt';
import type { IncomingMessage, MessageProperties } from './options';

const PUBACK = 0x40;
const PUBREC = 0x50;

interface Waiting {
  qos: number;
  messageId: number;
  isDone: boolean;
}

/**
 * What the broker waits for: its messages of QoS 1 and 2 are acknowledged in the order in which they came, as MQTT wants it,
 * however their receivers finish.
 */
export class Inbox {
  readonly #waiting: Waiting[] = [];
  #isFlushing = false;

  constructor(private readonly send: (bytes: Buffer) => void) {}

  take(packet: IPublishPacket, properties: MessageProperties): IncomingMessage {
    const { topic, payload, qos, retain, dup, messageId = 0 } = packet;
    const ids = packet.properties?.subscriptionIdentifier ?? [];
    const waiting = qos === 0 ? undefined : { qos, messageId, isDone: false };
    if (waiting !== undefined) this.#waiting.push(waiting);
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

  /** Acknowledges a message that nobody gets. */
  refuse({ qos, messageId }: { qos: number; messageId: number }): void {
    if (qos === 0) return;
    const waiting = { qos, messageId, isDone: false };
    this.#waiting.push(waiting);
    this.#done(waiting);
  }

  /** Sends what is acknowledged and not sent yet. */
  flush(): void {
    this.#isFlushing = false;
    let count = 0;
    while (this.#waiting[count]?.isDone === true) count += 1;
    if (count === 0) return;
    const bytes = Buffer.alloc(count * 4);
    for (const [index, { qos, messageId }] of this.#waiting.splice(0, count).entries()) {
      bytes.writeUInt8(qos === 1 ? PUBACK : PUBREC, index * 4);
      bytes.writeUInt8(2, index * 4 + 1);
      bytes.writeUInt16BE(messageId, index * 4 + 2);
    }
    this.send(bytes);
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
