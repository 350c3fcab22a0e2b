import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { OpenConnection } from '../../../lib/model/connection';
import { parseExactJson } from '../../../lib/model/exact-json';
import { LoopbackServer } from '../loopback-server';
import type { BatchReply as Reply } from '../odata-batch';
import { Entra } from './entra';
import { BadFilter, compared, filtered, parts, readLiteral } from './filter';
import { metadataOf, problemOf, type Row, type TestSet } from './model';

const ROOT = '/v2.0/contoso/Production';
const TEXT = 'Edm.String';

/** A published page is below the name of a company, the API below its id. */
const PAGES = /^\/ODataV4\/Company\('((?:[^']|'')*)'\)\/(.+)$/s;
const API = /^\/api\/v2\.0\/companies\(([0-9a-f-]{36})\)\/(.+)$/s;

/**
 * A strict stand-in for Business Central, written from what Microsoft documents: companies, the standard API without anything
 * of production, a page that is published as a web service, pages of the server with links, $batch as JSON with addresses
 * relative to the service, of 100 requests at most and no change set of several, changes on condition of a version only, no
 * "or" over several fields, subscriptions for three days whose address has to answer. No real environment was at hand.
 */
export class BusinessServer {
  readonly asked: { method: string; url: string; body: string }[] = [];
  readonly entra = new Entra();
  readonly companies = [{ id: randomUUID(), name: "D'Água Ltda" }];
  readonly items: TestSet = {
    type: 'item',
    key: ['id'],
    properties: {
      ...{ id: 'Edm.Guid', number: TEXT, displayName: TEXT, type: TEXT, itemCategoryCode: TEXT, gtin: TEXT },
      ...{ baseUnitOfMeasureCode: TEXT, inventory: 'Edm.Decimal', blocked: 'Edm.Boolean' },
      ...{ lastModifiedDateTime: 'Edm.DateTimeOffset' },
    },
    rows: [],
  };
  readonly entries: TestSet = {
    type: 'itemLedgerEntry',
    key: ['id'],
    properties: {
      ...{ id: 'Edm.Guid', entryNumber: 'Edm.Int32', entryType: TEXT, itemNumber: TEXT, documentNumber: TEXT },
      ...{ quantity: 'Edm.Decimal', postingDate: 'Edm.Date', lastModifiedDateTime: 'Edm.DateTimeOffset' },
    },
    rows: [],
  };
  /** A page that the customer published. */
  readonly orders: TestSet = {
    type: 'ReleasedProductionOrders',
    key: ['Status', 'No'],
    properties: { Status: TEXT, No: TEXT, Source_No: TEXT, Quantity: 'Edm.Decimal', Due_Date: 'Edm.Date' },
    rows: [],
  };
  /** Valid for three days; made and renewed only when the address gives back what it is asked with. */
  readonly subscriptions: TestSet = {
    type: 'subscription',
    key: ['subscriptionId'],
    properties: {
      ...{ subscriptionId: TEXT, notificationUrl: TEXT, resource: TEXT, clientState: TEXT },
      expirationDateTime: 'Edm.DateTimeOffset',
    },
    rows: [],
  };
  now = Date.UTC(2026, 10, 28);
  pageLimit = 20_000;
  isRegistered = true;
  /** Installations may give their pages alone. */
  hasStandardModel = true;
  cuts: () => boolean = () => false;
  #changes = 0;
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
      this.asked.push({ method, url, body });
      const isGreeted = await this.#greets(method, url, body);
      const reply = isGreeted ? this.#reply(method, url, headers, body) : refusal(400, 'The handshake failed.');
      if (method !== 'GET' && url.startsWith(ROOT) && reply.status < 300 && this.cuts()) {
        request.socket.destroy();
        return;
      }
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      const isText = typeof reply.body === 'string';
      response.end(reply.body === undefined ? '' : isText ? reply.body : JSON.stringify(reply.body));
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  connection(config: Record<string, unknown> = {}): OpenConnection {
    const signIn = { tenant_id: this.entra.tenant, client_id: this.entra.clientId, authority: this.url };
    return {
      ...{ id: 0, name: 'bc', connector_type: 'erp.dynamics365', timezone: 'UTC' },
      config: {
        flavour: 'business_central',
        base_url: this.url + ROOT,
        ...signIn,
        services: { pages: '/ODataV4' },
        ...config,
      },
      credentials: { client_secret: this.entra.secret },
    } as OpenConnection;
  }

