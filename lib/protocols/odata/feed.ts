import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';
import type { HttpResponse } from '../http/client';
import { atomOnly, isAtom } from './atom';
import type { PartAnswer } from './batch';
import { type Entity, isLink, isObject, keyFields, readEntity } from './entity';
import type { ServiceModel, StructuredType } from './model';

/** One answer of a list. */
export interface Page {
  entities: Entity[];
  /** More of the same list, by the service's own paging; as it was written. */
  next?: string;
  /** Where the changes since this list begin. */
  delta?: string;
  /** How many there are in all, when it was asked for. */
  count?: number;
  /** What relative links are relative to. */
  base: URL;
}

type Answered = Pick<HttpResponse, 'headers' | 'url'>;

/** @throws transient PCP_HTTP_NOT_JSON, PCP_ODATA_JSON */
export async function readPage(response: HttpResponse, type: StructuredType, model: ServiceModel): Promise<Page> {
  if (response.status === 204) {
    response.discard();
    return { entities: [], base: response.url };
  }
  return pageOf(await readJson(response), response, type, model);
}

/** The same for an answer inside of a batch. @param url of the service */
export function pageOfPart({ headers, body }: PartAnswer, url: URL, type: StructuredType, model: ServiceModel): Page {
  return pageOf(parsed(body, { url, headers }), { url, headers }, type, model);
}

function pageOf(json: unknown, response: Answered, type: StructuredType, model: ServiceModel): Page {
  const body = isObject(json) ? json : {};
  const d = wrapped(body, type, model);
  const list = [json, body.d].find(Array.isArray) ?? d?.results ?? body.value;
  const one = isObject(list) ? list : (d ?? body);
  if (!Array.isArray(list) && !isEntity(one, type)) {
    const message = `${response.url.pathname} answered neither a list nor an entity.`;
    throw new IntegrationError('transient', 'PCP_ODATA_JSON', message, {
      hint: 'Look at what the service answers to the same address.',
    });
  }
  // A single entity is a list of one.
  const items = Array.isArray(list) ? list : [one];
  const outer: Record<string, unknown> = { ...body, ...d };
  const delta = text(outer.__delta ?? outer['@odata.deltaLink'] ?? outer['@deltaLink'] ?? outer['odata.deltaLink']);
  const count = Number(outer.__count ?? outer['@odata.count'] ?? outer['@count'] ?? outer['odata.count'] ?? Number.NaN);
  return {
    entities: items.filter((item) => isObject(item) && !isLink(item)).map((item) => readEntity(item, type, model)),
    ...nextOf(json, response),
    ...(delta !== undefined && { delta }),
    ...(Number.isFinite(count) && { count }),
  };
}

/** Where the answer goes on, by the service's own paging. */
export function nextOf(json: unknown, { url }: Pick<HttpResponse, 'url'>): Pick<Page, 'next' | 'base'> {
  const body = isObject(json) ? json : {};
  const outer: Record<string, unknown> = { ...body, ...(isObject(body.d) && body.d) };
  const next = text(outer.__next ?? outer['@odata.nextLink'] ?? outer['@nextLink'] ?? outer['odata.nextLink']);
  // Strictly relative to the context; but what begins with its query means the address that was asked.
  return { ...(next !== undefined && { next }), base: next?.startsWith('?') ? url : baseOf(body, url) };
}

/** Whatever it is, it has its key; without one, or where it says what it is, something that the type declares. */
function isEntity(found: Record<string, unknown>, type: StructuredType): boolean {
  const { key, properties, isOpen } = type;
  if (key.length > 0 && (found['@odata.context'] ?? found['@context']) === undefined)
    return keyFields(type).every((name) => Object.hasOwn(found, name));
  return isOpen || [...properties.keys()].some((name) => Object.hasOwn(found, name));
}

/** One entity; its version may be in the head of the answer. */
export async function readOne(response: HttpResponse, type: StructuredType, model: ServiceModel): Promise<Entity> {
  return oneOf(await readJson(response), response, type, model);
}

/** What a change was answered with: null when nothing came. */
export async function readChanged(
  response: HttpResponse,
  type: StructuredType,
  model: ServiceModel,
): Promise<Entity | null> {
  const body = await response.text();
  return body.trim() === '' ? null : oneOf(parsed(body, response), response, type, model);
}

/**
 * The same for an answer inside of a batch. @param url of the service
 * @throws transient PCP_ODATA_JSON with `outcomeUnknown`: it is done, whatever came of it
 */
export function readPart(
  { headers, body }: PartAnswer,
  url: URL,
  type: StructuredType,
  model: ServiceModel,
): Entity | null {
  if (body.trim() === '') return null;
  const response = { headers, url };
  try {
    return oneOf(parsed(body, response), response, type, model);
  } catch (thrown) {
    throw IntegrationError.fromJSON({ ...IntegrationError.from(thrown).toJSON(), outcomeUnknown: true });
  }
}

function oneOf(json: unknown, response: Answered, type: StructuredType, model: ServiceModel): Entity {
  const { etag } = response.headers;
  const body = isObject(json) ? (wrapped(json, type, model) ?? json) : json;
  if (isObject(body) && isList(body, type)) throw notOne(response);
  return { ...(etag !== undefined && { version: etag }), ...readEntity(isObject(body) ? body : {}, type, model) };
}

/** What version 2 puts around each answer; in version 4 it may be a property of its own. */
function wrapped({ d }: Record<string, unknown>, { properties }: StructuredType, { version }: ServiceModel) {
  return isObject(d) && (version === 2 || !properties.has('d')) ? d : undefined;
}

/** Where one entity was asked for, a list says nothing about it. */
function isList({ results, value }: Record<string, unknown>, { properties }: StructuredType): boolean {
  return (Array.isArray(results) && !properties.has('results')) || (Array.isArray(value) && !properties.has('value'));
}

function notOne({ url }: Answered): IntegrationError {
  const message = `${url.pathname} answered with a list instead of one entity.`;
  return new IntegrationError('config', 'PCP_ODATA_FILTER_IGNORED', message, {
    hint: 'The service does not follow the key of an address: have it corrected.',
  });
}

/** @throws transient PCP_ODATA_JSON, config PCP_ODATA_ATOM */
export async function readJson(response: HttpResponse): Promise<unknown> {
  if (isAtom(response)) {
    response.discard();
    throw atomOnly(response.url);
  }
  return parsed(await response.jsonText(), response);
}

function parsed(body: string, response: Answered): unknown {
  try {
    return parseExactJson(body);
  } catch (cause) {
    const message = `${response.url.pathname} answered with broken JSON.`;
    throw new IntegrationError('transient', 'PCP_ODATA_JSON', message, {
      hint: 'The answer was cut off, or changed on the way.',
      cause,
    });
  }
}

/** Version 4 writes links relative to the context of the answer, the others to its URL. */
function baseOf(body: Record<string, unknown>, url: URL): URL {
  const context = body['@odata.context'] ?? body['@context'];
  return typeof context === 'string' && URL.canParse(context, url) ? new URL(context, url) : url;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
