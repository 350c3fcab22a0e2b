import { digest } from '../../model/digest';
import type { JsonSchema } from '../../model/entity';
import type { Direction, FieldMapping, Mapping } from '../../model/mapping';
import { canonical } from '../canonical';
import type { End, Stream } from '../stream';

const HASH_CHARACTERS = 22;

/** A record of either side, in the form in which both are compared. */
export interface Compared {
  key: string;
  values: (string | null)[];
  hash: string;
}

/**
 * How records of the target, and those that the mapping makes for it, become comparable: by the types that the target
 * says it has, or else the mapping names. Blanks at the end of a text, and an empty text instead of none, are no difference.
 */
export class Comparison {
  private readonly properties: JsonSchema[];
  private readonly keyProperties: JsonSchema[];

  constructor(
    private readonly keyFields: readonly string[],
    /** What is compared, in order. */
    readonly fields: readonly string[],
    propertyOf: (field: string) => JsonSchema,
  ) {
    this.properties = fields.map(propertyOf);
    this.keyProperties = keyFields.map(propertyOf);
  }

  of(data: Record<string, unknown>): Compared {
    const values = this.fields.map((field, index) => textOf(data[field], this.properties[index] as JsonSchema));
    const text = values.map((value) => (value === null ? '\u0002' : `\u0001${value}`)).join('');
    return { key: this.keyOf(data), values, hash: digest(text).slice(0, HASH_CHARACTERS) };
  }

  keyOf(data: Record<string, unknown>): string {
    return this.keyOfParts(this.keyFields.map((field) => data[field]));
  }

  keyOfParts(parts: readonly unknown[]): string {
    return JSON.stringify(parts.map((part, index) => textOf(part, this.keyProperties[index] ?? {}) ?? ''));
  }
}

/** Of the records that a stream brings to its target. */
export async function comparisonOf(
  { target, compiled, direction }: Stream,
  mapping: Pick<Mapping, 'field_mappings' | 'options'>,
  signal: AbortSignal,
): Promise<Comparison> {
  const ignored = new Set(mapping.options.reconciliation?.ignore_fields);
  return new Comparison(
    compiled.keyFields,
    compiled.outputFields.filter((field) => !ignored.has(field)),
    await propertiesOf(target, mapping, direction, signal),
  );
}

/** Finds the type of a field of an end that a direction writes to. */
export async function propertiesOf(
  { connector, entity }: End,
  { field_mappings }: Pick<Mapping, 'field_mappings'>,
  direction: Direction,
  signal: AbortSignal,
): Promise<(field: string) => JsonSchema> {
  const described = (await connector.describe?.(entity, signal))?.schema.properties ?? {};
  const typed = new Map(
    field_mappings.map((pair) => [direction === 'import' ? pair.target : (pair.source ?? ''), schemaOf(pair)]),
  );
  return (field) => {
    const property = described[field] ?? {};
    // Records that were looked at show a text, not what the text stands for: the mapping says that.
    return property.format === undefined ? { ...property, ...typed.get(field) } : property;
  };
}

function schemaOf({ type, format = 'iso' }: FieldMapping): JsonSchema {
  if (type === 'decimal') return { type: 'string', format: 'decimal' };
  if (type === 'integer' || type === 'number' || type === 'boolean') return { type };
  // With a pattern of its own it is a text to the other side.
  if (format !== 'iso' && format !== 'local') return {};
  if (type === 'date') return { type: 'string', format: 'date' };
  return type === 'datetime' ? { type: 'string', format: 'date-time' } : {};
}

function textOf(value: unknown, property: JsonSchema): string | null {
  return canonical(value, property)?.trimEnd() || null;
}
