/** The binary encoding of OPC UA (Part 6, 5.2), as much of it as a server that misbehaves needs. */

export const byte = (value: number): Buffer => Buffer.from([value]);
export const boolean = (value: boolean): Buffer => byte(value ? 1 : 0);

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

export function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value >>> 0);
  return buffer;
}

export function double(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(value);
  return buffer;
}

/** 100 ns since 1601. */
export function dateTime(time = Date.now()): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE((BigInt(time) + 11_644_473_600_000n) * 10_000n);
  return buffer;
}

export function byteString(value: Buffer | null): Buffer {
  return value === null ? uint32(-1) : Buffer.concat([uint32(value.length), value]);
}

export const string = (value: string | null): Buffer => byteString(value === null ? null : Buffer.from(value));
export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([uint32(items.length), ...items]);
export const localizedText = (text: string): Buffer => Buffer.concat([byte(2), string(text)]);
export const qualifiedName = (namespace: number, name: string): Buffer =>
  Buffer.concat([uint16(namespace), string(name)]);
/** A numeric one, in its long form. */
export const nodeId = (id: number, namespace = 0): Buffer => Buffer.concat([byte(2), uint16(namespace), uint32(id)]);

/** A DataValue of an Int32, with a source timestamp. */
export const int32Value = (value: number): Buffer => Buffer.concat([byte(5), byte(6), uint32(value), dateTime()]);
/** One of a structure, whose type is told nowhere. */
export const structureValue = (): Buffer =>
  Buffer.concat([byte(5), byte(22), nodeId(4711, 1), byte(1), byteString(Buffer.alloc(4)), dateTime()]);

/** Reads what was sent, front to back. */
export class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  uint32(): number {
    this.#at += 4;
    return this.bytes.readUInt32LE(this.#at - 4);
  }

  skip(count: number): this {
    this.#at += count;
    return this;
  }

  byteString(): Buffer {
    const length = this.uint32();
    const size = length === 0xffffffff ? 0 : length;
    this.#at += size;
    return this.bytes.subarray(this.#at - size, this.#at);
  }

  /** The number of a numeric id; 0 for others. */
  nodeId(): number {
    const form = this.bytes.readUInt8(this.#at++);
    switch (form & 0x3f) {
      case 0:
        return this.bytes.readUInt8(this.#at++);
      case 1:
        this.#at += 3;
        return this.bytes.readUInt16LE(this.#at - 2);
      case 2:
        this.#at += 2;
        return this.uint32();
      case 4:
        this.#at += 18;
        return 0;
      default:
        this.#at += 2;
        this.byteString();
        return 0;
    }
  }
}
