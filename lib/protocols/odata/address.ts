import { IntegrationError } from '../../model/errors';
import type { EntitySet, ServiceModel } from './model';
import { refusedValue } from './payload';
import { findProperty } from './structure';
import { literalOf, ValueProblem, type ValueType } from './values';

/**
 * Path of one entity below the service, percent-encoded: "A_Product('4711')". Key parts may be empty texts, never absent.
 * @throws data PCP_ODATA_KEY, PCP_ODATA_VALUE
 */
export function entityPath(set: EntitySet, key: Record<string, unknown>, model: ServiceModel): string {
  if (set.isSingleton) return placeOf(set);
  const { key: paths, keyAliases } = set.type;
  if (paths.length === 0) throw withoutKey(set);
  const parts = paths.map((name) => {
    const value = valueAt(key, name);
    if (value !== undefined && value !== null) {
      return [keyAliases.get(name) ?? name, keyLiteral(name, value, set, model)] as const;
    }
    throw new IntegrationError('data', 'PCP_ODATA_KEY', `The key of ${set.name} lacks "${name}".`, {
      path: name,
      hint: `Map all fields of its key: ${paths.join(', ')}.`,
    });
  });
  const [only] = parts;
  const written =
    parts.length === 1 && only && set.isKeyNamed !== true
      ? only[1]
      : parts.map(([name, value]) => `${name}=${value}`).join(',');
  return `${placeOf(set)}(${written})`;
}

/** Path of a set below the service, percent-encoded. */
export function placeOf({ name, place }: Pick<EntitySet, 'name' | 'place'>): string {
  return place ?? encodeURIComponent(name);
}

/** The key of an entity as one text; the same whatever the order of its fields. */
export function keyText(set: EntitySet, data: Record<string, unknown>): string {
  return JSON.stringify(set.type.key.map((name) => valueAt(data, name) ?? null));
}

/** True when the data hold all that an address needs; there is none where entities have no key. */
export function hasKey({ type, isSingleton }: EntitySet, data: Record<string, unknown>): boolean {
  if (isSingleton) return true;
  return type.key.length > 0 && type.key.every((path) => (valueAt(data, path) ?? null) !== null);
}

/** The value at a path through complex values, "Address/City". */
export function valueAt(data: Record<string, unknown>, path: string): unknown {
  return path.split('/').reduce((value: unknown, name) => (value as Record<string, unknown> | null)?.[name], data);
}

export function literal(path: string, value: unknown, type: ValueType, model: ServiceModel): string {
  try {
    return literalOf(value, type, model);
  } catch (thrown) {
    throw thrown instanceof ValueProblem ? refusedValue(path, value, thrown.said) : thrown;
  }
}

function withoutKey({ name }: EntitySet): IntegrationError {
  return new IntegrationError('data', 'PCP_ODATA_KEY', `Entities of ${name} have no key.`, {
    hint: 'They can be read as a list only.',
  });
}

function keyLiteral(name: string, value: unknown, { type }: EntitySet, model: ServiceModel): string {
  const property = findProperty(name, type, model) ?? { type: 'Edm.String', isDay: false };
  return encodeURIComponent(literal(name, value, property, model));
}
