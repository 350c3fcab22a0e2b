import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { OpenConnection } from '../../../lib/model/connection';
import { parseExactJson } from '../../../lib/model/exact-json';
import { LoopbackServer } from '../loopback-server';
import { type BatchPart, batchReply, type BatchReply as Reply, readBatch } from '../odata-batch';
import { Entra } from './entra';
import { BadFilter, compared, filtered, parts, readLiteral } from './filter';
import { metadataOf, problemOf, type Row, type TestSet } from './model';

const BASE = '/api/data/v9.2/';
const SET = 'new_workorders';
const ID = 'new_workorderid';
const ALTERNATE_KEY = 'new_number';

/** A deletion, or the state of a row, with the number of the change. */
interface Change {
  version: number;
  id: string;
}

/**
 * A strict stand-in for the Web API of Dataverse with one table, written from what Microsoft documents: pages by `Prefer:
 * odata.maxpagesize` and links only (no $skip), change tracking by `Prefer: odata.track-changes` without other query options
 * than $select, tombstones, tokens that expire, tables that do not track; PATCH that makes what is not there, by the primary
 * key or an alternate one; versions; 429. No real environment was at hand.
 */
export class DataverseServer {
  readonly asked: { method: string; url: string; headers: IncomingHttpHeaders }[] = [];
  readonly entra = new Entra();
  readonly table: TestSet = {
    type: 'new_workorder',
    key: [ID],
    properties: {
      ...{ [ID]: 'Edm.Guid', [ALTERNATE_KEY]: 'Edm.String', new_name: 'Edm.String', new_quantity: 'Edm.Decimal' },
      ...{ modifiedon: 'Edm.DateTimeOffset' },
    },
    rows: [],
  };
  isTracking = true;
  /** Tokens of changes before this one are not known any more. */
  oldestToken = 0;
  busy = 0;
  /** It knows the application. */
  isRegistered = true;
  cuts: () => boolean = () => false;
  readonly #changes: Change[] = [];
  readonly #lists = new Map<string, { rows: Row[]; version: number; isTracked: boolean }>();
  #server: LoopbackServer | undefined;

  get url(): string {
    return `http://${this.#server!.host}`;
  }

