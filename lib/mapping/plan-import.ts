import type { JsonSchema } from '../model/entity';
import type { FieldType, MappingContext } from '../model/mapping';
import type { MappingDefinition } from './contract';
import { checkedPath, checkPlatformFields, nameOf } from './definition';
import { checkExpression } from './expressions/check';
import { checkTypeFits, importFunction, ownValue, typeOf } from './fields';
import { parsePath, pathsCollide, rootOf, topLevelName } from './paths';
import type { Plan, PlannedField } from './plan';
import { externalNotation, planFilters, type TypedPair } from './plan-filters';
import { mappingError } from './problems';
import { reversible } from './round-trip';
import { compileTransformations, fieldsBefore, reachesDeep } from './transformations';
import { validatorOf } from './validation';

/** @throws config PCP_MAPPING_INVALID, PCP_EXPRESSION_INVALID */
export function planImport(definition: MappingDefinition, context: MappingContext): Plan {
  const timezone = context.timezone ?? 'UTC';
  const pairs: TypedPair[] = definition.field_mappings.map((pair, index) => ({
    pair,
    type: typeOf(pair, context.targetSchema?.properties?.[pair.target]),
    path: `/field_mappings/${index}`,
  }));
  const both = definition.direction === 'bidirectional';
  const fields = pairs.map((typed) => planField(typed, context, timezone, both));
  refuseCollisions(fields);
  if (context.targetSchema !== undefined) checkPlatformFields(definition, context.targetSchema);
  for (const { pair, path } of pairs) checkTypeFits(pair, context.targetSchema?.properties?.[pair.target], path);
  checkFilled(fields, context);
  const steps = compileTransformations(definition.transformations);
  for (const step of steps) if (step.kind === 'expression') checkExpression(step.expression, step.path);
  const filters = planFilters(definition.filters, (field) => externalNotation(pairs, field, timezone), timezone);
  return {
    ...filters,
    steps,
    deep: reachesDeep(definition.transformations),
    fields,
    outputSteps: [],
    keys: definition.key_fields.map((field, index) => keyOf(field, fields, index, context)),
    outputFields: [...new Set(fields.map(({ output }) => rootOf(output)))],
    inputFields: inputFields(definition, fields, filters.testExpressions.length > 0),
    namedFields: namedFields(definition, fields),
    validate: context.targetSchema && validatorOf(context.targetSchema, provenFormats(pairs, context.targetSchema)),
  };
}

function planField(
  { pair, type, path }: TypedPair,
  context: MappingContext,
  timezone: string,
  both: boolean,
): PlannedField {
  const properties = context.targetSchema?.properties;
  const literal = properties !== undefined && Object.hasOwn(properties, pair.target) && pair.target !== '__proto__';
  const output = literal
    ? { text: pair.target, segments: [pair.target], ambiguous: false }
    : checkedPath(pair.target, `${path}/target`, nameOf(pair));
  const base = { field: pair.target, output };
  if (pair.constant !== undefined) {
    const value = ownValue(pair, 'constant', pair.constant, type, path);
    return { ...base, source: undefined, origin: { kind: 'constant', value }, convert: () => value };
  }
  const convert = importFunction(pair, type, timezone, path);
  if (pair.expression !== undefined) {
    checkExpression(pair.expression, `${path}/expression`);
    return { ...base, source: undefined, origin: { kind: 'expression', expression: pair.expression }, convert };
  }
  const source = checkedPath(pair.source, `${path}/source`, nameOf(pair));
  const origin = { kind: 'field', path: source } as const;
  if (!both) return { ...base, source: source.text, origin, convert };
  return { ...base, source: source.text, origin, convert: reversible(pair, type, timezone, path, convert) };
}

function refuseCollisions(fields: readonly PlannedField[]): void {
  fields.forEach((field, index) => {
    const earlier = fields.slice(0, index).find((other) => pathsCollide(other.output, field.output));
    if (earlier !== undefined) {
      throw mappingError(
        `/field_mappings/${index}/target`,
        `${field.field}: two field mappings write ${rootOf(field.output)}.`,
      );
    }
  });
}

/** Finds at save what would otherwise fail with every record: required fields that nothing fills. */
function checkFilled(fields: readonly PlannedField[], { targetSchema }: MappingContext): void {
  const written = new Set(fields.map(({ output }) => rootOf(output)));
  const unfilled = (targetSchema?.required ?? []).filter((name) => !written.has(name));
  if (unfilled.length > 0) {
    throw mappingError('/field_mappings', `The target needs ${unfilled.join(', ')}, which no field mapping fills.`);
  }
}

/** Fields that hold what a conversion makes, which is a day or an instant that exists. */
function provenFormats(pairs: readonly TypedPair[], { properties = {} }: JsonSchema): string[] {
  const formats: Partial<Record<FieldType, string>> = { date: 'date', datetime: 'date-time' };
  return pairs.flatMap(({ pair: { target }, type }) => {
    const format = type && formats[type];
    return format !== undefined && properties[target]?.format === format ? [target] : [];
  });
}

function keyOf(
  field: string,
  fields: readonly PlannedField[],
  index: number,
  { optionalKeys }: MappingContext,
): Plan['keys'][number] {
  const found = fields.find((one) => one.field === field && topLevelName(one.output) !== undefined);
  if (found === undefined) {
    throw mappingError(
      `/key_fields/${index}`,
      `The key field "${field}" is not mapped: no field mapping has it as its target.`,
    );
  }
  return { output: rootOf(found.output), field, required: optionalKeys?.includes(field) !== true };
}

/** Undefined where a dotted path may also be the literal name of a column: then every field is asked for. */
function inputFields(
  definition: MappingDefinition,
  fields: readonly PlannedField[],
  filterExpressions: boolean,
): string[] | undefined {
  if (filterExpressions || fields.some(({ origin }) => origin.kind === 'expression')) return undefined;
  const paths = fields.flatMap(({ source }) => (source === undefined ? [] : [parsePath(source)]));
  if (paths.some((path) => path.ambiguous)) return undefined;
  const before = fieldsBefore(definition.transformations, paths.map(rootOf));
  if (before === undefined) return undefined;
  for (const filter of definition.filters) {
    if ('expression' in filter) continue;
    const path = parsePath(filter.field);
    if (path.ambiguous) return undefined;
    before.add(rootOf(path));
  }
  return [...before];
}

/** Leaves out a dotted path, which may also be the literal name of a column, and what a transformation makes. */
function namedFields(definition: MappingDefinition, fields: readonly PlannedField[]): string[] {
  const plainRoots = (texts: (string | undefined)[]): string[] =>
    texts.flatMap((text) => {
      const path = text === undefined ? undefined : parsePath(text);
      return path === undefined || path.ambiguous ? [] : [rootOf(path)];
    });
  const { transformations, filters } = definition;
  const named = fieldsBefore(transformations, plainRoots(fields.map(({ source }) => source))) ?? new Set();
  for (const step of transformations) {
    const made = 'to' in step ? step.to : step.op === 'set' ? step.field : undefined;
    for (const root of plainRoots([made])) named.delete(root);
  }
  for (const root of plainRoots(filters.map((filter) => ('field' in filter ? filter.field : undefined))))
    named.add(root);
  return [...named];
}
