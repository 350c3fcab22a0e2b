import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020';
import type { Claim, IdempotencyStore, StoredAnswer } from '../../../lib/api/idempotency';
import { type ApiOptions, createApi } from '../../../lib/api/router';
import { routes } from '../../../lib/api/routes';
import { components } from '../../../lib/api/schemas';
import { formats } from '../../../lib/model/formats';
import { type Overrides, type StandIn, standInHub } from './stand-in-hub';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The parsed body, or an empty object. */
  body: Record<string, unknown> & { items?: Record<string, unknown>[]; errors?: Record<string, string>[] };
}

export interface TestApi extends StandIn {
  port: number;
  /** A JSON request; the answer is checked against what the OpenAPI document promises. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Any request, to any path of the server, byte for byte. */
  send(method: string, path: string, options?: SendOptions): Promise<Reply>;
  /** What a client that writes bytes by hand gets back, until the server ends the connection. */
  raw(text: string): Promise<string>;
  close(): Promise<void>;
}

export interface SendOptions {
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** A real HTTP server on a free port of this machine, with the API over the stand-in hub. */
export async function startApi(overrides: Overrides = {}, options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const standIn = standInHub(overrides);
  const api = createApi({ hub: standIn.hub, idempotency: memoryIdempotency(), authenticated: false, ...options });
  const server = createServer((incoming, response) => {
    api(incoming, response, (error) => {
      response.statusCode = error === undefined ? 418 : 599;
      response.end(String(error ?? 'someone else answers this'));
    });
  });
  const port = await listen(server);
  const send: TestApi['send'] = (method, path, sent = {}) => exchange(port, method, path, sent);
  return {
    ...standIn,
    port,
    send,
    call: async (method, path, body, headers = {}) => {
      const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
      const reply = await send(method, `/integrations${path}`, {
        headers: { ...json, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      checkContract(method, path, reply);
      return reply;
    },
    raw: (text) =>
      new Promise((resolve, reject) => {
        let answer = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (chunk) => {
          answer += chunk;
        });
        socket.on('close', () => resolve(answer));
        socket.on('error', reject);
      }),
    close: () => stop(server),
  };
}

export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

export function exchange(
  port: number,
  method: string,
  path: string,
  { headers = {}, body }: SendOptions,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length: Record<string, string> =
      body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { ...length, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: isJson ? JSON.parse(text) : {},
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** As the store keeps answers, without a database. */
export function memoryIdempotency(): IdempotencyStore {
  const rows = new Map<string, { requestHash: string; answer: StoredAnswer | null }>();
  return {
    async claim(key, requestHash): Promise<Claim> {
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, { requestHash, answer: null });
        return { outcome: 'new' };
      }
      if (row.requestHash !== requestHash) return { outcome: 'mismatch' };
      return row.answer === null ? { outcome: 'in_progress' } : { outcome: 'replay', answer: row.answer };
    },
    async complete(key, answer) {
      const row = rows.get(key);
      if (row !== undefined) row.answer = answer;
    },
    async release(key) {
      rows.delete(key);
    },
  };
}

const ajv = new Ajv2020({ strict: false, discriminator: true, formats });
ajv.addSchema({ $id: 'contract', components: { schemas: components } });

/** Every answer must be one that the document promises for its operation. */
function checkContract(method: string, path: string, reply: Reply): void {
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
  const isProblem = reply.headers['content-type'] === 'application/problem+json';
  if (isProblem) {
    check({ $ref: '#/components/schemas/Problem' }, reply.body, 'Problem');
    assert.equal(reply.body.status, reply.status);
  }
  const place = (path.split('?')[0] ?? '').split('/');
  const route = routes.find(
    (candidate) =>
      candidate.method === method &&
      candidate.path.split('/').length === place.length &&
      candidate.path.split('/').every((part, index) => part.startsWith('{') || part === place[index]) &&
      !(candidate.path === '/connections/{id}/test' && place[2] === 'test'),
  );
  if (route === undefined) return;
  const known = [
    ...Object.keys(route.responses).map(Number),
    ...route.problems,
    ...(route.external === undefined ? [] : [504]),
    400,
    401,
    403,
    500,
    503,
  ];
  // A parameter that cannot be an id names nothing, whatever the operation.
  if (route.path.includes('{')) known.push(404);
  assert.ok(known.includes(reply.status), `${route.operation} does not document status ${reply.status}: ${reply.text}`);
  const promised = route.responses[reply.status];
  if (promised === undefined || isProblem) return;
  for (const header of promised.headers ?? []) assert.ok(reply.headers[header.toLowerCase()], `${header} is missing`);
  if (promised.schema === undefined) assert.equal(reply.text, '');
  else check(promised.schema, promised.type === undefined ? reply.body : reply.text, route.operation);
}

function check(schema: object, value: unknown, what: string): void {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/');
  const validate = ajv.compile(JSON.parse(text));
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
}
