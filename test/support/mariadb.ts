import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { CERTIFICATE_NAME, DatabaseServer, type TestServer } from './database-server';
import {
  dataDirectory,
  findProgram,
  freePort,
  makeCertificate,
  serverUser,
  startServer,
  stopServer,
} from './server-process';

const FOLDERS = ['/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/usr/bin'];

const mariadb = new DatabaseServer({
  name: 'MariaDB',
  install: 'apt-get install mariadb-server',
  variable: 'INTEGRATIONS_TEST_MARIADB_URL',
  findServer: () => findProgram(['mariadbd', 'mysqld'], FOLDERS),
  start,
  run,
});

export const mariadbServer = (context?: Mocha.Context): Promise<TestServer> => mariadb.open(context);

export const mariadbAvailable = (): boolean => mariadb.isAvailable;

async function start(program: string): Promise<Pick<TestServer, 'options' | 'ca' | 'stop'>> {
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
    options,
    ca: readFileSync(certificate, 'utf8'),
    stop: () => stopServer(child, directory, 'SIGKILL'),
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
