import { type Uint64, WIRE_32_BIT, WIRE_64_BIT, WIRE_LENGTH, WIRE_VARINT } from './wire-reader';

const FIRST_SIZE = 64;
const LONGEST_VARINT = 10;

/** Writes the protobuf wire format into a buffer that grows. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(FIRST_SIZE);
  #length = 0;

  uint(field: number, value: Uint64): void {
    this.#tag(field, WIRE_VARINT);
    this.#varint(value);
  }

  float(field: number, value: number): void {
    this.#tag(field, WIRE_32_BIT);
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
  }

  double(field: number, value: number): void {
    this.#tag(field, WIRE_64_BIT);
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, WIRE_LENGTH);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #tag(field: number, wire: number): void {
    this.#varint(((field << 3) | wire) >>> 0);
  }

  #varint(value: Uint64): void {
    this.#reserve(LONGEST_VARINT);
    let rest = value;
    while (typeof rest === 'bigint' && rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    let small = Number(rest);
    while (small > 0x7f) {
      this.#buffer[this.#length++] = (small % 0x80) | 0x80;
      small = Math.floor(small / 0x80);
    }
    this.#buffer[this.#length++] = small;
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
