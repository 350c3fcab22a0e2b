import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { asked } from '../../model/question';
import { SharedWork } from '../../shared-work';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/client';
import { refuseWebPage } from '../http/web-page';
import { entityPath, placeOf } from './address';
import { requireAsked } from './asked-entity';
import { isAtom } from './atom';
import type { BatchFormat } from './batch';
import type { Entity } from './entity';
import { failureOf } from './fault';
import { nextOf, type Page, readChanged, readJson, readOne, readPage } from './feed';
import { Links } from './links';
import { loadModel } from './load';
import type { EntitySet, Operation, ServiceModel } from './model';
import { callRequest, identifiedSet, operationOf, readResult, type ServiceRequest } from './operations';
import { jsonType, payloadOf, refusedValue } from './payload';
import { parameterText, type Query, queryText, requireConditions } from './query';
import { setBelow } from './set-below';
import { actualType, TYPE_FIELD } from './structure';

/** Where a service is asked: every request goes through this client. */
export type ServiceClient = Pick<HttpClient, 'baseUrl' | 'request' | 'resolveLink'>;

export interface ServiceOptions {
  /** Below the base URL of the client: "/sap/opu/odata/sap/API_PRODUCT_SRV", "" for the base URL itself. */
  path: string;
  /** Sent with every request, as "sap-client". */
  parameters?: Readonly<Record<string, string>>;
  /** How version 2 is changed; some old services know MERGE only, some proxies let only PATCH or PUT pass. */
  updateMethod?: 'MERGE' | 'PATCH' | 'PUT';
  /** Before the name of every set, as "companies(...)/"; percent-encoded. */
  prefix?: string;
  /** How many requests go out as one; by default as JSON in version 4, where the service takes it. */
  batchFormat?: BatchFormat;
  /** To be masked where an answer repeats them. */
  secrets?: readonly string[];
}

/** As `HttpRequest.beforeSend`. */
export type BeforeSend = NonNullable<HttpRequest['beforeSend']>;

/** Long numbers as texts where the service can; some answer 406 to who takes nothing else. */
const EXACT_JSON = 'application/json;IEEE754Compatible=true, application/json;q=0.9';

export interface Change {
  /** Of the entity when it was last seen; "*" = whatever it is now. */
  version?: string;
  headers?: Record<string, string>;
  /** Of what is changed, where the data do not hold it. */
  key?: Record<string, unknown>;
}

/** One OData service of either version: what its metadata says, and how its entities are read, changed and called. */
export class ODataService {
  readonly #model = new SharedWork((signal) => loadModel(this.client, this.options, signal));
  /** It writes JSON only where the address asks for it. */
  #asksForJson = false;

  constructor(
    readonly client: ServiceClient,
    readonly options: ServiceOptions,
  ) {}

  /** Read once; a failure is not kept. @throws config PCP_ODATA_METADATA; what the HTTP client throws */
  model(signal: AbortSignal): Promise<ServiceModel> {
    return asked(this.#model.get(signal));
  }

  /**
   * @param name "Orders", or what belongs to one of its entities: "Orders('A')/Items"
   * @throws config PCP_ENTITY_UNKNOWN; data PCP_ODATA_KEY, PCP_ODATA_VALUE
   */
  async entitySet(name: string, signal: AbortSignal): Promise<EntitySet> {
    const model = await this.model(signal);
    const { entitySets } = model;
    const set = entitySets.get(name) ?? setBelow(name, model);
    if (set !== undefined) return set;
    const alike = [...entitySets.keys()].find((each) => each.toLowerCase() === name.toLowerCase());
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`The service has no entity set "${name}".`, {
      path: '/source_entity',
      hint: alike === undefined ? 'Take one from the list of its entities.' : `Write it as "${alike}".`,
    });
  }

  /** @throws config PCP_ODATA_FILTER_REQUIRED */
  async page(set: EntitySet, query: Query, signal: AbortSignal, headers: Record<string, string> = {}): Promise<Page> {
    const model = await this.model(signal);
    const response = await this.#ask({ ...this.question(set, query, model), headers }, signal);
    return this.#whole(await readPage(response, set.type, model), signal);
  }

