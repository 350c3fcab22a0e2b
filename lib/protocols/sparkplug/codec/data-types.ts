/** The data types of Sparkplug B by their number on the wire (specification 3.0, chapter 6.4.16). */
const NAMES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
] as const;

export type DataType = (typeof NAMES)[number];

export const DATA_TYPES: readonly DataType[] = NAMES;

/** `Unknown` for numbers that the specification does not have. */
export function dataTypeName(number: number | undefined): DataType {
  return NAMES[number ?? 0] ?? 'Unknown';
}

export function dataTypeNumber(name: DataType): number {
  return NAMES.indexOf(name);
}
