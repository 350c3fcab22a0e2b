import { locale } from './words';

/** `pointer` leads into what was sent: "/headers/X-Plant". */
export interface WrongValue {
  pointer: string;
  detail: string;
}

/** A refusal of the API (RFC 9457), or of the network. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** What kind of failure it is, in the chosen language. */
  readonly title: string;
  /** Which of the values that were sent are wrong. */
  readonly errors: readonly WrongValue[];

  constructor(problem: Record<string, unknown>, status: number) {
    super(String(problem.detail ?? problem.title ?? `HTTP ${status}`));
    this.status = status;
    this.code = String(problem.code ?? `HTTP_${status}`);
    this.hint = typeof problem.hint === 'string' ? problem.hint : '';
    this.title = typeof problem.title === 'string' ? problem.title : '';
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

interface Request {
  method?: 'POST' | 'PUT' | 'DELETE';
  /** JSON text: what somebody typed goes as it is, so that no number changes. */
  body?: string;
  ifMatch?: string | undefined;
}

interface Answered<T> {
  value: T;
  etag: string | undefined;
}

/** The page is at `<admin root>/integrations/ui/`. */
const API = new URL('..', location.href);
export const EDITOR = new URL('../..', location.href);
const TIMEOUT_MS = 30_000;

/** Node-RED's editor keeps the token of who signed in under a name that ends with its own path. */
function editorToken(): string | undefined {
  const suffix = EDITOR.pathname.slice(0, -1).replaceAll('/', '-');
  try {
    const kept = JSON.parse(localStorage.getItem(`auth-tokens${suffix}`) ?? 'null') as { access_token?: string } | null;
    return kept?.access_token;
  } catch {
    return undefined;
  }
}

/** @throws ApiError */
export async function ask<T>(path: string, { method, body, ifMatch }: Request = {}): Promise<Answered<T>> {
  const token = editorToken();
  const headers = {
    'Accept-Language': locale(),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(method !== undefined && { 'Content-Type': 'application/json' }),
    ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
  };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(new URL(path, API), {
    headers,
    signal,
    ...(method !== undefined && { method, body: body ?? '{}' }),
  }).catch((error: unknown) => {
    throw new ApiError({ code: 'UNREACHABLE', detail: String(error) }, 0);
  });
  if (response.status === 204) return { value: undefined as T, etag: undefined };
  const isKnown = response.ok || (response.status === 503 && path === 'health');
  const answer: unknown = await response.json().catch((error: unknown) => {
    // A page of a proxy, or an answer that broke off.
    if (response.ok) throw new ApiError({ code: 'NOT_JSON', detail: String(error) }, 0);
    return {};
  });
  // A hub whose store is away says so with a description of itself.
  if (!isKnown) throw new ApiError(answer as Record<string, unknown>, response.status);
  return { value: answer as T, etag: response.headers.get('etag') ?? undefined };
}

export async function get<T>(path: string): Promise<T> {
  return (await ask<T>(path)).value;
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await ask<T>(path, { method: 'POST', body: JSON.stringify(body) })).value;
}

/** Changes what is there; what the body leaves out stays. @param ifMatch tag of what was looked at */
export async function put<T>(path: string, body: unknown, ifMatch?: string): Promise<T> {
  return (await ask<T>(path, { method: 'PUT', body: JSON.stringify(body), ifMatch })).value;
}

export async function remove(path: string): Promise<void> {
  await ask(path, { method: 'DELETE' });
}

/** The first thousand of a list: more than anybody looks at. */
export async function list<T>(path: string): Promise<T[]> {
  return (await get<Page<T>>(`${path}${path.includes('?') ? '&' : '?'}limit=1000`)).items;
}
