import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { parseDatabaseUrl } from '../../lib/protocols/sql/open';
import { databaseUrl, type TestServer } from './postgres';
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

const CERTIFICATE_NAME = 'db.other.example';
const FOLDERS = ['/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/usr/bin'];
function findServer(): string | undefined {
  return findProgram(['mariadbd', 'mysqld'], FOLDERS);
}

let started: Promise<TestServer> | undefined;
let databases = 0;

/** One MariaDB for the whole process: INTEGRATIONS_TEST_MARIADB_URL, or a server of our own; skips without either. */
export async function mariadbServer(context?: Mocha.Context): Promise<TestServer> {
  const program = findServer();
  const url = process.env.INTEGRATIONS_TEST_MARIADB_URL;
  if (url === undefined && program === undefined) absent(context, 'MariaDB', 'apt-get install mariadb-server');
  context?.timeout(60_000);
  started ??=
    url !== undefined ? Promise.resolve(server(parseDatabaseUrl(url), async () => undefined)) : start(program!);
  return started;
}

/** For suites that decide before their hooks run. On a build server it must be there. */
export function mariadbAvailable(): boolean {
  return (
    process.env.INTEGRATIONS_TEST_MARIADB_URL !== undefined || findServer() !== undefined || Boolean(process.env.CI)
  );
}

/** URL of a new, empty database of that server. */
export async function mariadbUrl(context: Mocha.Context): Promise<string> {
  return databaseUrl(await (await mariadbServer(context)).createDatabase());
}

async function start(program: string): Promise<TestServer> {
  const user = serverUser('mysql');
  const directory = dataDirectory('pcp-mariadb-', user);
  const data = join(directory, 'data');
  const install = findProgram(['mariadb-install-db', 'mysql_install_db'], FOLDERS);
  if (install === undefined) throw new Error('mariadb-install-db is not there, though mariadbd is');
  execFileSync(
    install,
    [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
    ],
    { ...user, stdio: 'ignore', cwd: directory },
  );
  const { key, certificate } = makeCertificate(directory, CERTIFICATE_NAME, user);
  const port = await freePort();
  const root: SqlOptions = {
    dialect: 'mariadb',
    host: '127.0.0.1',
    port,
    username: 'root',
    password: '',
    database: 'mysql',
  };
  const parameters = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(directory, 'socket')}`,
    `--pid-file=${join(directory, 'pid')}`,
    `--ssl-cert=${certificate}`,
    `--ssl-key=${key}`,
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=128M',
    '--skip-name-resolve',
    // What the hub must not depend on.
    '--sql-mode=',
    '--default-time-zone=-03:00',
    '--character-set-server=latin1',
  ];
  const child = await startServer(program, parameters, user, () => run(root, 'SELECT 1'));
  const options = { ...root, username: 'owner', password: 'maria-owner-secret' };
  await run(root, `CREATE USER 'owner'@'%' IDENTIFIED BY '${options.password}'`);
  await run(root, "GRANT ALL ON *.* TO 'owner'@'%' WITH GRANT OPTION");
  return {
    ...server(options, () => stopServer(child, directory, 'SIGKILL')),
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

async function run(options: SqlOptions, sql: string): Promise<void> {
  const { host = '127.0.0.1', port = 3306, username = 'root', password = '', database = 'mysql' } = options;
  const connection = await createConnection({
    host,
    port,
    user: username,
    password,
    database,
    multipleStatements: true,
  });
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}

if (typeof after === 'function') {
  after('stop MariaDB', async () => {
    await (await started)?.stop();
  });
}
