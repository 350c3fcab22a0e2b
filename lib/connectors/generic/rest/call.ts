import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type { HttpClient, HttpResponse } from '../../../protocols/http/client';
import type { CallAnswer } from '../../contract';
import { parseJson, requestRefused } from './answer';
import { plainText, withQuery } from './template';

const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH'];
const METHODS = ['GET', 'HEAD', 'DELETE', ...METHODS_WITH_BODY];
/** What is written in characters. */
const TEXT = /^text\/|json|xml|csv|yaml|javascript|urlencoded|graphql|sql|charset=/i;
/** They say how a request is sent, which is not the caller's to say. */
const OF_THE_TRANSPORT =
  /^(host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*)$/i;

/**
 * Sends one request below the base URL.
 * @param parameters path, method, query (object of parameters; a list repeats its name), request_headers, body (JSON, or text and bytes as they are); a method that
 * has a body takes `payload` for it where none is given
 * @throws config PCP_CALL_PARAMETER; the API's refusal as an error of its class
 */
export async function callApi(
  client: HttpClient,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const method = String(parameters.method || 'GET').toUpperCase();
  if (!METHODS.includes(method)) throw wrong('method', phrase`must be one of ${METHODS.join(', ')}`);
  const content = parameters.body ?? (METHODS_WITH_BODY.includes(method) ? parameters.payload : undefined);
  const body = content === undefined || content === null ? undefined : encoded(content);
  const response = await client.request({
    method,
    target: withQuery(pathOf(parameters.path), textsOf(parameters.query, 'query')),
    ...(body !== undefined && { body: body.content }),
    headers: { ...(body !== undefined && { 'content-type': body.type }), ...headersOf(parameters.request_headers) },
    signal,
  });
  if (!response.ok) throw requestRefused(await response.failure(), 'data');
  return { payload: await payloadOf(response), statusCode: response.status, headers: { ...response.headers } };
}

/** What JSON says, text as it is, and bytes where the answer is neither. */
async function payloadOf(response: HttpResponse): Promise<unknown> {
  const type = response.headers['content-type'] ?? '';
  if (type !== '' && !TEXT.test(type)) return response.bytes();
  const text = await response.text();
  return /\bjson\b/i.test(type) && text !== '' ? parseJson(text, response.url) : text;
}

function pathOf(path: unknown): string {
  if (path === undefined || path === '') return '';
  if (typeof path === 'string' && path.startsWith('/')) return path;
  throw wrong('path', phrase`must begin with "/": it is below the base URL of the connection`);
}

function headersOf(headers: unknown): Record<string, string> {
  const texts = textsOf(headers, 'request_headers').map(([name, text]) => [name.toLowerCase(), text] as const);
  const refused = texts.find(([name]) => OF_THE_TRANSPORT.test(name))?.[0];
  if (refused !== undefined) throw wrong('request_headers', phrase`cannot set "${refused}"`);
  return Object.fromEntries(texts);
}

function textsOf(values: unknown, parameter: string): [string, string][] {
  if (values === undefined || values === null) return [];
  if (typeof values !== 'object' || Array.isArray(values))
    throw wrong(parameter, phrase`must be an object of names and values`);
  return Object.entries(values).flatMap(([name, given]) => {
    const all: unknown[] = parameter === 'query' && Array.isArray(given) ? given : [given];
    return all.map((value): [string, string] => {
      const text = plainText(value);
      if (text !== undefined) return [name, text];
      throw wrong(parameter, phrase`has a value for "${name}" that is no text, number or boolean`);
    });
  });
}

function encoded(content: unknown): { content: string | Uint8Array; type: string } {
  if (typeof content === 'string') return { content, type: 'text/plain; charset=utf-8' };
  if (content instanceof Uint8Array) return { content, type: 'application/octet-stream' };
  return { content: JSON.stringify(content), type: 'application/json' };
}

function wrong(name: string, what: Said): IntegrationError {
  return new IntegrationError('config', 'PCP_CALL_PARAMETER', phrase`The ${name} of the request ${what}.`, {
    path: name,
    hint: `Correct it in the node, or in msg.${name}.`,
  });
}
