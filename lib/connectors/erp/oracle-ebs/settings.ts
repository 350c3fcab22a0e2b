import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpOptions } from '../../../protocols/http/client';
import { readHttpOptions } from '../../../protocols/http/settings';
import type { IsgOptions } from '../../../protocols/isg/session';
import type { SqlOptions } from '../../../protocols/sql/database';
import { readViews, type ViewSetting } from '../../generic/database/settings';
import { DEFAULTS } from './defaults';

const PORTS = { oracle: 1521, postgres: 5432 };

export interface EbsSettings {
  /** Absent: the connection calls services only. */
  database?: SqlOptions;
  /** Absent: the connection reads and writes tables only. */
  gateway?: { http: HttpOptions; session: IsgOptions };
  /** Codes of organizations; empty = all. */
  organizations: readonly string[];
  views: ReadonlyMap<string, ViewSetting>;
  /** Of an open interface table, by its name: the alias with which it is deployed. The others are written by SQL. */
  interfaces: ReadonlyMap<string, string>;
  /** In whose name rows are written. */
  username: string;
  responsibility?: { key: string; application: string };
  /** Goes with every row, so that ours are found again. */
  sourceCode: string;
  sender: string;
  /** How long a write waits for the managers to take its rows up. */
  waitSeconds: number;
  timeoutMs: number;
}

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID */
export function readSettings(connection: OpenConnection): EbsSettings {
  const filled = Object.entries(connection.config).filter(([, value]) => value !== '' && value !== null);
  const values: Record<string, unknown> = { ...DEFAULTS, ...Object.fromEntries(filled) };
  const text = (name: string) => (typeof values[name] === 'string' ? (values[name] as string).trim() : '');
  const database = text('host') === '' ? undefined : readDatabase(values, text, connection.credentials);
  const gateway = text('base_url') === '' ? undefined : readGateway({ ...connection, config: values }, text);
  if (database === undefined && gateway === undefined)
    throw missing('host', 'the host of the database, or the base URL of the gateway');
  return {
    ...(database !== undefined && { database }),
    ...(gateway !== undefined && { gateway }),
    organizations: text('organization_codes')
      .split(/[\s,;]+/)
      .filter((code) => code !== ''),
    views: readViews(values.views),
    interfaces: new Map(Object.entries((values.interfaces ?? {}) as Record<string, string>)),
    username: text('username'),
    ...(text('responsibility') !== '' && {
      responsibility: { key: text('responsibility'), application: text('responsibility_application') },
    }),
    sourceCode: text('source_code'),
    sender: text('sender'),
    waitSeconds: Number(values.wait_seconds),
    timeoutMs: Number(values.timeout_ms),
  };
}

function readDatabase(
  values: Record<string, unknown>,
  text: (name: string) => string,
  credentials: OpenConnection['credentials'],
): SqlOptions {
  const dialect = text('dialect') === 'postgres' ? 'postgres' : 'oracle';
  const required = (name: string, what: string) => text(name) || throwing(missing(name, what));
  const [ca, servername] = [text('ssl_ca'), text('ssl_servername')];
  return {
    dialect,
    host: text('host'),
    port: typeof values.port === 'number' ? values.port : PORTS[dialect],
    database: required('database', 'the service name of the database'),
    username: required('database_username', 'the user of the database'),
    password: credentials.database_password ?? '',
    schema: text('schema'),
    connectTimeoutMs: Number(values.connect_timeout_ms),
    statementTimeoutMs: Number(values.statement_timeout_ms),
    poolSize: Number(values.pool_size),
    ...(values.ssl === true && { ssl: { ...(ca !== '' && { ca }), ...(servername !== '' && { servername }) } }),
  };
}

function readGateway(connection: OpenConnection, text: (name: string) => string): NonNullable<EbsSettings['gateway']> {
  const { config, credentials } = connection;
  const isToken = text('authentication') === 'token';
  // User and password are needed as for Basic; who sends them is the session.
  const http = readHttpOptions({ ...connection, config: { ...config, ...(isToken && { authentication: 'basic' }) } });
  const timeoutMs = http.timeouts?.total ?? DEFAULTS.timeout_ms;
  const responsibility = text('responsibility');
  return {
    http: { ...http, ...(isToken && { authentication: { type: 'none' } }) },
    session: {
      ...(isToken && { signIn: { username: text('username'), password: credentials.password ?? '', timeoutMs } }),
      ...(responsibility !== '' && {
        context: {
          responsibility,
          application: text('responsibility_application'),
          securityGroup: text('security_group'),
          language: text('nls_language'),
          orgId: text('org_id'),
        },
      }),
      secrets: Object.values(credentials).filter((secret) => secret !== ''),
    },
  };
}

function throwing(error: IntegrationError): never {
  throw error;
}

function missing(name: string, what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_MISSING', phrase`The setting "${name}" is empty.`, {
    path: `/config/${name}`,
    hint: `Fill in ${what}.`,
  });
}
