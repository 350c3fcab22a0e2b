import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { parseExactJson } from '../../model/exact-json';
import { notNow, Refusal } from './refusal';

/** A sender that is slower than that would hold its place for ever. */
const BODY_TIMEOUT_MS = 30_000;
const DEEPEST = 64;
const MOST_FIELDS = 10_000;
const UNPACK = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) };

/**
 * The bytes of a body as they were sent.
 * @throws Refusal 413, 400, 408; 503 when something in front of this has read them already
 */
export async function rawBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  if (request.readableDidRead) {
    throw notNow('PCP_WEBHOOK_BODY_READ', 'The body was read before it could be verified.');
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) reject(tooLarge(limit));
    else chunks.push(chunk);
  };
  const cut = () => {
    // An error with its stack costs as much as the rest of this, and each request closes.
    if (!request.readableEnded) reject(new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body ended before it was complete.'));
  };
  const timer = setTimeout(
    () => reject(new Refusal(408, 'PCP_WEBHOOK_SLOW', 'The body took too long.')),
    BODY_TIMEOUT_MS,
  );
  request.on('data', take);
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('error', cut);
  request.once('close', cut);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.off('data', take);
    request.resume();
  }
}

/** @throws Refusal 413, 415, 400 */
export async function unpacked(body: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity') return body;
  if (!Object.hasOwn(UNPACK, name)) {
    throw new Refusal(415, 'PCP_WEBHOOK_ENCODING', 'Bodies are taken plain, or packed with gzip, deflate or br.');
  }
  try {
    return await UNPACK[name as keyof typeof UNPACK](body, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
    throw new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body cannot be unpacked.');
  }
}

/**
 * What a body says: JSON and forms as objects, XML and text as text, other bytes as they are.
 * @throws Refusal 415, 400
 */
export function parseContent(body: Buffer, contentType: string | undefined): unknown {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const essence = type.trim();
  if (body.length === 0) return '';
  if (essence === 'application/octet-stream') return body;
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(one)?.[1]).find(Boolean);
  if (/^application\/(.+\+)?json$/.test(essence)) return json(decode(body, charset));
  if (essence === 'application/x-www-form-urlencoded') return form(decode(body, charset));
  // The last one is what SAP calls an IDoc in XML.
  if (/^(text\/.+|application\/((.+\+)?xml|x-sap\.idoc))$/.test(essence)) return decode(body, charset);
  throw new Refusal(415, 'PCP_WEBHOOK_TYPE', 'Taken are JSON, forms, XML, text and application/octet-stream.');
}

function decode(body: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    throw new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body is not in the character set that it says.');
  }
}

function json(text: string): unknown {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    throw new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body is not valid JSON.');
  }
  checkShape(value);
  return value;
}

/** Refuses nesting without end, and names that reach into prototypes once a flow copies the object. */
function checkShape(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEEPEST) throw new Refusal(400, 'PCP_WEBHOOK_BODY', `The body is nested deeper than ${DEEPEST} levels.`);
  for (const [name, inner] of Object.entries(value)) {
    if (name === '__proto__') throw new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body holds a name that is not allowed.');
    checkShape(inner, depth + 1);
  }
}

function form(text: string): unknown {
  const given = new URLSearchParams(text);
  if (given.size > MOST_FIELDS) {
    throw new Refusal(400, 'PCP_WEBHOOK_BODY', `The form has more than ${MOST_FIELDS} fields.`);
  }
  const fields = new Map<string, string[]>();
  for (const [name, value] of given) {
    if (name === '__proto__') throw new Refusal(400, 'PCP_WEBHOOK_BODY', 'The body holds a name that is not allowed.');
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries([...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'PCP_WEBHOOK_TOO_LARGE', `A body may have ${limit} bytes at most.`, { Connection: 'close' });
}
