import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import { isObject } from './entity';
import type { Navigation, Property, ServiceModel, StructuredType } from './model';
import { actualType, TYPE_FIELD } from './structure';
import { type Dialect, ValueProblem, writeValue } from './values';

/** What a request with a body needs. */
export interface Payload {
  body: string;
  contentType: string;
}

/** Digits that every reader of JSON numbers keeps. */
const SAFE_DIGITS = 15;

/**
 * The body that creates or changes an entity, with everything in it: values of navigations are inserted with it.
 * @throws data PCP_ODATA_FIELD_UNKNOWN, PCP_ODATA_VALUE with the path of the field: nothing was sent then
 */
export function payloadOf(data: Record<string, unknown>, type: StructuredType, model: ServiceModel): Payload {
  const { version } = model;
  const plain = JSON.stringify(structure(data, type, '', model, { version }));
  if (version === 2) return { body: withEscapedTicks(plain), contentType: jsonType(model) };
  if (!hasLongNumber(plain)) return { body: plain, contentType: jsonType(model) };
  const exact = JSON.stringify(structure(data, type, '', model, { version, exactAsText: true }));
  return { body: exact, contentType: 'application/json;IEEE754Compatible=true' };
}

/** JSON as version 2 and 4 have it; version 3 has two notations. */
export function jsonType({ isVersion3 }: ServiceModel): string {
  return isVersion3 ? 'application/json;odata=verbose' : 'application/json';
}

/** The body that calls an action of version 4. */
export function parametersPayload(
  values: Record<string, unknown>,
  parameters: readonly Property[],
  model: ServiceModel,
): Payload {
  const properties = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const type = {
    ...{ name: '', isEntity: false, isAbstract: false, isOpen: false, key: [], keyAliases: new Map() },
    ...{ properties, navigations: new Map() },
  };
  return payloadOf(values, type, model);
}

/** One value as JSON. @throws data PCP_ODATA_VALUE */
export function jsonText(value: unknown, property: Property, model: ServiceModel): string {
  return JSON.stringify(valueFor(value, property, property.name, model, { version: model.version }));
}

function structure(
  data: Record<string, unknown>,
  declared: StructuredType,
  path: string,
  model: ServiceModel,
  dialect: Dialect,
): Record<string, unknown> {
  const type = actualType(data[TYPE_FIELD], declared, model);
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    const at = path === '' ? name : `${path}.${name}`;
    const property = type.properties.get(name);
    const navigation = type.navigations.get(name);
    // A stream is no part of what is written; it has an address of its own.
    if (value === undefined || (value === null && property?.type === 'Edm.Stream')) continue;
    if (name === TYPE_FIELD && dialect.version === 2) {
      result.__metadata = { type: String(value).replace(/^.*#/, '') };
      continue;
    }
    if (property !== undefined) result[name] = valueFor(value, property, at, model, dialect);
    else if (navigation !== undefined) result[name] = related(value, navigation, at, model, dialect);
    else if (type.isOpen || name.includes('@odata.')) result[name] = value;
    else throw unknownField(name, at, type);
  }
  return result;
}

function valueFor(value: unknown, property: Property, path: string, model: ServiceModel, dialect: Dialect): unknown {
  const one = (item: unknown, at: string): unknown => {
    const inner = model.types.get(property.type);
    if (inner !== undefined && isObject(item)) return structure(item, inner, at, model, dialect);
    try {
      return writeValue(item, property, dialect);
    } catch (thrown) {
      throw thrown instanceof ValueProblem ? refusedValue(at, item, thrown.said) : thrown;
    }
  };
  if (value === null && !property.nullable) throw refusedValue(path, value, phrase`must not be empty`);
  if (!property.isCollection || value === null) return one(value, path);
  if (!Array.isArray(value)) throw refusedValue(path, value, phrase`must be a list`);
  const items = value.map((item, index) => one(item, `${path}[${index}]`));
  return dialect.version === 2 ? { results: items } : items;
}

function related(value: unknown, navigation: Navigation, path: string, model: ServiceModel, dialect: Dialect): unknown {
  const target = model.types.get(navigation.target);
  const one = (item: unknown, at: string) =>
    isObject(item) && target !== undefined ? structure(item, target, at, model, dialect) : item;
  if (navigation.isCollection !== Array.isArray(value) && value !== null) {
    const wanted = navigation.isCollection ? phrase`must be a list of records` : phrase`must be one record`;
    throw refusedValue(path, undefined, wanted);
  }
  return Array.isArray(value) ? value.map((item, index) => one(item, `${path}[${index}]`)) : one(value, path);
}

/** Of version 2, whose servers may take a text for a time by its backslashes. */
function withEscapedTicks(json: string): string {
  return json.replace(/"\/(Date\([-+\d]+\))\/"/g, '"\\/$1\\/"');
}

function hasLongNumber(json: string): boolean {
  // Outside of texts: JSON has no other place where digits follow one of these.
  const withoutTexts = json.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [digits] of withoutTexts.matchAll(/[\d.]{16,}/g)) {
    if (digits.replace('.', '').replace(/^0+/, '').length > SAFE_DIGITS) return true;
  }
  return false;
}

function unknownField(name: string, path: string, type: StructuredType): IntegrationError {
  const alike = [...type.properties.keys(), ...type.navigations.keys()].find(
    (each) => each.toLowerCase() === name.toLowerCase(),
  );
  return new IntegrationError('data', 'PCP_ODATA_FIELD_UNKNOWN', phrase`"${path}" is no field of ${type.name}.`, {
    path,
    hint: alike === undefined ? 'Correct the target of the mapping.' : `Write it as "${alike}".`,
  });
}

export function refusedValue(path: string, value: unknown, why: Said): IntegrationError {
  return new IntegrationError('data', 'PCP_ODATA_VALUE', phrase`The field "${path}" ${why}.`, {
    path,
    ...(value !== undefined && { value: typeof value === 'string' ? value.slice(0, 100) : value }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
