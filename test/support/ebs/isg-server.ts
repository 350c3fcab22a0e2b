import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Json = Record<string, unknown>;
/** What a deployed method does with its input. */
export type Method = (input: Json) => Json | Promise<Json>;

/**
 * The REST gateway of E-Business Suite (Integrated SOA Gateway) as its guides describe it, for what cannot be had here.
 * Sources: Oracle E20927 and E12065 (Integrated SOA Gateway Developer's Guide: addresses `/webservices/rest/<alias>/<method>/`,
 * `<METHOD>_Input` with RESTHeader and InputParameters, OutputParameters; login by Basic, a token sent as a cookie), the sample
 * payloads of the E-Business Suite adapter, and faults that its users report: ISGServiceFault with Code, Message and
 * Resolution; ISG_INVALID_ALIAS, ISG_INVALID_FUNCTION, ISG_SERVICE_AUTH_FAILURE. A table with one row comes as one object, a
 * parameter without a value as an element that is nil.
 */
export class IsgServer {
  /** By "alias/method". */
  readonly methods = new Map<string, Method>();
  readonly asked: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[] = [];
  readonly username = 'PCP_USER';
  readonly password = 'canary-isg-1';
  /** What a RESTHeader must say; null where a responsibility is not needed. */
  responsibility: string | null = null;
  /** "alias/method" that is deployed with the verb GET. */
  readonly gets = new Set<string>();
  /** "alias/method" that the user has no grant for. */
  readonly withoutGrant = new Set<string>();
  /** Whether the request is done and its answer then cut off. */
  cuts: () => boolean = () => false;
  logins = 0;
  readonly #sessions = new Set<string>();
  #server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/webservices/rest`;
  }

  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** Nobody used the sessions for too long. */
  expire(): void {
    this.#sessions.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString('utf8');
    const { method = '', headers } = request;
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://x');
    this.asked.push({ method, path, headers, body });
    const [status, json] = await this.#route(method, path, query, headers, body);
    if (path !== '/webservices/rest/login' && this.cuts()) return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  async #route(
    method: string,
    path: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: string,
  ): Promise<[number, Json]> {
    const isBasic =
      headers.authorization === `Basic ${Buffer.from(`${this.username}:${this.password}`).toString('base64')}`;
    if (path === '/webservices/rest/login') return this.#login(method, isBasic);
    const session = /ebs_token=([^;]+)/.exec(headers.cookie ?? '')?.[1];
    if (!isBasic && !this.#sessions.has(session ?? '')) return [401, fault('ISG_USER_AUTH_FAILURE', 'Invalid session')];
    const [, alias, name] = /^\/webservices\/rest\/([^/]+)\/([^/]+)\/$/.exec(path) ?? [];
    const called = `${alias}/${name}`;
    const known = [...this.methods.keys()];
    if (!known.some((each) => each.startsWith(`${alias}/`))) {
      return [404, fault('ISG_INVALID_ALIAS', 'An invalid alias has been used to invoke the service')];
    }
    const work = this.methods.get(called);
    if (work === undefined) return [500, fault('ISG_INVALID_FUNCTION', `Function ${name} is not deployed`)];
    if (this.withoutGrant.has(called)) {
      return [403, fault('ISG_SERVICE_AUTH_FAILURE', 'User is not authorized to execute the service')];
    }
    if (method !== (this.gets.has(called) ? 'GET' : 'POST')) {
      return [405, fault('ISG_INVALID_METHOD', `${method} is not deployed`)];
    }
    if (method === 'GET') return this.#read(work, query);
    if (!String(headers['content-type'] ?? '').startsWith('application/json'))
      return [415, fault('ISG_MEDIA', 'Not JSON')];
    return this.#call(name!, work, body);
  }

  #login(method: string, isBasic: boolean): [number, Json] {
    this.logins++;
    if (method !== 'GET') return [405, fault('ISG_INVALID_METHOD', method)];
    if (!isBasic) return [401, fault('ISG_USER_AUTH_FAILURE', 'Invalid user name or password')];
    const token = `session-${this.logins}`;
    this.#sessions.add(token);
    const data = { accessToken: token, accessTokenName: 'ebs_token', ebsVersion: '12.2.0', userName: this.username };
    return [200, { data }];
  }

  async #read(work: Method, query: URLSearchParams): Promise<[number, Json]> {
    const unknown = [...query.keys()].filter((each) => each.startsWith('ctx_') && !CONTEXT.includes(each));
    if (unknown.length > 0) return [400, fault('ISG_INVALID_HEADER', `Unexpected ${unknown.join()}`)];
    if (this.responsibility !== null && query.get('ctx_responsibility') !== this.responsibility) {
      return [500, fault('ISG_CONTEXT', 'The responsibility is not one of the user')];
    }
    const input = Object.fromEntries([...query].filter(([name]) => !name.startsWith('ctx_')));
    return [200, { OutputParameters: await work(input) }];
  }

  async #call(name: string, work: Method, body: string): Promise<[number, Json]> {
    let json: Json;
    try {
      json = JSON.parse(body) as Json;
    } catch {
      return [400, fault('ISG_INVALID_PAYLOAD', 'The payload is no JSON')];
    }
    const [root = '', ...others] = Object.keys(json);
    const { RESTHeader: header, InputParameters: input, ...rest } = (json[root] ?? {}) as Record<string, Json>;
    const isWhole = others.length === 0 && root === `${name.toUpperCase()}_Input` && input !== undefined;
    if (!isWhole || Object.keys(rest).length > 0) return [400, fault('ISG_INVALID_PAYLOAD', `Unexpected ${root}`)];
    const unknown = Object.keys(header ?? {}).filter((each) => !HEADER.includes(each));
    if (unknown.length > 0) return [400, fault('ISG_INVALID_HEADER', `Unexpected ${unknown.join()}`)];
    if (this.responsibility !== null && header?.Responsibility !== this.responsibility) {
      return [500, fault('ISG_CONTEXT', 'The responsibility is not one of the user')];
    }
    return [
      200,
      { OutputParameters: { '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance', ...(await work(input)) } },
    ];
  }
}

/** The same in the query of a GET. */
const CONTEXT = ['ctx_responsibility', 'ctx_respapplication', 'ctx_securitygroup', 'ctx_nlslanguage', 'ctx_orgid'];
const HEADER = ['Responsibility', 'RespApplication', 'SecurityGroup', 'NLSLanguage', 'Org_Id'];
/** A parameter without a value. */
export const NIL = { '@xsi:nil': 'true' };

function fault(code: string, message: string): Json {
  return { ISGServiceFault: { Code: code, Message: message, Resolution: 'Please check it', ServiceDetails: {} } };
}