  async start(): Promise<this> {
    this.#server = await LoopbackServer.start(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { method = '', url = '', headers } = request;
      this.asked.push({ method, url, headers });
      const body = Buffer.concat(pieces).toString('utf8');
      const reply = this.#reply(method, url, headers, body);
      if (method !== 'GET' && url.startsWith(BASE) && reply.status < 300 && this.cuts()) {
        request.socket.destroy();
        return;
      }
      response.writeHead(reply.status, {
        'content-type': 'application/json; odata.metadata=minimal',
        ...reply.headers,
      });
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
      ...{ id: 0, name: 'dataverse', connector_type: 'erp.dynamics365', timezone: 'UTC' },
      config: { flavour: 'dataverse', base_url: this.url, ...signIn, ...config },
      credentials: { client_secret: this.entra.secret },
    } as OpenConnection;
  }

  /** Makes or changes a row as somebody there does. */
  put(row: Row): Row {
    const found = this.table.rows.find((each) => each[ALTERNATE_KEY] === row[ALTERNATE_KEY]);
    const version = this.#changes.length + 1;
    const own = {
      new_name: null,
      new_quantity: null,
      modifiedon: new Date(Date.UTC(2026, 10, 1) + version * 1000).toISOString(),
    };
    const made = found ?? { [ID]: randomUUID(), ...own };
    Object.assign(made, { modifiedon: own.modifiedon }, row);
    if (found === undefined) this.table.rows.push(made);
    this.#changes.push({ version, id: String(made[ID]) });
    return made;
  }

  remove(number: string): void {
    const index = this.table.rows.findIndex((row) => row[ALTERNATE_KEY] === number);
    const [row] = this.table.rows.splice(index, 1);
    this.#changes.push({ version: this.#changes.length + 1, id: String(row![ID]) });
  }

  #reply(method: string, url: string, headers: IncomingHttpHeaders, body: string): Reply {
    const { pathname } = new URL(url, this.url);
    if (pathname === this.entra.path) return this.entra.answer(this.url, headers['content-type'] ?? '', body);
    if (this.busy > 0) {
      this.busy--;
      return {
        ...refusal(429, '0x80072322', 'Number of requests exceeded the limit'),
        headers: { 'retry-after': '120' },
      };
    }
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!this.isRegistered || !this.entra.tokens.has(token)) return { status: 401 };
    if (!pathname.startsWith(BASE)) return { status: 404 };
    if (pathname === `${BASE}WhoAmI`) return { status: 200, body: { OrganizationId: randomUUID() } };
    if (pathname === `${BASE}$batch`) {
      const items = readBatch(body, headers['content-type'] ?? '');
      const part = ({ method, url, headers, body }: BatchPart) => this.#data(method, BASE + url, headers, body);
      return { ...batchReply(items.map((item) => [item].flat().map(part))), status: 200 };
    }
    return this.#data(method, url, headers as Record<string, string>, body);
  }

  #data(method: string, url: string, headers: Record<string, string>, body: string): Reply {
    const { pathname, searchParams } = new URL(url, this.url);
    const resource = decodeURIComponent(pathname.slice(BASE.length));
    if (resource === '$metadata') {
      const document = metadataOf({ [SET]: this.table }).replaceAll('Nullable="false"', '');
      return { status: 200, headers: { 'content-type': 'application/xml' }, body: document };
    }
    const [, name, key] = /^(\w+)(?:\((.*)\))?$/s.exec(resource) ?? [];
    if (name !== SET) return refusal(404, '0x80060888', `Resource not found for the segment '${name}'.`);
    const prefer = (headers.prefer ?? '').split(',').map((each) => each.trim());
    const isExact = /IEEE754Compatible=true/i.test(headers.accept ?? '');
    try {
      if (method === 'GET') {
        if (key === undefined) return this.#list(searchParams, prefer, isExact);
        const row = this.#find(key);
        return row === undefined ? notThere() : { status: 200, body: this.#shown(row, isExact) };
      }
      if (method === 'POST') return this.#write(undefined, headers, body);
      if (method === 'PATCH') return this.#write(key, headers, body);
      const row = this.#find(key ?? '');
      if (row === undefined) return notThere();
      this.remove(String(row[ALTERNATE_KEY]));
      return { status: 204 };
    } catch (error) {
      return refusal(400, '0x80060888', (error as Error).message);
    }
  }

  #list(query: URLSearchParams, prefer: readonly string[], isExact: boolean): Reply {
    const size = Number(prefer.find((each) => each.startsWith('odata.maxpagesize='))?.split('=')[1] ?? 5000);
    const deltaToken = query.get('$deltatoken');
    if (deltaToken !== null) return this.#changed(Number(deltaToken), isExact);
    const known = ['$filter', '$select', '$orderby', '$top', '$count', '$skiptoken'];
    for (const each of query.keys())
      if (!known.includes(each)) throw new BadFilter(`The query parameter ${each} is not supported`);
    const select = query.get('$select')?.split(',');
    for (const field of select ?? []) {
      if (this.table.properties[field] === undefined) throw new BadFilter(`Could not find a property named '${field}'`);
    }
    const isTracked = prefer.includes('odata.track-changes');
    const [id = '', offset = '0'] = query.get('$skiptoken')?.split('.') ?? [];
    let list = this.#lists.get(id);
    if (list === undefined) {
      if (id !== '') throw new BadFilter('The paging cookie has expired');
      const others = [...query.keys()].filter((each) => each !== '$select');
      if (isTracked && others.length > 0) throw new BadFilter(`Change tracking does not support ${others}`);
      if (isTracked && !this.isTracking) throw new BadFilter('Change tracking is not enabled for the entity');
      const rows = filtered(this.table.rows, query.get('$filter'), this.table).map((row) => ({ ...row }));
      const [field, direction] = (query.get('$orderby') ?? '').split(' ');
      if (field) {
        const type = this.table.properties[field] ?? '';
        rows.sort((a, b) => compared(a[field] ?? '', b[field] ?? '', type) * (direction === 'desc' ? -1 : 1));
      }
      const top = query.get('$top');
      const kept = top === null ? rows : rows.slice(0, Number(top));
      list = { rows: kept, version: this.#changes.length, isTracked };
    }
    const token = id || randomUUID();
    this.#lists.set(token, list);
    const begin = Number(offset);
    const page = list.rows.slice(begin, begin + size);
    const isMore = begin + size < list.rows.length;
    const next = new URLSearchParams({
      ...(select && { $select: select.join() }),
      $skiptoken: `${token}.${begin + size}`,
    });
    return {
      status: 200,
      headers: { 'preference-applied': prefer.join(',') },
      body: {
        value: page.map((row) => this.#shown(row, isExact, select)),
        ...(isMore && { '@odata.nextLink': `${this.url}${BASE}${SET}?${next}` }),
        // The request that began a list tells whether it is tracked; its links do not ask for it again.
        ...(!isMore && list.isTracked && { '@odata.deltaLink': this.#deltaLink(list.version) }),
      },
    };
  }

  #changed(since: number, isExact: boolean): Reply {
    if (since < this.oldestToken) return refusal(400, '0x80044352', 'The change tracking token has expired');
    const ids = new Set(this.#changes.filter(({ version }) => version > since).map(({ id }) => id));
    const value = [...ids].map((id) => {
      const row = this.table.rows.find((each) => each[ID] === id);
      if (row !== undefined) return this.#shown(row, isExact);
      return { '@odata.context': `${this.url}${BASE}$metadata#${SET}/$deletedEntity`, id, reason: 'deleted' };
    });
    return { status: 200, body: { value, '@odata.deltaLink': this.#deltaLink(this.#changes.length) } };
  }

  #deltaLink(version: number): string {
    return `${this.url}${BASE}${SET}?$deltatoken=${version}`;
  }

  #write(key: string | undefined, headers: Record<string, string>, body: string): Reply {
    const given = this.#checked(body, headers);
    const found = key === undefined ? undefined : this.#find(key);
    const version = headers['if-match'];
    if (found === undefined && version !== undefined) return notThere();
    if (found !== undefined && version !== undefined && version !== '*' && version !== etagOf(found)) {
      return refusal(412, '0x80060882', "The version of the existing record doesn't match.");
    }
    const own = found?.[ALTERNATE_KEY] ?? given[ALTERNATE_KEY] ?? this.#alternate(key ?? '') ?? randomUUID();
    const row = this.put({ ...given, [ALTERNATE_KEY]: own });
    return { status: 204, headers: { 'odata-entityid': `${this.url}${BASE}${SET}(${row[ID]})` } };
  }

  #checked(body: string, headers: Record<string, string>): Row {
    const isExact = /IEEE754Compatible=true/i.test(headers['content-type'] ?? '');
    const exact = parseExactJson(body) as Record<string, unknown>;
    const row: Row = {};
    for (const [name, value] of Object.entries(JSON.parse(body) as Record<string, unknown>)) {
      const type = this.table.properties[name];
      if (type === undefined) throw new BadFilter(`Invalid property '${name}' was found in entity`);
      const problem = value === null ? undefined : problemOf(value, type, isExact);
      if (problem !== undefined) throw new BadFilter(`'${name}' ${problem}`);
      row[name] = type === 'Edm.Decimal' && value !== null ? String(exact[name]) : (value as string | null);
    }
    return row;
  }

  #alternate(key: string): string | undefined {
    const [, name, literal = ''] = /^(\w+)=(.*)$/s.exec(key) ?? [];
    if (name === undefined) return undefined;
    if (name !== ALTERNATE_KEY) throw new BadFilter(`The key in the request URI is not valid: '${name}'`);
    return readLiteral(literal, 'Edm.String', name);
  }

  #find(key: string): Row | undefined {
    if (parts(key, ',').length > 1) throw new BadFilter('The key in the request URI is not valid');
    const number = this.#alternate(key);
    return this.table.rows.find((row) => (number === undefined ? row[ID] === key : row[ALTERNATE_KEY] === number));
  }

  #shown(row: Row, isExact: boolean, select?: readonly string[]): Record<string, unknown> {
    const names = [...new Set([ID, ...(select ?? Object.keys(this.table.properties))])];
    const shown = names.map((name) => {
      const isNumber = this.table.properties[name] === 'Edm.Decimal' && row[name] !== null && !isExact;
      return [name, isNumber ? Number(row[name]) : (row[name] ?? null)];
    });
    return { '@odata.etag': etagOf(row), ...Object.fromEntries(shown) };
  }
}

function etagOf({ modifiedon }: Row): string {
  return `W/"${Date.parse(String(modifiedon))}"`;
}

function notThere(): Reply {
  return refusal(404, '0x80040217', 'Entity with that key does not exist');
}

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } };
}
