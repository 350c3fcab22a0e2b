import type { JsonSchema } from '../../model/entity';
import { keyFields } from './entity';
import type { EntitySet, Property, ServiceModel, StructuredType } from './model';
import { derivedFrom, TYPE_FIELD } from './structure';
import { isAbstract, isInteger } from './values';

/** Deeper navigations are named, not described. */
const DEEPEST = 1;

/** JSON Schema of the records that `readEntity` gives; navigations stand in it as far as they may be expanded. */
export function schemaOf({ type }: EntitySet, model: ServiceModel): JsonSchema {
  const derived = derivedFrom(type, model);
  // Its entities may be of these, each with fields of its own.
  const others = derived.map((each) => structureSchema(each, model, 0).properties);
  const schema = structureSchema(type, model, 0);
  if (derived.length === 0) return schema;
  const properties = Object.assign({ [TYPE_FIELD]: { type: 'string' } }, ...others, schema.properties);
  return { ...schema, properties };
}

function structureSchema(type: StructuredType, model: ServiceModel, depth: number): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const property of type.properties.values()) properties[property.name] = propertySchema(property, model, depth);
  for (const { name, target, isCollection } of type.navigations.values()) {
    const inner = model.types.get(target);
    if (depth >= DEEPEST || inner === undefined) continue;
    const schema = structureSchema(inner, model, depth + 1);
    properties[name] = { ...(isCollection ? { type: 'array', items: schema } : schema), 'x-expand': true };
  }
  return { type: 'object', properties, ...(type.key.length > 0 && { required: keyFields(type) }) };
}

function propertySchema(property: Property, model: ServiceModel, depth: number): JsonSchema {
  const { isCollection, nullable, label } = property;
  const one = valueSchema(property, model, depth);
  const schema = isCollection ? { type: 'array', items: one } : one;
  return {
    ...schema,
    ...(nullable && typeof schema.type === 'string' && { type: [schema.type, 'null'] }),
    ...(label !== undefined && { title: label }),
    'x-edm-type': property.type,
  };
}

function valueSchema(property: Property, model: ServiceModel, depth: number): JsonSchema {
  const { type, maxLength, isDay } = property;
  const structure = model.types.get(type);
  if (structure !== undefined)
    return depth > DEEPEST ? { type: 'object' } : structureSchema(structure, model, depth + 1);
  const members = model.enums.get(type);
  if (members !== undefined) return { type: 'string', ...(!members.isFlags && { enum: [...members.members] }) };
  if (type === 'Edm.Int64') return { type: ['integer', 'string'] };
  if (isInteger(type)) return { type: 'integer' };
  switch (type) {
    case 'Edm.Boolean':
      return { type: 'boolean' };
    case 'Edm.Double':
    case 'Edm.Single':
    case 'Edm.Float':
      return { type: 'number' };
    case 'Edm.Decimal':
      return { type: 'string', format: 'decimal' };
    case 'Edm.Date':
      return { type: 'string', format: 'date' };
    case 'Edm.DateTime':
      return { type: 'string', ...(isDay && { format: 'date' }) };
    case 'Edm.DateTimeOffset':
      return { type: 'string', format: 'date-time' };
  }
  if (type.startsWith('Edm.Geo') || isAbstract(type) || !type.startsWith('Edm.')) return {};
  return { type: 'string', ...(maxLength !== undefined && type === 'Edm.String' && { maxLength }) };
}
