import type { IncomingMessage, ServerResponse } from 'node:http';
import { phrase } from '../model/phrase';
import { Problem } from './problem';

export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** A request that an authentication middleware has seen: passport leaves the user here. */
type SignedIn = IncomingMessage & { user?: { username?: unknown }; body?: unknown; query?: unknown };

/**
 * Runs Node-RED's permission check. It answers refusals itself, in plain text; what it would have sent becomes a problem
 * here, so that every refusal of this API looks the same. Its `WWW-Authenticate` header stays. It would also take a token
 * from the address or from a form, where logs keep it and pages of other sites can put it: it sees the headers alone.
 */
export function authorise(
  check: Middleware,
  permission: string,
  request: SignedIn,
  response: ServerResponse,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { end } = response;
    const { body, query } = request;
    const restore = () => {
      response.end = end;
      Object.assign(request, { body, query });
    };
    response.end = (() => {
      restore();
      reject(refusal(permission, request.user !== undefined, response.statusCode));
      return response;
    }) as typeof response.end;
    Object.assign(request, { body: undefined, query: {} });
    check(request, response, (error) => {
      restore();
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

export function userOf(request: IncomingMessage): string | undefined {
  const name = (request as SignedIn).user?.username;
  return typeof name === 'string' ? name : undefined;
}

function refusal(permission: string, signedIn: boolean, status: number): Problem {
  if (signedIn || status === 403) {
    return new Problem(403, 'PCP_FORBIDDEN', phrase`This needs the permission "${permission}".`, {
      hint: "Give it to the user in adminAuth of Node-RED's settings.js.",
    });
  }
  return new Problem(401, 'PCP_UNAUTHENTICATED', phrase`Sign in first: no valid token was sent.`, {
    hint: 'Send "Authorization: Bearer <token>" with a token of Node-RED\'s /auth/token.',
  });
}
