import { isDeepStrictEqual } from 'node:util';
import type { EntityType, JsonSchema } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { typesOf } from './shape';

export type EntityTypeInput = Pick<EntityType, 'type' | 'title' | 'key' | 'schema'>;

const TYPE_NAME = /^[a-z][a-z0-9_]{0,49}$/;
/** Leading underscores belong to the hub's own columns. */
const FIELD_NAME = /^[a-z][a-z0-9_]{0,59}$/;
const FIELD_TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array'];
const FORMATS = ['decimal', 'date', 'date-time'];
const KEYWORDS = new Set([
  'type',
  'format',
  'title',
  'titles',
  'description',
  'enum',
  'maxLength',
  'minLength',
  'minimum',
  'maximum',
  'default',
  'items',
  'properties',
  'required',
  'additionalProperties',
  'examples',
]);
const MAX_FIELDS = 500;

/**
 * A type that a user defines, as it is kept: closed against unknown fields.
 * @throws data PCP_ENTITY_INVALID with `path`, a pointer into the input
 */
export function checkDefinition({ type, title, key, schema }: EntityTypeInput): EntityType {
  if (!TYPE_NAME.test(type))
    throw refused('/type', `"${type}" is no name: lower-case letters, digits and _, at most 50`);
  if (title.trim() === '') throw refused('/title', 'a title is needed');
  if (schema.type !== 'object') throw refused('/schema/type', 'the schema must be of type "object"');
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0 || fields.length > MAX_FIELDS) {
    throw refused('/schema/properties', `a type has 1 to ${MAX_FIELDS} fields`);
  }
  checkKey(key, schema);
  for (const [name, field] of fields) checkField(name, field, key.includes(name));
  for (const name of schema.required ?? []) {
    if (schema.properties?.[name] === undefined)
      throw refused('/schema/required', `"${name}" is required, but no field`);
  }
  // A part of the key without a default can never be left out.
  const always = key.filter((name) => schema.properties?.[name]?.default === undefined);
  const required = [...new Set([...always, ...(schema.required ?? [])])];
  return { type, title, key, schema: { ...schema, required, additionalProperties: false }, built_in: false };
}

/** What a new definition takes away from an old one, or null when it only adds. */
export function narrowing(before: EntityType, after: EntityType): { path: string; why: string } | null {
  if (before.type !== after.type) return { path: '/type', why: 'its name cannot change' };
  if (!isDeepStrictEqual(before.key, after.key)) return { path: '/key', why: 'its key cannot change' };
  const required = new Set(before.schema.required ?? []);
  for (const name of after.schema.required ?? []) {
    if (!required.has(name)) return { path: '/schema/required', why: `"${name}" cannot become required` };
  }
  for (const [name, field] of Object.entries(before.schema.properties ?? {})) {
    const path = `/schema/properties/${name}`;
    const next = after.schema.properties?.[name];
    if (next === undefined) return { path, why: `field "${name}" cannot be removed` };
    const why = narrowedField(field, next);
    if (why !== null) return { path, why: `field "${name}" ${why}` };
  }
  return null;
}

function narrowedField(before: JsonSchema, after: JsonSchema): string | null {
  if (!isDeepStrictEqual(typesOf(before), typesOf(after)) || before.format !== after.format)
    return 'cannot change its type';
  if (allowsNull(before) && !allowsNull(after)) return 'cannot refuse null';
  if (before.default !== after.default) return 'cannot change its default';
  if (after.enum !== undefined) {
    if (before.enum === undefined) return 'cannot be limited to a list';
    const lost = before.enum.find((value) => !after.enum?.includes(value));
    if (lost !== undefined) return `cannot lose the value ${JSON.stringify(lost)}`;
  }
  if ((after.maxLength ?? Infinity) < (before.maxLength ?? Infinity)) return 'cannot become shorter';
  if ((after.maximum ?? Infinity) < (before.maximum ?? Infinity)) return 'cannot get a smaller maximum';
  if ((after.minimum ?? -Infinity) > (before.minimum ?? -Infinity)) return 'cannot get a larger minimum';
  if ((after.minLength ?? 0) > (before.minLength ?? 0)) return 'cannot get a larger minimum length';
  for (const keyword of ['items', 'properties', 'required', 'additionalProperties'] as const) {
    if (!isDeepStrictEqual(before[keyword], after[keyword])) return `cannot change "${keyword}"`;
  }
  return null;
}

/** As the mapping and the records understand it: a field that is not required may be null, unless it lists its types. */
function allowsNull(schema: JsonSchema): boolean {
  return Array.isArray(schema.type) && schema.type.includes('null');
}

function checkField(name: string, schema: JsonSchema, isKey: boolean): void {
  const path = `/schema/properties/${name}`;
  if (!FIELD_NAME.test(name)) throw refused(path, `"${name}" is no name: lower-case letters, digits and _, at most 60`);
  for (const keyword of Object.keys(schema)) {
    if (!KEYWORDS.has(keyword) && !keyword.startsWith('x-'))
      throw refused(`${path}/${keyword}`, `"${keyword}" is not supported`);
  }
  const types = typesOf(schema);
  const known = types.length > 0 && types.every((type) => FIELD_TYPES.includes(type));
  const plain = types.length === 1 || types.every((type) => type === 'object' || type === 'array');
  if (!known || !plain)
    throw refused(`${path}/type`, `the type must be one of ${FIELD_TYPES.join(', ')}, or with "null"`);
  if (schema.format !== undefined && (types[0] !== 'string' || !FORMATS.includes(schema.format))) {
    throw refused(`${path}/format`, `the format of a string is one of ${FORMATS.join(', ')}`);
  }
  if (schema.default !== undefined && !(isKey && typeof schema.default === 'string' && types[0] === 'string')) {
    throw refused(`${path}/default`, 'only texts that are part of the key have a default');
  }
}

function checkKey(key: string[], schema: JsonSchema): void {
  if (key.length < 1 || key.length > 6) throw refused('/key', 'a key has 1 to 6 parts');
  if (new Set(key).size !== key.length) throw refused('/key', 'a field is named twice');
  key.forEach((name, index) => {
    const field = schema.properties?.[name];
    if (field === undefined) throw refused(`/key/${index}`, `"${name}" is no field`);
    const [type] = typesOf(field);
    if ((type !== 'string' && type !== 'integer') || field.format === 'decimal') {
      throw refused(
        `/key/${index}`,
        `"${name}" cannot be part of a key: only texts, dates, instants and whole numbers can`,
      );
    }
  });
}

function refused(path: string, why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_ENTITY_INVALID', `The entity type is refused: ${why}.`, { path });
}
