import type { IncomingHttpHeaders } from 'node:http';
import type { OpenConnection } from '../../../lib/model/connection';
import { parseExactJson } from '../../../lib/model/exact-json';
import { APPLICATION } from '../certificates';
import { LoopbackServer } from '../loopback-server';
import { type BatchPart, batchReply, type BatchReply as Reply, readBatch } from '../odata-batch';
import { Entra } from './entra';
import { BadFilter, compared, filtered, parts, readLiteral } from './filter';
import { ENUMS, emptyOf, metadataOf, NAMESPACE, problemOf, type Row, type TestSet } from './model';

/** The company of the application's user: what comes of another one without being asked for is not given. */
const HOME = 'usmf';

/**
 * A strict stand-in for an environment of Finance & Operations, written from what Microsoft documents and customers publish of
 * answers: cross-company, all fields of a key, literals of enumerations, no "in", no $expand below the first level, server
 * paging, versions, change sets that are done wholly or not at all, numbers in JSON unless IEEE754Compatible was asked for,
 * errors whose words are inside, 429 with Retry-After. No real environment was at hand.
 */
export class OperationsServer {
  readonly asked: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
  readonly entra = new Entra();
  sets: Record<string, TestSet> = {};
  /** Rows of one page. */
  pageLimit = 10_000;
  /** How many of the next requests are answered 429, and what Retry-After says; empty = it is not said. */
  busy = 0;
  retryAfter = '0';
  /** Sets that the user of the application may not use. */
  readonly forbidden = new Set<string>();
  /** The environment knows the application. */
  isRegistered = true;
  /** Whether the answer to a change is cut off after the change was made. */
  cuts: (method: string, url: string) => boolean = () => false;
  /** Custom services, by group/service/operation. */
  readonly services = new Map<string, (body: Record<string, unknown>) => Reply | Promise<Reply>>();
  /** Actions of data management, by their name. */
  readonly actions = new Map<string, (body: Record<string, unknown>) => Reply | Promise<Reply>>();
  #versions = new WeakMap<Row, number>();
  #server: LoopbackServer | undefined;

  get url(): string {
    return `http://${this.#server!.host}`;
  }

