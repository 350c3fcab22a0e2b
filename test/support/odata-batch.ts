import { randomUUID } from 'node:crypto';

export interface BatchPart {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface BatchReply {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: unknown;
}

/** The requests of a $batch body, each change set a list of its own. @throws what a gateway finds wrong with it */
export function readBatch(body: string, contentType: string): (BatchPart | BatchPart[])[] {
  return partsOf(body, contentType).map(({ headers, rest }) => {
    const type = headers['content-type'] ?? '';
    if (type.startsWith('application/http')) {
      const request = readRequest(headers, rest);
      if (request.method !== 'GET') throw new Error('A change must stand in a change set');
      return request;
    }
    return partsOf(rest, type).map((part) => {
      if (part.headers['content-id'] === undefined) throw new Error('A part of a change set has no Content-ID');
      const request = readRequest(part.headers, part.rest);
      if (request.method === 'GET') throw new Error('A read must not stand in a change set');
      return request;
    });
  });
}

/** Refused change sets are answered with one reply. */
export function batchReply(items: readonly (BatchReply | BatchReply[])[]): BatchReply {
  const boundary = `ejjeeffe${randomUUID().slice(0, 4)}`;
  const written = items.map((item) => {
    if (!Array.isArray(item)) return httpPart(item);
    const inner = `ejjeeffi${randomUUID().slice(0, 4)}`;
    const parts = item.map((reply) => `--${inner}\r\n${httpPart(reply)}\r\n`).join('');
    return `Content-Type: multipart/mixed; boundary=${inner}\r\nContent-Length: ${parts.length}\r\n\r\n${parts}--${inner}--\r\n`;
  });
  const body = `${written.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
  return { status: 202, headers: { 'content-type': `multipart/mixed; boundary=${boundary}` }, body };
}

function httpPart({ status, headers = {}, body }: BatchReply): string {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({ 'Content-Type': 'application/json', ...headers }).map((each) => each.join(': '));
  const head = [`HTTP/1.1 ${status} Said`, ...lines, `Content-Length: ${Buffer.byteLength(text)}`].join('\r\n');
  const http = `${head}\r\n\r\n${text}`;
  return `Content-Type: application/http\r\nContent-Length: ${Buffer.byteLength(http)}\r\ncontent-transfer-encoding: binary\r\n\r\n${http}`;
}

function partsOf(body: string, contentType: string): { headers: Record<string, string>; rest: string }[] {
  const boundary = /^multipart\/mixed;\s*boundary=(\S+)$/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`"${contentType}" has no boundary`);
  const pieces = body.split(`--${boundary}`);
  if (pieces.at(-1)?.trim() !== '--') throw new Error('The batch has no end');
  return pieces.slice(1, -1).map((piece) => headed(piece.replace(/^\r\n/, '').replace(/\r\n$/, '')));
}

function readRequest(outer: Record<string, string>, text: string): BatchPart {
  if (outer['content-transfer-encoding'] !== 'binary') throw new Error('A part is not binary');
  const [, method = '', url = ''] = /^(\w+) (\S+) HTTP\/1\.1\r\n/.exec(text) ?? [];
  const { headers, rest } = headed(text.slice(text.indexOf('\r\n') + 2));
  const length = Number(headers['content-length'] ?? 0);
  if (Buffer.byteLength(rest) !== length) throw new Error(`${url}: ${Buffer.byteLength(rest)} of ${length} bytes`);
  return { method, url, headers, body: rest };
}

function headed(text: string): { headers: Record<string, string>; rest: string } {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2;
  if (end === 1) throw new Error('A part has no empty line after its head');
  const lines = text.slice(0, end).split('\r\n').filter(Boolean);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { headers, rest: text.slice(end + 2) };
}
