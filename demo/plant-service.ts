import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import type { Order } from './plant';
import { DESCRIPTION } from './plant-service-description';

const LARGEST_PAGE = 25;
const REQUESTS_PER_SECOND = 100;
/** Every so many lists and confirmations meet the service out of breath. */
const BUSY_LIST = 7;
const BUSY_CONFIRMATION = 10;
const MATERIALS = "SELECT DISTINCT content ->> '$.material' AS content FROM orders ORDER BY content";
const ENGLISH = { ABE: 'open', LIB: 'released', ENT: 'partially_confirmed', ENC: 'completed' };

interface Answer {
  status: number;
  /** JSON unless it is text. */
  body: unknown;
  headers?: Record<string, string>;
}

/**
 * The "plant service": a small REST API as machine builders ship it. It wants a token, gives pages, takes so many requests a
 * second, and is busy now and then. It takes a confirmation as often as it is sent, even where its answer says 503: who
 * wants to know looks for it by its external id.
 */
export class PlantService {
  private readonly server: Server;
  private second = 0;
  private requests = 0;
  private lists = 0;
  private confirmations = 0;

  private constructor(
    private readonly database: DatabaseSync,
    private readonly token: string,
  ) {
    this.server = createServer((request, response) => {
      this.answer(request).then(
        (answer) => send(response, answer),
        () => send(response, { status: 400, body: { error: 'The body is no JSON.' } }),
      );
    });
  }

  /**
   * @param file its data, made by `writePlantService`
   * @throws when the port is taken
   */
  static async start(file: string, token: string, port: number): Promise<PlantService> {
    const service = new PlantService(new DatabaseSync(file), token);
    const { server } = service;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    this.database.close();
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      return { status: 401, body: { error: 'The token is wrong.' }, headers: { 'www-authenticate': 'Bearer' } };
    }
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.second) [this.second, this.requests] = [second, 0];
    if (++this.requests > REQUESTS_PER_SECOND)
      return busy(429, `No more than ${REQUESTS_PER_SECOND} requests a second.`);
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /openapi.yaml':
        return { status: 200, body: DESCRIPTION, headers: { 'content-type': 'application/yaml' } };
      case 'GET /orders':
        return ++this.lists % BUSY_LIST === 0
          ? busy(503, 'Try again later.')
          : this.page('SELECT content FROM orders ORDER BY number', url.searchParams);
      case 'GET /materials':
        return this.page(MATERIALS, url.searchParams);
      case 'GET /confirmations':
        return this.listConfirmations(url.searchParams.get('external_id'));
      case 'POST /confirmations':
        return this.takeConfirmation(await text(request));
    }
    return { status: 404, body: { error: 'There is nothing here.' } };
  }

  private page(query: string, parameters: URLSearchParams): Answer {
    const size = Math.min(LARGEST_PAGE, Math.max(1, Number(parameters.get('size')) || LARGEST_PAGE));
    const page = Math.max(1, Number(parameters.get('page')) || 1);
    const rows = this.database.prepare(`${query} LIMIT ? OFFSET ?`).all(size, (page - 1) * size);
    const total = this.database.prepare(`SELECT count(*) AS total FROM (${query})`).get()?.total;
    return { status: 200, body: { page, total, items: rows.map(contentOf) } };
  }

  private listConfirmations(externalId: string | null): Answer {
    const rows = this.database
      .prepare('SELECT id, content FROM confirmations WHERE ? IS NULL OR external_id = ? ORDER BY id')
      .all(externalId, externalId);
    return { status: 200, body: { items: rows.map((row) => ({ id: row.id, ...(contentOf(row) as object) })) } };
  }

  private takeConfirmation(body: string): Answer {
    const content = JSON.parse(body) as { external_id?: unknown };
    const { external_id } = content;
    if (typeof external_id !== 'string') return { status: 422, body: { error: 'external_id is missing.' } };
    const { lastInsertRowid } = this.database
      .prepare('INSERT INTO confirmations (external_id, content) VALUES (?, ?)')
      .run(external_id, JSON.stringify(content));
    if (++this.confirmations % BUSY_CONFIRMATION === 0) return { status: 503, body: { error: 'It took too long.' } };
    return { status: 201, body: { id: Number(lastInsertRowid) } };
  }
}

/** The data that the service begins with. */
export function writePlantService(file: string, orders: Order[]): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(`BEGIN;
      CREATE TABLE orders (number TEXT PRIMARY KEY, content TEXT);
      CREATE TABLE confirmations (id INTEGER PRIMARY KEY, external_id TEXT, content TEXT);
      CREATE INDEX confirmations_by_external_id ON confirmations (external_id)`);
    const insert = database.prepare('INSERT INTO orders VALUES (?, ?)');
    for (const order of orders) insert.run(order.number, JSON.stringify(orderOf(order)));
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

function orderOf({ number, material, quantity, status, workCenter, priority, start, end }: Order) {
  return {
    number,
    material: { code: material.code, description: material.description },
    quantity: Number(quantity),
    unit: material.unit,
    start: start.toISOString(),
    end: end.toISOString(),
    status: ENGLISH[status],
    work_center: workCenter,
    priority,
  };
}

const contentOf = (row: Record<string, unknown>): unknown => JSON.parse(String(row.content));

const busy = (status: number, error: string): Answer => ({ status, body: { error }, headers: { 'retry-after': '1' } });

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
