import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import { isObject } from '../../../protocols/isg/message';
import type { IsgSession } from '../../../protocols/isg/session';
import type { CallAnswer } from '../../contract';

/**
 * Calls a method of a deployed service, once, whatever comes of it.
 * @throws config PCP_OPERATION_UNKNOWN, PCP_SETTING_INVALID; what the session throws
 */
export async function callMethod(
  session: IsgSession,
  operation: string,
  { service, method, http_method, parameters, payload }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  if (operation !== 'call') {
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', phrase`Oracle EBS has no operation "${operation}".`, {
      hint: 'Call "call" with service and method.',
    });
  }
  const input = isObject(payload) ? payload : (parameters ?? {});
  if (!isObject(input)) throw invalid('parameters', phrase`an object of the input parameters by name`);
  const [alias, name] = [named('service', service), named('method', method)];
  const verb = String(http_method || 'POST').toUpperCase();
  if (verb === 'POST') return { payload: await session.call(alias, name, input, signal) };
  if (verb !== 'GET') throw invalid('http_method', phrase`GET or POST`);
  if (Object.values(input).some((value) => typeof value === 'object' && value !== null))
    throw invalid('parameters', phrase`texts and numbers by name, as they go into the URL of a GET`);
  return { payload: await session.get(alias, name, input, signal) };
}

function named(name: string, value: unknown): string {
  if (typeof value === 'string' && /^[\w$-]+$/.test(value)) return value;
  throw invalid(name, phrase`a name of letters, digits and "_"`);
}

function invalid(name: string, expected: Said): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`"${name}" must be ${expected}.`, {
    path: name,
    hint: 'Correct it in the node or the message.',
  });
}
