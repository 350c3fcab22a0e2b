import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Locale } from '../locales/catalogue';
import { phrase } from '../model/phrase';
import type { Hub } from '../model/services';
import { badJson, readBody, tooLarge } from './body';
import { tagMatches } from './conditional';
import { checkAccess, checkDeliberate, type GuardOptions } from './guard';
import { type IdempotencyStore, idempotencyKeys, type StoredAnswer } from './idempotency';
import { languageOf } from './language';
import { isRecorded, onRecord, type Recorded } from './on-record';
import { buildDocument } from './openapi';
import { authorise, type Middleware, userOf } from './permission';
import { Problem, toProblem, unavailable } from './problem';
import { parseQuery } from './query';
import { RefusedRequests } from './refused-requests';
import { type Answer, type Call, type Permission, type Route, type RouteMatch, RouteTable } from './route';
import { routes } from './routes';
import { components } from './schemas';
import { Slots } from './slots';
import { statusPage } from './status-page';
import { Validator } from './validation';

const EXTERNAL_TIMEOUT_MS = 60_000;

export interface ApiOptions {
  /** The hub, or how to get it: it starts with the first request that needs it. */
  hub: Hub | (() => Promise<Hub>);
  idempotency: IdempotencyStore;
  /** adminAuth is on. Without it only this machine is served. */
  authenticated: boolean;
  /** `RED.auth.needsPermission`; required when `authenticated`. */
  needsPermission?(permission: string): Middleware;
  /** Told about faults of the hub itself, with the id that the answer names. */
  onError?(error: unknown, instance: string): void;
  /** Hosts under which the API may be used without adminAuth, besides this machine. */
  allowedHosts?: readonly string[];
  /** Origins of other pages that may use the API. */
  allowedOrigins?: readonly string[];
  /** Longest time that a request may wait for the system behind a connection, in milliseconds; default 60,000. */
  externalTimeoutMs?: number;
  /** Where the API is mounted; under Express the mount itself says so. */
  basePath?: string;
}

type ApiRequest = IncomingMessage & { baseUrl?: string };

/**
 * The HTTP API of the hub as one middleware: for `RED.httpAdmin.use('/integrations', ...)`, any Express application, or
 * a plain `http.createServer((request, response) => api(request, response, notFound))`.
 */
export function createApi(options: ApiOptions): Middleware {
  const { needsPermission, authenticated, allowedHosts = [], allowedOrigins = [] } = options;
  if (authenticated && needsPermission === undefined) throw new TypeError('authenticated needs needsPermission');
  const guard: GuardOptions = { authenticated, allowedHosts, allowedOrigins };
  const table = new RouteTable(routes);
  const validator = new Validator(components);
  const slots = new Slots();
  const refused = new RefusedRequests((event) => {
    hubOf(options)
      .then((hub) => hub.audit.append([event]))
      .catch((error: unknown) => options.onError?.(error, `urn:uuid:${event.attempt}`));
  });
  const documents = new Map<string, unknown>();

  const documentAt = (base: string): unknown => {
    const known = documents.get(base) ?? buildDocument(routes, components, base);
    if (documents.size < 10) documents.set(base, known);
    return known;
  };

  async function answer(request: ApiRequest, response: ServerResponse, place: Place, scope: Scope): Promise<Answer> {
    const page = statusPage(request.method, place.path);
    if (page !== undefined) return page;
    const search = new URLSearchParams(place.search);
    checkAccess(request, search, guard);
    const match = table.match(request.method ?? '', place.path);
    if (match === undefined) throw new Problem(404, 'PCP_NOT_FOUND', phrase`There is nothing at this address.`);
    const { route } = match;
    if (request.method === 'OPTIONS') return { status: 204, headers: { Allow: match.methods.join(', ') } };
    if (route === undefined) throw notAllowed(request, match);
    scope.route = route;
    const demand = async (permission: Permission) => {
      if (needsPermission !== undefined) await authorise(needsPermission(permission), permission, request, response);
    };
    const address = request.socket.remoteAddress ?? null;
    await demand(route.permission).catch((error: unknown) => {
      refused.add({ route, params: match.params, path: place.path, user: userOf(request), address }, error);
      throw error;
    });
    if (route.acts) checkDeliberate(request, guard);
    const parsed = parseQuery(route, search, validator);
    const body = await bodyOf(route, request, validator);
    const hub = await hubOf(options);
    const call: Call = {
      hub,
      params: match.params,
      rawParams: match.rawParams,
      ...parsed,
      body,
      ifMatch: request.headers['if-match'],
      user: userOf(request),
      language: languageOf(request.headers['accept-language']),
      signal: signalOf(route, scope.gone, options.externalTimeoutMs ?? EXTERNAL_TIMEOUT_MS),
      secrets: scope.secrets,
      demand,
      href: (path) => place.base + path,
      document: () => documentAt(place.base),
    };
    const recorded: Recorded = {
      route,
      call,
      path: place.path,
      read: route.method === 'POST' ? undefined : table.match('GET', place.path)?.route,
      address,
      onError: (error, attempt) => options.onError?.(error, `urn:uuid:${attempt}`),
    };
    const act = () => (isRecorded(route) ? onRecord(recorded, () => route.handle(call)) : route.handle(call));
    const handle = () => handleOnce(route, call, request, options.idempotency, place, act);
    return slots.run(route.external, () => inTime(call.signal, handle));
  }

  return (request: ApiRequest, response, next) => {
    const place = placeOf(request, options.basePath ?? '/integrations');
    if (place === undefined) return next();
    const gone = new AbortController();
    const language = languageOf(request.headers['accept-language']);
    const scope: Scope = { gone: gone.signal, secrets: [], route: undefined };
    response.once('close', () => gone.abort());
    const report = (error: unknown, instance: string) => options.onError?.(error, instance);
    answer(request, response, place, scope)
      .catch((error: unknown) => problemAnswer(error, scope, language, report))
      .then((result) => send(request, response, result))
      .catch(next);
  };
}

