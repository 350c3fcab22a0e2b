import type { IncomingMessage } from 'node:http';
import { phrase } from '../model/phrase';
import { escapePointer, Problem, type ProblemDetail } from './problem';

/** Largest body taken, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Deepest nesting of arrays and objects taken. */
const MAX_DEPTH = 64;

/** A request that some body parser (Node-RED's) may have read before. */
export type ParsedRequest = IncomingMessage & { body?: unknown; _body?: boolean };

/**
 * The JSON body, undefined when there is none.
 * @throws Problem 400 (not JSON), 413 (too large), 415 (not application/json), 422 (names or numbers no one should send)
 */
export async function readBody(request: ParsedRequest): Promise<unknown> {
  checkMediaType(request);
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > MAX_BODY_BYTES) throw tooLarge();
  const value = isParsed(request) ? parsedBody(request) : parse(await collect(request));
  if (value !== undefined) checkContent(value);
  return value;
}

function checkMediaType(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (type === undefined && !hasBody) return;
  const [essence, ...parameters] = (type ?? '').toLowerCase().split(';');
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(text)?.[1]).find(Boolean);
  if (essence?.trim() !== 'application/json' || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new Problem(415, 'PCP_NOT_JSON', phrase`Only "application/json" in UTF-8 is taken.`, {
      headers: { Accept: 'application/json' },
    });
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem(415, 'PCP_ENCODING_UNSUPPORTED', phrase`Compressed bodies are not taken.`, {
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
}

function isParsed(request: ParsedRequest): boolean {
  return request._body === true || (request.body !== undefined && request.readableEnded);
}

function parsedBody(request: ParsedRequest): unknown {
  const { body } = request;
  // Sent in chunks, so that no length was announced.
  if (
    request.headers['content-length'] === undefined &&
    Buffer.byteLength(JSON.stringify(body) ?? '') > MAX_BODY_BYTES
  ) {
    throw tooLarge();
  }
  return body;
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Error) => {
      request.off('data', take);
      request.resume();
      reject(error);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) stop(tooLarge());
      else chunks.push(chunk);
    };
    const broken = () => stop(new Problem(400, 'PCP_BODY_CUT', phrase`The body ended before it was complete.`));
    if (request.readableEnded) return resolve(Buffer.alloc(0));
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', broken);
    request.once('close', () => {
      if (!request.complete) broken();
    });
  });
}

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badJson('The body is not valid UTF-8.');
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the body, which may hold a secret.
    throw badJson('The body is not valid JSON.');
  }
}

/** For a parser in front of this API that could not read a body: the same answer as its own. */
export function badJson(detail: string): Problem {
  return new Problem(400, 'PCP_JSON_INVALID', detail);
}

export function tooLarge(): Problem {
  return new Problem(413, 'PCP_BODY_TOO_LARGE', phrase`A body may have ${MAX_BODY_BYTES} bytes at most.`, {
    headers: { Connection: 'close' },
  });
}

/** Refuses names that reach into prototypes, nesting without end, and integers and texts that could not be kept exactly. */
function checkContent(body: unknown): void {
  const errors: ProblemDetail[] = [];
  const rest: { value: unknown; pointer: string; depth: number }[] = [{ value: body, pointer: '', depth: 0 }];
  for (let next = rest.pop(); next !== undefined && errors.length < 20; next = rest.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)) {
      errors.push({ pointer, detail: 'is too large to be kept exactly as a number: send it as a string' });
    }
    if (typeof value === 'string' && !value.isWellFormed()) {
      errors.push({ pointer, detail: 'holds half a surrogate pair, which is no character' });
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) {
      throw new Problem(422, 'PCP_VALUE_INVALID', phrase`The body is nested deeper than ${MAX_DEPTH} levels.`);
    }
    for (const [name, inner] of Object.entries(value)) {
      const at = `${pointer}/${escapePointer(name)}`;
      if (!Array.isArray(value) && reachesPrototype(name, inner))
        errors.push({ pointer: at, detail: 'is a name that is not allowed' });
      rest.push({ value: inner, pointer: at, depth: depth + 1 });
    }
  }
  if (errors.length > 0)
    throw new Problem(422, 'PCP_VALUE_INVALID', phrase`The body holds values that cannot be taken.`, { errors });
}

function reachesPrototype(name: string, value: unknown): boolean {
  if (name === '__proto__') return true;
  return name === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