  /** Makes or changes an item as somebody there does. */
  put(row: Row): Row {
    const found = this.items.rows.find((each) => each.number === row.number);
    const lastModifiedDateTime = new Date(Date.UTC(2026, 10, 1) + ++this.#changes * 60_000).toISOString();
    const own = { displayName: '', type: 'Inventory', itemCategoryCode: '', gtin: '', baseUnitOfMeasureCode: 'PCS' };
    const made = found ?? { id: randomUUID(), ...own, inventory: '0', blocked: 'false' };
    Object.assign(made, { lastModifiedDateTime }, row);
    if (found === undefined) this.items.rows.push(made);
    return made;
  }

  #reply(method: string, url: string, headers: IncomingHttpHeaders, body: string): Reply {
    const { pathname } = new URL(url, this.url);
    if (pathname === this.entra.path) return this.entra.answer(this.url, headers['content-type'] ?? '', body);
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!this.isRegistered || !this.entra.tokens.has(token)) return refusal(401, 'Authentication_InvalidCredentials');
    if (!pathname.startsWith(ROOT)) return refusal(404, 'No environment');
    if (pathname === `${ROOT}/api/v2.0/$batch`) return this.#batch(body);
    return this.#data(method, url.slice(ROOT.length), headers as Record<string, string>, body);
  }

  /** Whether the address of a subscription gives back the token; true where none is made. */
  async #greets(method: string, url: string, body: string): Promise<boolean> {
    if (method === 'GET' || !url.startsWith(`${ROOT}/api/v2.0/subscriptions`)) return true;
    const token = randomUUID();
    const address = (JSON.parse(body) as { notificationUrl: string }).notificationUrl;
    const answer = await fetch(`${address}?validationToken=${token}`, { method: 'POST' });
    return answer.status === 200 && (await answer.text()) === token;
  }

  #subscription(method: string, key: string, headers: Record<string, string>, body: string): Reply {
    const { subscriptions: set } = this;
    const expirationDateTime = new Date(this.now + 3 * 86_400_000).toISOString();
    const row: Row | undefined = key === '' ? { subscriptionId: randomUUID() } : set.rows.find(matcher(key, set));
    if (row === undefined) return refusal(404, 'Record not found.');
    if (method === 'PATCH' && headers['if-match'] !== etagOf(row)) return refusal(412, 'The record has changed.');
    const given = checked(body, set, headers);
    const isCompany =
      API.test(String(given.resource)) && this.companies.some(({ id }) => String(given.resource).includes(id));
    if (!isCompany) return refusal(400, 'The resource is not supported.');
    if (method === 'POST') set.rows.push(row);
    Object.assign(row, given, { expirationDateTime });
    return { status: method === 'POST' ? 201 : 200, body: shown(row, set, true) };
  }

  #batch(body: string): Reply {
    const { requests } = JSON.parse(body) as { requests: Record<string, unknown>[] };
    const exact = (parseExactJson(body) as { requests: { body?: unknown }[] }).requests;
    if (requests.length > 100) return refusal(400, 'The maximum number of 100 operations per batch has been exceeded');
    const groups = requests.map(({ atomicityGroup }) => atomicityGroup).filter((group) => group !== undefined);
    if (new Set(groups).size < groups.length) {
      return refusal(400, 'Multiple requests within the same change set are not supported by Business Central');
    }
    const responses = requests.map(({ id, method, url, headers }, index) => {
      if (!String(url).startsWith('companies('))
        return { id, status: 404, headers: {}, body: refusal(404, String(url)).body };
      const own = Object.entries((headers ?? {}) as Record<string, string>).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]);
      const sent = exact[index]?.body === undefined ? '' : JSON.stringify(exact[index]?.body);
      const reply = this.#data(String(method), `/api/v2.0/${url}`, Object.fromEntries(own), sent);
      return { id, status: reply.status, headers: { 'content-type': 'application/json' }, body: reply.body };
    });
    return { status: 200, body: { responses } };
  }

  #data(method: string, url: string, headers: Record<string, string>, body: string): Reply {
    const { pathname, searchParams } = new URL(url, this.url);
    const path = decodeURIComponent(pathname);
    const xml = { status: 200, headers: { 'content-type': 'application/xml' } };
    const isPages = path.startsWith('/ODataV4');
    if (path === '/api/v2.0/$metadata' && this.hasStandardModel)
      return {
        ...xml,
        body: metadataOf({ items: this.items, itemLedgerEntries: this.entries, subscriptions: this.subscriptions }),
      };
    const subscription = /^\/api\/v2\.0\/subscriptions(?:\((.*)\))?$/.exec(path);
    if (subscription !== null) {
      if (method === 'GET') return this.#list(path, this.subscriptions, searchParams, true);
      return this.#subscription(method, subscription[1] ?? '', headers, body);
    }
    if (path === '/ODataV4/$metadata') return { ...xml, body: metadataOf({ ReleasedProductionOrders: this.orders }) };
    if (path === '/api/v2.0/companies') return { status: 200, body: { value: this.companies } };
    const [, company = '', resource = ''] = (isPages ? PAGES : API).exec(path) ?? [];
    const isKnown = this.companies.some(({ id, name }) => company === (isPages ? name.replaceAll("'", "''") : id));
    if (!isKnown) return refusal(404, `No company ${company}`);
    const [, name, key] = /^(\w+)(?:\((.*)\))?$/s.exec(resource) ?? [];
    const sets: Record<string, TestSet> = isPages
      ? { ReleasedProductionOrders: this.orders }
      : { items: this.items, itemLedgerEntries: this.entries };
    const set = sets[name ?? ''];
    if (set === undefined) return refusal(404, `Resource not found for the segment '${name}'.`);
    const isExact = /IEEE754Compatible=true/i.test(headers.accept ?? '');
    try {
      if (method === 'GET' && key === undefined) return this.#list(path, set, searchParams, isExact);
      if (method === 'POST') return this.#create(headers, body, isExact);
      const row = set.rows.find(matcher(key ?? '', set));
      if (row === undefined) return refusal(404, 'Record not found.');
      if (method === 'GET') return { status: 200, body: shown(row, set, isExact) };
      const version = headers['if-match'];
      if (version === undefined) return refusal(400, 'If-Match is required');
      if (version !== '*' && version !== etagOf(row))
        return refusal(412, 'Another user has already changed the record.');
      if (method === 'DELETE') {
        set.rows.splice(set.rows.indexOf(row), 1);
        return { status: 204 };
      }
      this.put({ ...checked(body, set, headers), number: row.number! });
      return { status: 200, body: shown(row, set, isExact) };
    } catch (error) {
      return refusal(400, (error as Error).message);
    }
  }

  #list(path: string, set: TestSet, query: URLSearchParams, isExact: boolean): Reply {
    const known = ['$filter', '$select', '$orderby', '$top', '$skip', '$count', '$skiptoken'];
    for (const each of query.keys()) if (!known.includes(each)) throw new BadFilter(`${each} is not supported`);
    const filter = query.get('$filter');
    const ofOne =
      /\((.*)\)/
        .exec(filter ?? '')?.[1]
        ?.split(' or ')
        .map((term) => term.split(' ')[0]) ?? [];
    if (new Set(ofOne).size > 1) throw new BadFilter("An 'OR' operator is not supported on distinct fields");
    const order = (query.get('$orderby') ?? set.key.join()).split(',').map((each) => each.split(' '));
    const found = filtered(set.rows, filter, set).sort((a, b) => {
      for (const [field = '', direction] of order) {
        const way = compared(a[field] ?? '', b[field] ?? '', set.properties[field] ?? '');
        if (way !== 0) return direction === 'desc' ? -way : way;
      }
      return 0;
    });
    const skip = Number(query.get('$skip') ?? 0);
    const wanted = found.slice(skip, skip + Number(query.get('$top') ?? found.length));
    const begin = Number(query.get('$skiptoken') ?? 0);
    const page = wanted.slice(begin, begin + this.pageLimit);
    const next = new URLSearchParams(query);
    next.set('$skiptoken', String(begin + this.pageLimit));
    const isMore = begin + this.pageLimit < wanted.length;
    return {
      status: 200,
      body: {
        ...(query.get('$count') === 'true' && { '@odata.count': found.length }),
        value: page.map((row) => shown(row, set, isExact, query.get('$select')?.split(','))),
        ...(isMore && { '@odata.nextLink': `${this.url}${ROOT}${encodeURI(path)}?${next}` }),
      },
    };
  }

  #create(headers: Record<string, string>, body: string, isExact: boolean): Reply {
    const given = checked(body, this.items, headers);
    if (this.items.rows.some(({ number }) => number === given.number)) {
      return refusal(
        400,
        `The record in table Item already exists. Identification fields and values: No.='${given.number}'`,
      );
    }
    return { status: 201, body: shown(this.put(given), this.items, isExact) };
  }
}

