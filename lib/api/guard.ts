import type { IncomingMessage } from 'node:http';
import { phrase } from '../model/phrase';
import { Problem } from './problem';

export interface GuardOptions {
  /** Node-RED's adminAuth is on: who asks is checked route by route. */
  authenticated: boolean;
  /** Host names under which the API may be used without adminAuth, besides this machine's own. */
  allowedHosts: readonly string[];
  /** Origins of other web pages that may use the API ("https://pcp.example"). */
  allowedOrigins: readonly string[];
}

const LOCAL_NAMES = new Set(['localhost', '[::1]', '::1']);
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Refuses what no permission could make right: another site's page that drives the browser of an engineer, a token in
 * an address that logs keep and, without adminAuth, everyone who is not on this machine.
 */
export function checkAccess(request: IncomingMessage, query: URLSearchParams, options: GuardOptions): void {
  if (query.has('access_token')) {
    throw new Problem(403, 'PCP_TOKEN_IN_URL', phrase`A token must not stand in the address, where logs keep it.`, {
      hint: 'Send it as "Authorization: Bearer <token>".',
    });
  }
  if (!options.authenticated) checkHost(request, options.allowedHosts);
  checkSite(request, options.allowedOrigins);
}

/**
 * The Host header is what tells this machine's browser from one that a foreign name was pointed at 127.0.0.1 in
 * (DNS rebinding); forwarding headers tell a proxy on this machine from a client on it.
 */
function checkHost(request: IncomingMessage, allowedHosts: readonly string[]): void {
  const host = hostName(request.headers.host);
  if (host !== undefined && allowedHosts.some((allowed) => allowed.toLowerCase() === host)) return;
  const forwarded = FORWARDED.some((name) => request.headers[name] !== undefined);
  if (!forwarded && host !== undefined && isLocalName(host) && isLoopback(request.socket.remoteAddress)) return;
  throw new Problem(
    403,
    'PCP_LOCAL_ONLY',
    phrase`Without adminAuth the integrations API answers requests from this machine only.`,
    {
      hint: 'Set adminAuth in Node-RED\'s settings.js, or name the host in "integrations: { api: { allowedHosts: [...] } }".',
    },
  );
}

/** Browsers say where a request comes from; other clients send none of these headers. */
function checkSite(request: IncomingMessage, allowedOrigins: readonly string[]): void {
  const origin = request.headers.origin;
  if (origin !== undefined) {
    if (allowedOrigins.includes(origin) || sameHost(origin, request.headers.host)) return;
    throw crossSite();
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw crossSite();
}

function crossSite(): Problem {
  return new Problem(403, 'PCP_CROSS_SITE', phrase`Requests from pages of other sites are refused.`, {
    hint: 'Name the page\'s origin in "integrations: { api: { allowedOrigins: [...] } }" if it belongs to the platform.',
  });
}

/**
 * For reads that make the hub act (a connection test by GET): an image on a foreign page can cause one wherever the
 * browser sends no Sec-Fetch-Site, which is plain http to another machine.
 */
export function checkDeliberate(request: IncomingMessage, options: GuardOptions): void {
  const { headers } = request;
  const known = headers['sec-fetch-site'] !== undefined || headers.authorization !== undefined;
  if (known || isLoopback(request.socket.remoteAddress) || headers['x-requested-with'] !== undefined) return;
  if (options.authenticated) return;
  throw new Problem(
    403,
    'PCP_CROSS_SITE',
    phrase`This read makes the hub connect, so it needs a header that no link can send.`,
    { hint: 'Use POST, or send "X-Requested-With: fetch".' },
  );
}

function sameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  const asked = `${protocol}//${host}`;
  return URL.canParse(asked) && new URL(asked).host === originHost;
}

/** The name of "name:port" in lower case; undefined for anything that is not just that. */
function hostName(host: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host ?? '');
  return match?.[1]?.toLowerCase();
}

function isLocalName(name: string): boolean {
  return LOCAL_NAMES.has(name) || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(address);
}
