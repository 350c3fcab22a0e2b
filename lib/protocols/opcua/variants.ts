import { IntegrationError } from '../../model/errors';
import { opcUaLibrary, type VariantOptions } from './library';
import type { EnumerationNames } from './values';

const INTEGERS: Record<string, [minimum: bigint, maximum: bigint]> = {
  SByte: [-(2n ** 7n), 2n ** 7n - 1n],
  Byte: [0n, 2n ** 8n - 1n],
  Int16: [-(2n ** 15n), 2n ** 15n - 1n],
  UInt16: [0n, 2n ** 16n - 1n],
  Int32: [-(2n ** 31n), 2n ** 31n - 1n],
  UInt32: [0n, 2n ** 32n - 1n],
  Int64: [-(2n ** 63n), 2n ** 63n - 1n],
  UInt64: [0n, 2n ** 64n - 1n],
};
const LARGEST_FLOAT = 3.4028234663852886e38;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Plain data as a value of a built-in type. @throws data PCP_OPCUA_VALUE, PCP_OPCUA_TYPE */
export function scalar(value: unknown, type: string, what: string): unknown {
  if (INTEGERS[type] !== undefined) return integer(value, type, what);
  switch (type) {
    case 'Boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'Float':
    case 'Double': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      const limit = type === 'Float' ? LARGEST_FLOAT : Number.MAX_VALUE;
      if (typeof number === 'number' && Math.abs(number) <= limit)
        return type === 'Float' ? Math.fround(number) : number;
      break;
    }
    case 'String':
    case 'XmlElement':
      if (typeof value === 'string') return value;
      break;
    case 'LocalizedText':
      if (typeof value === 'string') return { text: value };
      break;
    case 'DateTime': {
      const date = value instanceof Date ? value : typeof value === 'string' ? new Date(value) : undefined;
      if (date !== undefined && !Number.isNaN(date.getTime())) return date;
      break;
    }
    case 'Guid':
      if (typeof value === 'string' && GUID.test(value)) return value;
      break;
    case 'ByteString':
      if (Buffer.isBuffer(value)) return value;
      if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
      break;
    default:
      throw unwritable(type, what);
  }
  throw unfit(value, type, what);
}

/** 64-bit integers are two halves for the library, high first. */
function integer(value: unknown, type: string, what: string): number | [number, number] {
  const [minimum, maximum] = INTEGERS[type] as [bigint, bigint];
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
  if (!isWhole && !(typeof value === 'string' && /^-?\d{1,20}$/.test(value))) throw unfit(value, type, what);
  const whole = BigInt(value as bigint | number | string);
  if (whole < minimum || whole > maximum) throw unfit(value, `${type} (${minimum} to ${maximum})`, what);
  if (!type.endsWith('64')) return Number(whole);
  const bits = BigInt.asUintN(64, whole);
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

export function unwritable(type: string, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_OPCUA_TYPE', `${what} is a ${type}, which cannot be written.`, {
    hint: 'Numbers, texts, times, bytes, enumerations, structures and arrays of them can be written.',
  });
}

export function unfit(value: unknown, type: string, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_OPCUA_VALUE', `The value for ${what} is no ${type}.`, {
    value: typeof value === 'string' ? value.slice(0, 100) : typeof value === 'bigint' ? String(value) : value,
    hint: 'Send a value of the type and range that the server has for it.',
  });
}

/** The number of an enumeration, given as it is, by its name, or as it is read within structures. */
export function enumerated(value: unknown, names: EnumerationNames, what: string): number {
  const given = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  const named = [...names].find(([, name]) => name === given)?.[0];
  if (named !== undefined) return named;
  const known = [...names].map(([number, name]) => `${name} (${number})`).join(', ');
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof number === 'number' && names.has(number)) return number;
  throw unfit(value, `value of its enumeration: ${known}`, what);
}

/**
 * A value of whatever type fits it, where any may stand; or of the one that it names: `{"type": "UInt16", "value": 5}`.
 * Integers become Int32, or Int64 where they are too large for it.
 */
export function inferred(value: unknown, what: string): VariantOptions {
  const { DataType, VariantArrayType } = opcUaLibrary().ua;
  const isTyped = typeof value === 'object' && value !== null && 'type' in value && 'value' in value;
  const given = isTyped ? value.value : value;
  if (given === null) return { dataType: DataType.Null };
  const items = Array.isArray(given) ? given : [given];
  const type = isTyped ? String(value.type) : fitting(items);
  if (type === undefined || !Object.hasOwn(DataType, type)) throw unfit(value, 'value of a known type', what);
  const encoded = items.map((item) => scalar(item, type, what));
  return {
    dataType: DataType[type as keyof typeof DataType],
    arrayType: Array.isArray(given) ? VariantArrayType.Array : VariantArrayType.Scalar,
    value: Array.isArray(given) ? encoded : encoded[0],
  };
}

function fitting(items: readonly unknown[]): string | undefined {
  if (items.every((item) => typeof item === 'boolean')) return 'Boolean';
  if (items.every((item) => typeof item === 'string')) return 'String';
  if (!items.every((item) => typeof item === 'number')) return undefined;
  if (!items.every((item) => Number.isSafeInteger(item))) return 'Double';
  return items.every((item) => item === (item | 0)) ? 'Int32' : 'Int64';
}
