import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { type BatchPart, batchReply, type BatchReply as Reply, readBatch } from '../odata-batch';
import { FUNCTIONS, type SapFunction, type System } from './functions';

const FOLDER = resolve(__dirname, '../../../..', 'test/support/sap');
const BASE = '/sap/opu/odata/sap/';

const BROKEN_OFF = 0;

type Json = Record<string, unknown>;

/** What SAP numbers itself when a document is posted, by entity set. */
const NUMBERED: Record<string, (n: number, posted: Json) => Json> = {
  ProdnOrdConf2: (n) => ({ ConfirmationGroup: String(n).padStart(10, '0'), ConfirmationCount: '00000001' }),
  A_MaterialDocumentHeader: (n) => ({ MaterialDocumentYear: '2026', MaterialDocument: String(4900000000 + n) }),
  MaintenanceNotification: (n) => ({ MaintenanceNotification: String(20000000 + n).padStart(12, '0') }),
  // By the catalogue of codes.
  A_InspLotUsageDecision: (_n, posted) => ({ InspLotUsageDecisionValuation: posted.InspectionLotUsageDecisionCode }),
  MeasurementDocument: (n) => ({ MeasurementDocument: String(100 + n).padStart(20, '0') }),
};

/**
 * What a strict SAP Gateway does and the mock server behind it does not: password, client, token and cookies, decimals as
 * texts, versions (428, 412), numbers of documents; and on demand 429, HEAD refused, an answer cut off after the posting.
 */
export class StrictGateway {
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  /** What the parts of batches asked for. */
  readonly changed: Omit<BatchPart, 'headers'>[] = [];
  password = 'right-4711';
  /** By user and password, where a test says nothing else. */
  isSignedIn: (headers: IncomingMessage['headers']) => boolean = ({ authorization }) =>
    authorization === `Basic ${Buffer.from(`pcp:${this.password}`).toString('base64')}`;
  refusesHead = false;
  /** Answers 404 for these services. */
  inactive = new Set<string>();
  forbidden = new Set<string>();
  /** How many of the next requests are answered 429. */
  busy = 0;
  /** Whether the answer to a change is cut off after the change was made. */
  cuts: (method: string, url: string) => boolean = () => false;
  /** How many changes of a batch are made before the gateway breaks off without an answer. */
  breaksOffAfter: () => number = () => Number.POSITIVE_INFINITY;
  /** Answers in place of the gateway, where a test says so. */
  answersItself: (method: string, url: string) => Promise<Reply | undefined> = async () => undefined;
  /** Answers 404 to every batch. */
  knowsNoBatch = false;
  /** Requests are done one after the other, as they arrived: what was asked later sees all that was posted before. */
  #turn: Promise<void> = Promise.resolve();
  #session: { token: string; cookie: string } | undefined;
  #documents = 0;
  #server: Server | undefined;

