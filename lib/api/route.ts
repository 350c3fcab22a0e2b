import type { Locale } from '../locales/catalogue';
import type { JsonSchema } from '../model/entity';
import type { Hub } from '../model/services';

export type Permission =
  | 'integrations.read'
  | 'integrations.write'
  | 'integrations.sync'
  | 'integrations.test'
  | 'integrations.audit';
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a handler knows about its request. Body, query and path are validated against the route's schemas before. */
export interface Call {
  hub: Hub;
  /** Decoded path parameters. */
  params: Record<string, string>;
  /** The same as they stood in the address, for keys whose parts are encoded one by one. */
  rawParams: Record<string, string>;
  /** Declared query parameters, converted to their types. */
  query: Record<string, string | number | boolean>;
  /** Query parameters that only the handler can judge; empty unless the route has `openQuery`. */
  filters: Record<string, string>;
  body: unknown;
  /** If-Match as it was sent. */
  ifMatch: string | undefined;
  /** Name of the signed-in user, when adminAuth is on. */
  user: string | undefined;
  /** Of the words in the answer. */
  language: Locale;
  /** Aborted when the client goes away, or after the time that a request may take. */
  signal: AbortSignal;
  /** Values that answers must not repeat; handlers add the secrets they handle. */
  secrets: string[];
  /** Refuses the request of a user who has not this permission besides the route's own. */
  demand(permission: Permission): Promise<void>;
  /** The address of a path of this API, as Location wants it. */
  href(path: string): string;
  /** The OpenAPI document of this API. */
  document(): unknown;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** A body that is no JSON; its type is among the headers. */
  text?: string;
}

export interface Parameter {
  description: string;
  schema: JsonSchema;
  example?: unknown;
}

export interface ResponseSpec {
  description: string;
  /** Schema of the body; absent = no body. */
  schema?: JsonSchema;
  /** Of the body; default: JSON. */
  type?: 'text/plain';
  headers?: ('ETag' | 'Location')[];
  example?: unknown;
}

/** One operation: routing, permission, validation, documentation and handler come from here alone. */
export interface Route {
  method: Method;
  /** "/connections/{id}", relative to the mount. */
  path: string;
  operation: string;
  tag: string;
  summary: string;
  description?: string;
  permission: Permission;
  params?: Record<string, Parameter>;
  query?: Record<string, Parameter>;
  /** Further query parameters are let through as `filters`; says what they are. */
  openQuery?: string;
  body?: { schema: JsonSchema; required: boolean; example?: unknown };
  responses: Record<number, ResponseSpec>;
  /** Statuses of the problems that this operation can answer, besides those every operation can. */
  problems: number[];
  /** POST that changes something: honours Idempotency-Key. */
  idempotent?: boolean;
  /** Honours If-Match. */
  conditional?: boolean;
  /** Speaks to the system behind a connection; how many of a kind may run at once is limited. */
  external?: 'test' | 'explore';
  /**
   * The audit log, of which nothing is ever removed, must not hold what it takes or shows: since that is sealed in the store, or
   * (`values`) since it may be about persons, so that the log has nothing but the names of members.
   */
  sealed?: true | 'values';
  /** A GET that makes the hub act: no HEAD, and it must not be caused by a link on a foreign page. */
  acts?: boolean;
  handle(call: Call): Promise<Answer>;
}

export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

interface Compiled {
  segments: (string | { name: string; pattern: RegExp | undefined })[];
  byMethod: Map<string, Route>;
}

export interface RouteMatch {
  route: Route | undefined;
  /** Methods of this path, for Allow. */
  methods: string[];
  params: Record<string, string>;
  rawParams: Record<string, string>;
}

/** Finds routes by path; literal segments win over parameters, so "/connections/test" is never a connection. */
export class RouteTable {
  readonly #paths: Compiled[] = [];
  readonly routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    const byPath = new Map<string, Compiled>();
    for (const route of routes) {
      let compiled = byPath.get(route.path);
      if (compiled === undefined) {
        compiled = { segments: segmentsOf(route), byMethod: new Map() };
        byPath.set(route.path, compiled);
      }
      compiled.byMethod.set(route.method, route);
    }
    this.#paths = [...byPath.values()].sort((a, b) => parameterCount(a) - parameterCount(b));
  }

  /** @returns undefined when no path matches, also for a path that is not well encoded */
  match(method: string, path: string): RouteMatch | undefined {
    const raw = path.split('/').slice(1);
    const decoded = raw.map(decode);
    if (decoded.includes(undefined)) return undefined;
    for (const { segments, byMethod } of this.#paths) {
      if (segments.length !== raw.length) continue;
      const params: Record<string, string> = {};
      const rawParams: Record<string, string> = {};
      const fits = segments.every((segment, index) => {
        const value = decoded[index] ?? '';
        if (typeof segment === 'string') return segment === value;
        params[segment.name] = value;
        rawParams[segment.name] = raw[index] ?? '';
        return value !== '' && (segment.pattern === undefined || segment.pattern.test(value));
      });
      if (fits) return { route: routeOf(byMethod, method), methods: methodsOf(byMethod), params, rawParams };
    }
    return undefined;
  }
}

function segmentsOf(route: Route): Compiled['segments'] {
  return route.path
    .split('/')
    .slice(1)
    .map((segment) => {
      const name = /^\{(.+)\}$/.exec(segment)?.[1];
      if (name === undefined) return segment;
      const pattern = route.params?.[name]?.schema.pattern;
      return { name, pattern: pattern === undefined ? undefined : new RegExp(pattern, 'u') };
    });
}

function parameterCount({ segments }: Compiled): number {
  return segments.filter((segment) => typeof segment !== 'string').length;
}

function routeOf(byMethod: Map<string, Route>, method: string): Route | undefined {
  if (method !== 'HEAD') return byMethod.get(method);
  const get = byMethod.get('GET');
  return get?.acts ? undefined : get;
}

function methodsOf(byMethod: Map<string, Route>): string[] {
  const methods = [...byMethod.keys(), 'OPTIONS'];
  if (routeOf(byMethod, 'HEAD') !== undefined) methods.push('HEAD');
  return methods.sort();
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