/**
 * Express error handler for the same mount: what was refused in front of the API, by the body parser of Node-RED above all,
 * would be answered with a page that shows a stack.
 */
export function apiErrorHandler(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  const type = error instanceof Error ? (error as Error & { type?: unknown }).type : undefined;
  const problem =
    error instanceof Problem
      ? error
      : type === 'entity.parse.failed'
        ? badJson('The body is not valid JSON.')
        : type === 'entity.too.large'
          ? tooLarge()
          : type === 'encoding.unsupported' || type === 'charset.unsupported'
            ? new Problem(415, 'PCP_ENCODING_UNSUPPORTED', phrase`Only plain UTF-8 bodies are taken.`)
            : undefined;
  if (problem === undefined || response.headersSent) next(error);
  else send(request, response, answerOf(problem, languageOf(request.headers['accept-language'])));
}

interface Place {
  /** Address of the API on this server ("/admin/integrations"). */
  base: string;
  /** Path below it ("/connections/3"), still encoded. */
  path: string;
  search: string;
}

interface Scope {
  gone: AbortSignal;
  secrets: string[];
  route: Route | undefined;
}

/** @returns undefined when the request is for something else */
function placeOf(request: ApiRequest, basePath: string): Place | undefined {
  const [full = '', search = ''] = splitOnce(request.url ?? '', '?');
  if (typeof request.baseUrl === 'string' && request.baseUrl !== '') {
    return { base: request.baseUrl, path: full, search };
  }
  if (full !== basePath && !full.startsWith(`${basePath}/`)) return undefined;
  return { base: basePath, path: full.slice(basePath.length), search };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function notAllowed(request: IncomingMessage, { methods }: RouteMatch): Problem {
  const allow = methods.join(', ');
  return new Problem(405, 'PCP_METHOD_NOT_ALLOWED', phrase`${request.method} is not possible here; ${allow} are.`, {
    headers: { Allow: allow },
  });
}

async function bodyOf(route: Route, request: IncomingMessage, validator: Validator): Promise<unknown> {
  if (route.method === 'GET' || route.method === 'DELETE') return undefined;
  const body = await readBody(request);
  if (route.body === undefined) return undefined;
  if (body === undefined && !route.body.required) return {};
  if (body === undefined) throw new Problem(400, 'PCP_BODY_MISSING', phrase`This needs a JSON body.`);
  const errors = validator.check(route.body.schema, body);
  if (errors.length > 0)
    throw new Problem(422, 'PCP_VALUE_INVALID', phrase`The body has values that are wrong.`, { errors });
  return body;
}

async function hubOf(options: ApiOptions): Promise<Hub> {
  if (typeof options.hub !== 'function') return options.hub;
  try {
    return await options.hub();
  } catch (error) {
    const { problem } = toProblem(error, {
      external: false,
      body: false,
      secrets: [],
      onBug: (bug, instance) => options.onError?.(bug, instance),
    });
    throw problem.status === 500
      ? unavailable('PCP_HUB_UNAVAILABLE', phrase`The hub could not start; Node-RED's log says why.`)
      : unavailable(problem.code, problem.message);
  }
}

function signalOf(route: Route, gone: AbortSignal, timeoutMs: number): AbortSignal {
  return route.external === undefined ? gone : AbortSignal.any([gone, AbortSignal.timeout(timeoutMs)]);
}

/** Work that was stopped because it took too long is not told as "cancelled". */
async function inTime(signal: AbortSignal, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const timedOut = signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError';
    if (!timedOut) throw error;
    throw new Problem(504, 'PCP_TIMEOUT', phrase`The system behind the connection took too long.`);
  }
}

