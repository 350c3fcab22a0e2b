import assert from 'node:assert/strict';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Claim, IdempotencyStore, StoredAnswer } from '../../../lib/api/idempotency';
import { type ApiOptions, createApi } from '../../../lib/api/router';
import { apiContract } from '../../support/api-contract';
import { type Overrides, type StandIn, standInHub } from './stand-in-hub';

export interface Reply {
  status: number;
  headers: Record<string, string>;
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
  const contract = await apiContract();
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
      assert.equal(reply.headers['cache-control'], 'no-store');
      assert.equal(reply.headers['x-content-type-options'], 'nosniff');
      contract.check(method, path, reply);
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
            headers: response.headers as Record<string, string>,
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