  constructor(
    private readonly behind: () => string,
    /** Of services that are not where most are. */
    private readonly paths: ReadonlyMap<string, string>,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      // One that was broken off is not done.
      this.#turn = this.#turn.then(() => this.#handle(request, response)).catch(() => undefined);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  /** As after half an hour without a request. */
  expire(): void {
    this.#session = undefined;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nobody waits for what this would tell.
    if (request.method === 'GET' && request.socket.destroyed) return;
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString('utf8');
    const { method = '', url = '', headers } = request;
    this.asked.push({ method, url, headers, body });
    const own = await this.answersItself(method, url);
    const reply =
      own ?? (await this.#reply(method, url, headers, body).catch((error: unknown) => refusal(500, String(error))));
    if (reply.status === BROKEN_OFF) {
      request.socket.destroy();
      return;
    }
    if (reply.status < 300 && method !== 'GET' && method !== 'HEAD' && this.cuts(method, url)) {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    const isText = typeof reply.body === 'string';
    response.end(method === 'HEAD' || reply.body === undefined ? '' : isText ? reply.body : JSON.stringify(reply.body));
  }

  async #reply(method: string, url: string, headers: IncomingMessage['headers'], body: string): Promise<Reply> {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const [service, path] = this.#placeOf(pathname);
    const resource = pathname.slice(path.length + 1);
    if (this.busy > 0) {
      this.busy--;
      return { ...refusal(429, 'Too many requests'), headers: { 'retry-after': '0' } };
    }
    if (!this.isSignedIn(headers)) return refusal(401, 'Logon failed');
    if (searchParams.get('sap-client') !== '100') return refusal(400, 'Client is missing');
    if (service === '' || this.inactive.has(service)) return refusal(404, 'No service found');
    if (this.forbidden.has(service)) return refusal(403, 'No authorization to access service');
    const isFetch = headers['x-csrf-token']?.toString().toLowerCase() === 'fetch';
    if (method === 'HEAD' && this.refusesHead) return refusal(405, 'HEAD is not allowed');
    if (isFetch && resource === '') return this.#newSession();
    if (method !== 'GET' && method !== 'HEAD' && !this.#isKnown(headers)) {
      return { ...refusal(403, 'CSRF token validation failed'), headers: { 'x-csrf-token': 'Required' } };
    }
    const called = FUNCTIONS[resource];
    if (called !== undefined && method === 'POST') {
      return this.#call(called, resource, url, headers, `${pathname.slice(0, -resource.length)}`);
    }
    if (resource === '$batch') return this.#batch(service, pathname, headers['content-type'] ?? '', body);
    return this.#forward(service, resource, method, url, headers, body);
  }

  /** Parameters are in the query, as literals. */
  async #call(
    called: SapFunction,
    name: string,
    url: string,
    headers: IncomingMessage['headers'],
    root: string,
  ): Promise<Reply> {
    const query = [...new URL(url, 'http://localhost').searchParams];
    const values = Object.fromEntries(query.map(([key, value]) => [key, value.replace(/^'(.*)'$/, '$1')]));
    const service = root.split('/').at(-2) ?? '';
    const ask = async (method: string, path: string, body = '') => {
      const type = { accept: 'application/json', 'content-type': 'application/json' };
      return this.#ask(method, `${root}${path}?sap-client=100`, type, body);
    };
    const system: System = {
      get: async (path) => {
        const { __metadata, ...data } = ((await ask('GET', path)).body as { d?: Json } | undefined)?.d ?? {};
        const own = Object.entries(data).filter(([, value]) => typeof value !== 'object' || value === null);
        return Object.fromEntries(own);
      },
      change: async (path, data) => void (await ask('MERGE', path, JSON.stringify(data))),
      add: async (set, data) => void (await ask('POST', set, JSON.stringify(data))),
      nextDocument: () => ++this.#documents,
    };
    const path = called.changes?.(values);
    if (path !== undefined) {
      const current = await ask('GET', path);
      if (current.status !== 200) return refusal(404, 'Resource not found');
      if (headers['if-match'] === undefined) return refusal(428, 'Precondition required');
      const version = etagOf(current.body, service, /^\w+/.exec(path)?.[0] ?? '');
      if (headers['if-match'] !== version) return refusal(412, 'Precondition failed');
    }
    const result = await called.run(values, system);
    return { status: 200, body: { d: path === undefined ? result : { [name]: result } } };
  }

  /** Each change set by itself: one that is refused takes none of the others with it. */
  async #batch(service: string, pathname: string, contentType: string, body: string): Promise<Reply> {
    if (this.knowsNoBatch) return refusal(404, 'No $batch here');
    let items: (BatchPart | BatchPart[])[];
    try {
      items = readBatch(body, contentType);
    } catch (error) {
      return refusal(400, String(error));
    }
    const most = this.breaksOffAfter();
    const replies: (Reply | Reply[])[] = [];
    for (const [index, item] of items.entries()) {
      if (index >= most) return { status: BROKEN_OFF };
      const answers: Reply[] = [];
      for (const part of [item].flat()) answers.push(await this.#part(service, pathname, part));
      const refused = answers.find(({ status }) => status >= 400);
      replies.push(refused ?? (Array.isArray(item) ? answers : (answers[0] as Reply)));
    }
    return batchReply(replies);
  }

  #part(service: string, pathname: string, { method, url, headers, body }: BatchPart): Promise<Reply> {
    this.changed.push({ method, url, body });
    const absolute = `${pathname.replace('$batch', '')}${url}`;
    return this.#forward(service, url.replace(/\?.*$/, ''), method, absolute, headers, body);
  }

