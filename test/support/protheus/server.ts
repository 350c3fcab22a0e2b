import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OpenConnection } from '../../../lib/model/connection';
import { term } from './condition';
import { MaintenanceRequests } from './maintenance';
import type { PublishedModel } from './models';

/**
 * A REST server of Protheus as its interfaces describe it, for what cannot be had here. Sources: totvs/ttalk-standard-message
 * (apis/Token_v1_000: tokens, types/totvsApiTypesBase: lists and errors, apis/StopReport_v1_003 and others of the PCP
 * module), and what users report of genericQuery: `fields` is needed and takes no "*", fields that a table lacks vanish
 * without a word, nothing is held still between pages, texts come padded and days as 20261127, names in lower case.
 */
export class ProtheusServer {
  readonly tables = new Map<string, Row[]>();
  readonly stops = new Map<string, Row>();
  readonly reasons = new Map<string, Row>();
  readonly mrpOrders: Row[] = [];
  /** By the name that each is published under. */
  readonly models = new Map<string, PublishedModel>();
  readonly requests = new MaintenanceRequests(() => this.tables.get('TQB')!);
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  readonly password = 'canary-protheus-1';
  /** Whether a request is done and its answer then cut off. */
  cuts: (method: string, path: string) => boolean = () => false;
  /** Answers changes with a page for people. */
  isInMaintenance = false;
  /** Routes that are not published. */
  missing = new Set<string>();
  forbidden = new Set<string>();
  ignoresOrder = false;
  hasRowNumbers = true;
  parametersInHeaders = false;
  /** Whatever is asked for, these come. */
  answersOther: Row | undefined;
  /** Called before each page of a table. */
  onPage: (table: string) => void = () => undefined;
  /** Where requests to the PCP module are checked against its published documents before they come back here. */
  validator: string | undefined;
  signIns: string[] = [];
  #tokens = new Map<string, 'access' | 'refresh'>();
  #server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/rest`;
  }

  async start(port = 0): Promise<this> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server!.listen(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** Tokens are over, refresh tokens too if wanted. */
  expire(all = false): void {
    for (const [token, kind] of this.#tokens) if (all || kind === 'access') this.#tokens.delete(token);
  }

  connection(config: Row = {}, password = this.password): OpenConnection {
    return {
      id: ++connections,
      name: 'protheus',
      connector_type: 'erp.protheus',
      config: { base_url: this.url, username: 'pcp', tenant_id: 'T1,D MG 01', timeout_ms: 20_000, ...config },
      credentials: { password },
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString('utf8');
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams: query } = new URL(url, 'http://x');
    const checked = pathname.startsWith('/checked/');
    if (!checked) this.asked.push({ method, url, headers, body });
    const path = decodeURIComponent(pathname.replace(/^\/(rest|checked)/, ''));
    const reply = (status: number, json: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(json === '' ? '' : JSON.stringify(json));
    };
    if (path === '/api/oauth2/v1/token') return reply(...this.#token(method, query, headers));
    if (!checked) {
      const token = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '';
      if (this.#tokens.get(token) !== 'access') return reply(401, fault('401', 'Unauthorized'));
      if (!/^[^,\s]+,\S.*$/.test(String(headers.tenantid ?? '')))
        return reply(400, fault('TEN01', 'TenantId inválido'));
      const route = [...this.missing].find((each) => path.startsWith(each));
      if (route !== undefined) return reply(404, { code: 404, message: 'Not Found', detailedMessage: '' });
      if ([...this.forbidden].some((each) => path.startsWith(each))) return reply(403, fault('403', 'Sem acesso'));
    }
    if (path.startsWith('/api/pcp/v1/') && this.validator !== undefined && !checked) {
      const target = `${this.validator}${pathname.replace(/^\/rest\/api\/pcp\/v1/, '')}${new URL(url, 'http://x').search}`;
      const answer = await fetch(target, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body !== '' && { body }),
      });
      const text = await answer.text();
      if (this.cuts(method, path)) return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
      return;
    }
    if (this.isInMaintenance && method !== 'GET') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
      return;
    }
    const [status, json] = this.#route(method, path, query, headers, body);
    if (!checked && this.cuts(method, path)) request.socket.destroy();
    else reply(status, json);
  }

  #token(method: string, query: URLSearchParams, headers: IncomingMessage['headers']): [number, unknown] {
    if (method !== 'POST') return [405, ''];
    const grant = query.get('grant_type') ?? '';
    this.signIns.push(grant);
    const isKnown =
      grant === 'refresh_token'
        ? this.#tokens.get(query.get('refresh_token') ?? '') === 'refresh'
        : (headers.username ?? query.get('username')) === 'pcp' &&
          (headers.password ?? query.get('password')) === this.password;
    if (!isKnown) return [401, fault('invalid_grant', `wrong: ${String(headers.password ?? query.get('password'))}`)];
    const n = this.signIns.length;
    this.#tokens.set(`access-${n}`, 'access').set(`refresh-${n}`, 'refresh');
    const tokens = { access_token: `access-${n}`, refresh_token: `refresh-${n}` };
    return [201, { ...tokens, scope: 'default', token_type: 'Bearer', expires_in: 3600 }];
  }

  #route(
    method: string,
    path: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: string,
  ): [number, unknown] {
    if (path === '/api/framework/v1/genericQuery') {
      const given = (name: string) => (this.parametersInHeaders ? headers[name.toLowerCase()] : query.get(name)) ?? '';
      return this.#query((name) => String(given(name)));
    }
    const [, model = '', pk = ''] = /^\/fwmodel\/(\w+)(?:\/(.*))?$/.exec(path) ?? [];
    const published = this.models.get(model);
    if (published !== undefined) return published.answer(method, pk, query, headers, body);
    const [, resource, key, action] = /^\/api\/pcp\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? [];
    const json = body === '' ? {} : (JSON.parse(body) as Row);
    const maintenance = /^\/mntsrws\/api\/v1\/request(?:\/(\w+))?$/.exec(path);
    if (maintenance !== null) return this.requests.answer(method, maintenance[1] ?? '', headers, json);
    switch (resource) {
      case 'stopReports':
        return this.#resource(method, key, action, json, this.stops, 'IntegrationReport', query);
      case 'wasteReasons':
        return this.#resource(method, key, action, json, this.reasons, 'Code', query);
      case 'stopReasons':
        return [404, fault('CYN404', 'Motivos de Parada não localizados')];
      case 'mrpproductionorders':
      case 'mrpstockbalance':
        return listed(resource === 'mrpstockbalance' ? [] : this.mrpOrders, query);
      case 'own':
        return [200, { method, received: json, query: Object.fromEntries(query) }];
    }
    return [404, { errorCode: 404, errorMessage: 'no such resource' }];
  }

  #resource(
    method: string,
    key: string | undefined,
    action: string | undefined,
    json: Row,
    rows: Map<string, Row>,
    keyField: string,
    query: URLSearchParams,
  ): [number, unknown] {
    if (key === undefined && method === 'GET') return listed([...rows.values()], query);
    if (key === undefined) {
      const own = String(json[keyField] ?? '');
      // The field of the table holds no more; what is longer is cut off without a word.
      const kept = keyField === 'IntegrationReport' ? own.slice(0, 6) : own;
      if (keyField === 'IntegrationReport') rows.set(`${rows.size}|${kept}`, { ...padded(json), [keyField]: kept });
      else if (rows.has(own)) return [400, fault('CHV', 'Registro já existe')];
      else rows.set(own, json);
      return [200, { ListOfInternalId: [] }];
    }
    const found = [...rows].find(([, row]) => row[keyField] === key);
    if (this.answersOther !== undefined) return [200, this.answersOther];
    if (found === undefined) return [404, fault('SH6404', 'Apontamento não localizado')];
    if (method === 'GET') return [200, found[1]];
    if (method === 'DELETE' && (action === 'reversal') === (keyField === 'IntegrationReport')) rows.delete(found[0]);
    if (method === 'PUT') rows.set(found[0], { ...found[1], ...json });
    return [200, found[1]];
  }

  #query(given: (name: string) => string): [number, unknown] {
    this.onPage(given('tables'));
    const names = given('fields').split(',');
    if (given('fields') === '' || names.includes('*')) return [500, fault('GQ500', 'campos inválidos')];
    const table = this.tables.get(given('tables'));
    if (table === undefined) return [400, fault('GQ400', 'tabela inválida')];
    const where = given('where');
    const terms = where === '' ? [] : where.split(/ AND (?=(?:[^']*'[^']*')*[^']*$)/).map(term);
    if (terms.includes(undefined)) return [500, fault('GQ500', `erro de SQL: ${where}`)];
    let rows = table.filter((row) => row.D_E_L_E_T_ !== '*' && terms.every((each) => each!(row)));
    const [order] = given('order').split(',');
    if (order && !this.ignoresOrder) {
      rows = [...rows].sort((a, b) => (a[order]! < b[order]! ? -1 : Number(a[order]! > b[order]!)));
    }
    const size = Number(given('pageSize') || 10);
    const begin = (Number(given('page') || 1) - 1) * size;
    const visible = rows.slice(begin, begin + size).map((row) => {
      const known = names.filter((name) => name in row && (name !== 'R_E_C_N_O_' || this.hasRowNumbers));
      return Object.fromEntries(known.map((name) => [name.toLowerCase(), row[name]]));
    });
    const remaining = Math.max(0, rows.length - begin - size);
    return [200, { items: visible, hasNext: remaining > 0, remainingRecords: remaining, total: rows.length }];
  }
}

export type Row = Record<string, unknown>;

let connections = 2000;

function listed(rows: Row[], query: URLSearchParams): [number, unknown] {
  const [page, size] = [Number(query.get('page') ?? 1), Number(query.get('pageSize') ?? 10)];
  if (rows.length === 0) return [404, fault('PCP404', 'Registros não localizados')];
  const begin = (page - 1) * size;
  return [200, { items: rows.slice(begin, begin + size), hasNext: rows.length > begin + size }];
}

function fault(code: string, message: string): Row {
  return { code, message, detailedMessage: `${message} (detalhe)` };
}

function padded(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, name === 'MachineCode' ? `${String(value)}  ` : value]),
  );
}
