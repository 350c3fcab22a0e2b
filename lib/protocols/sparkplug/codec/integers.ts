import { unfit } from '../errors';
import type { DataType } from './data-types';
import type { Uint64 } from './wire-reader';

interface IntegerType {
  bits: 8 | 16 | 32 | 64;
  signed: boolean;
}

const INTEGER_TYPES: Partial<Record<DataType, IntegerType>> = {
  Int8: { bits: 8, signed: true },
  Int16: { bits: 16, signed: true },
  Int32: { bits: 32, signed: true },
  Int64: { bits: 64, signed: true },
  UInt8: { bits: 8, signed: false },
  UInt16: { bits: 16, signed: false },
  UInt32: { bits: 32, signed: false },
  UInt64: { bits: 64, signed: false },
};

export function integerType(type: DataType): IntegerType | undefined {
  return INTEGER_TYPES[type];
}

/** A number where that is exact, else its decimal digits. */
export function plainInteger(value: Uint64): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** The wire knows no negative integers: their two's complement comes in the width of the type, or of the field. */
export function signedInteger(value: Uint64, bits: number): Uint64 {
  if (typeof value === 'number' && (bits === 64 || value < 2 ** (bits - 1))) return value;
  const signed = BigInt.asIntN(bits, BigInt(value));
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/**
 * An integer given as number, bigint or decimal digits.
 * @throws data PCP_SPARKPLUG_VALUE when it is none, or out of the type's range
 */
export function checkedInteger(value: unknown, name: DataType, { bits, signed }: IntegerType): bigint {
  const integer = parseInteger(value);
  const fits =
    integer !== undefined && (signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)) === integer;
  if (!fits) throw unfit(name, value);
  return integer;
}

function parseInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** The number that the wire has for an integer: its two's complement in so many bits. */
export function wireInteger(value: bigint, bits: 32 | 64): Uint64 {
  const unsigned = BigInt.asUintN(bits, value);
  return unsigned <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(unsigned) : unsigned;
}
