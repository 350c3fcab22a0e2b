import { malformed } from '../errors';
import { type Field, MessageType } from './message-type';
import type { Uint64 } from './wire-reader';

/** The Sparkplug B payload as it is on the wire, field by field (specification 3.0, chapter 6.4). */
export interface Payload {
  /** When it was sent, in milliseconds since 1970. */
  timestamp?: Uint64;
  metrics?: Metric[];
  seq?: Uint64;
  uuid?: string;
  body?: Buffer;
}

export interface Metric extends WireValue {
  name?: string;
  alias?: Uint64;
  timestamp?: Uint64;
  datatype?: number;
  is_historical?: boolean;
  is_transient?: boolean;
  is_null?: boolean;
  metadata?: MetaData;
  properties?: PropertySet;
  bytes_value?: Buffer;
  dataset_value?: DataSet;
  template_value?: Template;
}

/** At most one of these is set; which one a data type uses is told in data-types.ts. */
export interface WireValue {
  int_value?: number;
  long_value?: Uint64;
  float_value?: number;
  double_value?: number;
  boolean_value?: boolean;
  string_value?: string;
  /** Of third parties: that there is one is all that is known of it. */
  extension_value?: object;
}

export interface MetaData {
  is_multi_part?: boolean;
  content_type?: string;
  size?: Uint64;
  seq?: Uint64;
  file_name?: string;
  file_type?: string;
  md5?: string;
  description?: string;
}

export interface PropertySet {
  keys?: string[];
  values?: PropertyValue[];
}

export interface PropertyValue extends WireValue {
  type?: number;
  is_null?: boolean;
  propertyset_value?: PropertySet;
  propertysets_value?: PropertySetList;
}

export interface PropertySetList {
  propertyset?: PropertySet[];
}

export interface DataSet {
  num_of_columns?: Uint64;
  columns?: string[];
  types?: number[];
  rows?: Row[];
}

export interface Row {
  elements?: WireValue[];
}

export interface Template {
  version?: string;
  metrics?: Metric[];
  parameters?: Parameter[];
  template_ref?: string;
  is_definition?: boolean;
}

export interface Parameter extends WireValue {
  name?: string;
  type?: number;
}

const EXTENSION = new MessageType<object>({});

/** The members of `oneof value` that all messages have: the first one with the given number, the extension with another. */
function values(first: number, extension: number): Record<keyof WireValue, Field> {
  return {
    int_value: { number: first, kind: 'uint32', oneof: true },
    long_value: { number: first + 1, kind: 'uint64', oneof: true },
    float_value: { number: first + 2, kind: 'float', oneof: true },
    double_value: { number: first + 3, kind: 'double', oneof: true },
    boolean_value: { number: first + 4, kind: 'bool', oneof: true },
    string_value: { number: first + 5, kind: 'string', oneof: true },
    extension_value: { number: extension, kind: () => EXTENSION, oneof: true },
  };
}

const META_DATA = new MessageType<MetaData>({
  is_multi_part: { number: 1, kind: 'bool' },
  content_type: { number: 2, kind: 'string' },
  size: { number: 3, kind: 'uint64' },
  seq: { number: 4, kind: 'uint64' },
  file_name: { number: 5, kind: 'string' },
  file_type: { number: 6, kind: 'string' },
  md5: { number: 7, kind: 'string' },
  description: { number: 8, kind: 'string' },
});

const PROPERTY_VALUE: MessageType<PropertyValue> = new MessageType<PropertyValue>({
  type: { number: 1, kind: 'uint32' },
  is_null: { number: 2, kind: 'bool' },
  ...values(3, 11),
  propertyset_value: { number: 9, kind: () => PROPERTY_SET, oneof: true },
  propertysets_value: { number: 10, kind: () => PROPERTY_SET_LIST, oneof: true },
});

const PROPERTY_SET: MessageType<PropertySet> = new MessageType<PropertySet>({
  keys: { number: 1, kind: 'string', repeated: true },
  values: { number: 2, kind: () => PROPERTY_VALUE, repeated: true },
});

const PROPERTY_SET_LIST = new MessageType<PropertySetList>({
  propertyset: { number: 1, kind: () => PROPERTY_SET, repeated: true },
});

const DATA_SET_VALUE = new MessageType<WireValue>(values(1, 7));

const ROW = new MessageType<Row>({ elements: { number: 1, kind: () => DATA_SET_VALUE, repeated: true } });

const DATA_SET = new MessageType<DataSet>({
  num_of_columns: { number: 1, kind: 'uint64' },
  columns: { number: 2, kind: 'string', repeated: true },
  types: { number: 3, kind: 'uint32', repeated: true },
  rows: { number: 4, kind: () => ROW, repeated: true },
});

const PARAMETER = new MessageType<Parameter>({
  name: { number: 1, kind: 'string' },
  type: { number: 2, kind: 'uint32' },
  ...values(3, 9),
});

const TEMPLATE: MessageType<Template> = new MessageType<Template>({
  version: { number: 1, kind: 'string' },
  metrics: { number: 2, kind: () => METRIC, repeated: true },
  parameters: { number: 3, kind: () => PARAMETER, repeated: true },
  template_ref: { number: 4, kind: 'string' },
  is_definition: { number: 5, kind: 'bool' },
});

const METRIC: MessageType<Metric> = new MessageType<Metric>({
  name: { number: 1, kind: 'string' },
  alias: { number: 2, kind: 'uint64' },
  timestamp: { number: 3, kind: 'uint64' },
  datatype: { number: 4, kind: 'uint32' },
  is_historical: { number: 5, kind: 'bool' },
  is_transient: { number: 6, kind: 'bool' },
  is_null: { number: 7, kind: 'bool' },
  metadata: { number: 8, kind: () => META_DATA },
  properties: { number: 9, kind: () => PROPERTY_SET },
  ...values(10, 19),
  bytes_value: { number: 16, kind: 'bytes', oneof: true },
  dataset_value: { number: 17, kind: () => DATA_SET, oneof: true },
  template_value: { number: 18, kind: () => TEMPLATE, oneof: true },
});

const PAYLOAD = new MessageType<Payload>({
  timestamp: { number: 1, kind: 'uint64' },
  metrics: { number: 2, kind: () => METRIC, repeated: true },
  seq: { number: 3, kind: 'uint64' },
  uuid: { number: 4, kind: 'string' },
  body: { number: 5, kind: 'bytes' },
});

const LONGEST = 16 * 1024 * 1024;
/** With the names of members, where a Template is flattened. */
export const LONGEST_NAME = 1000;

/** @throws data PCP_SPARKPLUG_MALFORMED for bytes that are no payload, or one that no edge node needs */
export function decodePayload(bytes: Buffer): Payload {
  if (bytes.length > LONGEST) throw malformed(`The payload has ${bytes.length} bytes; at most ${LONGEST} are read.`);
  const payload = PAYLOAD.decode(bytes);
  for (const { name = '' } of payload.metrics ?? []) {
    if (name.length > LONGEST_NAME) throw malformed(`A metric's name has more than ${LONGEST_NAME} characters.`);
  }
  return payload;
}

export function encodePayload(payload: Payload): Buffer {
  return PAYLOAD.encode(payload);
}
