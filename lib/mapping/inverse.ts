import type { FieldMapping, MappingContext } from '../model/mapping';
import type { MappingDefinition } from './contract';
import { checkedPath, nameOf } from './definition';
import { checkExpression } from './expressions/check';
import { exportFunction, typeOf } from './fields';
import { parsePath, pathsCollide, rootOf, topLevelName } from './paths';
import type { Plan, PlannedField } from './plan';
import { invertFilters, planFilters, platformNotation, type TypedPair } from './plan-filters';
import { mappingError } from './problems';
import { refuseLossyOptions } from './round-trip';
import { compileTransformations, invertTransformations } from './transformations';

/**
 * The same pairs read backwards: from platform records to external ones. Constants stay behind, since they say nothing
 * about the external side. Filters of a mapping for exports alone work on the platform record as it is read; filters and
 * transformations of a mapping for both ways are turned round.
 * @throws config PCP_MAPPING_INVALID naming what cannot be inverted, PCP_EXPRESSION_INVALID
 */
export function planExport(definition: MappingDefinition, context: MappingContext): Plan {
  const timezone = context.timezone ?? 'UTC';
  const pairs: TypedPair[] = definition.field_mappings.map((pair, index) => ({
    pair,
    type: typeOf(pair, undefined),
    path: `/field_mappings/${index}`,
  }));
  const both = definition.direction === 'bidirectional';
  if (!both && definition.transformations.length > 0) {
    throw mappingError(
      '/transformations',
      'Transformations work on records that are read from the external side: an export has none.',
      'Use an export_expression for what a field needs.',
    );
  }
  const fields = pairs.flatMap((typed) => {
    if (both && typed.pair.export_expression === undefined) refuseLossyOptions(typed.pair, typed.path);
    return planField(typed, timezone);
  });
  refuseCollisions(fields, definition);
  const filters = planFilters(
    both ? invertFilters(definition.filters, pairs, timezone) : definition.filters,
    (field) => platformNotation(pairs, field),
    'UTC',
  );
  const after = invertTransformations(definition.transformations);
  const renamed = renamer(after);
  return {
    ...filters,
    steps: [],
    deep: false,
    fields,
    outputSteps: compileTransformations(after),
    keys: keysOf(definition, fields, renamed, context.optionalKeys ?? []),
    outputFields: [...new Set(fields.map(({ output }) => renamed(rootOf(output))))],
    inputFields: inputFields(definition, fields, filters),
    namedFields: [],
    validate: undefined,
  };
}

function planField({ pair, type, path }: TypedPair, timezone: string): PlannedField[] {
  if (pair.constant !== undefined) return [];
  if (pair.source === undefined) {
    throw mappingError(
      `${path}/export_expression`,
      `${nameOf(pair)}: an expression cannot be read backwards; exports need an export_expression, and source for the field it writes.`,
    );
  }
  const output = checkedPath(pair.source, `${path}/source`, nameOf(pair));
  const base = { field: pair.target, output };
  if (pair.export_expression !== undefined) {
    checkExpression(pair.export_expression, `${path}/export_expression`);
    const origin = { kind: 'expression', expression: pair.export_expression } as const;
    return [{ ...base, source: undefined, origin, convert: (value) => value ?? null }];
  }
  const target = checkedPath(pair.target, `${path}/target`, nameOf(pair));
  const convert = exportFunction(pair, type, timezone, path);
  return [{ ...base, source: target.text, origin: { kind: 'field', path: target }, convert }];
}

function refuseCollisions(fields: readonly PlannedField[], definition: MappingDefinition): void {
  fields.forEach((field, index) => {
    const earlier = fields.slice(0, index).find((other) => pathsCollide(other.output, field.output));
    if (earlier === undefined) return;
    const at = definition.field_mappings.findIndex(({ target }) => target === field.field);
    throw mappingError(
      `/field_mappings/${at}/source`,
      `${field.field}: it cannot be exported, because ${earlier.field} writes ${field.output.text} as well.`,
      'Use one mapping for each direction.',
    );
  });
}

/** Follows the renames that come after the fields are written. */
function renamer(after: MappingDefinition['transformations']): (name: string) => string {
  return (name) =>
    after.reduce((current, step) => (step.op === 'rename' && step.field === current ? step.to : current), name);
}

function keysOf(
  definition: MappingDefinition,
  fields: readonly PlannedField[],
  renamed: (name: string) => string,
  optionalKeys: readonly string[],
): Plan['keys'] {
  const isConstant = (key: string) =>
    definition.field_mappings.some((pair: FieldMapping) => pair.target === key && pair.constant !== undefined);
  const keys = definition.key_fields.flatMap((key, index) => {
    const found = fields.find(({ field }) => field === key);
    if (found === undefined) {
      if (isConstant(key)) return [];
      throw mappingError(
        `/key_fields/${index}`,
        `The key field "${key}" is not exported: no field mapping has it as its target.`,
      );
    }
    const name = topLevelName(found.output);
    if (name === undefined) {
      throw mappingError(
        `/key_fields/${index}`,
        `The key field "${key}" is written to ${found.output.text}: a key must be a top-level field.`,
      );
    }
    return [{ output: renamed(name), field: key, required: !optionalKeys.includes(key) }];
  });
  if (keys.length === 0 && definition.key_fields.length > 0) {
    throw mappingError('/key_fields', 'No key field has an external counterpart: all of them are constants.');
  }
  return keys;
}

function inputFields(
  definition: MappingDefinition,
  fields: readonly PlannedField[],
  filters: Pick<Plan, 'tests' | 'testExpressions'>,
): string[] | undefined {
  if (filters.testExpressions.length > 0 || fields.some(({ origin }) => origin.kind === 'expression')) return undefined;
  const sources = fields.flatMap(({ source }) => (source === undefined ? [] : [parsePath(source)]));
  const tested = filters.tests.map(({ field }) => parsePath(field));
  if ([...sources, ...tested].some((path) => path.ambiguous)) return undefined;
  const needed = new Set(sources.map(rootOf));
  for (const path of tested) needed.add(rootOf(path));
  for (const key of definition.key_fields) needed.add(key);
  return [...needed];
}
