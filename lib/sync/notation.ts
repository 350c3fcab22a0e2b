import { typeOf } from '../mapping/fields';
import type { JsonSchema } from '../model/entity';
import type { Direction, FieldMapping } from '../model/mapping';
import type { End } from './stream';

/** How the external side writes numbers and times, where the pairs of a mapping do not say it themselves. */

/** Numbers have the separator in which the file is written. */
export function withDecimalSeparator(
  fields: FieldMapping[],
  separator: ',' | '.' | undefined,
  schema: JsonSchema,
): FieldMapping[] {
  if (separator === undefined) return fields;
  return fields.map((field) => {
    const type = field.type ?? numericType(schema.properties?.[field.target]);
    return type === 'decimal' || type === 'number' || type === 'integer'
      ? { decimal_separator: separator, ...field, type }
      : field;
  });
}

function numericType(property: JsonSchema | undefined): FieldMapping['type'] {
  if (property?.format === 'decimal') return 'decimal';
  const types = [property?.type].flat();
  return types.includes('number') ? 'number' : types.includes('integer') ? 'integer' : undefined;
}

/** What was read as a local time is written as one: a column without a zone would take UTC for local. */
export async function withLocalTimes(
  fields: FieldMapping[],
  direction: Direction | 'bidirectional',
  external: End & { timezone: string | null },
  schema: JsonSchema,
  signal: AbortSignal,
): Promise<FieldMapping[]> {
  const hasZone = external.timezone !== null || fields.some(({ timezone }) => timezone !== undefined);
  if (direction === 'import' || !hasZone) return fields;
  const columns = (await external.connector.describe?.(external.entity, signal))?.schema.properties ?? {};
  return fields.map((field) => {
    const { source, format, target } = field;
    const isLocal = source !== undefined && columns[source]?.['x-local-time'] === true;
    const isInstant = isLocal && format === undefined && typeOf(field, schema.properties?.[target]) === 'datetime';
    return isInstant ? { ...field, type: 'datetime', format: 'local' } : field;
  });
}
