import { malformed } from '../errors';

/** A number where that is exact, else a bigint. */
export type Uint64 = number | bigint;

export const WIRE_VARINT = 0;
export const WIRE_64_BIT = 1;
export const WIRE_LENGTH = 2;
const WIRE_GROUP_START = 3;
const WIRE_GROUP_END = 4;
export const WIRE_32_BIT = 5;

const TWO_32 = 0x1_0000_0000;
const SAFE_HIGH = 0x20_0000;
const DEEPEST_GROUP = 32;

export function uint64(high: number, low: number): Uint64 {
  return high < SAFE_HIGH ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** Reads the protobuf wire format from a part of a buffer, never beyond its end. */
export class WireReader {
  #offset: number;
  #low = 0;
  #high = 0;

  constructor(
    readonly bytes: Buffer,
    start = 0,
    readonly end = bytes.length,
  ) {
    this.#offset = start;
  }

  get done(): boolean {
    return this.#offset >= this.end;
  }

  /** Leaves the value in both halves. */
  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#offset >= this.end) throw malformed('The payload ends within a number.');
      const byte = this.bytes[this.#offset++]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw malformed('A number of the payload has more than 10 bytes.');
  }

  /** Field number and wire type. */
  tag(): { field: number; wire: number } {
    this.#varint();
    const field = this.#low >>> 3;
    if (this.#high !== 0 || field === 0) throw malformed('The payload has a field with an impossible number.');
    return { field, wire: this.#low & 7 };
  }

  /** The low 32 bits, as protobuf takes a longer number for a uint32. */
  uint32(): number {
    this.#varint();
    return this.#low;
  }

  uint64(): Uint64 {
    this.#varint();
    return uint64(this.#high, this.#low);
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  float(): number {
    return this.bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#take(8));
  }

  string(): string {
    const start = this.#lengthPrefixed();
    return this.bytes.toString('utf8', start, this.#offset);
  }

  /** A copy, as the payload's memory is the receiver's. */
  byteString(): Buffer {
    const start = this.#lengthPrefixed();
    return Buffer.from(this.bytes.subarray(start, this.#offset));
  }

  nested(): WireReader {
    const start = this.#lengthPrefixed();
    return new WireReader(this.bytes, start, this.#offset);
  }

  skip(field: number, wire: number, depth = 0): void {
    switch (wire) {
      case WIRE_VARINT:
        this.#varint();
        return;
      case WIRE_64_BIT:
        this.#take(8);
        return;
      case WIRE_LENGTH:
        this.#lengthPrefixed();
        return;
      case WIRE_32_BIT:
        this.#take(4);
        return;
      case WIRE_GROUP_START:
        if (depth >= DEEPEST_GROUP) throw malformed('The payload is nested too deeply.');
        for (;;) {
          const inner = this.tag();
          if (inner.wire === WIRE_GROUP_END && inner.field === field) return;
          this.skip(inner.field, inner.wire, depth + 1);
        }
      default:
        throw malformed('The payload is not in the protobuf format.');
    }
  }

  /** @returns where the bytes start; the reader then stands behind them */
  #lengthPrefixed(): number {
    this.#varint();
    if (this.#high !== 0) throw malformed('The payload ends within a field.');
    return this.#take(this.#low);
  }

  #take(length: number): number {
    const start = this.#offset;
    if (length > this.end - start) throw malformed('The payload ends within a field.');
    this.#offset = start + length;
    return start;
  }
}
