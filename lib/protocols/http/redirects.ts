import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import type { HttpResponse } from './client';
import { placeOf, resolveLink } from './url';

export interface Redirect {
  url: URL;
  method: string;
  /** False when the method became GET. */
  keepBody: boolean;
}

/**
 * Where an answer sends its caller, or undefined when it does not. Only to the connection's own origin, and never so that a
 * write becomes something else.
 * @throws config PCP_REDIRECT_REFUSED
 */
export function redirectOf(response: HttpResponse, method: string, base: URL): Redirect | undefined {
  const { status, headers } = response;
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const location = headers.location;
  if (location === undefined) return undefined;
  const reads = method === 'GET' || method === 'HEAD';
  if (!reads && (status === 301 || status === 302)) {
    throw refused(
      response,
      phrase`a write does not follow this status`,
      'Use the address it leads to as base URL or path.',
    );
  }
  let url: URL;
  try {
    url = resolveLink(base, location, response.url);
  } catch (cause) {
    const { said, hint } = IntegrationError.from(cause);
    throw refused(response, said, hint ?? '', cause);
  }
  return status === 303 && method !== 'HEAD'
    ? { url, method: 'GET', keepBody: false }
    : { url, method, keepBody: !reads };
}

/** Whether this may be the answer to a write that was done; the others say that it belongs elsewhere (RFC 9110, 15.4). */
export function leadsOn(status: number, method: string): boolean {
  return (status === 302 || status === 303) && method !== 'GET' && method !== 'HEAD';
}

/** Of a write that was answered, though with neither yes nor no. */
export function withUnknownOutcome(error: IntegrationError): IntegrationError {
  const { class: errorClass, code, said } = error;
  return new IntegrationError(errorClass, code, said, { ...error.toJSON(), outcomeUnknown: true, cause: error });
}

export function tooManyRedirects(url: URL, limit: number): IntegrationError {
  const message = phrase`${placeOf(url)} was redirected more than ${limit} times.`;
  return new IntegrationError('config', 'PCP_REDIRECT_LOOP', message, {
    hint: 'Check the base URL, and whether the server wants a sign-in first.',
  });
}

function refused(response: HttpResponse, why: Said, hint: string, cause?: unknown): IntegrationError {
  const message = phrase`${placeOf(response.url)} answered ${response.status} (moved), which is not followed: ${why}`;
  return new IntegrationError('config', 'PCP_REDIRECT_REFUSED', message, { hint, path: '/config/base_url', cause });
}
