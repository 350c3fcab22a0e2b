import { DatabaseSync } from 'node:sqlite';
import { Pool } from 'undici';
import { mapRecord, type Order, orderValidator, unmapOrder } from './hand-written';
import { openSqlite } from './plain-sqlite';

/** What a script asks with: what Node brings along, or the bare pool of connections beneath it. */
export type PlainRestClient = 'fetch' | 'pool';

export interface PlainRestTask {
  client: PlainRestClient;
  origin: string;
  sqlite: string;
  pageSize: number;
  /** How many of the orders that were read are sent back. */
  exported: number;
  concurrency: number;
}

export interface PlainRestResult {
  readPerSecond: number;
  writtenPerSecond: number;
}

/**
 * A plain script: page by page fetch, parse, map, validate and upsert; then one POST for each order, several at a
 * time. No exact numbers, no hashes, nothing announced: a lost answer doubles or loses an order.
 */
async function run({
  client,
  origin,
  sqlite,
  pageSize,
  exported,
  concurrency,
}: PlainRestTask): Promise<PlainRestResult> {
  const pool = client === 'pool' ? new Pool(origin, { connections: concurrency }) : undefined;
  const ask = pool === undefined ? fetching(origin) : pooled(pool);
  const validate = orderValidator();
  const target = openSqlite(sqlite);
  let started = performance.now();
  let rows = 0;
  for (let page = 1; ; page++) {
    const { answer } = await ask('GET', `/orders?page=${page}&size=${pageSize}`);
    const { data, total } = answer as { total: number; data: Record<string, unknown>[] };
    const orders = data.map(mapRecord);
    for (const order of orders) validate(order);
    await target.write(orders);
    rows += orders.length;
    if (rows >= total) break;
  }
  const readPerSecond = rows / ((performance.now() - started) / 1000);
  await target.close();

  const database = new DatabaseSync(sqlite, { readOnly: true });
  const orders = database.prepare('SELECT * FROM bench_plain ORDER BY order_number LIMIT ?').iterate(exported);
  started = performance.now();
  const worker = async () => {
    for (const order of orders) {
      const { status, answer } = await ask('POST', '/orders', JSON.stringify(unmapOrder(order as unknown as Order)));
      if (status !== 201 || !((answer as { id: number }).id > 0)) throw new Error(`The API answered ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const writtenPerSecond = exported / ((performance.now() - started) / 1000);
  database.close();
  await pool?.close();
  return { readPerSecond, writtenPerSecond };
}

type Ask = (method: 'GET' | 'POST', path: string, body?: string | null) => Promise<{ status: number; answer: unknown }>;

const JSON_HEADERS = { 'content-type': 'application/json' };

function fetching(origin: string): Ask {
  return async (method, path, body = null) => {
    const response = await fetch(`${origin}${path}`, { method, headers: JSON_HEADERS, body });
    return { status: response.status, answer: await response.json() };
  };
}

function pooled(pool: Pool): Ask {
  return async (method, path, body = null) => {
    const response = await pool.request({ method, path, headers: JSON_HEADERS, body });
    return { status: response.statusCode, answer: await response.body.json() };
  };
}

process.once('message', async (task) => {
  process.send?.(await run(task as PlainRestTask));
});
