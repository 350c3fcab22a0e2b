import type { OpenConnection } from '../../../model/connection';
import type { HttpOptions } from '../../../protocols/http/client';
import { readHttpOptions } from '../../../protocols/http/settings';
import type { WriterOptions } from '../odata/writer';
import { type IdocSettings, NO_IDOC } from './idoc-settings';
import { PRESETS } from './presets';
import type { SessionOptions } from './session';

export const DEFAULTS = { authentication: 'basic', api_key_name: 'APIKey' };
const ODATA_2 = '/sap/opu/odata/sap/';

export interface SapSettings extends WriterOptions {
  http: HttpOptions;
  session: SessionOptions;
  /** Path by name. */
  services: ReadonlyMap<string, string>;
  /** Names that the connection itself gives: these have to answer. */
  own: readonly string[];
  updateMethod: 'MERGE' | 'PATCH' | 'PUT';
  /** Absent where the connection sends none. */
  idoc?: IdocSettings;
}

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID */
export function readSettings(connection: OpenConnection): SapSettings {
  const { config, credentials } = connection;
  const http = readHttpOptions({ ...connection, config: { ...DEFAULTS, ...withoutEmpty(config) } });
  const text = (name: string, otherwise = '') => {
    const value = config[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : otherwise;
  };
  const number = (name: string, otherwise: number) => {
    const value = config[name];
    return typeof value === 'number' ? value : otherwise;
  };
  const parameters = {
    ...(text('client') !== '' && { 'sap-client': text('client') }),
    ...(text('language') !== '' && { 'sap-language': text('language').toUpperCase() }),
  };
  const idoc = (config.idoc ?? {}) as Partial<IdocSettings>;
  const own = Object.entries((config.services ?? {}) as Record<string, string>);
  const standard = PRESETS.map(({ service, path = `${ODATA_2}${service}` }) => [service, path] as const);
  return {
    http,
    session: {
      csrf: text('csrf', 'auto') as SessionOptions['csrf'],
      parameters,
      timeoutMs: http.timeouts?.total ?? 20_000,
      secrets: Object.values(credentials),
    },
    services: new Map([...standard, ...own.map(([name, path]) => [name, path.replace(/\/+$/, '')] as const)]),
    own: own.map(([name]) => name),
    updateMethod: text('update_method', 'merge').toUpperCase() as SapSettings['updateMethod'],
    parallelWrites: number('parallel_writes', 2),
    changesPerRequest: number('changes_per_request', 50),
    sender: text('sender'),
    ...(Object.keys(idoc).length > 0 && { idoc: { ...NO_IDOC, ...idoc } }),
  };
}

/** What the form leaves empty has its default. */
function withoutEmpty(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== '' && value !== null));
}
