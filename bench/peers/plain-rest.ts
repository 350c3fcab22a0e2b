import { DatabaseSync } from 'node:sqlite';
import { Pool } from 'undici';
import { mapRecord, type Order, orderValidator, unmapOrder } from './hand-written';
import { openSqlite } from './plain-sqlite';

export interface PlainRestTask {
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
 * The best plain script: page by page fetch, parse, map, validate and upsert; then one POST for each order, several at a
 * time. No exact numbers, no hashes, nothing announced: a lost answer doubles or loses an order.
 */
async function run({ origin, sqlite, pageSize, exported, concurrency }: PlainRestTask): Promise<PlainRestResult> {
  const pool = new Pool(origin, { connections: concurrency });
  const validate = orderValidator();
  const target = openSqlite(sqlite);
  let started = performance.now();
  let rows = 0;
  for (let page = 1; ; page++) {
    const { body } = await pool.request({ method: 'GET', path: `/orders?page=${page}&size=${pageSize}` });
    const { data, total } = (await body.json()) as { total: number; data: Record<string, unknown>[] };
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
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/orders',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(unmapOrder(order as unknown as Order)),
      });
      const { id } = (await body.json()) as { id: number };
      if (statusCode !== 201 || !(id > 0)) throw new Error(`The API answered ${statusCode}.`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const writtenPerSecond = exported / ((performance.now() - started) / 1000);
  database.close();
  await pool.close();
  return { readPerSecond, writtenPerSecond };
}

process.once('message', async (task) => {
  process.send?.(await run(task as PlainRestTask));
});
