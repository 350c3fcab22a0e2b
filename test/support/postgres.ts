import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { parseDatabaseUrl } from '../../lib/protocols/sql/open';
import {
  absent,
  dataDirectory,
  findProgram,
  freePort,
  makeCertificate,
  serverUser,
  startServer,
  stopServer,
} from './server-process';

export interface TestServer {
  /** As the server's owner. */
  options: SqlOptions;
  /** Certificate of the server (PEM), for the name `certificateName`; absent when the server is a given one. */
  ca?: string;
  certificateName: string;
  /** A new, empty database. */
  createDatabase(): Promise<SqlOptions>;
  /** As the owner, in the given database. */
  execute(sql: string, database?: string): Promise<void>;
  stop(): Promise<void>;
}

const CERTIFICATE_NAME = 'db.other.example';
function findServer(): string | undefined {
  return findProgram(['postgres'], ['/usr/lib/postgresql/*/bin', '/usr/local/pgsql/bin', '/usr/pgsql-*/bin']);
}

let started: Promise<TestServer> | undefined;
let databases = 0;

/** One PostgreSQL for the whole process: INTEGRATIONS_TEST_POSTGRES_URL, or a server of our own; skips without either. */
export async function postgresServer(context?: Mocha.Context): Promise<TestServer> {
  const postgres = findServer();
  const url = process.env.INTEGRATIONS_TEST_POSTGRES_URL;
  if (url === undefined && postgres === undefined) absent(context, 'PostgreSQL', 'apt-get install postgresql');
  context?.timeout(60_000);
  started ??=
    url !== undefined ? Promise.resolve(server(parseDatabaseUrl(url), async () => undefined)) : start(postgres!);
  return started;
}

/** For suites that decide before their hooks run. On a build server it must be there. */
export function postgresAvailable(): boolean {
  return (
    process.env.INTEGRATIONS_TEST_POSTGRES_URL !== undefined || findServer() !== undefined || Boolean(process.env.CI)
  );
}

/** URL of a new, empty database of that server. */
export async function postgresUrl(context: Mocha.Context): Promise<string> {
  return databaseUrl(await (await postgresServer(context)).createDatabase());
}

export function databaseUrl({ dialect, username = '', password = '', host, port, database = '' }: SqlOptions): string {
  const part = encodeURIComponent;
  return `${dialect}://${part(username)}:${part(password)}@${host}:${port}/${part(database)}`;
}

async function start(postgres: string): Promise<TestServer> {
  const user = serverUser('postgres');
  const directory = dataDirectory('pcp-postgres-', user);
  const data = join(directory, 'data');
  const password = 'pg-owner-secret';
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password, { mode: 0o644 });
  execFileSync(
    join(dirname(postgres), 'initdb'),
    ['-D', data, '-U', 'owner', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--locale', 'C', '-N'],
    { ...user, stdio: 'ignore', cwd: directory },
  );
  const { key, certificate } = makeCertificate(directory, CERTIFICATE_NAME, user);
  const port = await freePort();
  const options: SqlOptions = {
    dialect: 'postgres',
    host: '127.0.0.1',
    port,
    database: 'postgres',
    username: 'owner',
    password,
  };
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: certificate,
    ssl_key_file: key,
    // What the hub must not depend on.
    datestyle: 'SQL, DMY',
    timezone: 'America/Sao_Paulo',
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = await startServer(postgres, ['-D', data, ...parameters], user, () => run(options, 'SELECT 1'));
  return {
    ...server(options, () => stopServer(child, directory, 'SIGQUIT')),
    ca: readFileSync(certificate, 'utf8'),
  };
}

function server(options: SqlOptions, stop: () => Promise<void>): TestServer {
  const execute = (sql: string, database?: string) =>
    run(database === undefined ? options : { ...options, database }, sql);
  return {
    options,
    certificateName: CERTIFICATE_NAME,
    execute,
    async createDatabase() {
      databases += 1;
      const database = `pcp_${process.pid}_${databases}`;
      await execute(`DROP DATABASE IF EXISTS ${database}`);
      await execute(`CREATE DATABASE ${database}`);
      return { ...options, database };
    },
    stop,
  };
}

async function run({ host, port, database, username, password }: SqlOptions, sql: string): Promise<void> {
  const client = new pg.Client({ host, port, database, user: username, password });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

if (typeof after === 'function') {
  after('stop PostgreSQL', async () => {
    await (await started)?.stop();
  });
}
