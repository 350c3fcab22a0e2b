import type { OpenConnection } from '../../../model/connection';
import type { HttpOptions } from '../../../protocols/http/client';
import { missingSetting, readHttpOptions } from '../../../protocols/http/settings';
import type { WriterOptions } from '../odata/writer';
import type { MessageLog } from './messages';
import type { PackageEntity } from './packages';

export type Flavour = 'finance_operations' | 'business_central' | 'dataverse';

export const DEFAULTS = {
  flavour: 'finance_operations' as Flavour,
  authentication: 'entra_secret',
  authority: 'https://login.microsoftonline.com',
  timeout_ms: 60_000,
  package_wait_seconds: 900,
};

/** What a 429 means that does not say how long. */
const PAUSE_MS = 30_000;

export interface DynamicsSettings extends WriterOptions {
  flavour: Flavour;
  http: HttpOptions;
  /** As records have it; empty = all companies. */
  company: string;
  messageLog?: MessageLog;
  /** Of Finance & Operations: data projects by our name for what they hold. */
  packages: ReadonlyMap<string, PackageEntity>;
  /** How long a job of data management is waited for. */
  packageWaitSeconds: number;
  /** Of Business Central: paths of its own services by name. */
  services: ReadonlyMap<string, string>;
  timeoutMs: number;
  secrets: readonly string[];
}

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID */
export function readSettings(connection: OpenConnection): DynamicsSettings {
  const filled = Object.entries(connection.config).filter(([, value]) => value !== '' && value !== null);
  const config: Record<string, unknown> = { ...DEFAULTS, ...Object.fromEntries(filled) };
  const text = (name: string) => (typeof config[name] === 'string' ? (config[name] as string).trim() : '');
  const number = (name: string, otherwise: number) =>
    typeof config[name] === 'number' ? (config[name] as number) : otherwise;
  const own = Object.entries((config.services ?? {}) as Record<string, string>);
  const messageLog = (config.message_log ?? {}) as Partial<MessageLog>;
  const baseUrl = text('base_url').replace(/\/(data\/?|api\/(data(\/v[\d.]+)?|v2\.0)\/?)?$/, '');
  const company = text('company').toLowerCase();
  const http = readHttp({ ...connection, config: { ...config, base_url: baseUrl } }, text);
  return {
    flavour: config.flavour as Flavour,
    http: { ...http, pauseMs: PAUSE_MS },
    // Names of companies of Business Central are written as they are.
    company: config.flavour === 'business_central' ? text('company') : company,
    services: new Map(own.map(([name, path]) => [name, path.replace(/\/+$/, '')])),
    packages: packagesOf((config.packages ?? {}) as Record<string, PackageSetting>, company),
    packageWaitSeconds: number('package_wait_seconds', DEFAULTS.package_wait_seconds),
    timeoutMs: http.timeouts?.total ?? DEFAULTS.timeout_ms,
    secrets: Object.values(connection.credentials).filter((secret) => secret !== ''),
    sender: text('sender'),
    ...(Object.keys(messageLog).length > 0 && { messageLog: messageLog as MessageLog }),
    parallelWrites: number('parallel_writes', 2),
    // More is refused by Business Central.
    changesPerRequest: Math.min(
      number('changes_per_request', 50),
      config.flavour === 'business_central' ? 100 : Number.POSITIVE_INFINITY,
    ),
  };
}

interface PackageSetting {
  definition_group: string;
  entity: string;
  legal_entity?: string;
  fields: string[];
}

function packagesOf(settings: Record<string, PackageSetting>, company: string): Map<string, PackageEntity> {
  const packages = Object.entries(settings).map(([name, { definition_group, entity, legal_entity = '', fields }]) => {
    const legalEntity = legal_entity.toLowerCase() || company;
    return [name, { definitionGroup: definition_group, entity, legalEntity, fields }] as const;
  });
  return new Map(packages);
}

/** Signing in to Entra ID is OAuth2 with an address and a scope that are known. */
function readHttp({ config, ...connection }: OpenConnection, text: (name: string) => string): HttpOptions {
  const kind = text('authentication');
  if (kind !== 'entra_secret' && kind !== 'entra_certificate') return readHttpOptions({ ...connection, config });
  if (text('tenant_id') === '') missingSetting('setting', '/config/tenant_id', 'tenant_id');
  const isSecret = kind === 'entra_secret';
  const needed = isSecret ? ['client_secret'] : ['certificate', 'private_key'];
  const {
    client_secret,
    certificate = '',
    private_key: privateKey = '',
    passphrase,
    ...others
  } = connection.credentials;
  for (const name of needed) {
    if ((connection.credentials[name] ?? '') === '') missingSetting('credential', `/credentials/${name}`, name);
  }
  const http = readHttpOptions({
    ...connection,
    credentials: { ...others, ...(isSecret && client_secret !== undefined && { client_secret }) },
    config: {
      ...config,
      authentication: 'oauth2',
      grant: 'client_credentials',
      client_auth: 'post',
      token_url: `${text('authority').replace(/\/$/, '')}/${text('tenant_id')}/oauth2/v2.0/token`,
      scope: text('scope') || scopeOf(text('base_url')),
    },
  });
  if (isSecret || http.authentication?.type !== 'oauth2') return http;
  const clientCertificate = { certificate, privateKey, ...(passphrase && { passphrase }) };
  return { ...http, authentication: { ...http.authentication, clientCertificate } };
}

/** All that the application was given in this environment. */
function scopeOf(baseUrl: string): string {
  return URL.canParse(baseUrl) ? `${new URL(baseUrl).origin}/.default` : '';
}
