import type { OAuth2 } from './oauth2';

/** How a request says who sends it. Mutual TLS is in `TlsOptions` and can be combined with any of these. */
export type Authentication =
  | { type: 'none' }
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  | { type: 'api_key'; name: string; in: 'header' | 'query'; key: string }
  | OAuth2;

/** Puts what identifies the sender into a request that goes out, except for the token of OAuth2, which has to be asked for. */
export function identify(
  authentication: Authentication,
  url: { search: string },
  headers: Record<string, string>,
): void {
  switch (authentication.type) {
    case 'basic':
      headers.authorization = basic(authentication.username, authentication.password);
      break;
    case 'bearer':
      headers.authorization = `Bearer ${authentication.token}`;
      break;
    case 'api_key': {
      const { name, key } = authentication;
      if (authentication.in === 'header') headers[name.toLowerCase()] = key;
      else url.search = withParameter(url.search, name, key);
    }
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** What must appear in no message. */
export function secretsOf(authentication: Authentication): string[] {
  switch (authentication.type) {
    case 'none':
      return [];
    case 'basic':
      return [authentication.password];
    case 'bearer':
      return [authentication.token];
    case 'api_key':
      return [authentication.key];
    case 'oauth2': {
      const { clientSecret, clientCertificate, password, refreshToken } = authentication;
      const { privateKey, passphrase } = clientCertificate ?? {};
      return [clientSecret, privateKey, passphrase, password, refreshToken].filter((secret) => secret !== undefined);
    }
  }
}

/** The rest of the query stays as it was written; a link of an answer may hold the parameter already. */
function withParameter(search: string, name: string, value: string): string {
  const others = search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !new URLSearchParams(part).has(name));
  return `?${[...others, new URLSearchParams({ [name]: value })].join('&')}`;
}
