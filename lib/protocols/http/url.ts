import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

/** Characters that the URL parser drops, so that what is checked would not be what is sent. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const DOT_SEGMENT = /^(\.|%2e){1,2}$/i;

/**
 * Reads a URL of the settings.
 * @throws config PCP_URL_REFUSED
 */
export function parseUrl(text: string, path: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refused(phrase`is no URL`, 'Write it as https://host/path.', path);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refused(phrase`begins with ${url.protocol}`, 'Only http: and https: can be used.', path);
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(phrase`holds a user or password`, 'Give them in the settings of the authentication.', path);
  }
  url.hash = '';
  return url;
}

/**
 * URL of a path below the base URL. Record values have to go through `pathSegment` first.
 * @throws config PCP_URL_REFUSED when it would lead out of it
 */
export function below(base: URL, target: string): URL {
  const [path = ''] = target.split(/[?#]/, 1);
  if (CONTROL.test(target) || path.split(/[\\/]/).some((segment) => DOT_SEGMENT.test(segment))) {
    throw refused(phrase`leads elsewhere by a dot or control character`, 'Correct the path of the entity.');
  }
  const separator = target === '' || /^[/?]/.test(target) ? '' : '/';
  return new URL(`${base.origin}${withoutSlash(base.pathname)}${separator}${target}`);
}

/** @throws config PCP_URL_REFUSED unless it is a URL of the base's origin */
export function onOrigin(base: URL, url: URL): URL {
  if (url.username !== '' || url.password !== '')
    throw refused(phrase`holds a user or password`, 'The answer gave it.');
  if (url.origin === base.origin) return url;
  throw refused(
    phrase`leads to ${url.origin === 'null' ? url.protocol : url.origin} instead of ${base.origin}`,
    'The answers of a connection may only lead to its own host. If the other one is right, make it the base URL.',
  );
}

/** @throws config PCP_URL_REFUSED */
export function resolveLink(base: URL, link: string, from: URL): URL {
  if (!URL.canParse(link, from))
    throw refused(phrase`came in an answer and is no URL`, 'Check the paging of the entity.');
  const url = new URL(link, from);
  url.hash = '';
  return onOrigin(base, url);
}

/**
 * A value as one segment of a path.
 * @throws data PCP_URL_SEGMENT for "", "." and "..", which would address another resource
 */
export function pathSegment(value: string): string {
  if (['', '.', '..'].includes(value)) {
    const message = phrase`The value "${value}" cannot stand in the path of a URL.`;
    throw new IntegrationError('data', 'PCP_URL_SEGMENT', message, { hint: 'Correct the key of the record.', value });
  }
  return encodeURIComponent(value);
}

export function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

/** IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** For messages: a query may hold secrets. */
export function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function refused(what: Said, hint: string, path?: string): IntegrationError {
  return new IntegrationError('config', 'PCP_URL_REFUSED', phrase`A URL cannot be used: it ${what}.`, {
    hint,
    ...(path !== undefined && { path }),
  });
}