  #placeOf(pathname: string): [service: string, path: string] {
    for (const [service, path] of this.paths) if (`${pathname}/`.startsWith(`${path}/`)) return [service, path];
    const service = pathname.startsWith(BASE) ? (pathname.slice(BASE.length).split('/')[0] ?? '') : '';
    return [service, BASE + service];
  }

  #newSession(): Reply {
    this.#session = { token: randomUUID(), cookie: randomUUID() };
    const { token, cookie } = this.#session;
    return {
      status: 200,
      headers: {
        'x-csrf-token': token,
        'set-cookie': [
          `SAP_SESSIONID_TST_100=${cookie}; path=/; secure; HttpOnly`,
          'sap-usercontext=sap-client=100; path=/; expires=Wed, 01 Dec 2027 00:00:00 GMT',
        ],
      },
      body: { d: { EntitySets: [] } },
    };
  }

  #isKnown(headers: IncomingMessage['headers']): boolean {
    const { token, cookie } = this.#session ?? {};
    const sent = headers.cookie?.split('; ') ?? [];
    if (token === undefined || headers['x-csrf-token'] !== token) return false;
    return sent.includes(`SAP_SESSIONID_TST_100=${cookie}`) && sent.includes('sap-usercontext=sap-client=100');
  }

  async #forward(
    service: string,
    resource: string,
    method: string,
    url: string,
    headers: IncomingMessage['headers'],
    body: string,
  ): Promise<Reply> {
    const decimals = decimalsOf(service);
    const [, set = ''] = /^(\w+)/.exec(resource) ?? [];
    let sent = body;
    if (body !== '') {
      const json = JSON.parse(body) as Json;
      const wrong = numbersIn(json, decimals);
      if (wrong !== undefined) return refusal(400, `Property ${wrong} has invalid value`, wrong);
      const numbered = method === 'POST' ? NUMBERED[set] : undefined;
      if (numbered !== undefined) Object.assign(json, numbered(++this.#documents, json));
      sent = JSON.stringify(json);
    }
    if (method === 'MERGE' || method === 'PATCH' || method === 'PUT') {
      const current = await this.#ask('GET', url, {}, '');
      const etag = etagOf(current.body, service, set);
      if (etag !== undefined && headers['if-match'] === undefined) return refusal(428, 'Precondition required');
      if (etag !== undefined && headers['if-match'] !== etag) return refusal(412, 'Precondition failed');
    }
    const accept = headers.accept === undefined ? {} : { accept: headers.accept };
    const type = headers['content-type'] === undefined ? {} : { 'content-type': headers['content-type'] };
    const answer = await this.#ask(method, url, { ...accept, ...type }, sent);
    if (answer.status === 404) return refusal(404, 'Resource not found');
    if (typeof answer.body !== 'object') return answer;
    return { ...answer, body: strict(answer.body, decimals, (entity) => etagOf({ d: entity }, service, set)) };
  }

  async #ask(method: string, url: string, headers: Record<string, string>, body: string): Promise<Reply> {
    // The mock server compares times with nothing but literals of Edm.DateTime.
    const understood = url.replace(/datetimeoffset(?=%27|')/g, 'datetime');
    const answer = await fetch(`${this.behind()}${understood}`, { method, headers, ...(body !== '' && { body }) });
    const text = await answer.text();
    const type = answer.headers.get('content-type') ?? '';
    const isJson = type.includes('json') && text !== '';
    return {
      status: answer.status,
      ...(type !== '' && { headers: { 'content-type': type } }),
      ...(text !== '' && { body: isJson ? JSON.parse(text) : text }),
    };
  }
}

function refusal(status: number, value: string, propertyref = ''): Reply {
  const errordetails = [{ code: 'PCP/001', message: value, propertyref, severity: 'error' }];
  return { status, body: { error: { code: 'PCP/001', message: { lang: 'en', value }, innererror: { errordetails } } } };
}

const documents = new Map<string, Map<string, number>>();

/** Scale by name of every Edm.Decimal of a service. */
function decimalsOf(service: string): Map<string, number> {
  let known = documents.get(service);
  if (known === undefined) {
    const text = readFileSync(resolve(FOLDER, `${service}.edmx`), 'utf8');
    const found = text.matchAll(/Property Name="(\w+)" Type="Edm.Decimal" Precision="\d+" Scale="(\d+)"/g);
    known = new Map([...found].map(([, name, scale]) => [name!, Number(scale)]));
    documents.set(service, known);
  }
  return known;
}

function numbersIn(value: unknown, decimals: Map<string, number>): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'number' && decimals.has(name)) return name;
    const below = numbersIn(inner, decimals);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** As SAP writes it: decimals as texts with their scale, the count as text, a version where there is one. */
function strict(value: unknown, decimals: Map<string, number>, etag: (entity: Json) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => strict(item, decimals, etag));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    const scale = decimals.get(name);
    if (scale !== undefined && typeof inner === 'number') return [name, inner.toFixed(scale)];
    if (name === '__count') return [name, String(inner)];
    return [name, strict(inner, decimals, etag)];
  });
  const result = Object.fromEntries(entries) as Json;
  const version = etag(result);
  if (version !== undefined && typeof result.__metadata === 'object') {
    result.__metadata = { ...result.__metadata, etag: version };
  }
  return result;
}

function etagOf(body: unknown, service: string, set: string): string | undefined {
  const entity = (body as { d?: Json } | undefined)?.d;
  if (service !== 'API_PRODUCTION_ORDER_2_SRV' || set !== 'A_ProductionOrder_2' || !entity?.ManufacturingOrder) {
    return undefined;
  }
  const { __metadata, ...data } = entity;
  const content = Object.fromEntries(Object.entries(data).filter(([, value]) => typeof value !== 'object'));
  const plain = JSON.stringify(
    Object.entries(content)
      .map(([name, value]) => [name, Number(value) || value])
      .sort(),
  );
  return `W/"${createHash('sha1').update(plain).digest('hex').slice(0, 12)}"`;
}