  /** What `page` sends. @throws config PCP_ODATA_FILTER_REQUIRED */
  question(set: EntitySet, query: Query, model: ServiceModel): ServiceRequest {
    requireConditions(query, set);
    const path = `${this.#placeOf(set)}${this.#query(query, set, model)}`;
    return { method: 'GET', path, headers: {} };
  }

  /** What links of the service's answers are relative to. */
  get address(): URL {
    const { origin, pathname } = this.client.baseUrl;
    return new URL(`${origin}${pathname.replace(/\/$/, '')}${this.options.path}/`);
  }

  /** What a link of an answer leads to: the next page, or the changes since a list. */
  async follow(
    link: string,
    base: URL,
    set: EntitySet,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<Page> {
    const model = await this.model(signal);
    return this.#whole(
      await readPage(await this.#followed(link, base, model, signal, headers), set.type, model),
      signal,
    );
  }

  async #whole(page: Page, signal: AbortSignal): Promise<Page> {
    await this.complete(page.entities, signal);
    return page;
  }

  /** Fetches the rest of long lists inside of entities, of which a service gives the beginning. */
  async complete(entities: readonly Entity[], signal: AbortSignal): Promise<void> {
    const model = await this.model(signal);
    for (const { list, link, type } of entities.flatMap(({ rests = [] }) => rests)) {
      const links = new Links(type.name);
      let [next, base]: [string | undefined, URL] = [link, this.address];
      while (next !== undefined) {
        links.addHeld(next, list.length);
        const page: Page = await readPage(await this.#followed(next, base, model, signal), type, model);
        await this.complete(page.entities, signal);
        for (const { data } of page.entities) list.push(data);
        ({ next, base } = page);
      }
    }
  }

  /** One entity by its key; null when there is none. @throws config PCP_ODATA_FILTER_IGNORED when it gives another one */
  async entity(
    set: EntitySet,
    key: Record<string, unknown>,
    query: Pick<Query, 'select' | 'expand'>,
    signal: AbortSignal,
  ): Promise<Entity | null> {
    const model = await this.model(signal);
    const path = `${this.#prefix}${entityPath(set, key, model)}${this.#query(query, set, model)}`;
    const response = await this.send({ method: 'GET', path, headers: {} }, signal);
    if (response.status === 404 || response.status === 410 || response.status === 204) {
      response.discard();
      return null;
    }
    if (!response.ok) throw await failureOf(response, this.#secrets, 'GET');
    const found = await readOne(response, set.type, model);
    requireAsked(set, key, found, model);
    await this.complete([found], signal);
    return found;
  }

  /** What `create` sends, with everything inside of the entity. @throws data PCP_ODATA_VALUE, PCP_ODATA_FIELD_UNKNOWN */
  creation(set: EntitySet, data: Record<string, unknown>, model: ServiceModel, change: Change = {}): ServiceRequest {
    const { isAbstract, name } = actualType(data[TYPE_FIELD], set.type, model);
    if (isAbstract) throw refusedValue(TYPE_FIELD, data[TYPE_FIELD], phrase`must name a type that extends ${name}`);
    const { body, contentType } = payloadOf(data, set.type, model);
    const headers = { 'content-type': contentType, ...change.headers };
    return { method: 'POST', path: `${this.#placeOf(set)}${this.#query({}, set, model)}`, headers, body };
  }

  /** What `update` sends: the fields of the key only address the entity. */
  modification(
    set: EntitySet,
    data: Record<string, unknown>,
    model: ServiceModel,
    { version, headers, key = data }: Change = {},
  ): ServiceRequest {
    const changes = Object.fromEntries(Object.entries(data).filter(([name]) => !set.type.key.includes(name)));
    const { body, contentType } = payloadOf(changes, set.type, model);
    const method = model.version === 4 ? 'PATCH' : (this.options.updateMethod ?? 'MERGE');
    const path = `${this.#prefix}${entityPath(set, key, model)}${this.#query({}, set, model)}`;
    return { method, path, headers: { 'content-type': contentType, ...ifMatch(version), ...headers }, body };
  }

  removal(set: EntitySet, key: Record<string, unknown>, model: ServiceModel, { version }: Change = {}): ServiceRequest {
    const path = `${this.#prefix}${entityPath(set, key, model)}${this.#query({}, set, model)}`;
    return { method: 'DELETE', path, headers: ifMatch(version) };
  }

  async create(
    set: EntitySet,
    data: Record<string, unknown>,
    signal: AbortSignal,
    change: Change = {},
  ): Promise<Entity | null> {
    return this.change(this.creation(set, data, await this.model(signal), change), set, signal);
  }

  async update(
    set: EntitySet,
    data: Record<string, unknown>,
    signal: AbortSignal,
    change: Change = {},
  ): Promise<Entity | null> {
    return this.change(this.modification(set, data, await this.model(signal), change), set, signal);
  }

  /** Sends a change that was built before. What the service made of the entity; null when it answers without it. */
  async change(
    request: ServiceRequest,
    set: EntitySet,
    signal: AbortSignal,
    beforeSend?: BeforeSend,
  ): Promise<Entity | null> {
    const response = await this.#ask(request, signal, beforeSend);
    // Some answer changes in Atom, whatever they are asked for.
    const isEmpty = response.status === 204 || response.headers['content-length'] === '0' || isAtom(response);
    if (isEmpty) {
      response.discard();
      return null;
    }
    return readChanged(response, set.type, await this.model(signal)).catch((thrown: unknown) => {
      // It is done, but what was made of it did not arrive.
      throw IntegrationError.fromJSON({ ...IntegrationError.from(thrown).toJSON(), outcomeUnknown: true });
    });
  }

  async remove(set: EntitySet, key: Record<string, unknown>, signal: AbortSignal, change: Change = {}): Promise<void> {
    const model = await this.model(signal);
    (await this.#ask(this.removal(set, key, model, change), signal)).discard();
  }

  /**
   * Calls a function or action. @param bound the entity that it belongs to
   * @throws config PCP_OPERATION_UNKNOWN; data PCP_ODATA_VALUE
   */
  async call(
    name: string,
    values: Record<string, unknown>,
    signal: AbortSignal,
    bound?: { set: string; key?: Record<string, unknown> },
  ): Promise<unknown> {
    const model = await this.model(signal);
    const place = bound && (await this.entitySet(bound.set, signal));
    const isCollection = bound?.key === undefined && place?.isSingleton === false;
    const operation = operationOf(name, values, model, place && { type: place.type, isCollection });
    const below = place === undefined ? '' : `${this.#prefix}${pathOf(place, bound?.key, model)}/`;
    const request = callRequest(operation, below, values, model, this.options.parameters ?? {});
    const changed = bound?.key === undefined ? identifiedSet(values, model) : place;
    const response = await this.#called(request, changed, bound?.key ?? values, signal);
    if (response.status === 204) {
      response.discard();
      return null;
    }
    const json = await readJson(response);
    const result = readResult(json, operation, model);
    return Array.isArray(result) ? this.#rest(result, json, response, operation, model, signal) : result;
  }

  /** Some do nothing (428) before they are told the version of the entity that they change. */
  async #called(
    request: ServiceRequest,
    changed: EntitySet | undefined,
    key: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    if (changed === undefined) return this.#ask(request, signal);
    const response = await this.send(request, signal);
    if (response.status !== 428) return this.#accepted(response, request);
    response.discard();
    const version = (await asked(this.entity(changed, key, {}, signal)))?.version ?? '*';
    return this.#ask({ ...request, headers: { ...request.headers, ...ifMatch(version) } }, signal);
  }

  /** A list that comes in several pages, whole. */
  async #rest(
    list: unknown[],
    json: unknown,
    response: HttpResponse,
    operation: Operation,
    model: ServiceModel,
    signal: AbortSignal,
  ): Promise<unknown[]> {
    const links = new Links(operation.name);
    let { next, base } = nextOf(json, response);
    while (next !== undefined) {
      links.addHeld(next, list.length);
      const page = await this.#followed(next, base, model, signal);
      const body = await readJson(page);
      list = list.concat(readResult(body, operation, model));
      ({ next, base } = nextOf(body, page));
    }
    return list;
  }

  async #followed(
    link: string,
    base: URL,
    model: ServiceModel,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<HttpResponse> {
    const target = this.client.resolveLink(this.#onOwnHost(link, base), base);
    // A link may lack what each request has, such as SAP's client: the next page would be another system's.
    for (const [name, value] of Object.entries({ ...this.options.parameters, ...this.#format })) {
      if (target.searchParams.has(name)) continue;
      target.search += parameterText([[name, value]]).replace('?', target.search === '' ? '?' : '&');
    }
    const response = await this.client.request({ target, headers: { ...this.#headers(model), ...headers }, signal });
    if (!response.ok) throw await failureOf(response, this.#secrets, 'GET');
    return response;
  }

  /** Sends a request of this service, whatever comes of it. */
  async send(request: ServiceRequest, signal: AbortSignal, beforeSend?: BeforeSend): Promise<HttpResponse> {
    const response = await this.#sent(request, signal, beforeSend);
    if (request.method !== 'GET' || this.#asksForJson || !isAtom(response)) return response;
    response.discard();
    this.#asksForJson = true;
    return this.#sent(request, signal, beforeSend);
  }

  async #sent(
    { method, path, headers, body }: ServiceRequest,
    signal: AbortSignal,
    beforeSend?: BeforeSend,
  ): Promise<HttpResponse> {
    const model = await this.model(signal);
    const format = method === 'GET' ? parameterText(Object.entries(this.#format)) : '';
    const request: HttpRequest = {
      method,
      target: `${this.options.path}/${path}${path.includes('?') ? format.replace('?', '&') : format}`,
      headers: { ...this.#headers(model), ...headers },
      ...(body !== undefined && { body }),
      ...(beforeSend !== undefined && { beforeSend }),
      signal,
    };
    return this.client.request(request);
  }

  async #ask(request: ServiceRequest, signal: AbortSignal, beforeSend?: BeforeSend): Promise<HttpResponse> {
    return this.#accepted(await this.send(request, signal, beforeSend), request);
  }

  async #accepted(response: HttpResponse, { method }: ServiceRequest): Promise<HttpResponse> {
    if (!response.ok) throw await failureOf(response, this.#secrets, method);
    if (method !== 'GET') refuseWebPage(response);
    return response;
  }

  #query(query: Query, set: EntitySet, model: ServiceModel): string {
    return queryText({ ...query, custom: { ...this.options.parameters, ...query.custom } }, set, model);
  }

  #headers(model: ServiceModel): Record<string, string> {
    if (model.version === 4) return { accept: EXACT_JSON, 'odata-version': '4.0', 'odata-maxversion': '4.01' };
    const version = model.isVersion3 ? '3.0' : '2.0';
    const accept = model.isVersion3 ? `${jsonType(model)}, application/json;q=0.9` : jsonType(model);
    return { accept, dataserviceversion: version, maxdataserviceversion: version };
  }

  /** Behind a proxy a service often names itself as it is called inside; what it means is on the way we came. */
  #onOwnHost(link: string, base: URL): string {
    if (!URL.canParse(link, base)) return link;
    const url = new URL(link, base);
    const { origin, pathname } = this.client.baseUrl;
    const isOurs = url.pathname.startsWith(`${pathname.replace(/\/$/, '')}${this.options.path}/`);
    return url.origin !== origin && isOurs ? `${origin}${url.pathname}${url.search}` : link;
  }

  get #format(): Record<string, string> {
    return this.#asksForJson ? { $format: 'json' } : {};
  }

  get #prefix(): string {
    return this.options.prefix ?? '';
  }

  #placeOf(set: EntitySet): string {
    return `${this.#prefix}${placeOf(set)}`;
  }

  get #secrets(): readonly string[] {
    return this.options.secrets ?? [];
  }
}

function ifMatch(version: string | undefined): Record<string, string> {
  return version === undefined ? {} : { 'if-match': version };
}

function pathOf(set: EntitySet, key: Record<string, unknown> | undefined, model: ServiceModel): string {
  return key === undefined ? placeOf(set) : entityPath(set, key, model);
}
