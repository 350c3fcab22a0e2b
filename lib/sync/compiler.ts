import { compileMapping } from '../mapping/compile';
import type { CompiledMapping } from '../mapping/contract';
import { IntegrationError } from '../model/errors';
import type { Direction, FieldMapping } from '../model/mapping';
import { phrase } from '../model/phrase';
import { keyFieldsOf, optionalKeys } from './keys';
import { withDecimalSeparator, withLocalTimes } from './notation';
import type { Ends, EngineContext, MappingLike } from './stream';

/** Of a mapping what decides how records are converted. */
export type Convertible = Pick<
  MappingLike,
  | 'name'
  | 'direction'
  | 'source_entity'
  | 'target_entity'
  | 'field_mappings'
  | 'transformations'
  | 'filters'
  | 'key_fields'
>;

/** What a mapping means between the two ends that it has. */
export interface Compiler {
  keyFields: string[];
  /** The pairs, with the notation of the external side where they do not say it themselves. */
  fieldMappings: FieldMapping[];
  compile(direction: Direction, fields?: FieldMapping[]): CompiledMapping;
}

/** @throws config PCP_MAPPING_INVALID for a mapping without a key, and what the connectors throw when they are asked */
export async function compilerOf(
  context: Pick<EngineContext, 'expressions'>,
  mapping: Convertible,
  { external, platform }: Pick<Ends, 'external' | 'platform'>,
  signal: AbortSignal,
): Promise<Compiler> {
  const platformInfo = await platform.connector.describe?.(platform.entity, signal);
  const separator = external.connector.decimalSeparator?.(external.entity);
  const entity = { key: platformInfo?.info.key ?? [], schema: platformInfo?.schema ?? {} };
  const keyFields = keyFieldsOf(mapping, entity);
  if (keyFields.length === 0) {
    throw new IntegrationError(
      'config',
      'PCP_MAPPING_INVALID',
      phrase`Mapping "${mapping.name}" has no key: neither key_fields nor a key of "${platform.entity}".`,
      { path: '/key_fields', hint: 'Name the platform fields that identify a record in key_fields.' },
    );
  }
  const read = withDecimalSeparator(mapping.field_mappings, separator, entity.schema);
  const fieldMappings = await withLocalTimes(read, mapping.direction, external, entity.schema, signal);
  const isPlatform = platform.descriptor.type === 'platform';
  return {
    keyFields,
    fieldMappings,
    compile: (direction, fields = fieldMappings) =>
      compileMapping({ ...mapping, field_mappings: fields, key_fields: keyFields }, direction, {
        expressions: context.expressions,
        ...(direction === 'import' && isPlatform && { targetSchema: entity.schema }),
        optionalKeys: optionalKeys(keyFields, entity.schema),
        ...(external.timezone !== null && { timezone: external.timezone }),
      }),
  };
}
