import { asked } from '../../../model/question';
import type { HttpRequest, HttpResponse } from '../../../protocols/http/client';
import { failureOf } from '../../../protocols/odata/fault';
import { parameterText } from '../../../protocols/odata/query';
import type { ServiceClient } from '../../../protocols/odata/service';

export interface SessionOptions {
  /** How the token against forged requests is asked for; `off` for gateways that know none. */
  csrf: 'auto' | 'head' | 'get' | 'off';
  /** "sap-client" and "sap-language": a token belongs to a client. */
  parameters: Readonly<Record<string, string>>;
  timeoutMs: number;
  secrets: readonly string[];
}

const SAFE = ['GET', 'HEAD'];
const NO_ROOT = [404, 405, 406, 501];

/**
 * The session of a connection with SAP Gateway: its cookies, and for each service the token that a change needs. Cookies stay
 * within the connection whatever their path or `Secure` says: plants reach their gateway over plain HTTP, too.
 */
export class GatewaySession {
  readonly #client: ServiceClient;
  readonly #options: SessionOptions;
  readonly #cookies = new Map<string, string>();
  /** By path of the service; whoever needs one meanwhile waits for the same. Null = the service wants none. */
  readonly #tokens = new Map<string, Promise<string | null>>();

  constructor(client: ServiceClient, options: SessionOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** A client for one service, given by its path. */
  of(service: string): ServiceClient {
    const client = this.#client;
    return {
      baseUrl: client.baseUrl,
      resolveLink: (link, base) => client.resolveLink(link, base),
      request: (request) => {
        const isRead = SAFE.includes(request.method ?? 'GET') || this.#options.csrf === 'off';
        return isRead ? this.#send(request) : this.#change(service, request);
      },
    };
  }

  /** A token that was refused did nothing, so the same request may go out again with a new one; once. */
  async #change(service: string, request: HttpRequest): Promise<HttpResponse> {
    const token = this.#token(service);
    const response = await this.#send(request, await token);
    if (response.status !== 403 || !/required/i.test(response.headers['x-csrf-token'] ?? '')) return response;
    response.discard();
    if (this.#tokens.get(service) === token) this.#tokens.delete(service);
    return this.#send(request, await this.#token(service));
  }

  #token(service: string): Promise<string | null> {
    const known = this.#tokens.get(service);
    if (known !== undefined) return known;
    const fetched = asked(this.#fetchToken(service));
    this.#tokens.set(service, fetched);
    fetched.catch(() => {
      if (this.#tokens.get(service) === fetched) this.#tokens.delete(service);
    });
    return fetched;
  }

  /** Some gateways refuse HEAD, and some give the token with an answer that is no success. */
  async #fetchToken(service: string): Promise<string | null> {
    const { csrf, parameters, timeoutMs, secrets } = this.#options;
    const target = `${service}/${parameterText(Object.entries(parameters))}`;
    const methods = csrf === 'auto' ? ['HEAD', 'GET'] : [csrf.toUpperCase()];
    let response: HttpResponse | undefined;
    for (const method of methods) {
      response?.discard();
      const headers = { 'x-csrf-token': 'Fetch', accept: 'application/json' };
      response = await this.#send({ method, target, headers, signal: AbortSignal.timeout(timeoutMs) });
      const token = response.headers['x-csrf-token'] ?? '';
      // Asked a second time, a wrong password would count twice towards the lock of the user.
      if (response.status === 401) break;
      if (token === '' || /^(required|fetch)$/i.test(token)) continue;
      response.discard();
      return token;
    }
    // A service without a page of its own may want no token; if it does, the change itself is told so.
    const isNothing = response === undefined || response.ok || NO_ROOT.includes(response.status);
    if (!isNothing) throw await failureOf(response as HttpResponse, secrets);
    response?.discard();
    return null;
  }

  async #send(request: HttpRequest, token: string | null = null): Promise<HttpResponse> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.#client.request({
      ...request,
      headers: {
        ...request.headers,
        ...(cookie !== '' && { cookie }),
        ...(token !== null && { 'x-csrf-token': token }),
        // What gateways from before the token ask for instead.
        ...(this.#options.csrf === 'off' && { 'x-requested-with': 'XMLHttpRequest' }),
      },
    });
    this.#keep(response.headers['set-cookie'] ?? '');
    return response;
  }

  /** Several cookies come joined by commas, and a date holds one. */
  #keep(header: string): void {
    for (const cookie of header.split(/,(?=\s*[^\s;,=]+=)/)) {
      const [, name, value = ''] = /^\s*([^\s;=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name === undefined) continue;
      if (isOver(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value.trim());
    }
  }
}

/** How a server takes a cookie back. */
function isOver(cookie: string): boolean {
  const [, seconds] = /;\s*max-age=(-?\d+)/i.exec(cookie) ?? [];
  if (seconds !== undefined) return Number(seconds) <= 0;
  return Date.parse(/;\s*expires=([^;]+)/i.exec(cookie)?.[1] ?? '') <= Date.now();
}
