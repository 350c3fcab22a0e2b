import type { JsonSchema } from './entity';

/** The schema of records whose fields may be null unless they are required. */
export function nullable(schema: JsonSchema): JsonSchema {
  const required = new Set(schema.required ?? []);
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    return [name, required.has(name) ? property : withNull(property)] as const;
  });
  return { ...schema, ...(schema.properties && { properties: Object.fromEntries(properties) }) };
}

function withNull(property: JsonSchema): JsonSchema {
  const { type, enum: values } = property;
  if (type === undefined) return values === undefined ? property : { anyOf: [{ type: 'null' }, property] };
  const types = Array.isArray(type) ? type : [type];
  return {
    ...property,
    type: types.includes('null') ? types : [...types, 'null'],
    ...(values !== undefined && { enum: values.includes(null) ? values : [...values, null] }),
  };
}
