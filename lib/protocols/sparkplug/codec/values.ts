import { malformed, unfit } from '../errors';
import { decodeArray, encodeArray, isArrayType } from './arrays';
import { type DataType, dataTypeName, dataTypeNumber } from './data-types';
import { milliseconds, plainDateTime } from './date-time';
import { checkedInteger, integerType, plainInteger, signedInteger, wireInteger } from './integers';
import type { DataSet, Metric, PropertySet, PropertySetList, PropertyValue, Template, WireValue } from './payload';
import type { Uint64 } from './wire-reader';

export type AnyValue = Pick<Metric, keyof WireValue | 'is_null' | 'bytes_value' | 'dataset_value' | 'template_value'> &
  Pick<PropertyValue, 'propertyset_value' | 'propertysets_value'>;

/** A DataSet to be sent. */
export interface Table {
  columns: { name: string; data_type: DataType }[];
  /** Cells in the order of the columns. */
  rows: unknown[][];
}

/**
 * Plain data of a value, by the data type that was declared for it: signs, dates and arrays cannot be told from the wire.
 * 64-bit integers are exact (digits beyond 2^53), bytes are base64, a DataSet is an array of rows.
 * @throws data PCP_SPARKPLUG_MALFORMED
 */
export function decodeValue(value: AnyValue, type: DataType): unknown {
  if (value.is_null) return null;
  const integer = value.int_value ?? value.long_value;
  if (integer !== undefined) return decodeInteger(integer, type);
  const { bytes_value: bytes } = value;
  if (bytes !== undefined) return isArrayType(type) ? decodeArray(type, bytes) : bytes.toString('base64');
  if (value.dataset_value !== undefined) return decodeDataSet(value.dataset_value);
  if (value.template_value !== undefined) return decodeTemplate(value.template_value);
  if (value.propertyset_value !== undefined) return decodeProperties(value.propertyset_value);
  if (value.propertysets_value !== undefined) return decodePropertyList(value.propertysets_value);
  return value.float_value ?? value.double_value ?? value.boolean_value ?? value.string_value ?? null;
}

/** Senders differ in whether they use int_value or long_value: what is in either is taken by its type. */
function decodeInteger(integer: Uint64, type: DataType): unknown {
  if (type === 'DateTime') return plainDateTime(integer);
  if (type === 'Boolean') return integer !== 0;
  const { bits, signed } = integerType(type) ?? { bits: 64, signed: false };
  return plainInteger(signed ? signedInteger(integer, bits) : integer);
}

/** Each row repeats the names of the columns: few bytes could become any amount of memory. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

function decodeDataSet({ columns = [], types = [], rows = [] }: DataSet): Record<string, unknown>[] {
  if (new Set(columns).size !== columns.length) throw malformed('A DataSet has two columns of one name.');
  const characters = columns.reduce((sum, column) => sum + column.length, 0);
  if (characters * rows.length > MOST_CHARACTERS) throw malformed('The columns of a DataSet have too long names.');
  return rows.map(({ elements = [] }) => {
    if (elements.length !== columns.length) throw malformed('A row of a DataSet has not one element for each column.');
    return Object.fromEntries(
      columns.map((column, index) => [column, decodeValue(elements[index]!, dataTypeName(types[index]))]),
    );
  });
}

function decodeTemplate(template: Template): Record<string, unknown> {
  const { version, template_ref: reference, parameters = [], metrics = [] } = template;
  return {
    ...(reference !== undefined && { template: reference }),
    ...(version !== undefined && { version }),
    parameters: Object.fromEntries(
      parameters.map((parameter) => [parameter.name ?? '', decodeValue(parameter, dataTypeName(parameter.type))]),
    ),
    metrics: Object.fromEntries(
      metrics.map((metric) => [metric.name ?? '', decodeValue(metric, dataTypeName(metric.datatype))]),
    ),
  };
}

export function decodeProperties({ keys = [], values = [] }: PropertySet): Record<string, unknown> {
  return Object.fromEntries(
    keys.map((key, index) => {
      const value = values[index] ?? {};
      return [key, decodeValue(value, dataTypeName(value.type))];
    }),
  );
}

function decodePropertyList({ propertyset = [] }: PropertySetList): Record<string, unknown>[] {
  return propertyset.map(decodeProperties);
}

/**
 * The field of the wire for a value of a declared type; `is_null` for null.
 * @throws data PCP_SPARKPLUG_VALUE when the value does not fit the type
 */
export function encodeValue(value: unknown, type: DataType): AnyValue {
  if (value === null || value === undefined) return { is_null: true };
  const integer = integerType(type);
  if (integer !== undefined) {
    const checked = checkedInteger(value, type, integer);
    return integer.bits === 64
      ? { long_value: wireInteger(checked, 64) }
      : { int_value: Number(wireInteger(checked, 32)) };
  }
  if (isArrayType(type)) return { bytes_value: encodeArray(type, value) };
  switch (type) {
    case 'Float':
      return { float_value: single(expectType(value, 'number', type)) };
    case 'Double':
      return { double_value: expectType(value, 'number', type) };
    case 'Boolean':
      return { boolean_value: expectType(value, 'boolean', type) };
    case 'String':
    case 'Text':
    case 'UUID':
      return { string_value: expectType(value, 'string', type) };
    case 'DateTime':
      return { long_value: wireInteger(milliseconds(value), 64) };
    case 'Bytes':
    case 'File':
      return { bytes_value: Buffer.isBuffer(value) ? value : Buffer.from(expectType(value, 'string', type), 'base64') };
    case 'DataSet':
      return { dataset_value: encodeDataSet(value as Table) };
    default:
      throw unfit(type, value);
  }
}

interface Types {
  number: number;
  boolean: boolean;
  string: string;
}

function expectType<K extends keyof Types>(value: unknown, expected: K, type: DataType): Types[K] {
  if (typeof value !== expected) throw unfit(type, value);
  return value as Types[K];
}

/** As it will be read, so that it compares with what comes back. */
function single(value: number): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(value) && !Number.isFinite(rounded)) throw unfit('Float', value);
  return rounded;
}

function encodeDataSet({ columns, rows }: Table): DataSet {
  if (!Array.isArray(columns) || !Array.isArray(rows)) throw unfit('DataSet', undefined);
  return {
    num_of_columns: columns.length,
    columns: columns.map((column) => column.name),
    types: columns.map((column) => dataTypeNumber(column.data_type)),
    rows: rows.map((row) => ({
      elements: columns.map((column, index) => encodeCell(row[index], column.data_type)),
    })),
  };
}

/** A cell has no flag for null: it is sent without a value. */
function encodeCell(value: unknown, type: DataType): WireValue {
  const { is_null: isNull, ...cell } = encodeValue(value, type);
  return isNull ? {} : cell;
}
