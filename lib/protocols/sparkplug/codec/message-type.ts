import { malformed } from '../errors';
import { type Uint64, WIRE_32_BIT, WIRE_64_BIT, WIRE_LENGTH, WIRE_VARINT, WireReader } from './wire-reader';
import { WireWriter } from './wire-writer';

type Scalar = keyof typeof SCALARS;

export interface Field {
  number: number;
  /** Messages by a function, as some contain each other. */
  kind: Scalar | (() => MessageType<object>);
  repeated?: boolean;
  /** Member of the message's `oneof`: the last one that comes is the only one. */
  oneof?: boolean;
}

interface NamedField extends Field {
  name: string;
}

interface ScalarCodec<V> {
  wire: number;
  read(reader: WireReader): V;
  write(writer: WireWriter, field: number, value: V): void;
}

const uint32: ScalarCodec<number> = {
  wire: WIRE_VARINT,
  read: (reader) => reader.uint32(),
  write: (writer, field, value) => writer.uint(field, value),
};
const uint64: ScalarCodec<Uint64> = {
  wire: WIRE_VARINT,
  read: (reader) => reader.uint64(),
  write: (writer, field, value) => writer.uint(field, value),
};
const bool: ScalarCodec<boolean> = {
  wire: WIRE_VARINT,
  read: (reader) => reader.bool(),
  write: (writer, field, value) => writer.uint(field, value ? 1 : 0),
};
const float: ScalarCodec<number> = {
  wire: WIRE_32_BIT,
  read: (reader) => reader.float(),
  write: (writer, field, value) => writer.float(field, value),
};
const double: ScalarCodec<number> = {
  wire: WIRE_64_BIT,
  read: (reader) => reader.double(),
  write: (writer, field, value) => writer.double(field, value),
};
const string: ScalarCodec<string> = {
  wire: WIRE_LENGTH,
  read: (reader) => reader.string(),
  write: (writer, field, value) => writer.bytes(field, Buffer.from(value, 'utf8')),
};
const bytes: ScalarCodec<Buffer> = {
  wire: WIRE_LENGTH,
  read: (reader) => reader.byteString(),
  write: (writer, field, value) => writer.bytes(field, value),
};
const SCALARS = { uint32, uint64, bool, float, double, string, bytes };

const DEEPEST = 32;
/** Nested and repeated parts of one payload: an empty one takes 2 bytes there, and many times as much in memory. */
const MOST_ITEMS = 500_000;

/** One kind of protobuf (proto2) message: how its fields are read and written. Unknown fields are skipped. */
export class MessageType<T extends object> {
  readonly #byNumber = new Map<number, NamedField>();
  readonly #oneof: string[];

  constructor(fields: Record<keyof T & string, Field>) {
    const named = Object.entries<Field>(fields).map(([name, field]) => ({ ...field, name }));
    // Written in the order of their numbers, as all do.
    for (const field of named.sort((a, b) => a.number - b.number)) this.#byNumber.set(field.number, field);
    this.#oneof = [...this.#byNumber.values()].filter((field) => field.oneof).map((field) => field.name);
  }

  /** @throws data PCP_SPARKPLUG_MALFORMED */
  decode(bytes: Buffer): T {
    return this.#read(new WireReader(bytes), {}, { left: MOST_ITEMS }, 0) as T;
  }

  encode(message: T): Buffer {
    const writer = new WireWriter();
    const values = message as Record<string, unknown>;
    for (const field of this.#byNumber.values()) {
      const value = values[field.name];
      if (value === undefined) continue;
      if (field.repeated) for (const item of value as unknown[]) write(writer, field, item);
      else write(writer, field, value);
    }
    return writer.finish();
  }

  #read(reader: WireReader, message: Record<string, unknown>, items: { left: number }, depth: number): object {
    if (depth > DEEPEST) throw malformed('The payload is nested too deeply.');
    while (!reader.done) {
      const { field: number, wire } = reader.tag();
      const field = this.#byNumber.get(number);
      const packed = field?.repeated && wire === WIRE_LENGTH && field.kind === 'uint32';
      if (field === undefined || (wire !== wireType(field) && !packed)) {
        reader.skip(number, wire);
        continue;
      }
      if (packed) {
        const values = reader.nested();
        while (!values.done) push(message, field.name, values.uint32(), items);
        continue;
      }
      if (field.oneof) this.#clearOthers(message, field.name);
      if (typeof field.kind === 'string') {
        const value = SCALARS[field.kind].read(reader);
        if (field.repeated) push(message, field.name, value, items);
        else message[field.name] = value;
        continue;
      }
      count(items);
      // A message that comes in parts is one message.
      const before = field.repeated ? undefined : (message[field.name] as Record<string, unknown> | undefined);
      const value = field.kind().#read(reader.nested(), before ?? {}, items, depth + 1);
      if (field.repeated) push(message, field.name, value, items);
      else message[field.name] = value;
    }
    return message;
  }

  #clearOthers(message: Record<string, unknown>, name: string): void {
    for (const other of this.#oneof) if (other !== name && other in message) delete message[other];
  }
}

function wireType(field: Field): number {
  return typeof field.kind === 'string' ? SCALARS[field.kind].wire : WIRE_LENGTH;
}

function push(message: Record<string, unknown>, name: string, value: unknown, items: { left: number }): void {
  count(items);
  const list = message[name] as unknown[] | undefined;
  if (list === undefined) message[name] = [value];
  else list.push(value);
}

function count(items: { left: number }): void {
  items.left -= 1;
  if (items.left < 0) throw malformed(`The payload has more than ${MOST_ITEMS} parts.`);
}

function write(writer: WireWriter, { number, kind }: Field, value: unknown): void {
  if (typeof kind === 'function') writer.bytes(number, kind().encode(value as object));
  else (SCALARS[kind] as ScalarCodec<unknown>).write(writer, number, value);
}
