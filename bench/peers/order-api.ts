import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeededRandom } from '../../demo/random';
import { ORDER_COLUMNS, orderRow } from '../support/orders';

export interface OrderApiTask {
  rows: number;
  pageSize: number;
}

/** An API of orders in a process of its own: pages that are made before anybody asks, and a POST that is judged by its status. */
function run({ rows, pageSize }: OrderApiTask): void {
  const random = new SeededRandom(rows);
  const pages: Buffer[] = [];
  for (let first = 0; first < rows; first += pageSize) {
    const data = Array.from({ length: Math.min(pageSize, rows - first) }, (_, index) => {
      const row = orderRow(random, first + index);
      return Object.fromEntries(ORDER_COLUMNS.map((column, i) => [column, row[i]]));
    });
    pages.push(Buffer.from(JSON.stringify({ total: rows, data })));
  }
  const none = Buffer.from(JSON.stringify({ total: rows, data: [] }));
  let created = 0;
  const server = createServer((request, response) => {
    const json = { 'content-type': 'application/json' };
    if (request.method !== 'POST') {
      const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page'));
      const body = pages[page - 1] ?? none;
      response.writeHead(200, { ...json, 'content-length': body.length }).end(body);
      return;
    }
    request.resume().once('end', () => {
      const body = `{"id":${++created}}`;
      response.writeHead(201, { ...json, 'content-length': body.length }).end(body);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit());
}

process.once('message', (task) => run(task as OrderApiTask));
