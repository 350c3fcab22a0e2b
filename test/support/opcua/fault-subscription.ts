import {
  array,
  boolean,
  byte,
  dateTime,
  double,
  int32Value,
  nodeId,
  type Reader,
  structureValue,
  uint32,
} from './binary';

/** Requests and their answers (Part 6, annex A). */
const CREATE_SUBSCRIPTION = [787, 790] as const;
const CREATE_ITEMS = [751, 754] as const;
const PUBLISH = [826, 829] as const;
const REPUBLISH = [832, 835] as const;
const DELETE_SUBSCRIPTIONS = [847, 850] as const;
const SERVICE_FAULT = 397;
const DATA_CHANGE = 811;
const BAD_MESSAGE_NOT_AVAILABLE = 0x807b0000;

/** An integer, or a structure of a type that the client does not know. */
type Value = number | 'structure';
export type Reply = (type: number, status: number, content: Buffer) => void;

/** The one subscription of a server that loses its messages: it tells what it is told to, by the numbers that it is given. */
export class FaultSubscription {
  /** Asked for once more, in this order. */
  readonly asked: number[] = [];
  readonly acknowledged: number[] = [];
  /** Messages that it still has when it is asked for them; others it says not to have. */
  readonly kept = new Map<number, Value>();
  /** Says nothing when it is asked for a message. */
  isMute = false;
  /** Told in place of an answer to the question for this message, and the answer then. */
  before: { number: number; tell(): Promise<void> } | undefined;
  readonly #waiting: Reply[] = [];
  #clientHandle = 0;
  #changed = Promise.withResolvers<void>();

  /** @returns whether it was for this subscription */
  answer(type: number, request: Reader, reply: Reply): boolean {
    switch (type) {
      case CREATE_SUBSCRIPTION[0]:
        reply(CREATE_SUBSCRIPTION[1], 0, Buffer.concat([uint32(1), double(50), uint32(1000), uint32(10)]));
        return true;
      case CREATE_ITEMS[0]:
        reply(CREATE_ITEMS[1], 0, this.#items(request));
        this.#notice();
        return true;
      case DELETE_SUBSCRIPTIONS[0]:
        reply(DELETE_SUBSCRIPTIONS[1], 0, Buffer.concat([array([uint32(0)]), uint32(-1)]));
        return true;
      case PUBLISH[0]:
        for (let left = request.uint32() | 0; left > 0; left--) this.acknowledged.push(request.skip(4).uint32());
        this.#waiting.push(reply);
        this.#notice();
        return true;
      case REPUBLISH[0]:
        this.#republish(request.skip(4).uint32(), reply);
        return true;
      default:
        return false;
    }
  }

  /** Sends a value as the message of this number, as soon as the client has an item and asks for messages. */
  async tell(number: number, value: Value): Promise<void> {
    await this.until(() => this.#clientHandle > 0);
    await this.#publish(message(number, [dataChange(this.#clientHandle, value)]));
  }

  /** @param next the number of the message that would follow */
  async giveSignOfLife(next: number): Promise<void> {
    await this.#publish(message(next, []));
  }

  /** What waited for a message does so no more, as when the connection broke. */
  forget(): void {
    this.#waiting.length = 0;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  async #publish(content: Buffer): Promise<void> {
    await this.until(() => this.#waiting.length > 0);
    const head = Buffer.concat([uint32(1), array([]), boolean(false)]);
    this.#waiting.shift()?.(PUBLISH[1], 0, Buffer.concat([head, content, uint32(-1), uint32(-1)]));
  }

  async #republish(number: number, reply: Reply): Promise<void> {
    this.asked.push(number);
    this.#notice();
    if (this.isMute) return;
    if (this.before?.number === number) await this.before.tell();
    const value = this.kept.get(number);
    if (value === undefined) reply(SERVICE_FAULT, BAD_MESSAGE_NOT_AVAILABLE, Buffer.alloc(0));
    else reply(REPUBLISH[1], 0, message(number, [dataChange(this.#clientHandle, value)]));
  }

  /** The client's own numbers for its items: of the last one is told. */
  #items(request: Reader): Buffer {
    const count = request.skip(8).uint32();
    for (let left = count; left > 0; left--) {
      request.nodeId();
      request.skip(4).byteString();
      request.skip(2).byteString();
      this.#clientHandle = request.skip(4).uint32();
      request.skip(8).nodeId();
      request.skip(1 + 4 + 1);
    }
    const made = Buffer.concat([uint32(0), uint32(1), double(50), uint32(10), nodeId(0), byte(0)]);
    return Buffer.concat([array(Array.from({ length: count }, () => made)), uint32(-1)]);
  }

  #notice(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** A NotificationMessage (Part 4, 7.26). */
function message(number: number, notifications: readonly Buffer[]): Buffer {
  return Buffer.concat([uint32(number), dateTime(), array(notifications)]);
}

/** A DataChangeNotification of one value, whose source says the time of now. */
function dataChange(clientHandle: number, value: Value): Buffer {
  const encoded = value === 'structure' ? structureValue() : int32Value(value);
  const body = Buffer.concat([array([Buffer.concat([uint32(clientHandle), encoded])]), uint32(-1)]);
  return Buffer.concat([nodeId(DATA_CHANGE), byte(1), uint32(body.length), body]);
}
