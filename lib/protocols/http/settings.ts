import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import type { Authentication } from './auth/authentication';
import type { OAuth2 } from './auth/oauth2';
import type { HttpOptions, TlsOptions } from './client';

const TOTAL_MS = 20_000;

/**
 * Reads the settings that every connection by HTTP has: base_url, authentication (none, basic, bearer, api_key, oauth2,
 * mtls) with username, api_key_name, api_key_in, token_url, client_id, client_auth, scope, grant; tls_ca, tls_servername,
 * proxy_url, headers, requests_per_second, requests_per_day, max_concurrency, timeout_ms. Credentials: password, token, api_key,
 * client_secret, refresh_token, certificate, private_key, passphrase, proxy_password.
 *
 * @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID naming the setting
 */
export function readHttpOptions({ id, config, credentials }: OpenConnection): HttpOptions {
  const settings = new Settings(config, credentials);
  const proxy = settings.text('proxy_url');
  const headers = settings.texts('headers');
  const requestsPerSecond = settings.number('requests_per_second');
  const requestsPerDay = settings.number('requests_per_day');
  const maxConcurrency = settings.number('max_concurrency');
  return {
    baseUrl: settings.required('base_url'),
    // Values that were never saved have no id, and are nobody else's.
    ...(id > 0 && { connectionId: id }),
    authentication: readAuthentication(settings),
    tls: readTls(settings),
    ...(proxy !== undefined && { proxy: withPassword(proxy, credentials.proxy_password) }),
    ...(headers !== undefined && { headers }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(requestsPerDay !== undefined && { requestsPerDay }),
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    timeouts: { total: settings.number('timeout_ms') ?? TOTAL_MS },
  };
}

function readAuthentication(settings: Settings): Authentication {
  const type = settings.choice('authentication', ['none', 'basic', 'bearer', 'api_key', 'oauth2', 'mtls']);
  switch (type) {
    case 'basic':
      return { type, username: settings.required('username'), password: settings.secret('password') ?? '' };
    case 'bearer':
      return { type, token: settings.requiredSecret('token') };
    case 'api_key':
      return {
        type,
        name: settings.text('api_key_name') ?? 'X-API-Key',
        in: settings.choice('api_key_in', ['header', 'query']),
        key: settings.requiredSecret('api_key'),
      };
    case 'oauth2':
      return readOAuth2(settings);
    default:
      return { type: 'none' };
  }
}

function readOAuth2(settings: Settings): OAuth2 {
  const grant = settings.choice('grant', ['client_credentials', 'password', 'refresh_token']);
  const clientSecret = settings.secret('client_secret');
  const scope = settings.text('scope');
  return {
    type: 'oauth2',
    grant,
    tokenUrl: settings.required('token_url'),
    clientId: settings.required('client_id'),
    clientAuthentication: settings.choice('client_auth', ['basic', 'post']),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(scope !== undefined && { scope }),
    ...(grant === 'password' && {
      username: settings.required('username'),
      password: settings.requiredSecret('password'),
    }),
    ...(grant === 'refresh_token' && { refreshToken: settings.requiredSecret('refresh_token') }),
  };
}

function readTls(settings: Settings): TlsOptions {
  const ca = settings.text('tls_ca');
  const servername = settings.text('tls_servername');
  const passphrase = settings.secret('passphrase');
  return {
    ...(ca !== undefined && { ca }),
    ...(servername !== undefined && { servername }),
    ...(settings.text('authentication') === 'mtls' && {
      certificate: settings.requiredSecret('certificate'),
      privateKey: settings.requiredSecret('private_key'),
      ...(passphrase !== undefined && { passphrase }),
    }),
  };
}

function withPassword(proxy: string, password: string | undefined): string {
  if (password === undefined || !URL.canParse(proxy)) return proxy;
  const url = new URL(proxy);
  // A URL takes a percent sign for one of its own.
  url.password = encodeURIComponent(password);
  return url.href;
}

/** Values of a connection by name, checked as they are read. */
class Settings {
  constructor(
    private readonly config: Record<string, unknown>,
    private readonly credentials: Record<string, string>,
  ) {}

  text(name: string): string | undefined {
    const value = this.config[name] ?? '';
    if (typeof value !== 'string') throw invalid(name, phrase`a text`);
    return value.trim() === '' ? undefined : value.trim();
  }

  required(name: string): string {
    return this.text(name) ?? missingSetting('setting', `/config/${name}`, name);
  }

  secret(name: string): string | undefined {
    const value = this.credentials[name] ?? '';
    return value === '' ? undefined : value;
  }

  requiredSecret(name: string): string {
    return this.secret(name) ?? missingSetting('credential', `/credentials/${name}`, name);
  }

  /** The first choice is the default. */
  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.text(name) ?? choices[0];
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw invalid(name, phrase`one of ${choices.join(', ')}`);
    return found;
  }

  number(name: string): number | undefined {
    const value = this.config[name] ?? '';
    if (value === '') return undefined;
    if (typeof value !== 'number' || !(value > 0)) throw invalid(name, phrase`a number above 0`);
    return value;
  }

  texts(name: string): Record<string, string> | undefined {
    const value = this.config[name] ?? undefined;
    if (value === undefined) return undefined;
    const isTexts =
      typeof value === 'object' &&
      !Array.isArray(value) &&
      Object.values(value as object).every((item) => typeof item === 'string');
    if (!isTexts) throw invalid(name, phrase`an object of texts`);
    return value as Record<string, string>;
  }
}

/** @throws config PCP_SETTING_MISSING */
export function missingSetting(kind: 'setting' | 'credential', path: string, name: string): never {
  const message =
    kind === 'setting' ? phrase`The setting "${name}" is empty.` : phrase`The credential "${name}" is empty.`;
  throw new IntegrationError('config', 'PCP_SETTING_MISSING', message, {
    path,
    hint: `Fill in "${name}" in the connection.`,
  });
}

function invalid(name: string, expected: Said): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`The setting "${name}" must be ${expected}.`, {
    path: `/config/${name}`,
    hint: 'Correct the setting in the connection.',
  });
}
