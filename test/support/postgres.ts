import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { CERTIFICATE_NAME, DatabaseServer, databaseUrl, type TestServer } from './database-server';
import {
  dataDirectory,
  findProgram,
  freePort,
  makeCertificate,
  serverUser,
  startServer,
  stopServer,
} from './server-process';

const postgres = new DatabaseServer({
  name: 'PostgreSQL',
  install: 'apt-get install postgresql',
  variable: 'INTEGRATIONS_TEST_POSTGRES_URL',
  findServer: () =>
    findProgram(['postgres'], ['/usr/lib/postgresql/*/bin', '/usr/local/pgsql/bin', '/usr/pgsql-*/bin']),
  start,
  run,
});

export const postgresServer = (context?: Mocha.Context): Promise<TestServer> => postgres.open(context);

export const postgresAvailable = (): boolean => postgres.isAvailable;

/** URL of a new, empty database of that server. */
export async function postgresUrl(context: Mocha.Context): Promise<string> {
  return databaseUrl(await (await postgresServer(context)).createDatabase());
}

async function start(program: string): Promise<Pick<TestServer, 'options' | 'ca' | 'stop'>> {
  const user = serverUser('postgres');
  const directory = dataDirectory('pcp-postgres-', user);
  const data = join(directory, 'data');
  const password = 'pg-owner-secret';
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password, { mode: 0o644 });
  execFileSync(
    join(dirname(program), 'initdb'),
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
  const child = await startServer(program, ['-D', data, ...parameters], user, () => run(options, 'SELECT 1'));
  return {
    options,
    ca: readFileSync(certificate, 'utf8'),
    stop: () => stopServer(child, directory, 'SIGQUIT'),
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