function matcher(key: string, set: TestSet): (row: Row) => boolean {
  const given = parts(key, ',');
  if (given.length !== set.key.length) throw new BadFilter('The key is not valid');
  const values = set.key.map((field, at) =>
    readLiteral(given[at]!.replace(`${field}=`, ''), set.properties[field]!, field),
  );
  return (row) => set.key.every((field, at) => row[field] === values[at]);
}

function checked(body: string, set: TestSet, headers: Record<string, string>): Row {
  const isExact = /IEEE754Compatible=true/i.test(headers['content-type'] ?? '');
  const exact = parseExactJson(body) as Record<string, unknown>;
  const row: Row = {};
  for (const [name, value] of Object.entries(JSON.parse(body) as Record<string, unknown>)) {
    const type = set.properties[name];
    if (type === undefined)
      throw new BadFilter(`The property '${name}' does not exist on type 'Microsoft.NAV.${set.type}'.`);
    const problem = problemOf(value, type, isExact);
    if (problem !== undefined) throw new BadFilter(`'${name}' ${problem}`);
    row[name] =
      type === 'Edm.Decimal' ? String(exact[name]) : type === 'Edm.Boolean' ? String(value) : (value as string);
  }
  return row;
}

function shown(row: Row, set: TestSet, isExact: boolean, select?: readonly string[]): Record<string, unknown> {
  const each = (select ?? Object.keys(set.properties)).map((name) => {
    const type = set.properties[name];
    if (type === undefined) throw new BadFilter(`Could not find a property named '${name}'`);
    if (type === 'Edm.Boolean') return [name, row[name] === 'true'];
    return [name, type === 'Edm.Decimal' && !isExact ? Number(row[name]) : (row[name] ?? null)];
  });
  return { '@odata.etag': etagOf(row), ...Object.fromEntries(each) };
}

function etagOf(row: Row): string {
  return `W/"${Buffer.from(JSON.stringify(row)).toString('base64').slice(-60)}"`;
}

function refusal(status: number, message: string): Reply {
  return { status, body: { error: { code: 'BadRequest', message } } };
}
