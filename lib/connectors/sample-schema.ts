import type { JsonSchema } from '../model/entity';
import type { SourceRecord } from './contract';

const EXAMPLES = 3;
const LONGEST_EXAMPLE = 100;

/** Fields as some records show them, with examples, for sources that do not describe themselves. */
export function propertiesOf(records: readonly SourceRecord[]): Record<string, JsonSchema> {
  const fields = new Map<string, unknown[]>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const values = fields.get(name);
      if (values) values.push(value);
      else fields.set(name, [value]);
    }
  }
  return Object.fromEntries([...fields].map(([name, values]) => [name, fieldSchema(values)]));
}

function fieldSchema(values: unknown[]): JsonSchema {
  const types = [...new Set(values.map(jsonType))].filter((type) => type !== 'null');
  const examples = [...new Set(values.filter((value) => typeof value !== 'object' && value !== ''))]
    .slice(0, EXAMPLES)
    .map((value) => (typeof value === 'string' ? value.slice(0, LONGEST_EXAMPLE) : value));
  const type = types.length === 1 ? types[0] : types.length === 0 ? 'string' : types;
  return { ...(type !== undefined && { type }), ...(examples.length > 0 && { examples }) };
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
