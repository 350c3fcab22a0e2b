import { malformed, unfit } from '../errors';
import type { DataType } from './data-types';
import { milliseconds, plainDateTime } from './date-time';
import { checkedInteger, integerType, plainInteger } from './integers';

/** Arrays are packed into bytes: numbers and dates little-endian, booleans as bits, texts with a zero byte at the end. */
interface Elements {
  size: number;
  read(bytes: Buffer, offset: number): unknown;
  write(bytes: Buffer, offset: number, value: unknown): void;
}

const BOOLEAN_COUNT_SIZE = 4;
/** A byte has eight of them, and each takes as much memory as any value. */
const MOST_BOOLEANS = 1_000_000;

function integers(type: DataType): Elements {
  const { bits, signed } = integerType(type)!;
  const size = bits / 8;
  const check = (value: unknown) => checkedInteger(value, type, { bits, signed });
  if (bits === 64) {
    return {
      size,
      read: (bytes, offset) => plainInteger(signed ? bytes.readBigInt64LE(offset) : bytes.readBigUInt64LE(offset)),
      write: (bytes, offset, value) => bytes.writeBigUInt64LE(BigInt.asUintN(64, check(value)), offset),
    };
  }
  return {
    size,
    read: (bytes, offset) => (signed ? bytes.readIntLE(offset, size) : bytes.readUIntLE(offset, size)),
    write: (bytes, offset, value) => bytes.writeUIntLE(Number(BigInt.asUintN(bits, check(value))), offset, size),
  };
}

function number(type: DataType, value: unknown): number {
  if (typeof value !== 'number') throw unfit(type, value);
  return value;
}

const ELEMENTS: Partial<Record<DataType, Elements>> = {
  Int8Array: integers('Int8'),
  Int16Array: integers('Int16'),
  Int32Array: integers('Int32'),
  Int64Array: integers('Int64'),
  UInt8Array: integers('UInt8'),
  UInt16Array: integers('UInt16'),
  UInt32Array: integers('UInt32'),
  UInt64Array: integers('UInt64'),
  FloatArray: {
    size: 4,
    read: (bytes, offset) => bytes.readFloatLE(offset),
    write: (bytes, offset, value) => bytes.writeFloatLE(number('Float', value), offset),
  },
  DoubleArray: {
    size: 8,
    read: (bytes, offset) => bytes.readDoubleLE(offset),
    write: (bytes, offset, value) => bytes.writeDoubleLE(number('Double', value), offset),
  },
  DateTimeArray: {
    size: 8,
    read: (bytes, offset) => plainDateTime(bytes.readBigUInt64LE(offset)),
    write: (bytes, offset, value) => bytes.writeBigInt64LE(milliseconds(value), offset),
  },
};

export function isArrayType(type: DataType): boolean {
  return type.endsWith('Array');
}

/** @throws data PCP_SPARKPLUG_MALFORMED when the bytes are no such array */
export function decodeArray(type: DataType, bytes: Buffer): unknown[] {
  if (type === 'BooleanArray') return decodeBooleans(bytes);
  if (type === 'StringArray') return decodeStrings(bytes);
  const elements = ELEMENTS[type]!;
  if (bytes.length % elements.size !== 0) throw cut(type);
  return Array.from({ length: bytes.length / elements.size }, (_, index) =>
    elements.read(bytes, index * elements.size),
  );
}

/** @throws data PCP_SPARKPLUG_VALUE when an item does not fit */
export function encodeArray(type: DataType, value: unknown): Buffer {
  if (!Array.isArray(value)) throw unfit(type, value);
  if (type === 'BooleanArray') return encodeBooleans(value);
  if (type === 'StringArray') return encodeStrings(value);
  const elements = ELEMENTS[type]!;
  const bytes = Buffer.alloc(value.length * elements.size);
  value.forEach((item, index) => {
    elements.write(bytes, index * elements.size, item);
  });
  return bytes;
}

/** The first element is the highest bit of the first byte. */
function decodeBooleans(bytes: Buffer): boolean[] {
  const count = bytes.length < BOOLEAN_COUNT_SIZE ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0);
  if (count > (bytes.length - BOOLEAN_COUNT_SIZE) * 8 || count > MOST_BOOLEANS) throw cut('BooleanArray');
  return Array.from(
    { length: count },
    (_, index) => (bytes[BOOLEAN_COUNT_SIZE + (index >> 3)]! & (0x80 >> (index & 7))) !== 0,
  );
}

function encodeBooleans(values: unknown[]): Buffer {
  const bytes = Buffer.alloc(BOOLEAN_COUNT_SIZE + Math.ceil(values.length / 8));
  bytes.writeUInt32LE(values.length, 0);
  values.forEach((value, index) => {
    if (typeof value !== 'boolean') throw unfit('BooleanArray', value);
    if (value) bytes[BOOLEAN_COUNT_SIZE + (index >> 3)]! |= 0x80 >> (index & 7);
  });
  return bytes;
}

function decodeStrings(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) throw cut('StringArray');
  return bytes.toString('utf8', 0, bytes.length - 1).split('\0');
}

function encodeStrings(values: unknown[]): Buffer {
  const text = values.map((value) => {
    if (typeof value !== 'string' || value.includes('\0')) throw unfit('StringArray', value);
    return `${value}\0`;
  });
  return Buffer.from(text.join(''), 'utf8');
}

function cut(type: DataType) {
  return malformed(`The bytes of a value are no ${type}.`);
}
