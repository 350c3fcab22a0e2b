import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { type ExtensionObject, type NodeId, opcUaLibrary } from './library';
import { enumerated, inferred, scalar, unfit, unwritable } from './variants';

/** How the library describes a structure, once it has learnt it from the server. */
interface Schema {
  name: string;
  /** "Union" where only one of the fields is there. */
  baseType?: string;
  fields: readonly Field[];
  getBaseSchema(): Schema | null;
  getDataTypeFactory(): { getBuiltInType(name: string): BasicType; getStructuredTypeSchema(name: string): Schema };
}

interface Field {
  name: string;
  originalName: string;
  fieldType: string;
  category: 'enumeration' | 'complex' | 'basic';
  isArray?: boolean;
  /** Of a field that may be absent. */
  switchBit?: number;
  /** Of the fields of a union. */
  switchValue?: number;
  allowSubTypes?: boolean;
  schema: BasicType & { typedEnum?: { enumItems: readonly { key: string; value: number }[] } };
}

interface BasicType {
  name: string;
  /** The one that it is derived from. */
  subType: string;
}

const DEEPEST = 32;
/** What may be left empty. */
const NULLABLE = new Set(['String', 'ByteString', 'XmlElement', 'LocalizedText', 'Variant']);

/**
 * Makes structures of one type out of plain data: an object of all fields, as they are read; those that are optional may be left
 * out. The type is learnt from the server first.
 * @throws data PCP_OPCUA_TYPE where the server does not describe it
 */
export async function structureMaker(
  client: OpcUaClient,
  open: OpenSession,
  dataType: NodeId,
  what: string,
  signal: AbortSignal,
): Promise<(value: unknown) => ExtensionObject> {
  const { ua } = opcUaLibrary();
  const learning = ua.getExtensionObjectConstructor(open.session, dataType).catch((cause: unknown) => {
    // The library has no word of its own for this; what breaks a connection ends the session besides.
    if (!client.isConnected) throw cause;
    throw unwritable(`structure ${dataType} that the server does not describe`, what);
  });
  const Structure = await client.request(learning, phrase`reading the type of a structure`, signal);
  const { schema } = Structure as unknown as { schema?: Schema };
  if (schema === undefined) throw unwritable(`structure ${dataType} that the server does not describe`, what);
  return (value) => new Structure(optionsOf(value, schema, what, 0));
}

/** What the library's constructor takes: it checks nothing by itself. */
function optionsOf(value: unknown, schema: Schema, what: string, depth: number): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > DEEPEST) {
    throw unfit(value, `structure ${schema.name}`, what);
  }
  const given = new Map(Object.entries(value));
  const isUnion = schema.baseType === 'Union';
  const fields = allFields(schema).filter(({ switchValue }) => !isUnion || switchValue !== undefined);
  const isGiven = (field: Field) => (given.get(field.originalName) ?? null) !== null;
  const wrong = [...given.keys()]
    .filter((name) => !fields.some(({ originalName }) => originalName === name))
    // A union is read with the number of its field.
    .filter((name) => !(isUnion && name === 'SwitchField'))
    .map((name) => `there is no "${name}"`);
  const missing = fields
    .filter(({ switchBit }) => switchBit === undefined && !isUnion)
    .filter((field) => !given.has(field.originalName) || !(isGiven(field) || isNullable(field, schema)))
    .map(({ originalName }) => `"${originalName}" is missing`);
  if (isUnion && fields.filter(isGiven).length !== 1) missing.push('one field has to be there, and no other');
  if (wrong.length + missing.length > 0) throw badFields([...missing, ...wrong], schema.name, what);
  return Object.fromEntries(
    fields.map((field) => {
      const place = `${what}, field "${field.originalName}"`;
      const item = given.get(field.originalName);
      // A text is empty then, and an optional field absent.
      if (!isGiven(field)) return [field.name, field.switchBit === undefined && !isUnion ? null : undefined];
      const one = (each: unknown) => fieldValue(each, field, schema, place, depth);
      if (!field.isArray) return [field.name, one(item)];
      if (!Array.isArray(item)) throw unfit(item, `array of ${field.fieldType}`, place);
      return [field.name, item.map(one)];
    }),
  );
}

/** Those of the types that it is derived from come first. */
function allFields(schema: Schema): Field[] {
  const base = schema.getBaseSchema();
  return [...(base === null ? [] : allFields(base)), ...schema.fields];
}

function isNullable(field: Field, schema: Schema): boolean {
  return field.isArray || (field.category === 'basic' && NULLABLE.has(builtInOf(field, schema)));
}

function fieldValue(value: unknown, field: Field, schema: Schema, what: string, depth: number): unknown {
  const { DataType, Variant } = opcUaLibrary().ua;
  switch (field.category) {
    case 'enumeration': {
      const names = new Map(field.schema.typedEnum?.enumItems.map(({ key, value: number }) => [number, key]));
      return enumerated(value, names, what);
    }
    case 'complex': {
      if (field.allowSubTypes) throw unwritable(`structure of any type derived from ${field.fieldType}`, what);
      const inner = schema.getDataTypeFactory().getStructuredTypeSchema(field.fieldType);
      return optionsOf(value, inner, what, depth + 1);
    }
    default: {
      const type = builtInOf(field, schema);
      return type === 'Variant'
        ? new Variant(inferred(value, what))
        : scalar(value, type in DataType ? type : field.fieldType, what);
    }
  }
}

/** The built-in type that a field's own, such as Duration or UtcTime, is encoded as. */
function builtInOf(field: Field, schema: Schema): string {
  const { DataType } = opcUaLibrary().ua;
  let type: BasicType = field.schema;
  for (let depth = 0; !(type.name in DataType) && type.subType && depth < DEEPEST; depth++) {
    type = schema.getDataTypeFactory().getBuiltInType(type.subType);
  }
  return type.name;
}

function badFields(problems: readonly string[], type: string, what: string): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_OPCUA_VALUE',
    `The value for ${what} is no ${type}: ${problems.join(', ')}.`,
    { hint: 'Read the node to see its fields; all of them are written together.' },
  );
}