  async start(): Promise<this> {
    this.#server = await LoopbackServer.start(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { method = '', url = '', headers } = request;
      const body = Buffer.concat(pieces).toString('utf8');
      this.asked.push({ method, url, headers, body });
      const reply = await this.#reply(method, url, headers, body);
      const isChange = method !== 'GET' && /^\/(data|api)\//.test(url);
      if (reply.status < 300 && isChange && this.cuts(method, url)) {
        request.socket.destroy();
        return;
      }
      const isText = typeof reply.body === 'string';
      response.writeHead(reply.status, {
        'content-type': 'application/json; odata.metadata=minimal',
        ...reply.headers,
      });
      response.end(reply.body === undefined ? '' : isText ? reply.body : JSON.stringify(reply.body));
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  connection(config: Record<string, unknown> = {}, credentials: Record<string, string> = {}): OpenConnection {
    const signIn = { tenant_id: this.entra.tenant, client_id: this.entra.clientId, authority: this.url };
    return {
      ...{ id: 0, name: 'd365', connector_type: 'erp.dynamics365', timezone: 'UTC' },
      config: { base_url: this.url, ...signIn, ...config },
      credentials: { client_secret: this.entra.secret, ...credentials },
    } as OpenConnection;
  }

  withCertificate(): OpenConnection {
    const credentials = { certificate: APPLICATION.cert, private_key: APPLICATION.key };
    const { config, ...connection } = this.connection({ authentication: 'entra_certificate' });
    return { ...connection, config, credentials };
  }

  rows(set: string): Row[] {
    return this.sets[set]!.rows;
  }

  #reply(method: string, url: string, headers: IncomingHttpHeaders, body: string): Reply | Promise<Reply> {
    const { pathname } = new URL(url, this.url);
    if (pathname === this.entra.path) return this.entra.answer(this.url, headers['content-type'] ?? '', body);
    if (this.busy > 0) {
      this.busy--;
      return { status: 429, ...(this.retryAfter !== '' && { headers: { 'retry-after': this.retryAfter } }) };
    }
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!this.isRegistered || !this.entra.tokens.has(token)) return { status: 401 };
    const service = /^\/api\/services\/(.+)$/.exec(pathname)?.[1];
    if (service !== undefined) {
      return this.services.get(service)?.(JSON.parse(body)) ?? refusal(404, 'Not found');
    }
    if (!pathname.startsWith('/data/'))
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' };
    const [, action] =
      /^\/data\/DataManagementDefinitionGroups\/Microsoft\.Dynamics\.DataEntities\.(\w+)$/.exec(pathname) ?? [];
    if (action !== undefined && method === 'POST') {
      return this.actions.get(action)?.(JSON.parse(body)) ?? refusal(404, `No action '${action}'`);
    }
    if (pathname === '/data/$batch') return this.#batch(headers['content-type'] ?? '', body);
    return this.#data(method, url, headers as Record<string, string>, body);
  }

  #batch(contentType: string, body: string): Reply {
    let items: (BatchPart | BatchPart[])[];
    try {
      items = readBatch(body, contentType);
    } catch (error) {
      return refusal(400, String(error));
    }
    const replies = items.map((item): Reply | Reply[] => {
      if (!Array.isArray(item)) return this.#part(item);
      const before = structuredClone(Object.values(this.sets).map(({ rows }) => rows));
      const answers = item.map((part) => this.#part(part));
      const refused = answers.find(({ status }) => status >= 400);
      if (refused !== undefined) {
        for (const [n, set] of Object.values(this.sets).entries()) if (answers.length > 1) set.rows = before[n]!;
      }
      return refused ?? answers;
    });
    return { ...batchReply(replies), status: 200 };
  }

  #part({ method, url, headers, body }: BatchPart): Reply {
    return this.#data(method, `/data/${url}`, headers, body);
  }

  #data(method: string, url: string, headers: Record<string, string>, body: string): Reply {
    const { pathname, searchParams } = new URL(url, this.url);
    const resource = decodeURIComponent(pathname.slice('/data/'.length));
    if (resource === '$metadata') {
      return { status: 200, headers: { 'content-type': 'application/xml' }, body: metadataOf(this.sets) };
    }
    const [, name = '', key] = /^(\w+)(?:\((.*)\))?$/s.exec(resource) ?? [];
    const set = this.sets[name];
    if (set === undefined) return refusal(404, `No HTTP resource was found that matches '${name}'.`);
    if (this.forbidden.has(name)) return refusal(403, 'User does not have access.');
    const isExact = /IEEE754Compatible=true/i.test(headers.accept ?? '');
    try {
      const visible = searchParams.get('cross-company') === 'true' ? set.rows : set.rows.filter(isAtHome);
      if (method === 'POST' && key === undefined) return this.#create(name, set, headers, body, isExact);
      if (key === undefined) return this.#list(name, set, visible, searchParams, isExact);
      const row = visible.find(matcher(key, set));
      if (row === undefined) return refusal(404, 'The record was not found.');
      if (method === 'GET') return { status: 200, body: this.#shown(row, set, isExact) };
      const version = headers['if-match'];
      if (version !== undefined && version !== '*' && version !== this.#etag(row))
        return refusal(412, 'The record was changed.');
      if (method === 'DELETE') set.rows.splice(set.rows.indexOf(row), 1);
      else Object.assign(row, checked(body, set, headers));
      this.#versions.set(row, (this.#versions.get(row) ?? 1) + 1);
      return { status: 204 };
    } catch (error) {
      return refusal(400, (error as Error).message);
    }
  }

  #list(name: string, set: TestSet, visible: readonly Row[], query: URLSearchParams, isExact: boolean): Reply {
    const known = ['$filter', '$select', '$orderby', '$top', '$skip', '$count', '$skiptoken', 'cross-company'];
    for (const each of query.keys()) if (!known.includes(each)) throw new BadFilter(`${each} is not supported`);
    const order = (query.get('$orderby') ?? set.key.join(',')).split(',').map((each) => each.split(' '));
    const found = filtered(visible, query.get('$filter'), set).sort((a, b) => {
      for (const [field = '', direction] of order) {
        if (set.properties[field] === undefined) throw new BadFilter(`Could not find a property named '${field}'`);
        const way = compared(a[field] ?? '', b[field] ?? '', set.properties[field]);
        if (way !== 0) return direction === 'desc' ? -way : way;
      }
      return 0;
    });
    const skip = Number(query.get('$skiptoken') ?? query.get('$skip') ?? 0);
    const end =
      query.get('$top') === null
        ? found.length
        : Math.min(found.length, Number(query.get('$skip') ?? 0) + Number(query.get('$top')));
    const page = found.slice(skip, Math.min(end, skip + this.pageLimit));
    const isMore = skip + page.length < end;
    const next = new URLSearchParams(query);
    next.set('$skiptoken', String(skip + page.length));
    const select = query.get('$select')?.split(',');
    for (const field of select ?? []) {
      if (set.properties[field] === undefined) throw new BadFilter(`Could not find a property named '${field}'`);
    }
    return {
      status: 200,
      body: {
        '@odata.context': `${this.url}/data/$metadata#${name}`,
        ...(query.get('$count') === 'true' && { '@odata.count': found.length }),
        value: page.map((row) => this.#shown(row, set, isExact, select)),
        ...(isMore && { '@odata.nextLink': `${this.url}/data/${name}?${next}` }),
      },
    };
  }

  #create(name: string, set: TestSet, headers: Record<string, string>, body: string, isExact: boolean): Reply {
    const given = checked(body, set, headers);
    const row = Object.fromEntries(
      Object.entries(set.properties).map(([field, type]) => [field, given[field] ?? emptyOf(type)]),
    );
    if (row.dataAreaId === '') row.dataAreaId = HOME;
    const missing = set.key.find((field) => row[field] === '');
    if (missing !== undefined) throw new BadFilter(`Field '${missing}' must be filled in.`);
    const isThere = set.rows.some((each) => set.key.every((field) => each[field] === row[field]));
    if (isThere) throw new BadFilter(`Cannot create a record in ${name}. The record already exists.`);
    set.rows.push(row);
    const headersOut = { location: `${this.url}/data/${name}` };
    return { status: 201, headers: headersOut, body: this.#shown(row, set, isExact) };
  }

  #shown(row: Row, set: TestSet, isExact: boolean, select?: readonly string[]): Record<string, unknown> {
    const names = select ?? Object.keys(set.properties);
    const shown = names.map((name) => {
      const isDecimal = set.properties[name] === 'Edm.Decimal';
      return [name, isDecimal && isExact ? String(row[name]) : isDecimal ? Number(row[name]) : row[name]];
    });
    return { '@odata.etag': this.#etag(row), ...Object.fromEntries(shown) };
  }

  #etag(row: Row): string {
    return `W/"${Buffer.from(`${this.#versions.get(row) ?? 1},${row.dataAreaId}`).toString('base64')}"`;
  }
}

