import { IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';
import { readJson } from '../../../protocols/totvs/answer';
import type { TotvsSession } from '../../../protocols/totvs/session';
import type { CallAnswer } from '../../contract';

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Asks a route of the customer's own, once, whatever comes of it.
 * @throws config PCP_OPERATION_UNKNOWN, PCP_SETTING_INVALID
 */
export async function callRoute(
  session: TotvsSession,
  operation: string,
  { method, path, parameters, module, payload }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  if (operation !== 'request') {
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', phrase`Protheus has no operation "${operation}".`, {
      hint: 'Call "request" with method and path.',
    });
  }
  const verb = String(method || 'POST').toUpperCase();
  if (!METHODS.has(verb)) throw invalid('method', phrase`GET, POST, PUT, PATCH or DELETE`);
  if (typeof path !== 'string' || !path.startsWith('/')) throw invalid('path', phrase`a path that begins with "/"`);
  const query = new URLSearchParams(Object.entries((parameters ?? {}) as object).map(([k, v]) => [k, String(v)]));
  const separator = path.includes('?') ? '&' : '?';
  const name = String(module ?? '');
  if (!/^([A-Z0-9]{3})?$/.test(name)) throw invalid('module', phrase`three letters, such as MNT`);
  const hasBody = verb !== 'GET' && verb !== 'DELETE' && payload !== undefined && payload !== null;
  const response = await session.ask({
    method: verb,
    target: query.size === 0 ? path : `${path}${separator}${query}`,
    headers: { ...(name !== '' && { 'x-erp-module': name }), ...(hasBody && { 'content-type': 'application/json' }) },
    ...(hasBody && { body: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
    signal,
  });
  const isEmpty = response.status === 204 || response.headers['content-length'] === '0';
  if (!isEmpty) return { payload: await readJson(response), status: response.status };
  response.discard();
  return { payload: null, status: response.status };
}

function invalid(name: string, expected: Phrase): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`"${name}" must be ${expected}.`, {
    path: name,
    hint: 'Correct it in the node or the message.',
  });
}
