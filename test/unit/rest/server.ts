import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Batch, Connector, SourceRecord, WriteRecord, Writer } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/rest/connector';
import type { OpenConnection } from '../../../lib/model/connection';
import { IntegrationError } from '../../../lib/model/errors';
import type { Cursor } from '../../../lib/model/sync';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** JSON unless it is text or bytes; `cut`: the connection ends without an answer. */
  body?: unknown;
  cut?: boolean;
}

export type Handler = (asked: Asked) => Answer | undefined | Promise<Answer | undefined>;

/** Rate limits and pauses belong to a connection: each one here is another. */
let connections = 0;

/** A server on this machine that answers as the test says, and remembers what it was asked. */
export class TestApi {
  readonly asked: Asked[] = [];
  handler: Handler = () => undefined;
  #server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/api`;
  }

  async start(): Promise<void> {
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
      const asked: Asked = {
        method: request.method ?? '',
        path: pathname.replace(/^\/api/, ''),
        query: searchParams,
        headers: request.headers,
        body: Buffer.concat(pieces).toString('utf8'),
      };
      this.asked.push(asked);
      const answer = (await this.handler(asked)) ?? { status: 404, body: { message: 'no such path' } };
      if (answer.cut) return request.socket.destroy();
      const isText = typeof answer.body === 'string' || answer.body === undefined || Buffer.isBuffer(answer.body);
      const headers = { 'content-type': isText ? 'text/plain' : 'application/json', ...answer.headers };
      response.writeHead(answer.status ?? 200, headers);
      response.end(isText ? answer.body : JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  paths(): string[] {
    return this.asked.map(({ method, path, query }) => `${method} ${path}${query.size > 0 ? `?${query}` : ''}`);
  }

  connection(config: Record<string, unknown>, credentials: Record<string, string> = {}): OpenConnection {
    return {
      id: ++connections,
      name: 'api',
      connector_type: 'generic.rest',
      config: { base_url: this.url, ...config },
      credentials,
    };
  }
}

/** A server and a connector on it for each test of the surrounding `describe`. */
export function withApi(): {
  readonly api: TestApi;
  readonly log: string[];
  open(
    entities: Record<string, unknown>,
    config?: Record<string, unknown>,
    credentials?: Record<string, string>,
  ): Connector;
} {
  const opened: Connector[] = [];
  let api = new TestApi();
  const log: string[] = [];
  beforeEach(async () => {
    api = new TestApi();
    log.length = 0;
    await api.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await api.stop();
  });
  return {
    get api() {
      return api;
    },
    log,
    open(entities, config = {}, credentials = {}) {
      const connector = create(api.connection({ entities, ...config }, credentials), {
        log: (_, message) => log.push(message),
      });
      opened.push(connector);
      return connector;
    },
  };
}

export const signal = new AbortController().signal;

export async function readAll(
  connector: Connector,
  query: {
    entity?: string;
    cursor?: Cursor | null;
    batchSize?: number;
    lookbackSeconds?: number;
    filters?: never[];
  } & object = {},
): Promise<{ batches: Batch[]; records: SourceRecord[]; cursor: Cursor | undefined }> {
  const batches: Batch[] = [];
  const full = { entity: 'orders', cursor: null, batchSize: 1000, ...query };
  for await (const batch of connector.read!(full, signal)) batches.push(batch);
  return { batches, records: batches.flatMap((each) => each.records), cursor: batches.at(-1)?.cursorAfter };
}

export async function failureOf(work: Promise<unknown>): Promise<IntegrationError & { results?: unknown }> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (thrown: unknown) => IntegrationError.from(thrown),
  );
}

export function openWriter(connector: Connector, keyFields = ['number'], entity = 'orders'): Promise<Writer> {
  return connector.openWriter!({ entity, keyFields, fields: [], resume: null, runId: 1, mappingId: 1 }, signal);
}

export function record(data: SourceRecord, more: Partial<WriteRecord> = {}, keyFields = ['number']): WriteRecord {
  const key = JSON.stringify(keyFields.map((field) => data[field]));
  return { data, key, sourceKey: key, hash: JSON.stringify(data), ...more };
}

export const orders = (from: number, count: number): SourceRecord[] =>
  Array.from({ length: count }, (_, index) => ({ number: `00${from + index}`, quantity: from + index }));
