import { IntegrationError } from '../../model/errors';
import { opcUaLibrary, type Variant } from './library';

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

/**
 * Plain data as the type that a node or an argument has.
 * @param type name of a built-in type ("Int32")
 * @param what named in the error
 * @throws data PCP_OPCUA_VALUE when it does not fit
 */
export function variantOf(value: unknown, type: string, isArray: boolean, what: string): Variant {
  const { DataType, Variant: VariantClass, VariantArrayType } = opcUaLibrary().ua;
  if (Array.isArray(value) !== isArray) throw unfit(value, `${isArray ? 'an array of ' : ''}${type}`, what);
  return new VariantClass({
    dataType: DataType[type as keyof typeof DataType],
    arrayType: isArray ? VariantArrayType.Array : VariantArrayType.Scalar,
    value: isArray ? (value as unknown[]).map((item) => scalar(item, type, what)) : scalar(value, type, what),
  });
}

function scalar(value: unknown, type: string, what: string): unknown {
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
      throw new IntegrationError('data', 'PCP_OPCUA_TYPE', `${what} is a ${type}, which cannot be written.`, {
        hint: 'Numbers, texts, times, bytes and arrays of them can be written.',
      });
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

function unfit(value: unknown, type: string, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_OPCUA_VALUE', `The value for ${what} is no ${type}.`, {
    value: typeof value === 'string' ? value.slice(0, 100) : typeof value === 'bigint' ? String(value) : value,
    hint: 'Send a value of the type and range that the server has for it.',
  });
}