/** Answers from memory what was asked before under the same Idempotency-Key. */
async function handleOnce(
  route: Route,
  call: Call,
  request: IncomingMessage,
  store: IdempotencyStore,
  place: Place,
  act: () => Promise<Answer>,
): Promise<Answer> {
  const header = request.headers['idempotency-key'];
  if (!route.idempotent || typeof header !== 'string') return act();
  const { key, requestHash } = idempotencyKeys({
    header,
    user: call.user,
    method: route.method,
    path: `${place.base}${place.path}?${place.search}`,
    body: call.body,
  });
  const claim = await store.claim(key, requestHash);
  switch (claim.outcome) {
    case 'replay':
      return replayed(claim.answer);
    case 'in_progress':
      throw new Problem(
        409,
        'PCP_IDEMPOTENCY_IN_PROGRESS',
        phrase`The first request with this Idempotency-Key still runs.`,
        { headers: { 'Retry-After': '1' } },
      );
    case 'mismatch':
      throw new Problem(422, 'PCP_IDEMPOTENCY_MISMATCH', phrase`This Idempotency-Key was used with another body.`);
    case 'new':
  }
  let answer: Answer;
  try {
    answer = await act();
  } catch (error) {
    // A refusal changed nothing, so a repeat may be judged anew.
    await store.release(key);
    throw error;
  }
  // Should this fail, the key stays taken: better a repeat that is refused for a while than one that acts twice.
  const body = answer.body === undefined ? null : JSON.stringify(answer.body);
  await store.complete(key, { status: answer.status, headers: answer.headers ?? {}, body });
  return answer;
}

function replayed({ status, headers, body }: StoredAnswer): Answer {
  return {
    status,
    headers: { ...headers, 'Idempotency-Replayed': 'true' },
    ...(body !== null && { body: JSON.parse(body) as unknown }),
  };
}

function problemAnswer(
  error: unknown,
  scope: Scope,
  language: Locale,
  onBug: (error: unknown, instance: string) => void,
): Answer {
  const { problem, instance } = toProblem(error, {
    external: scope.route?.external !== undefined,
    body: scope.route?.body !== undefined,
    secrets: scope.secrets,
    onBug,
  });
  return answerOf(problem, language, instance);
}

function answerOf(problem: Problem, language: Locale, instance?: string): Answer {
  return {
    status: problem.status,
    headers: { ...problem.headers, 'Content-Type': 'application/problem+json', 'Content-Language': language },
    body: problem.body(language, instance),
  };
}

function send(request: IncomingMessage, response: ServerResponse, result: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string | number> = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    ...result.headers,
  };
  // Appended, since what stands in front of the API may have set one. Texts are in no language.
  if (result.text === undefined) response.appendHeader('Vary', 'Accept-Language');
  let { status } = result;
  const tag = result.headers?.ETag;
  const known = request.headers['if-none-match'];
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (reading && status === 200 && tag !== undefined && known !== undefined && tagMatches(known, tag, true))
    status = 304;
  const whole = result.text ?? (result.body === undefined ? undefined : JSON.stringify(result.body));
  const text = status === 304 ? undefined : whole;
  if (text !== undefined) {
    headers['Content-Type'] ??= 'application/json';
    headers['Content-Length'] = Buffer.byteLength(text);
  } else if (status !== 204 && status !== 304) headers['Content-Length'] = 0;
  response.writeHead(status, headers);
  response.end(request.method === 'HEAD' ? undefined : text);
  // What is left of a refused body is not waited for.
  if (request.complete) return;
  const giveUp = () => {
    if (!request.complete) request.destroy();
  };
  response.once('finish', () => setTimeout(giveUp, 1000).unref());
}