function isAtHome({ dataAreaId }: Row): boolean {
  return dataAreaId === undefined || dataAreaId === HOME;
}

/** All fields of the key, each with a literal of its type. */
function matcher(key: string, set: TestSet): (row: Row) => boolean {
  const given = Object.fromEntries(
    parts(key, ',').map((part) => {
      const equals = part.indexOf('=');
      return [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
  if (Object.keys(given).sort().join() !== [...set.key].sort().join()) throw new BadFilter(`The key is ${set.key}.`);
  return (row) => {
    return set.key.every((field) => {
      const type = set.properties[field]!;
      return compared(row[field] ?? '', readLiteral(given[field]!, type, field), type) === 0;
    });
  };
}

/** The body of a change. @throws BadFilter */
function checked(body: string, set: TestSet, headers: Record<string, string>): Row {
  const isExact = /IEEE754Compatible=true/i.test(headers['content-type'] ?? '');
  const plain = JSON.parse(body) as Record<string, unknown>;
  // As written: a number keeps its digits.
  const exact = parseExactJson(body) as Record<string, unknown>;
  const row: Row = {};
  for (const [name, value] of Object.entries(plain)) {
    const type = set.properties[name];
    if (type === undefined)
      throw new BadFilter(`The property '${name}' does not exist on type '${NAMESPACE}.${set.type}'.`);
    const problem = problemOf(value, type, isExact);
    if (problem !== undefined) throw new BadFilter(`'${name}' ${problem}.`);
    row[name] = type === 'Edm.Decimal' ? String(exact[name]) : (value as string | number | null);
    if (type in ENUMS) row[name] = String(value);
  }
  return row;
}

/** The words that help are inside. */
export function refusal(status: number, message: string): Reply {
  const innererror = { message, type: 'System.InvalidOperationException', stacktrace: '   at Microsoft.Dynamics.Ax' };
  return { status, body: { error: { code: '', message: 'An error has occurred.', innererror } } };
}
