import { cancelled } from '../../abortable';
import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import { redactText } from '../../security/redact';
import { pauseAskedFor } from './rate-headers';
import { placeOf } from './url';

const TLS_TRUST = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);
const LONGEST_MESSAGE = 300;

/**
 * A failure before a request was sent: surely nothing happened on the other side.
 * @param setting pointer of the setting that holds the URL
 */
export function connectError(thrown: unknown, url: URL, setting = '/config/base_url'): IntegrationError {
  if (!(thrown instanceof Error) || thrown instanceof IntegrationError) return IntegrationError.from(thrown);
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const where = url.host;
  const fails = (errorClass: ErrorClass, name: string, message: Said, hint: string, path: string) =>
    new IntegrationError(errorClass, name, message, { cause: thrown, hint, path });
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return fails(
        'transient',
        'PCP_CONNECT_HOST_UNKNOWN',
        phrase`The host name "${url.hostname}" cannot be resolved.`,
        'Check its spelling and the DNS of this machine.',
        setting,
      );
    case 'ECONNREFUSED':
      return fails(
        'transient',
        'PCP_CONNECT_REFUSED',
        phrase`Nothing answers at ${where}.`,
        'Check the port, and that the server is running and listens on this address.',
        setting,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return fails(
        'transient',
        'PCP_CONNECT_UNREACHABLE',
        phrase`There is no way to ${where}.`,
        'Check the network, routes and VPN.',
        setting,
      );
    case 'ETIMEDOUT':
      return connectTimeout(url, setting);
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return fails(
        'config',
        'PCP_TLS_NAME',
        phrase`The certificate of ${where} is for another name: ${thrown.message}`,
        'Use the name in the certificate as host, or set it as the TLS server name.',
        '/config/tls_servername',
      );
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return fails(
        'config',
        'PCP_TLS_EXPIRED',
        phrase`The certificate of ${where} is not valid today.`,
        'Renew it on the server, and check the clock of this machine.',
        setting,
      );
  }
  if (TLS_TRUST.has(code)) {
    return fails(
      'config',
      'PCP_TLS_UNTRUSTED',
      phrase`The certificate of ${where} is signed by an authority that is not trusted here.`,
      "Give the authority's certificate (PEM) in the TLS settings.",
      '/config/tls_ca',
    );
  }
  if (/^ERR_SSL_.*ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) {
    return fails(
      'auth',
      'PCP_TLS_CLIENT_REFUSED',
      phrase`${where} does not accept this client's certificate.`,
      'Check that certificate and private key are set, valid and known to the server.',
      '/credentials/certificate',
    );
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    const why = thrown.message.replace(/^[0-9A-F]+:error:[0-9A-F]+:|:\.\.\/.*$/gs, '');
    return fails(
      'config',
      'PCP_TLS_FAILED',
      phrase`TLS with ${where} failed: ${why}`,
      'Check the port, the TLS versions of the server, and whether it wants a client certificate.',
      setting,
    );
  }
  if (LOST.has(code)) return lost(url, thrown, {});
  return IntegrationError.from(thrown);
}

export function connectTimeout(url: URL, setting: string): IntegrationError {
  return new IntegrationError('transient', 'PCP_CONNECT_TIMEOUT', phrase`${url.host} cannot be connected to in time.`, {
    path: setting,
    hint: 'Check host and port, and whether a firewall swallows the connection.',
  });
}

const LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_INFO']);

/** How far a request came: whether its first byte may have left, and whether the head of an answer came. */
export interface Progress {
  sent: boolean;
  answered: boolean;
}

/** A failure of a request under way. */
export function exchangeError(thrown: unknown, url: URL, { sent, answered }: Progress): IntegrationError {
  if (thrown instanceof IntegrationError) {
    if (!sent || thrown.outcomeUnknown) return thrown;
    return IntegrationError.fromJSON({ ...thrown.toJSON(), outcomeUnknown: true });
  }
  if (!(thrown instanceof Error)) return IntegrationError.from(thrown);
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const details: ErrorDetails = { cause: thrown, outcomeUnknown: sent };
  const fails = (errorClass: ErrorClass, name: string, message: Said, hint: string) =>
    new IntegrationError(errorClass, name, message, { ...details, hint });
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return answerTimeout(url, sent);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    const message = phrase`The head of the answer of ${placeOf(url)} is too large.`;
    return fails('guard', 'PCP_HTTP_HEADERS_TOO_LARGE', message, 'Check that the base URL is that of the API.');
  }
  if (thrown.name === 'HTTPParserError' && !answered) {
    const message = phrase`${url.host} does not answer in HTTP.`;
    return fails('config', 'PCP_HTTP_PROTOCOL', message, 'Check the port, and whether it must be https: or http:.');
  }
  const broken = LOST.has(code) || thrown.name === 'HTTPParserError' || /^(Z|ERR_)_/.test(code);
  if ((answered && broken) || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    const message = phrase`The answer of ${placeOf(url)} is cut off or damaged.`;
    return fails('transient', 'PCP_HTTP_CUT', message, 'It is tried again; if it stays, look at proxies on the way.');
  }
  if (LOST.has(code)) return lost(url, thrown, details);
  if (code === 'UND_ERR_INVALID_ARG') {
    const message = phrase`A request to ${placeOf(url)} cannot be built: ${thrown.message}.`;
    return fails('config', 'PCP_HTTP_REQUEST', message, 'Check the names and values of headers and keys.');
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return cancelled(thrown);
  return connectError(thrown, url);
}

