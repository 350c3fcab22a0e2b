import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { BatchItem, PartAnswer } from './batch';
import type { ServiceRequest } from './operations';

const NEWLINE = '\r\n';

/** The body of a $batch: each request an application/http part, a group of them a change set inside. */
export function multipartBody(items: readonly BatchItem[], boundary: string, accept: string): string {
  // Version 4.01 wants ids that are unique in the whole batch.
  let contentId = 0;
  const parts = items.map((item, index) => {
    // As unlikely to stand in the data as the outer one.
    const inner = `changeset_${index}_${boundary}`;
    const part = (request: ServiceRequest) => httpPart(request, accept, ++contentId);
    if (Array.isArray(item)) return changeSet((item as readonly ServiceRequest[]).map(part), inner);
    const request = item as ServiceRequest;
    // Outside of a change set only reads may stand in version 2, so a single change is a set of one.
    return request.method === 'GET' ? httpPart(request, accept, undefined) : changeSet([part(request)], inner);
  });
  return joined(parts, boundary);
}

/** The answers to each item, in order; null when the text is no such answer. */
export function multipartResponses(text: string, contentType: string): PartAnswer[][] | null {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return null;
  const parts = split(text, boundary);
  return parts === null ? null : parts.map((part) => answersOf(part));
}

function changeSet(parts: readonly string[], boundary: string): string {
  return `Content-Type: multipart/mixed; boundary=${boundary}${NEWLINE}${NEWLINE}${joined(parts, boundary)}`;
}

function httpPart(
  { method, path, headers, body = '' }: ServiceRequest,
  accept: string,
  contentId: number | undefined,
): string {
  const own = { accept, ...headers };
  if (Object.values(own).some((value) => /[\r\n]/.test(value))) throw brokenHeader(path);
  const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
  if (body !== '') lines.push(`content-length: ${Buffer.byteLength(body)}`);
  return [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    '',
    `${method} ${path} HTTP/1.1`,
    ...lines,
    '',
    body,
  ].join(NEWLINE);
}

/** In a version, say, that the service gave: the rest of it would be a request of its own. */
function brokenHeader(path: string): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_ODATA_VALUE',
    phrase`A header of the request to ${path} has several lines.`,
    {
      hint: 'Look at the version (ETag) that the service gives of the record; nothing was sent.',
    },
  );
}

function joined(parts: readonly string[], boundary: string): string {
  return `${parts.map((part) => `--${boundary}${NEWLINE}${part}${NEWLINE}`).join('')}--${boundary}--${NEWLINE}`;
}

/** A part is one answer, or the answers of a change set. */
function answersOf(part: string): PartAnswer[] {
  const { headers, rest } = headed(part);
  const inner = boundaryOf(headers['content-type'] ?? '');
  if (inner !== undefined) return inOrder((split(rest, inner) ?? []).flatMap((each) => answersOf(each)));
  const [, status = '0'] = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(rest) ?? [];
  const answer = headed(rest.replace(/^[^\r\n]*\r?\n/, ''));
  const id = headers['content-id'] ?? answer.headers['content-id'];
  const named = { ...answer.headers, ...(id !== undefined && { 'content-id': id }) };
  return [{ status: Number(status), headers: named, body: answer.rest.trimEnd() }];
}

/** Services may answer the requests of a change set in any order. */
function inOrder(answers: PartAnswer[]): PartAnswer[] {
  const ids = answers.map(({ headers }) => Number(headers['content-id']));
  if (!ids.every((id) => Number.isInteger(id))) return answers;
  return answers.sort((a, b) => Number(a.headers['content-id']) - Number(b.headers['content-id']));
}

function headed(text: string): { headers: Record<string, string>; rest: string } {
  const headers: Record<string, string> = {};
  for (let begin = 0; begin < text.length; ) {
    const end = text.indexOf('\n', begin);
    const line = text.slice(begin, end === -1 ? undefined : end).trimEnd();
    begin = end === -1 ? text.length : end + 1;
    if (line === '') return { headers, rest: text.slice(begin) };
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, rest: '' };
}

/** The parts between the boundaries; null without a last one: the answer was cut off. */
function split(text: string, boundary: string): string[] | null {
  const pieces = text.split(new RegExp(`(?:^|\\r?\\n)--${escaped(boundary)}`));
  if (!pieces.at(-1)?.startsWith('--')) return null;
  return pieces.slice(1, -1).map((piece) => piece.replace(/^[ \t]*\r?\n/, ''));
}

function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/mixed/i.test(contentType)) return undefined;
  const match = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
