import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';
import { phrase } from '../../model/phrase';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/client';
import { isObject, textOf } from './answer';
import { failureOf } from './fault';

/** Signing in at the token endpoint of a TOTVS REST server. */
export interface SignIn {
  /** Below the base URL: "/api/oauth2/v1/token". */
  path: string;
  /** The published interface has them in the query, where access logs keep them; newer servers read headers. */
  credentialsIn: 'header' | 'query';
  username: string;
  password: string;
  timeoutMs: number;
}

export interface SessionOptions {
  /** Absent: the client identifies itself. */
  signIn?: SignIn;
  /** Sent with every request, as `TenantId`. */
  headers: Readonly<Record<string, string>>;
  /** To be masked where an answer repeats them. */
  secrets: readonly string[];
}

interface Tokens {
  access: string;
  refresh?: string;
  /** Epoch milliseconds, some time before the server stops taking it. */
  until: number;
}

const SKEW_MS = 30_000;
/** What the documentation says a token lives. */
const USUAL_LIFE_S = 3600;

/** How long a refused sign-in is not tried again, unless somebody asks for it: it could lock the user out. */
const REFUSED_FOR_MS = 10 * 60_000;

/** The session of a connection with a TOTVS REST server: who asks, in whose name, for which company and branch. */
export class TotvsSession {
  #tokens: Tokens | undefined;
  /** Whoever needs a token meanwhile waits for the same. */
  #pending: Promise<Tokens> | undefined;
  #refusal: { error: IntegrationError; until: number } | undefined;

  constructor(
    readonly client: Pick<HttpClient, 'request' | 'baseUrl'>,
    private readonly options: SessionOptions,
    private readonly now: () => number = Date.now,
  ) {}

  get secrets(): readonly string[] {
    const { access, refresh } = this.#tokens ?? {};
    return [...this.options.secrets, ...[access, refresh].filter((each) => each !== undefined)];
  }

  /** A token that was refused did nothing, so the same request may go out again with a new one; once. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const { signIn, headers } = this.options;
    const asked = { ...request, headers: { accept: 'application/json', ...headers, ...request.headers } };
    if (signIn === undefined) return this.client.request(asked);
    const { access } = await this.#token(signIn);
    const response = await this.#sendWith(access, asked);
    if (response.status !== 401) return response;
    response.discard();
    if (this.#tokens?.access === access) this.#tokens = { ...this.#tokens, until: 0 };
    return this.#sendWith((await this.#token(signIn)).access, asked);
  }

  /** Any answer but a success is an error; a change that changed nothing (304) is one. */
  async ask(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.request(request);
    if (!response.ok && !(response.status === 304 && request.method === 'PUT'))
      throw await failureOf(response, this.secrets, request.method);
    return response;
  }

  /** Somebody wants to know whether the sign-in works by now. */
  forgive(): void {
    this.#refusal = undefined;
  }

  #sendWith(token: string, request: HttpRequest): Promise<HttpResponse> {
    return this.client.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
  }

  #token(signIn: SignIn): Promise<Tokens> {
    if (this.#tokens !== undefined && this.now() < this.#tokens.until) return Promise.resolve(this.#tokens);
    if (this.#refusal !== undefined && this.now() < this.#refusal.until) return Promise.reject(this.#refusal.error);
    this.#pending ??= this.#renewed(signIn, this.#tokens?.refresh).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #renewed(signIn: SignIn, refresh: string | undefined): Promise<Tokens> {
    if (refresh !== undefined) {
      const query = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh });
      const response = await this.#askForToken(signIn, query, {});
      if (response.ok) return this.#kept(response);
      response.discard();
      if (response.status >= 500) throw refusal(response.status, 'transient');
    }
    const { username, password, credentialsIn } = signIn;
    const query = new URLSearchParams({ grant_type: 'password' });
    if (credentialsIn === 'query') {
      query.set('username', username);
      query.set('password', password);
    }
    const response = await this.#askForToken(signIn, query, credentialsIn === 'header' ? { username, password } : {});
    if (response.ok && response.status !== 202) return this.#kept(response);
    // What it says may hold the password.
    response.discard();
    const error = refused(response.status);
    if (error.class === 'auth') this.#refusal = { error, until: this.now() + REFUSED_FOR_MS };
    throw error;
  }

  #askForToken(
    { path, timeoutMs }: SignIn,
    query: URLSearchParams,
    headers: Record<string, string>,
  ): Promise<HttpResponse> {
    // The signal of whoever asks first is not that of those who wait.
    const signal = AbortSignal.timeout(timeoutMs);
    const all = { accept: 'application/json', ...this.options.headers, ...headers };
    return this.client.request({ method: 'POST', target: `${path}?${query}`, headers: all, signal });
  }

  async #kept(response: HttpResponse): Promise<Tokens> {
    const answer = parsed(await textOf(response));
    const { access_token: access, refresh_token: refresh, expires_in: life } = answer;
    if (typeof access !== 'string' || access === '') {
      throw new IntegrationError('config', 'PCP_TOTVS_SIGN_IN', phrase`The server answered without an access token.`, {
        path: '/config/token_path',
        hint: 'Check that this is the token endpoint.',
      });
    }
    const seconds = Number(life);
    const lifeMs = (seconds > 0 ? seconds : USUAL_LIFE_S) * 1000;
    this.#tokens = {
      access,
      ...(typeof refresh === 'string' && { refresh }),
      until: this.now() + lifeMs - Math.min(SKEW_MS, lifeMs / 10),
    };
    return this.#tokens;
  }
}

function refused(status: number): IntegrationError {
  if (status === 202) return refusal(status, 'auth', 'Its password has to be changed: sign in once by hand.');
  if (status === 404 || status === 405) {
    return refusal(status, 'config', 'Check the base URL ("/rest" at its end) and the path of the token endpoint.');
  }
  if (status === 429 || status >= 500) return refusal(status, 'transient');
  return refusal(status, 'auth');
}

function refusal(
  status: number,
  errorClass: 'auth' | 'config' | 'transient',
  hint = 'Check user and password, and Security=1 in the REST section of appserver.ini.',
): IntegrationError {
  const path = errorClass === 'config' ? '/config/token_path' : '/credentials';
  return new IntegrationError(errorClass, 'PCP_TOTVS_SIGN_IN', phrase`The sign-in was answered with ${status}.`, {
    path,
    hint,
  });
}

function parsed(body: string): Record<string, unknown> {
  try {
    const json = parseExactJson(body);
    return isObject(json) ? json : {};
  } catch {
    // Not JSON: then there is no token in it.
    return {};
  }
}
