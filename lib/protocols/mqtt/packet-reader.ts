import type { ReceivedMessage } from './options';
import { parsePublish } from './publish-packet';

/** What is known of a packet that was left out for its size. */
export interface OversizedPacket {
  bytes: number;
  /** Absent for packets that carry none: told at once, as nothing can come after them. */
  message?: { topic: string; qos: number; messageId: number };
}

export interface PacketReaderOptions {
  version: 4 | 5;
  /** Larger packets are left out. */
  mostBytes: number;
  onMessage(message: ReceivedMessage): void;
  /** The sender of a message of QoS 2 knows that it was received (PUBREL). */
  onReleased(messageId: number): void;
  onOversized(packet: OversizedPacket): void;
}

const CONNACK = 2;
const PUBLISH = 3;
const PUBREL = 6;
const AUTH = 15;
const MOST_LENGTH_BYTES = 4;
const LONGEST_VARIABLE_HEADER = 2 + 65_535 + 2;
const NOTHING = Buffer.alloc(0);

/** A packet that has not come as a whole. */
interface Begun {
  first: number;
  bytes: number;
  /** Bytes to come. */
  left: number;
  goesTo: 'here' | 'library' | 'nobody';
  parts: Buffer[];
}

/**
 * Takes messages out of what a broker sends, and leaves the rest to the client library. Packets above a size go to nobody,
 * before anything collects them in memory: a broker that speaks 3.1.1 cannot be told a limit, and a hostile one keeps to none.
 */
export class PacketReader {
  /** The beginning of a packet whose length is not complete. */
  #carry: Buffer = NOTHING;
  #begun: Begun | undefined;
  #isSignedIn = false;

  constructor(private readonly options: PacketReaderOptions) {}

  /**
   * @returns what is left for the library
   * @throws Error at what is no MQTT
   */
  read(chunk: Buffer): Buffer[] {
    const data = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#carry = NOTHING;
    const left: Buffer[] = [];
    for (let at = 0; at < data.length; ) {
      let packet = this.#begun;
      const start = at;
      if (packet === undefined) {
        const length = lengthAt(data, at + 1);
        if (length === undefined) {
          this.#carry = Buffer.from(data.subarray(at));
          break;
        }
        packet = this.#begin(data[at]!, length.value);
        at += 1 + length.bytes;
      }
      const end = Math.min(data.length, at + packet.left);
      packet.left -= end - at;
      if (packet.goesTo === 'library') left.push(data.subarray(start, end));
      else collect(packet, data.subarray(at, end));
      at = end;
      this.#begun = packet.left > 0 ? packet : undefined;
      if (packet.left === 0) this.#handle(packet);
    }
    return left;
  }

  #begin(first: number, bytes: number): Begun {
    const type = first >> 4;
    if (!this.#isSignedIn && type !== CONNACK && type !== AUTH) throw new Error('a packet before its answer');
    this.#isSignedIn = this.#isSignedIn || type === CONNACK;
    const isTooLarge = bytes > this.options.mostBytes;
    if (isTooLarge && type !== PUBLISH) this.options.onOversized({ bytes });
    const isOwn = type === PUBLISH || type === PUBREL;
    return { first, bytes, left: bytes, goesTo: isTooLarge ? 'nobody' : isOwn ? 'here' : 'library', parts: [] };
  }

  #handle({ first, bytes, goesTo, parts }: Begun): void {
    if (goesTo === 'library') return;
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const { version, onMessage, onReleased, onOversized } = this.options;
    if (goesTo === 'nobody') {
      const message = headOf(first, body);
      onOversized({ bytes, ...(message !== undefined && { message }) });
    } else if (first >> 4 === PUBLISH) onMessage(parsePublish(first, body, version));
    else if (body.length < 2) throw new Error('a release without its message');
    else onReleased(body.readUInt16BE(0));
  }
}

/** Of what goes to nobody, as much as it takes to acknowledge it. */
function collect({ goesTo, parts }: Begun, part: Buffer): void {
  if (goesTo === 'here') {
    parts.push(part);
    return;
  }
  const head = parts[0] ?? NOTHING;
  const missing = LONGEST_VARIABLE_HEADER - head.length;
  if (missing > 0) parts[0] = Buffer.concat([head, part.subarray(0, missing)]);
}

/** A length of one to four bytes; undefined while it is incomplete. */
function lengthAt(data: Buffer, at: number): { value: number; bytes: number } | undefined {
  let value = 0;
  for (let index = 0; index < MOST_LENGTH_BYTES; index++) {
    const byte = data[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, bytes: index + 1 };
  }
  throw new Error('a packet length without an end');
}

function headOf(first: number, head: Buffer): OversizedPacket['message'] {
  if (first >> 4 !== PUBLISH || head.length < 2) return undefined;
  const end = 2 + head.readUInt16BE(0);
  const qos = (first >> 1) & 3;
  if (head.length < end + 2) return undefined;
  return { topic: head.toString('utf8', 2, end), qos, messageId: qos === 0 ? 0 : head.readUInt16BE(end) };
}
