import { execFileSync } from 'node:child_process';
import path from 'node:path';
import pg from 'pg';
import {
  dataDirectory,
  findProgram,
  freePort,
  serverUser,
  startServer,
  stopServer,
} from '../../test/support/server-process';

/**
 * A PostgreSQL of the benchmark's own with the settings that the distribution ships (fsync on), or the server that
 * BENCH_POSTGRES_URL names.
 */
export async function withPostgres<T>(work: (url: string) => Promise<T>): Promise<T> {
  if (process.env.BENCH_POSTGRES_URL) return work(process.env.BENCH_POSTGRES_URL);
  const program = findProgram(['postgres'], ['/usr/lib/postgresql/*/bin', '/usr/local/pgsql/bin', '/usr/pgsql-*/bin']);
  if (!program) throw new Error('PostgreSQL is not installed (apt-get install postgresql); or set BENCH_POSTGRES_URL.');
  const user = serverUser('postgres');
  const directory = dataDirectory('pcp-bench-pg-', user);
  const data = path.join(directory, 'data');
  const initdb = path.join(path.dirname(program), 'initdb');
  const initialise = ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale', 'C'];
  execFileSync(initdb, initialise, { ...user, stdio: 'ignore', cwd: directory });
  const port = await freePort();
  const url = `postgres://bench:bench@127.0.0.1:${port}/postgres`;
  const parameters = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'unix_socket_directories=',
  ];
  const child = await startServer(program, parameters, user, async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
  });
  try {
    return await work(url);
  } finally {
    await stopServer(child, directory, 'SIGINT');
  }
}
