/** A number as registers hold it; null where the bytes are none (a digit above 9, NaN, infinity). */
export type RawNumber = number | bigint | null;

export interface NumberType {
  bytes: 1 | 2 | 4 | 8;
  kind: 'integer' | 'float' | 'time';
  decode(bytes: Buffer): RawNumber;
  /** Undefined where the number has no place in the type. Integers come as bigint, floats as number. */
  encode(value: number | bigint): Buffer | undefined;
  /** By custom, what a device gives for a value that it has not. */
  notAvailable?: string;
}

export const NUMBER_TYPES = {
  int8: integer(1, true),
  uint8: integer(1, false),
  int16: integer(2, true),
  uint16: integer(2, false),
  int32: integer(4, true),
  uint32: integer(4, false),
  int64: integer(8, true),
  uint64: integer(8, false),
  float16: float(2, decodeFloat16, encodeFloat16),
  float32: float(
    4,
    (bytes) => bytes.readFloatBE(0),
    (value, bytes) => bytes.writeFloatBE(value, 0),
  ),
  float64: float(
    8,
    (bytes) => bytes.readDoubleBE(0),
    (value, bytes) => bytes.writeDoubleBE(value, 0),
  ),
  bcd16: bcd(2),
  bcd32: bcd(4),
  bcd64: bcd(8),
  /** Seconds since 1970. */
  unix_time: { ...integer(4, false), kind: 'time' },
  /** Milliseconds since 1970. */
  unix_time_ms: { ...integer(8, false), kind: 'time' },
} as const satisfies Record<string, NumberType>;

export const TAG_TYPES = ['bool', ...(Object.keys(NUMBER_TYPES) as (keyof typeof NUMBER_TYPES)[]), 'string'] as const;
export type TagType = (typeof TAG_TYPES)[number];

function integer(bytes: NumberType['bytes'], isSigned: boolean): NumberType {
  const bits = bytes * 8;
  const [least, most] = isSigned
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n];
  return {
    bytes,
    kind: 'integer',
    decode(data) {
      if (bytes === 8) return isSigned ? data.readBigInt64BE(0) : data.readBigUInt64BE(0);
      return isSigned ? data.readIntBE(0, bytes) : data.readUIntBE(0, bytes);
    },
    encode(value) {
      const whole = BigInt(value);
      if (whole < least || whole > most) return undefined;
      return hexBytes(BigInt.asUintN(bits, whole), bytes);
    },
    notAvailable: isSigned ? `80${'00'.repeat(bytes - 1)}` : 'ff'.repeat(bytes),
  };
}

/** Two decimal digits in each byte. */
function bcd(bytes: NumberType['bytes']): NumberType {
  return {
    bytes,
    kind: 'integer',
    decode(data) {
      const digits = data.toString('hex');
      return /^\d+$/.test(digits) ? BigInt(digits) : null;
    },
    encode(value) {
      const digits = String(value);
      return /^\d+$/.test(digits) && digits.length <= bytes * 2
        ? Buffer.from(digits.padStart(bytes * 2, '0'), 'hex')
        : undefined;
    },
    notAvailable: 'ff'.repeat(bytes),
  };
}

function float(
  bytes: NumberType['bytes'],
  read: (data: Buffer) => number,
  write: (value: number, data: Buffer) => void,
): NumberType {
  return {
    bytes,
    kind: 'float',
    decode(data) {
      const value = read(data);
      return Number.isFinite(value) ? value : null;
    },
    encode(value) {
      const data = Buffer.alloc(bytes);
      write(Number(value), data);
      return Number.isFinite(read(data)) ? data : undefined;
    },
  };
}

function hexBytes(value: bigint, bytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');
}

function decodeFloat16(data: Buffer): number {
  const bits = data.readUInt16BE(0);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The nearest one, the even one of two. */
function encodeFloat16(value: number, data: Buffer): void {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  const exponent = size === 0 ? -14 : Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundToEven(size * 2 ** (10 - exponent));
  // A fraction that was rounded up to the next power of two goes over into the exponent by itself.
  const bits = steps < 1024 ? steps : ((exponent + 14) << 10) + steps;
  data.writeUInt16BE(sign | Math.min(bits, 0x7c00), 0);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
