import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Target = 'keyed' | 'found' | 'blind';

export interface Row {
  id: string;
  number: string;
  quantity: string;
}

interface Answer {
  status: number;
  body: unknown;
}

const tables: Record<Target, Row[]> = { keyed: [], found: [], blind: [] };
/** Of `keyed`: what was asked and answered under each key. */
const answers = new Map<string, { body: string; answer: Answer }>();

/** What may come in place of the answer to a write that was done: from the API itself, or from what stands before it. */
const FATES: readonly ((response: ServerResponse) => void)[] = [
  (response) => response.writeHead(500, { 'content-type': 'application/json' }).end('{"detail":"Out of memory."}'),
  (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
  (response) => response.writeHead(504).end(),
  (response) => response.writeHead(503, { 'retry-after': '1' }).end(),
  (response) => response.writeHead(500, { 'content-length': 100 }).write('{"deta', () => response.destroy()),
  (response) => response.writeHead(302, { location: '/sign-in' }).end(),
  (response) => response.writeHead(303, { location: '/nowhere' }).end(),
];
/** Share of the writes that are answered so, and how many were. */
let fateShare = 0;
let fates = 0;

/** Takes a request in whole or not at all. */
function take({ method, url = '', headers }: IncomingMessage, body: string): Answer {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, target = '', id] = pathname.split('/');
  if (target === 'fates') return { status: 200, body: fates };
  const rows = tables[target as Target];
  if (rows === undefined) return problem(404, 'There is no such path.');
  if (method === 'GET') {
    const number = searchParams.get('number');
    if (number !== null && target !== 'found') return problem(400, 'Orders cannot be looked for here.');
    return { status: 200, body: rows.filter((row) => number === null || row.number === number) };
  }
  if (headers['content-type'] !== 'application/json') return problem(415, 'Only JSON is taken.');
  const order = JSON.parse(body) as Record<string, unknown>;
  if (Object.keys(order).sort().join() !== 'number,quantity') return problem(422, 'number and quantity, nothing else.');
  if (typeof order.number !== 'string' || typeof order.quantity !== 'string') return problem(422, 'Both are texts.');
  const { number, quantity } = order;
  const key = target === 'keyed' ? headers['idempotency-key'] : undefined;
  if (target === 'keyed' && key === undefined) return problem(400, 'The Idempotency-Key is missing.');
  const known = answers.get(String(key));
  if (known !== undefined && known.body !== body) return problem(422, 'The key belongs to another request.');
  if (known !== undefined) return known.answer;
  const answer = write(rows, method, id, { number, quantity });
  if (key !== undefined) answers.set(String(key), { body, answer });
  return answer;
}

function write(rows: Row[], method: string | undefined, id: string | undefined, order: Omit<Row, 'id'>): Answer {
  if (method === 'PUT') {
    const row = rows.find((one) => one.id === id);
    if (row === undefined) return problem(404, 'There is no such order.');
    Object.assign(row, order);
    return { status: 200, body: row };
  }
  if (method !== 'POST' || id !== undefined) return problem(405, 'Not that way.');
  const row: Row = { id: `row-${rows.length + 1}`, ...order };
  rows.push(row);
  return { status: 201, body: { id: row.id } };
}

function problem(status: number, detail: string): Answer {
  return { status, body: { detail } };
}

/** Before and after the effect, so that a cut can come on either side of it. */
const someTime = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 6));

const server = createServer(async (request, response) => {
  try {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    await someTime();
    const { status, body } = take(request, Buffer.concat(pieces).toString('utf8'));
    await someTime();
    if (request.method !== 'GET' && status < 300 && Math.random() < fateShare) {
      FATES[fates++ % FATES.length]!(response);
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  } catch (error) {
    // A request that was cut has no effect.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
});
// A connection that is closed for its idleness takes a request with it now and then.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', (share: number) => {
  fateShare = share;
});
process.once('disconnect', () => process.exit());
