import { IntegrationError } from '../../model/errors';
import { literal } from './address';
import { isObject, readEntity } from './entity';
import type { Operation, ServiceModel } from './model';
import { parametersPayload } from './payload';
import { parameterText } from './query';

/** A request of a service before it is sent; its path is below the service. */
export interface ServiceRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/**
 * The overload that takes what is given; bound ones may be called without their namespace.
 * @throws config PCP_OPERATION_UNKNOWN
 */
export function operationOf(name: string, values: Record<string, unknown>, { operations }: ServiceModel): Operation {
  const qualified = [...operations.keys()].find((each) => each.endsWith(`.${name}`));
  const overloads = operations.get(name) ?? operations.get(qualified ?? '') ?? [];
  const given = Object.keys(values);
  const fitting = overloads.filter(({ parameters }) =>
    given.every((each) => parameters.some((parameter) => parameter.name === each)),
  );
  const found = fitting.find(({ parameters }) => parameters.length === given.length) ?? fitting[0];
  if (found !== undefined) return found;
  const [first] = overloads;
  const takes = first?.parameters.map((parameter) => parameter.name).join(', ');
  const message =
    first === undefined
      ? `The service has no function or action "${name}".`
      : `"${name}" does not take these parameters: ${given.join(', ')}.`;
  throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', message, {
    path: 'operation',
    hint:
      first === undefined
        ? `There are: ${[...operations.keys()].slice(0, 20).join(', ') || 'none'}.`
        : `It takes: ${takes || 'none'}.`,
  });
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
  const written = given.map((each) => [each.name, literal(each.name, values[each.name], each, model)] as const);
  if (model.version === 2)
    return { method, path: `${below}${name}${parameterText([...written, ...query])}`, headers: {} };
  const inPath = written.map(([parameter, value]) => `${parameter}=${encodeURIComponent(value)}`).join(',');
  return { method, path: `${below}${name}(${inPath})${parameterText(query)}`, headers: {} };
}

/** What an operation answered, with the types of the metadata. */
export function readResult(json: unknown, { name, returns }: Operation, model: ServiceModel): unknown {
  const body = isObject(json) && isObject(json.d) ? json.d : json;
  if (!isObject(body)) return body;
  // Version 2 wraps what is no entity in the name of the function.
  const isWrapped = Object.keys(body).every((key) => key === name || key === '__metadata') && Object.hasOwn(body, name);
  const inner = isWrapped ? body[name] : body;
  const list = isObject(inner) ? (inner.results ?? inner.value) : inner;
  const type = model.types.get(returns?.type ?? '');
  const one = (item: unknown) => (type && isObject(item) ? readEntity(item, type, model).data : item);
  if (Array.isArray(list)) return list.map(one);
  return isObject(inner) && type === undefined && Object.hasOwn(inner, 'value') ? inner.value : one(inner);
}
