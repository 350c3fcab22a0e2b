import { createServer, type IncomingMessage } from 'node:http';
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

/** Takes a request in whole or not at all. */
function take({ method, url = '', headers }: IncomingMessage, body: string): Answer {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, target = '', id] = pathname.split('/');
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
  if (method === 'PUT') {
    const row = rows.find((one) => one.id === id);
    if (row === undefined) return problem(404, 'There is no such order.');
    Object.assign(row, { number, quantity });
    return { status: 200, body: row };
  }
  if (method !== 'POST' || id !== undefined) return problem(405, 'Not that way.');
  const key = headers['idempotency-key'];
  const known = target === 'keyed' ? answers.get(String(key)) : undefined;
  if (known !== undefined)
    return known.body === body ? known.answer : problem(422, 'The key belongs to another request.');
  if (target === 'keyed' && key === undefined) return problem(400, 'The Idempotency-Key is missing.');
  const row: Row = { id: `${target}-${rows.length + 1}`, number, quantity };
  rows.push(row);
  const answer = { status: 201, body: { id: row.id } };
  if (target === 'keyed') answers.set(String(key), { body, answer });
  return answer;
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
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  } catch (error) {
    // A request that was cut has no effect.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
