import { IntegrationError } from '../../model/errors';
import type { SqlDialect, SqlOptions } from './database';

const DIALECTS: Record<string, SqlDialect> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mariadb',
  sqlite: 'sqlite',
  mssql: 'mssql',
  sqlserver: 'mssql',
  oracle: 'oracle',
};

/**
 * "postgres://user:password@host:5432/database?schema=x&ssl=true&pool=5", "mariadb://...", "sqlite:/path/file.db",
 * "sqlite::memory:". `ssl=no-verify` encrypts without checking the certificate.
 *
 * @throws config PCP_SQL_URL; the message never holds the URL, which may hold a password
 */
export function parseDatabaseUrl(url: string): SqlOptions {
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? '';
  const dialect = DIALECTS[scheme];
  if (dialect === undefined) throw invalid(`"${scheme}" is no database the hub knows`);
  if (dialect === 'sqlite') return { dialect, storage: sqlitePath(url.slice(scheme.length + 1)) };
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid('it is no URL; characters such as @ : / # in the password must be percent-encoded');
  }
  const options: SqlOptions = { dialect, host: parsed.hostname.replace(/^\[|\]$/g, '') || 'localhost' };
  if (parsed.port !== '') options.port = Number(parsed.port);
  const database = decodeURIComponent(parsed.pathname.slice(1));
  if (database === '') throw invalid('it names no database');
  options.database = database;
  if (parsed.username !== '') options.username = decodeURIComponent(parsed.username);
  if (parsed.password !== '') options.password = decodeURIComponent(parsed.password);
  const schema = parsed.searchParams.get('schema');
  if (schema !== null) options.schema = schema;
  const pool = parsed.searchParams.get('pool');
  if (pool !== null) options.poolSize = Number(pool);
  const ssl = parsed.searchParams.get('ssl') ?? parsed.searchParams.get('sslmode');
  if (ssl !== null)
    options.ssl = ssl === 'no-verify' ? { rejectUnauthorized: false } : !['false', 'disable', '0'].includes(ssl);
  return options;
}

function sqlitePath(rest: string): string {
  if (rest === ':memory:' || rest === '//:memory:') return ':memory:';
  const path = decodeURIComponent(rest.startsWith('//') ? rest.slice(2) : rest);
  if (path === '') throw invalid('it names no file');
  return path;
}

function invalid(reason: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SQL_URL', `The database URL cannot be used: ${reason}.`, {
    hint: 'Write it as postgres://user:password@host:5432/database, mariadb://... or sqlite:/path/to/file.db.',
  });
}
