/** What is known of a packet that was left out for its size. */
export interface OversizedPacket {
  bytes: number;
  /** Absent for packets that carry no message. */
  message?: { topic: string; qos: number; messageId: number };
}

const PUBLISH = 3;
const LONGEST_HEADER = 5;
const LONGEST_VARIABLE_HEADER = 2 + 65_535 + 2;

/**
 * Follows the packets in what a broker sends, and takes out those above a size before anything collects them in memory: a
 * broker that speaks 3.1.1 cannot be told a limit, and a hostile one keeps to none.
 */
export class PacketGuard {
  /** The beginning of a packet whose length is not complete. */
  #carry: Buffer = Buffer.alloc(0);
  #left = 0;
  #oversized: { first: number; bytes: number; head: Buffer } | undefined;

  constructor(
    private readonly limit: number,
    private readonly onOversized: (packet: OversizedPacket) => void,
  ) {}

  /** The parts of a chunk that go on. */
  filter(chunk: Buffer): Buffer[] {
    const data = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#carry = Buffer.alloc(0);
    const kept: Buffer[] = [];
    let start = 0;
    let at = 0;
    while (at < data.length) {
      if (this.#left === 0) {
        const length = lengthAt(data, at + 1);
        if (length === undefined) break;
        const isTooLarge = length.value > this.limit;
        if (isTooLarge && at > start) kept.push(data.subarray(start, at));
        if (isTooLarge) this.#oversized = { first: data[at]!, bytes: length.value, head: Buffer.alloc(0) };
        this.#left = length.value;
        at += 1 + length.bytes;
        if (isTooLarge) start = at;
      }
      const end = Math.min(data.length, at + this.#left);
      this.#left -= end - at;
      if (this.#oversized !== undefined) {
        this.#skip(data.subarray(at, end));
        start = end;
      }
      at = end;
    }
    if (at > start) kept.push(data.subarray(start, at));
    if (at < data.length) this.#carry = Buffer.from(data.subarray(at));
    return kept;
  }

  #skip(part: Buffer): void {
    const packet = this.#oversized!;
    const missing = LONGEST_VARIABLE_HEADER - packet.head.length;
    if (missing > 0) packet.head = Buffer.concat([packet.head, part.subarray(0, missing)]);
    if (this.#left > 0) return;
    this.#oversized = undefined;
    const message = messageOf(packet.first, packet.head);
    this.onOversized({ bytes: packet.bytes, ...(message !== undefined && { message }) });
  }
}

/** A length of one to four bytes; undefined while it is incomplete. A malformed one is left to the parser to refuse. */
function lengthAt(data: Buffer, at: number): { value: number; bytes: number } | undefined {
  let value = 0;
  for (let index = 0; index < LONGEST_HEADER - 1; index++) {
    const byte = data[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, bytes: index + 1 };
  }
  return { value: 0, bytes: LONGEST_HEADER - 1 };
}

function messageOf(first: number, head: Buffer): OversizedPacket['message'] {
  if (first >> 4 !== PUBLISH || head.length < 2) return undefined;
  const end = 2 + head.readUInt16BE(0);
  const qos = (first >> 1) & 3;
  if (head.length < end + 2) return undefined;
  return { topic: head.toString('utf8', 2, end), qos, messageId: qos === 0 ? 0 : head.readUInt16BE(end) };
}
