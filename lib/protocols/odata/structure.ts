import { IntegrationError } from '../../model/errors';
import type { Navigation, Property, ServiceModel, StructuredType } from './model';

/** Says of which type an entity is, where it is of one that extends that of its set. */
export const TYPE_FIELD = '@odata.type';

/** True for a type itself and for those that extend it. */
export function isOf(type: StructuredType | undefined, name: string, { types }: ServiceModel): boolean {
  for (let at = type; at !== undefined; at = types.get(at.base ?? '')) if (at.name === name) return true;
  return false;
}

/** Types that extend this one, at any depth. */
export function derivedFrom({ name }: StructuredType, model: ServiceModel): StructuredType[] {
  return [...model.types.values()].filter((type) => type.name !== name && isOf(type, name, model));
}

/** The type that an entity says it has, if it extends the expected one. */
export function actualType(said: unknown, declared: StructuredType, model: ServiceModel): StructuredType {
  if (typeof said !== 'string' || said === declared.name) return declared;
  const found = model.types.get(said.slice(said.lastIndexOf('#') + 1));
  return found !== undefined && found.name !== declared.name && isOf(found, declared.name, model) ? found : declared;
}

/** The property at a path through complex values, "Address/City"; it may be of a type that extends the one given. */
export function findProperty(path: string, type: StructuredType, model: ServiceModel): Property | undefined {
  return placeOf(path, type, model)?.property;
}

/** The property at a path. @throws config PCP_ODATA_FIELD */
export function propertyAt(path: string, type: StructuredType, model: ServiceModel): Property {
  const found = findProperty(path, type, model);
  if (found !== undefined) return found;
  throw new IntegrationError('config', 'PCP_ODATA_FIELD', `"${path}" is no field of ${type.name}.`, {
    path,
    hint: 'Correct it in the mapping, or take it out if this service does not have it.',
  });
}

/** True where a path leads to other entities, also from a type that extends the one given. */
export function isNavigation(path: string, type: StructuredType, model: ServiceModel): boolean {
  return placeOf(path, type, model)?.leadsOn === true;
}

/** A path as requests write it: what only an extending type has comes after the name of that type, "NS.Press/Force". */
export function requestPath(path: string, type: StructuredType, model: ServiceModel): string {
  return placeOf(path, type, model)?.written ?? path;
}

interface Place {
  property?: Property;
  leadsOn: boolean;
  written: string;
}

function placeOf(path: string, type: StructuredType, model: ServiceModel): Place | undefined {
  const written: string[] = [];
  let at: StructuredType | undefined = type;
  let member: Property | Navigation | undefined;
  for (const name of path.split('/')) {
    const cast: StructuredType | undefined = at === undefined ? undefined : model.types.get(name);
    if (cast !== undefined && at !== undefined && isOf(cast, at.name, model)) {
      at = cast;
      written.push(name);
      continue;
    }
    const holder = at === undefined ? undefined : holderOf(name, at, model);
    if (holder === undefined) return undefined;
    if (holder !== at) written.push(holder.name);
    written.push(name);
    const property = holder.properties.get(name);
    const navigation = holder.navigations.get(name);
    member = property ?? navigation;
    at = model.types.get(property?.type ?? navigation?.target ?? '');
  }
  const property = member !== undefined && 'type' in member ? { property: member } : {};
  return { ...property, leadsOn: member !== undefined && 'target' in member, written: written.join('/') };
}

function holderOf(name: string, type: StructuredType, model: ServiceModel): StructuredType | undefined {
  const has = ({ properties, navigations }: StructuredType) => properties.has(name) || navigations.has(name);
  return has(type) ? type : derivedFrom(type, model).find(has);
}
