import { opcUaLibrary, type StatusCode, type Variant } from './library';

export type Quality = 'good' | 'uncertain' | 'bad';

/** What the numbers of an enumeration are called. */
export type EnumerationNames = ReadonlyMap<number, string>;

/** An enumeration within a structure; the name is null where its type does not have the number. */
export interface Enumerated {
  value: unknown;
  name: string | null;
}

/** An array of more dimensions comes as nested arrays, as deep as they are declared. */
const DEEPEST = 32;

/**
 * What a value holds, as plain data: 64-bit integers exact (number when safe, else text), times as ISO 8601 in UTC, bytes as
 * base64, localized texts as their text, structures as objects of their fields, node ids as text. An enumeration is its
 * number; within a structure, which has no place for it beside, also its name.
 */
export function plainValue(variant: Variant | null | undefined): unknown {
  if (variant === null || variant === undefined || variant.value === null || variant.value === undefined) return null;
  const { DataType, VariantArrayType } = opcUaLibrary().ua;
  const { dataType, arrayType, dimensions } = variant;
  const type = DataType[dataType];
  if (arrayType === VariantArrayType.Scalar) return plainScalar(variant.value, type, 0);
  const items = Array.from(variant.value as ArrayLike<unknown>, (item) => plainScalar(item, type, 0));
  if (arrayType !== VariantArrayType.Matrix || !dimensions || dimensions.some((length) => length === 0)) return items;
  const isWhole = dimensions.reduce((product, length) => product * length, 1) === items.length;
  return isWhole ? shaped(items, dimensions) : items;
}

function plainScalar(value: unknown, type: string, depth: number): unknown {
  switch (type) {
    case 'Int64':
      return plainInteger(BigInt.asIntN(64, wide(value)));
    case 'UInt64':
      return plainInteger(BigInt.asUintN(64, wide(value)));
    case 'Float':
    case 'Double':
      return Number.isFinite(value) ? value : null;
    default:
      return plain(value, depth);
  }
}

/** The library gives 64-bit integers as two halves, high first. */
function wide(value: unknown): bigint {
  if (!Array.isArray(value) && !(value instanceof Uint32Array)) return BigInt(value as number);
  const [high = 0, low = 0] = value as number[];
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function plainInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Fields of structures carry no type of their own, so their schema says which are 64 bits wide. */
function plain(value: unknown, depth: number): unknown {
  const { ua } = opcUaLibrary();
  if (value === undefined || value === null || depth > DEEPEST) return null;
  if (typeof value === 'bigint') return plainInteger(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (value instanceof ua.NodeId || value instanceof ua.StatusCode) return value.toString().replace(/ \(.*$/, '');
  if (value instanceof ua.LocalizedText) return value.text ?? null;
  if (value instanceof ua.QualifiedName) return value.toString();
  if (value instanceof ua.Variant) return plainValue(value);
  if (value instanceof ua.DataValue) return plainValue(value.value);
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as ArrayLike<unknown>, (item) => plain(item, depth + 1));
  return plainStructure(value as Structure, depth);
}

interface Structure {
  schema?: { fields?: StructureField[]; _baseSchema?: Structure['schema'] | null };
  [field: string]: unknown;
}
interface StructureField {
  name: string;
  originalName?: string;
  fieldType: string;
  isArray?: boolean;
  /** Of an enumeration. */
  schema?: { typedEnum?: { enumItems: readonly { key: string; value: number }[] } };
}

function plainStructure(structure: Structure, depth: number): unknown {
  const record: Record<string, unknown> = {};
  for (
    let schema = structure.schema;
    schema !== undefined && schema !== null;
    schema = schema._baseSchema ?? undefined
  ) {
    for (const field of schema.fields ?? []) {
      const { name, originalName, isArray } = field;
      const value = structure[name];
      const one = (item: unknown) => plainField(item, field, depth);
      const result = isArray && Array.isArray(value) ? value.map(one) : value === undefined ? null : one(value);
      // A field of this name must not become the prototype.
      Object.defineProperty(record, originalName ?? name, {
        value: result,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
  }
  return record;
}

function plainField(value: unknown, { fieldType, schema }: StructureField, depth: number): unknown {
  if (fieldType === 'Int64' || fieldType === 'UInt64') return plainScalar(value, fieldType, depth);
  const items = schema?.typedEnum?.enumItems;
  if (items === undefined || typeof value !== 'number') return plain(value, depth + 1);
  return { value, name: items.find((item) => item.value === value)?.key ?? null } satisfies Enumerated;
}

/** The name of an enumeration's value, or of each one of an array; undefined where it has none. */
export function valueName(
  variant: Variant | null | undefined,
  names: EnumerationNames | undefined,
): string | (string | null)[] | undefined {
  const { DataType, VariantArrayType } = opcUaLibrary().ua;
  if (names === undefined || variant?.dataType !== DataType.Int32 || variant.value === null) return undefined;
  if (variant.arrayType === VariantArrayType.Scalar) return names.get(variant.value as number);
  return Array.from(variant.value as ArrayLike<number>, (number) => names.get(number) ?? null);
}

function shaped(items: unknown[], dimensions: readonly number[]): unknown[] {
  const inner = dimensions.slice(1);
  if (inner.length === 0) return items;
  const size = inner.reduce((product, length) => product * length, 1);
  return Array.from({ length: dimensions[0] ?? 0 }, (_, row) =>
    shaped(items.slice(row * size, (row + 1) * size), inner),
  );
}

export function qualityOf(status: StatusCode): Quality {
  if (status.isGoodish()) return 'good';
  return status.name.startsWith('Uncertain') ? 'uncertain' : 'bad';
}

/** The time with all that the source gives beyond milliseconds, where it is any. */
export function timestamp(time: Date | null | undefined): string | null {
  return time instanceof Date && !Number.isNaN(time.getTime()) ? time.toISOString() : null;
}
