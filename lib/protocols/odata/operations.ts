import { IntegrationError } from '../../model/errors';
import { literal } from './address';
import { isObject, readEntity } from './entity';
import type { EntitySet, Operation, Property, ServiceModel, StructuredType } from './model';
import { jsonText, parametersPayload } from './payload';
import { parameterText } from './query';
import { isOf } from './structure';
import { readerOf } from './values';

/** A request of a service before it is sent; its path is below the service. */
export interface ServiceRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** What an operation is called on: an entity, or a set of them. */
export interface BindingPlace {
  type: StructuredType;
  isCollection: boolean;
}

/**
 * The overload that takes what is given, of those that belong to the place; bound ones may be called without their namespace.
 * @param place absent = the service itself
 * @throws config PCP_OPERATION_UNKNOWN
 */
export function operationOf(
  name: string,
  values: Record<string, unknown>,
  model: ServiceModel,
  place?: BindingPlace,
): Operation {
  const { operations } = model;
  const overloads = operations.get(name) ?? [...operations].flatMap(([each, all]) => (isShort(name, each) ? all : []));
  const there = overloads
    .map((operation) => [distance(operation, place, model), operation] as const)
    .filter(([steps]) => steps !== undefined)
    // One of the type itself comes before those of the types that it extends.
    .sort(([a = 0], [b = 0]) => a - b)
    .map(([, operation]) => operation);
  const given = Object.keys(values);
  const fitting = there.filter(({ parameters }) =>
    given.every((each) => parameters.some((parameter) => parameter.name === each)),
  );
  const found = fitting.find(({ parameters }) => parameters.length === given.length) ?? fitting[0];
  if (found !== undefined) return found;
  const fails = (message: string, hint: string) =>
    new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', message, { path: 'operation', hint });
  if (overloads.length === 0) {
    const known = [...operations.keys()].slice(0, 20).join(', ') || 'none';
    throw fails(`The service has no function or action "${name}".`, `There are: ${known}.`);
  }
  if (there.length === 0) {
    const places = overloads.map(
      ({ boundTo }) => boundTo && `${boundTo.isCollection ? 'a set' : 'an entity'} of ${boundTo.type}`,
    );
    const belongs = [...new Set(places.map((each) => each ?? 'the service itself'))].join(', or ');
    throw fails(
      `"${name}" belongs to ${belongs}.`,
      'Give the entity set that it is called on, and the key of the entity.',
    );
  }
  const takes = there[0]?.parameters.map((parameter) => parameter.name).join(', ') || 'none';
  throw fails(`"${name}" does not take these parameters: ${given.join(', ')}.`, `It takes: ${takes}.`);
}

function isShort(name: string, qualified: string): boolean {
  return qualified.endsWith(`.${name}`);
}

/** How many types lie between the place and what the operation belongs to; undefined where it belongs elsewhere. */
function distance({ boundTo }: Operation, place: BindingPlace | undefined, model: ServiceModel): number | undefined {
  if (boundTo === undefined || place === undefined) return boundTo === place ? 0 : undefined;
  if (boundTo.isCollection !== place.isCollection) return undefined;
  let steps = 0;
  for (let at: StructuredType | undefined = place.type; at !== undefined; at = model.types.get(at.base ?? '')) {
    if (at.name === boundTo.type) return steps;
    steps++;
  }
  // Of the entity at hand, which may be of a type that extends the one of its set; and of any entity at all.
  const isPossible = isOf(model.types.get(boundTo.type), place.type.name, model) || boundTo.type === 'Edm.EntityType';
  return isPossible ? steps : undefined;
}

/**
 * The request that calls an operation.
 * @param below path of the entity that it is bound to, with its slash, or ""
 * @param fixed parameters of the connection
 * @throws data PCP_ODATA_VALUE
 */
export function callRequest(
  { name, kind, method, parameters }: Operation,
  below: string,
  values: Record<string, unknown>,
  model: ServiceModel,
  fixed: Readonly<Record<string, string>>,
): ServiceRequest {
  const query = Object.entries(fixed);
  if (kind === 'action') {
    const { body, contentType } = parametersPayload(values, parameters, model);
    return { method, path: `${below}${name}${parameterText(query)}`, headers: { 'content-type': contentType }, body };
  }
  const given = parameters.filter((parameter) => values[parameter.name] !== undefined);
  // Lists and complex values have no literal: they stand in the query, and in version 4 the path refers to them.
  const hasJson = model.version === 4 || model.isVersion3;
  const isJson = (each: Property) => hasJson && (each.isCollection || model.types.has(each.type));
  const written = given.map((each) => {
    const value = values[each.name];
    return [each, isJson(each) ? jsonText(value, each, model) : literal(each.name, value, each, model)] as const;
  });
  if (model.version === 2) {
    const all = written.map(([each, value]): [string, string] => [each.name, value]);
    return { method, path: `${below}${name}${parameterText([...all, ...query])}`, headers: {} };
  }
  const inPath = written.map(
    ([each, value]) => `${each.name}=${isJson(each) ? `@${each.name}` : encodeURIComponent(value)}`,
  );
  const apart = written
    .filter(([each]) => isJson(each))
    .map(([each, value]): [string, string] => [`@${each.name}`, value]);
  return { method, path: `${below}${name}(${inPath.join(',')})${parameterText([...apart, ...query])}`, headers: {} };
}

/**
 * The set of the entity that the parameters of an operation identify, which the operation may change without belonging to it:
 * ReleaseOrder with a ManufacturingOrder.
 */
export function identifiedSet(values: Record<string, unknown>, { entitySets }: ServiceModel): EntitySet | undefined {
  const isGiven = (name: string) => values[name] !== undefined;
  const sets = [...entitySets.values()].filter(({ type: { key } }) => key.length > 0 && key.every(isGiven));
  return sets.sort((a, b) => b.type.key.length - a.type.key.length)[0];
}

/** What an operation answered, with the types of the metadata. */
export function readResult(json: unknown, { name, returns }: Operation, model: ServiceModel): unknown {
  const type = model.types.get(returns?.type ?? '');
  const read = readerOf({ type: returns?.type ?? '', isDay: false });
  const one = (item: unknown) => (type && isObject(item) ? readEntity(item, type, model).data : read(item));
  const isInside = isObject(json) && json.d !== undefined && (model.version === 2 || !type?.properties.has('d'));
  const body = isInside ? json.d : json;
  if (Array.isArray(body)) return body.map(one);
  if (!isObject(body)) return one(body);
  // Version 2 wraps what is no entity in the name of the function.
  const isWrapped = Object.keys(body).every((key) => key === name || key === '__metadata') && Object.hasOwn(body, name);
  const inner = isWrapped ? body[name] : body;
  const list = isObject(inner) ? listIn(inner, type) : inner;
  if (Array.isArray(list)) return list.map(one);
  return one(isObject(inner) && type === undefined && Object.hasOwn(inner, 'value') ? inner.value : inner);
}

/** What is around a list, if the type has no property of that name. */
function listIn({ results, value }: Record<string, unknown>, type: StructuredType | undefined): unknown {
  if (Array.isArray(results) && !type?.properties.has('results')) return results;
  return type?.properties.has('value') ? undefined : value;
}