export function answerTimeout(url: URL, sent: boolean): IntegrationError {
  return new IntegrationError('transient', 'PCP_HTTP_TIMEOUT', phrase`${placeOf(url)} does not answer in time.`, {
    outcomeUnknown: sent,
    hint: 'It is tried again. Ask for smaller pages, or raise timeout_ms.',
  });
}

function lost(url: URL, cause: Error, details: ErrorDetails): IntegrationError {
  return new IntegrationError('transient', 'PCP_CONNECT_LOST', phrase`The connection to ${url.host} was lost.`, {
    ...details,
    cause,
    hint: 'It is tried again; if it stays, look at the log of the server.',
  });
}

export function tooLarge(url: URL, limit: number, what: Said): IntegrationError {
  const message = phrase`The answer of ${placeOf(url)} is larger than ${what} (${limit} bytes at most).`;
  return new IntegrationError('guard', 'PCP_HTTP_TOO_LARGE', message, { hint: 'Ask for smaller pages.' });
}

type Meaning = [ErrorClass, code: string, hint: string];

const MISSING: Meaning = ['config', 'PCP_HTTP_NOT_FOUND', 'Check the base URL and the path of the entity.'];
const METHOD: Meaning = ['config', 'PCP_HTTP_METHOD', 'Check the method and the path of the operation.'];
const FORMAT: Meaning = ['config', 'PCP_HTTP_FORMAT', 'Check the Accept and Content-Type headers.'];
const CHANGED: Meaning = ['conflict', 'PCP_HTTP_CONFLICT', 'The record was changed on the other side.'];
const BUSY: Meaning = [
  'rate_limit',
  'PCP_HTTP_BUSY',
  'It goes on by itself. Lower requests_per_second if it happens often.',
];
const BROKEN: Meaning = [
  'transient',
  'PCP_HTTP_SERVER_ERROR',
  'It is tried again; if it stays, look at the log of the server.',
];
const STATUS: Record<number, Meaning> = {
  401: ['auth', 'PCP_HTTP_UNAUTHORIZED', 'Check user, password, key or token.'],
  403: ['permission', 'PCP_HTTP_FORBIDDEN', 'Give this user the right on the other side.'],
  404: MISSING,
  405: METHOD,
  406: FORMAT,
  407: ['config', 'PCP_PROXY_REFUSED', 'Check the user and password of the proxy.'],
  408: BROKEN,
  409: CHANGED,
  410: MISSING,
  412: CHANGED,
  428: CHANGED,
  415: FORMAT,
  425: BROKEN,
  429: BUSY,
  501: METHOD,
};

export interface FailedAnswer {
  method: string;
  url: URL;
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
  secrets: readonly string[];
}

/** An answer whose status says that the request failed. */
export function statusError({ method, url, status, headers, body, secrets }: FailedAnswer): IntegrationError {
  const retryAfterMs = pauseAskedFor(status, headers);
  const paused = status === 503 && retryAfterMs !== undefined;
  const [errorClass, code, hint] = paused ? BUSY : (STATUS[status] ?? byRange(status));
  const answered = phrase`${method} ${placeOf(url)} answered ${status}`;
  const reason = whatTheServerSaid(body ?? '', secrets);
  return new IntegrationError(errorClass, code, reason === undefined ? answered : phrase`${answered}: ${reason}`, {
    hint,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    // A gateway may ask for a pause after what is behind it took the request.
    outcomeUnknown: (status >= 500 && status !== 501) || status === 408,
  });
}

function byRange(status: number): Meaning {
  if (status >= 500) return BROKEN;
  if (status >= 400) return ['data', 'PCP_HTTP_REJECTED', 'Correct the record, or the mapping.'];
  return ['config', 'PCP_HTTP_MOVED', 'Check the base URL and the path of the entity.'];
}

/** Where APIs put the words of an error, the best ones first. */
const WORDS = [
  'message',
  'error_description',
  'detail',
  'description',
  'errorMessage',
  'title',
  'error',
  'value',
  'errors',
];

function whatTheServerSaid(body: string, secrets: readonly string[]): string | undefined {
  const text = body.trim();
  // A web page says nothing in its first 300 characters.
  if (text === '' || text.startsWith('<')) return undefined;
  let said: string | undefined;
  try {
    said = wordsOf(JSON.parse(text), 0);
  } catch {
    said = text;
  }
  if (said === undefined) return undefined;
  // Cut last: half a secret would not be known as one.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: one line in a log
  return redactText(said.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' '), secrets).slice(0, LONGEST_MESSAGE);
}

function wordsOf(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value !== 'object' || value === null || depth > 5) return undefined;
  const candidates = Array.isArray(value)
    ? value.slice(0, 1)
    : WORDS.map((name) => (value as Record<string, unknown>)[name]);
  for (const candidate of candidates) {
    const words = wordsOf(candidate, depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}
