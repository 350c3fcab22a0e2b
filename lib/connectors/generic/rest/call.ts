import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { CallAnswer } from '../../contract';
import { parseJson } from './answer';
import { plainText, withQuery } from './template';

const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH'];
const METHODS = ['GET', 'HEAD', 'DELETE', ...METHODS_WITH_BODY];

/**
 * Sends one request below the base URL.
 * @param parameters path, method, query (object of parameters), body (JSON, or text and bytes as they are); a method that
 * has a body takes `payload` for it where none is given
 * @throws config PCP_CALL_PARAMETER; the API's refusal as an error of its class
 */
export async function callApi(
  client: HttpClient,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const method = String(parameters.method || 'GET').toUpperCase();
  if (!METHODS.includes(method)) throw wrong('method', `must be one of ${METHODS.join(', ')}`);
  const content = parameters.body ?? (METHODS_WITH_BODY.includes(method) ? parameters.payload : undefined);
  const body = content === undefined || content === null ? undefined : encoded(content);
  const response = await client.request({
    method,
    target: withQuery(pathOf(parameters.path), queryOf(parameters.query)),
    ...(body !== undefined && { body: body.content, headers: { 'content-type': body.type } }),
    signal,
  });
  const text = await response.text();
  if (!response.ok) throw await response.failure(text);
  const isJson = /\bjson\b/i.test(response.headers['content-type'] ?? '') && text !== '';
  const payload = isJson ? parseJson(text, response.url) : text;
  return { payload, statusCode: response.status, headers: { ...response.headers } };
}

function pathOf(path: unknown): string {
  if (path === undefined || path === '') return '';
  if (typeof path === 'string' && path.startsWith('/')) return path;
  throw wrong('path', 'must begin with "/": it is below the base URL of the connection');
}

function queryOf(query: unknown): [string, string][] {
  if (query === undefined || query === null) return [];
  if (typeof query !== 'object' || Array.isArray(query)) throw wrong('query', 'must be an object of parameters');
  return Object.entries(query).map(([name, value]) => {
    const text = plainText(value);
    if (text === undefined) throw wrong('query', `has a value for "${name}" that is no text, number or boolean`);
    return [name, text];
  });
}

function encoded(content: unknown): { content: string | Uint8Array; type: string } {
  if (typeof content === 'string') return { content, type: 'text/plain; charset=utf-8' };
  if (content instanceof Uint8Array) return { content, type: 'application/octet-stream' };
  return { content: JSON.stringify(content), type: 'application/json' };
}

function wrong(name: string, what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_CALL_PARAMETER', `The ${name} of the request ${what}.`, {
    path: name,
    hint: `Correct it in the node, or in msg.${name}.`,
  });
}
