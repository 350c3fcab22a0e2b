import type { OpenConnection } from '../../../model/connection';
import type { HttpOptions } from '../../../protocols/http/client';
import { missingSetting, readHttpOptions } from '../../../protocols/http/settings';
import type { QueryRoute } from '../../../protocols/totvs/generic-query';
import type { SessionOptions } from '../../../protocols/totvs/session';
import type { ModelSettings } from './models/model';
import type { Product } from './presets';

export const DEFAULTS = {
  authentication: 'usual',
  token_path: '/api/oauth2/v1/token',
  pcp_path: '/api/pcp/v1',
  query_path: '/api/framework/v1/genericQuery',
  model_path: '/fwmodel',
  max_concurrency: 2,
  timeout_ms: 60_000,
  stop_key_length: 6,
};

export interface ProtheusSettings {
  product: Product;
  /** How it signs in, as the connection has it or as is usual for the product. */
  authentication: string;
  http: HttpOptions;
  session: SessionOptions;
  /** Where the APIs of the PCP module are, below the base URL. */
  pcpPath: string;
  query: QueryRoute;
  /** Where models are published, below the base URL. */
  modelPath: string;
  /** Those that are declared, by the name that each is published under. */
  models: Readonly<Record<string, ModelSettings>>;
  /** Of `TenantId`; empty where there is none. */
  company: string;
  branch: string;
  sender: string;
  /** Characters that `H6_IDENT` holds. */
  stopKeyLength: number;
  timeoutMs: number;
}

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID */
export function readSettings(connection: OpenConnection): ProtheusSettings {
  const { credentials } = connection;
  const filled = Object.entries(connection.config).filter(([, value]) => value !== '' && value !== null);
  const given = Object.fromEntries(filled);
  const product = (given.product ?? 'protheus') as Product;
  const config: Record<string, unknown> = { ...DEFAULTS, ...given };
  // The token endpoint is one of Protheus.
  if (config.authentication === 'usual') config.authentication = product === 'protheus' ? 'totvs' : 'basic';
  const text = (name: string) => (typeof config[name] === 'string' ? (config[name] as string).trim() : '');
  const isOwn = config.authentication === 'totvs';
  const { password = '' } = credentials;
  if (isOwn && password === '') missingSetting('credential', '/credentials/password', 'password');
  // User and password are needed as for Basic; who sends them is the session.
  const http = readHttpOptions({ ...connection, config: { ...config, ...(isOwn && { authentication: 'basic' }) } });
  const [company = '', ...branch] = text('tenant_id').split(',');
  const timeoutMs = http.timeouts?.total ?? DEFAULTS.timeout_ms;
  return {
    product,
    authentication: String(config.authentication),
    http: { ...http, ...(isOwn && { authentication: { type: 'none' } }) },
    session: {
      ...(isOwn && {
        signIn: {
          path: text('token_path'),
          credentialsIn: text('credentials_in') === 'query' ? 'query' : 'header',
          username: text('username'),
          password,
          timeoutMs,
        },
      }),
      headers: text('tenant_id') === '' ? {} : { tenantid: text('tenant_id') },
      secrets: Object.values(credentials).filter((secret) => secret !== ''),
    },
    pcpPath: text('pcp_path').replace(/\/+$/, ''),
    query: { path: text('query_path'), parametersIn: text('query_parameters_in') === 'header' ? 'header' : 'query' },
    modelPath: text('model_path').replace(/\/+$/, ''),
    models: (config.models ?? {}) as Record<string, ModelSettings>,
    company,
    branch: branch.join(','),
    sender: text('sender'),
    stopKeyLength: Number(config.stop_key_length),
    timeoutMs,
  };
}
