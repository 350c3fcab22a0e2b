import type { EntityType, JsonSchema } from '../model/entity';
import type { ColumnDefinition, ColumnType, TableRef } from '../protocols/sql/database';

/** A field of an entity as a column of its table. */
export interface FieldShape {
  name: string;
  type: ColumnType;
  isKey: boolean;
  required: boolean;
  /** Stands in for a part of the key that a record leaves out. */
  default: string | undefined;
  values: ReadonlySet<unknown> | undefined;
  maxLength: number | undefined;
  minLength: number | undefined;
  minimum: number | undefined;
  maximum: number | undefined;
}

/** How records of a type lie in their table. */
export interface EntityShape {
  type: string;
  table: TableRef;
  fields: readonly FieldShape[];
  /** The parts of the key, in their order. */
  key: readonly FieldShape[];
  byName: ReadonlyMap<string, FieldShape>;
}

/**
 * Columns that records never show: which mapping wrote the row, from which record, with which hash (null after anybody
 * else changed it), and when (epoch milliseconds).
 */
export const HIDDEN = {
  mapping: '_mapping_id',
  sourceKey: '_source_key',
  hash: '_hash',
  updatedAt: '_updated_at',
} as const;

const HIDDEN_COLUMNS: readonly ColumnDefinition[] = [
  { name: HIDDEN.mapping, type: 'integer', nullable: true },
  { name: HIDDEN.sourceKey, type: 'text', nullable: true },
  { name: HIDDEN.hash, type: 'text', nullable: true },
  { name: HIDDEN.updatedAt, type: 'integer', nullable: true },
];

/** Longest part of a key, so that six of them fit into an index of every database. */
export const KEY_LENGTH = 120;

export function tableOf(type: string): TableRef {
  return { name: `pcp_${type}` };
}

export function shapeOf(type: EntityType): EntityShape {
  const required = new Set(type.schema.required ?? []);
  const fields = Object.entries(type.schema.properties ?? {}).map(([name, schema]): FieldShape => {
    const isKey = type.key.includes(name);
    return {
      name,
      type: columnType(schema, isKey),
      isKey,
      required: required.has(name),
      default: typeof schema.default === 'string' ? schema.default : undefined,
      values: Array.isArray(schema.enum) ? new Set(schema.enum) : undefined,
      maxLength: isKey ? Math.min(schema.maxLength ?? KEY_LENGTH, KEY_LENGTH) : schema.maxLength,
      minLength: schema.minLength,
      minimum: schema.minimum,
      maximum: schema.maximum,
    };
  });
  const byName = new Map(fields.map((field) => [field.name, field]));
  return {
    type: type.type,
    table: tableOf(type.type),
    fields,
    key: type.key.flatMap((name) => byName.get(name) ?? []),
    byName,
  };
}

/**
 * Columns of a type's table. Only the key must be there: several mappings may fill a record together. The hidden ones come
 * right after it, because SQLite reads a row from its front and every run compares hashes.
 */
export function columnsOf(shape: EntityShape): ColumnDefinition[] {
  const column = ({ name, type, isKey }: FieldShape): ColumnDefinition => ({ name, type, nullable: !isKey });
  return [...shape.key.map(column), ...HIDDEN_COLUMNS, ...shape.fields.filter(({ isKey }) => !isKey).map(column)];
}

/** The JSON Schema types of a field without "null". */
export function typesOf(schema: JsonSchema): string[] {
  const types = Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];
  return types.filter((type) => type !== 'null');
}

function columnType(schema: JsonSchema, isKey: boolean): ColumnType {
  const [type, ...others] = typesOf(schema);
  if (others.length > 0) return 'json';
  switch (type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return type;
    case 'string':
      if (schema.format === 'decimal' || schema.format === 'date') return schema.format;
      if (schema.format === 'date-time') return 'datetime';
      return isKey ? 'key' : 'text';
    default:
      return 'json';
  }
}
