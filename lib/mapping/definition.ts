import type { JsonSchema } from '../model/entity';
import type { Direction, FieldMapping, FieldType, FilterOperator } from '../model/mapping';
import type { MappingDefinition } from './contract';
import { type Path, parsePath, rootOf } from './paths';
import { mappingError } from './problems';

/** What the shape of a mapping must be before anything is compiled: it may come from a flow or over HTTP. */

const TYPES: readonly FieldType[] = ['string', 'integer', 'number', 'decimal', 'boolean', 'date', 'datetime', 'json'];
const MEMBERS: readonly (keyof FieldMapping)[] = [
  'source',
  'target',
  'type',
  'format',
  'timezone',
  'decimal_separator',
  'scale',
  'round',
  'unit',
  'to_unit',
  'trim',
  'pad',
  'default',
  'required',
  'lookup',
  'lookup_default',
  'expression',
  'export_expression',
  'constant',
];
const TEXTS: readonly (keyof FieldMapping)[] = [
  'source',
  'format',
  'timezone',
  'unit',
  'to_unit',
  'expression',
  'export_expression',
];
const FLAGS: readonly (keyof FieldMapping)[] = ['round', 'trim', 'required'];
export const OPERATORS: readonly FilterOperator[] = [
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'in',
  'not_in',
  'like',
  'is_null',
  'not_null',
  'between',
];
const MAX_SCALE = 30;
const MAX_PAD = 1000;

/** @returns the directions that the mapping claims. @throws config PCP_MAPPING_INVALID */
export function claimedDirections(definition: MappingDefinition): Direction[] {
  if (definition.direction === 'bidirectional') return ['import', 'export'];
  if (definition.direction === 'import' || definition.direction === 'export') return [definition.direction];
  throw mappingError('/direction', 'The direction must be import, export or bidirectional.');
}

/** @throws config PCP_MAPPING_INVALID with the path of the first thing that is wrong */
export function checkShape(definition: MappingDefinition, direction: Direction): void {
  if (!claimedDirections(definition).includes(direction)) {
    throw mappingError('/direction', `The mapping is for ${definition.direction} only, not for ${direction}.`);
  }
  for (const list of ['field_mappings', 'transformations', 'filters', 'key_fields'] as const) {
    if (!Array.isArray(definition[list])) throw mappingError(`/${list}`, `"${list}" must be a list.`);
  }
  if (definition.field_mappings.length === 0) throw mappingError('/field_mappings', 'The mapping has no fields.');
  definition.field_mappings.forEach((pair, index) => {
    checkPair(pair, `/field_mappings/${index}`);
  });
}

/** How messages name a pair: by its platform field. */
export function nameOf(pair: FieldMapping): string {
  return pair.target;
}

/** @throws config PCP_MAPPING_INVALID when the path cannot be read */
export function checkedPath(text: unknown, pointer: string, what: string): Path {
  if (typeof text !== 'string') throw mappingError(pointer, `${what}: a path must be a text.`);
  try {
    return parsePath(text);
  } catch (problem) {
    throw mappingError(pointer, `${what}: the path "${text}" ${(problem as Error).message}.`);
  }
}

/**
 * @param schema of the platform entity; one without `properties`, or open for others, says nothing
 * @throws config PCP_MAPPING_INVALID for a pair whose platform field does not exist
 */
export function checkPlatformFields(definition: MappingDefinition, schema: JsonSchema): void {
  const { properties, additionalProperties: open } = schema;
  if (properties === undefined || (open !== undefined && open !== false)) return;
  definition.field_mappings.forEach(({ target }, index) => {
    const path = `/field_mappings/${index}/target`;
    if (Object.hasOwn(properties, target) || Object.hasOwn(properties, rootOf(checkedPath(target, path, target))))
      return;
    const hint = `Its fields are ${Object.keys(properties).slice(0, 60).join(', ')}.`;
    throw mappingError(path, `The platform entity has no field "${target}".`, hint);
  });
}

function checkPair(pair: FieldMapping, path: string): void {
  if (pair === null || typeof pair !== 'object' || Array.isArray(pair))
    throw mappingError(path, 'A field mapping must be an object.');
  if (typeof pair.target !== 'string' || pair.target === '') {
    throw mappingError(`${path}/target`, `The field mapping at ${path} names no target.`);
  }
  for (const member of Object.keys(pair)) {
    if (!(MEMBERS as readonly string[]).includes(member)) {
      throw mappingError(`${path}/${member}`, `${nameOf(pair)}: "${member}" is no option of a field mapping.`);
    }
  }
  checkOrigin(pair, path);
  checkOptions(pair, path);
}

function checkOrigin(pair: FieldMapping, path: string): void {
  const computed = pair.expression !== undefined;
  const origins = [pair.source !== undefined && !computed, computed, pair.constant !== undefined].filter(
    Boolean,
  ).length;
  if (origins !== 1 || (pair.constant !== undefined && pair.source !== undefined)) {
    throw mappingError(
      path,
      `${nameOf(pair)}: exactly one of source, expression and constant says where the value comes from.`,
    );
  }
  if (computed && (pair.source === undefined) !== (pair.export_expression === undefined)) {
    throw mappingError(
      path,
      `${nameOf(pair)}: an expression that is exported needs both export_expression and source, the external field it writes.`,
    );
  }
  if (pair.export_expression !== undefined && pair.source === undefined) {
    throw mappingError(path, `${nameOf(pair)}: export_expression needs source, the external field it writes.`);
  }
}

function checkOptions(pair: FieldMapping, path: string): void {
  const refuse = (member: keyof FieldMapping, message: string): never => {
    throw mappingError(`${path}/${member}`, `${nameOf(pair)}: "${member}" ${message}.`);
  };
  for (const member of TEXTS) {
    if (pair[member] !== undefined && (typeof pair[member] !== 'string' || pair[member] === ''))
      refuse(member, 'must be a text');
  }
  for (const member of FLAGS) {
    if (pair[member] !== undefined && typeof pair[member] !== 'boolean') refuse(member, 'must be true or false');
  }
  if (pair.type !== undefined && !TYPES.includes(pair.type)) refuse('type', `must be one of ${TYPES.join(', ')}`);
  if (pair.decimal_separator !== undefined && pair.decimal_separator !== ',' && pair.decimal_separator !== '.') {
    refuse('decimal_separator', 'must be a comma or a point');
  }
  if (pair.scale !== undefined && !isCount(pair.scale, MAX_SCALE))
    refuse('scale', `must be a whole number up to ${MAX_SCALE}`);
  if (
    pair.lookup !== undefined &&
    (pair.lookup === null || typeof pair.lookup !== 'object' || Array.isArray(pair.lookup))
  ) {
    refuse('lookup', 'must be an object of external to platform values');
  }
  if (pair.lookup_default !== undefined && pair.lookup === undefined) refuse('lookup_default', 'needs a lookup');
  checkPad(pair, refuse);
}

function checkPad({ pad }: FieldMapping, refuse: (member: keyof FieldMapping, message: string) => never): void {
  if (pad === undefined) return;
  if (pad === null || typeof pad !== 'object' || !isCount(pad.length, MAX_PAD)) {
    refuse('pad', `needs a length, a whole number up to ${MAX_PAD}`);
  }
  if (pad.with !== undefined && (typeof pad.with !== 'string' || pad.with.length !== 1))
    refuse('pad', 'pads with one character');
  if (pad.side !== undefined && pad.side !== 'start' && pad.side !== 'end') refuse('pad', 'has the side start or end');
  if (pad.on !== undefined && pad.on !== 'import' && pad.on !== 'export') refuse('pad', 'pads on import or export');
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
