import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/client';
import { pathSegment } from '../http/url';
import { failureOf, faultError, readFault, refusalOf } from './fault';
import { type Context, envelope, isObject, type Json, outputOf, query } from './message';

export interface IsgOptions {
  /** Absent: the client identifies itself with each request (Basic). */
  signIn?: { username: string; password: string; timeoutMs: number };
  context?: Context;
  /** To be masked where an answer repeats them. */
  secrets: readonly string[];
}

/** The session of a user of E-Business Suite with the gateway's REST services. */
export class IsgSession {
  /** `<name>=<token>`; a session of E-Business Suite, which ends when nobody uses it. */
  #cookie: string | undefined;
  /** Whoever needs a session meanwhile waits for the same. */
  #pending: Promise<string> | undefined;

  constructor(
    readonly client: Pick<HttpClient, 'request' | 'baseUrl'>,
    private readonly options: IsgOptions,
  ) {}

  get secrets(): readonly string[] {
    const token = this.#cookie?.split('=').slice(1).join('=');
    return [...this.options.secrets, ...(token === undefined ? [] : [token])];
  }

  /**
   * Calls a method of a service that is deployed with an alias.
   * @returns its output
   * @throws data PCP_ISG_REFUSED when the API says E or U; config PCP_ISG_NOT_DEPLOYED; permission PCP_ISG_NO_GRANT
   */
  async call(alias: string, method: string, parameters: Json, signal: AbortSignal): Promise<Json> {
    const output = await this.#post(alias, method, parameters, signal);
    if (output === undefined) throw unreadable(`${alias}/${method}`, true);
    return output;
  }

  /** The same for a method that is deployed with the verb GET, which changes nothing. */
  async get(alias: string, method: string, parameters: Json, signal: AbortSignal): Promise<Json> {
    const asked = query(this.options.context, parameters);
    const target = `${addressOf(alias, method)}${asked === '' ? '' : `?${asked}`}`;
    const output = await this.#answer(`${alias}/${method}`, { target, signal });
    if (output === undefined) throw unreadable(`${alias}/${method}`, false);
    return output;
  }

  /**
   * Puts rows into an open interface table that is deployed with an alias. What it answers is not taken for a proof: whoever
   * asks looks for the rows.
   */
  async insert(alias: string, table: string, rows: readonly Json[], signal: AbortSignal): Promise<void> {
    await this.#post(alias, table, { [`${table}_REC`]: rows }, signal);
  }

  #post(alias: string, method: string, parameters: Json, signal: AbortSignal): Promise<Json | undefined> {
    const target = addressOf(alias, method);
    const body = envelope(method, this.options.context, parameters);
    const headers = { 'content-type': 'application/json' };
    return this.#answer(`${alias}/${method}`, { method: 'POST', target, headers, body, signal });
  }

  /** @returns undefined where the answer is no output of a service */
  async #answer(where: string, request: HttpRequest): Promise<Json | undefined> {
    const response = await this.#request(request);
    if (!response.ok) throw await failureOf(response, this.secrets);
    const text = await response.text();
    const fault = readFault(text);
    if (fault !== null) throw faultError(fault, where, this.secrets);
    const output = outputOf(text);
    const refusal = output && refusalOf(output, where, this.secrets);
    if (refusal) throw refusal;
    return output;
  }

  /** Signs in, whatever the way of it: whether the gateway takes the user. */
  async signIn(signal: AbortSignal): Promise<void> {
    if (this.options.signIn !== undefined) {
      await this.#session(this.options.signIn);
      return;
    }
    const response = await this.client.request({ target: '/login', headers: { accept: 'application/json' }, signal });
    if (!response.ok) throw signInRefused(response.status, await failureOf(response, this.secrets));
    response.discard();
  }

  /** A session that is over did nothing, so the same request may go out again with a new one; once. */
  async #request(request: HttpRequest): Promise<HttpResponse> {
    const { signIn } = this.options;
    const asked = { ...request, headers: { accept: 'application/json', ...request.headers } };
    if (signIn === undefined) return this.client.request(asked);
    const cookie = await this.#session(signIn);
    const response = await this.client.request({ ...asked, headers: { ...asked.headers, cookie } });
    if (response.status !== 401) return response;
    response.discard();
    if (this.#cookie === cookie) this.#cookie = undefined;
    const renewed = await this.#session(signIn);
    return this.client.request({ ...asked, headers: { ...asked.headers, cookie: renewed } });
  }

  #session(signIn: NonNullable<IsgOptions['signIn']>): Promise<string> {
    if (this.#cookie !== undefined) return Promise.resolve(this.#cookie);
    this.#pending ??= this.#begun(signIn).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #begun({ username, password, timeoutMs }: NonNullable<IsgOptions['signIn']>): Promise<string> {
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const headers = { accept: 'application/json', authorization };
    // The signal of whoever asks first is not that of those who wait.
    const response = await this.client.request({ target: '/login', headers, signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw signInRefused(response.status, await failureOf(response, this.secrets));
    const token = tokenOf(await response.text());
    if (token === undefined) {
      throw new IntegrationError('config', 'PCP_ISG_SIGN_IN', phrase`The gateway answered without an access token.`, {
        path: '/config/base_url',
        hint: 'Check the base URL: it ends with /webservices/rest.',
      });
    }
    this.#cookie = token;
    return token;
  }
}

function addressOf(alias: string, method: string): string {
  return `/${pathSegment(alias)}/${pathSegment(method)}/`;
}

/** The cookie that a sign-in gives; some releases wrap its data. */
function tokenOf(body: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const outer = isObject(json) ? (json.response ?? json) : {};
  const data = isObject(outer) ? (outer.data ?? outer) : {};
  if (!isObject(data)) return undefined;
  const { accessToken, accessTokenName } = data;
  // In a header these would begin another one.
  const isSafe = (value: unknown): value is string => typeof value === 'string' && /^[^\s;,=]+[^\s;,]*$/.test(value);
  return isSafe(accessToken) && isSafe(accessTokenName) ? `${accessTokenName}=${accessToken}` : undefined;
}

function signInRefused(status: number, error: IntegrationError): IntegrationError {
  if (status !== 401 && status !== 403) return error;
  return new IntegrationError('auth', 'PCP_ISG_SIGN_IN', phrase`The sign-in was answered with ${status}.`, {
    path: '/credentials/password',
    hint: 'Check user and password of E-Business Suite, and whether the account has an end date or an expired password.',
  });
}

function unreadable(where: string, outcomeUnknown: boolean): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_ISG_ANSWER',
    phrase`${where} answered with what is no output of a service.`,
    {
      outcomeUnknown,
      hint: 'The answer was cut off, or a page of a proxy or of the login came in its place.',
    },
  );
}
