import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type { SqlDialect, SqlOptions } from '../../../protocols/sql/database';
import { DEFAULT_LOOKBACK_VALUES } from './pass';
import { QUERY_EXPECTED, QUERY_PATTERN } from './query';

const DIALECTS: readonly string[] = ['postgres', 'mysql', 'mariadb', 'sqlite', 'mssql', 'oracle'];

const QUERY = new RegExp(QUERY_PATTERN);

/** A SELECT of the connection's settings, used as an entity. */
export interface ViewSetting {
  sql: string;
  key?: string[];
}

export interface DatabaseSettings {
  options: SqlOptions;
  views: ReadonlyMap<string, ViewSetting>;
  lookbackValues: number;
}

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID naming the setting */
export function readSettings({ config, credentials }: OpenConnection): DatabaseSettings {
  const dialect = config.dialect ?? 'postgres';
  if (typeof dialect !== 'string' || !DIALECTS.includes(dialect))
    throw invalid('dialect', phrase`one of ${DIALECTS.join(', ')}`);
  return {
    options: readOptions(dialect as SqlDialect, config, credentials),
    views: readViews(config.views),
    lookbackValues: whole(config, 'lookback_values', 0) ?? DEFAULT_LOOKBACK_VALUES,
  };
}

function readOptions(
  dialect: SqlDialect,
  config: Record<string, unknown>,
  credentials: Record<string, string>,
): SqlOptions {
  if (dialect === 'sqlite') {
    // The file belongs to somebody else: it is neither made nor turned to write-ahead logging.
    return { dialect, storage: required(config, 'storage'), create: false, wal: false };
  }
  const options: SqlOptions = {
    dialect,
    host: required(config, 'host'),
    database: required(config, 'database'),
    username: required(config, 'username'),
    password: credentials.password ?? '',
    connectTimeoutMs: whole(config, 'connect_timeout_ms') ?? 5000,
    statementTimeoutMs: whole(config, 'statement_timeout_ms') ?? 300_000,
    poolSize: whole(config, 'pool_size') ?? 4,
    port: whole(config, 'port') ?? DEFAULT_PORTS[dialect],
  };
  if (typeof config.schema === 'string' && config.schema !== '') options.schema = config.schema;
  if (config.ssl === true) {
    const { ssl_ca: ca, ssl_servername: servername } = config;
    options.ssl = {
      ...(typeof ca === 'string' && ca !== '' && { ca }),
      ...(typeof servername === 'string' && servername !== '' && { servername }),
    };
  }
  return options;
}

const DEFAULT_PORTS = { postgres: 5432, mysql: 3306, mariadb: 3306, mssql: 1433, oracle: 1521, sqlite: 0 };

export function readViews(views: unknown): Map<string, ViewSetting> {
  const result = new Map<string, ViewSetting>();
  if (views === undefined || views === null) return result;
  if (typeof views !== 'object' || Array.isArray(views))
    throw invalid('views', phrase`an object of names and statements`);
  for (const [name, view] of Object.entries(views as Record<string, unknown>)) {
    const { sql, key } = (typeof view === 'string' ? { sql: view } : (view ?? {})) as { sql?: unknown; key?: unknown };
    if (typeof sql !== 'string' || !QUERY.test(sql)) throw invalid(`views/${name}`, QUERY_EXPECTED);
    const statement = sql.replace(/[\s;]+$/, '');
    if (key === undefined) result.set(name, { sql: statement });
    else if (isNames(key)) result.set(name, { sql: statement, key });
    else throw invalid(`views/${name}/key`, phrase`a list of column names`);
  }
  return result;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string' && name !== '');
}

function required(config: Record<string, unknown>, name: string): string {
  const value = config[name];
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw new IntegrationError('config', 'PCP_SETTING_MISSING', phrase`The setting "${name}" is empty.`, {
    path: `/config/${name}`,
    hint: `Fill in "${name}" in the connection.`,
  });
}

function whole(config: Record<string, unknown>, name: string, minimum = 1): number | undefined {
  const value = config[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum) return value;
  throw invalid(name, phrase`a whole number`);
}

function invalid(name: string, expected: Said): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`The setting "${name}" must be ${expected}.`, {
    path: `/config/${name}`,
    hint: 'Correct the setting in the connection.',
  });
}
