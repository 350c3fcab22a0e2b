import type { JsonSchema } from '../model/entity';
import type { FieldMapping } from '../model/mapping';

/**
 * Platform fields that identify the records of a mapping: the ones it names, else the entity's own key as far as the
 * mapping fills it. Parts of a key that the entity does not require (the batch of a stock without batches) may stay empty.
 */
export function keyFieldsOf(
  mapping: { key_fields: string[]; field_mappings: FieldMapping[] },
  entity: { key: string[]; schema: JsonSchema },
): string[] {
  if (mapping.key_fields.length > 0) return mapping.key_fields;
  const filled = new Set(mapping.field_mappings.map(({ target }) => target));
  return entity.key.filter((field) => filled.has(field) || isRequired(entity.schema, field));
}

/** Those of the key fields that the entity does not require. Without a schema every one must have a value. */
export function optionalKeys(keyFields: readonly string[], schema: JsonSchema): string[] {
  return keyFields.filter((field) => !isRequired(schema, field));
}

function isRequired(schema: JsonSchema, field: string): boolean {
  return schema.required === undefined || schema.required.includes(field);
}
