import { chmod, mkdir, open, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { SqlDatabase, SqlOptions } from '../protocols/sql/database';
import { openDatabase, parseDatabaseUrl } from '../protocols/sql/open';
import { migrate } from './migrate';
import { migrations } from './migrations';
import { defineModels, type StoreModels } from './models';

export const STORE_FILE = 'integrations.db';

/** Bytes; a page of an import needs about as many. */
const LEAST_ROOM = 1024 * 1024;

const SQLITE_PRAGMAS = [
  // 16 MiB: an import looks up keys all over the tables.
  'PRAGMA cache_size = -16384',
  // Copying the log back into the file after every batch costs more than a log of 16 MiB.
  'PRAGMA wal_autocheckpoint = 4096',
];

export interface StoreOptions {
  /** postgres://, mariadb://, mysql:// or sqlite: URL; absent = a SQLite file in the directory. */
  url?: string | undefined;
  /** Node-RED's user directory. */
  directory: string;
  /** SQLite: the store works in a thread of its own. */
  ownThread?: boolean;
  /** SQLite: commits need not reach the disk before `database.flush()`. */
  flushLater?: boolean;
}

export interface Store {
  readonly database: SqlDatabase;
  readonly models: StoreModels;
  /** Why it cannot be written, as far as that is seen without writing. */
  trouble(): Promise<IntegrationError | null>;
  close(): Promise<void>;
}

/**
 * Opens the hub's store and brings its tables to this version.
 * @throws config PCP_SQL_URL, PCP_DRIVER_MISSING, PCP_STORE_NEWER, transient PCP_CONNECT_...
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const opened = await databaseOptions(options);
  const database = await openDatabase(opened);
  try {
    if (database.dialect === 'sqlite') {
      // What was answered must survive a power cut. A run flushes before it acknowledges its source, not with each batch.
      const synchronous = `PRAGMA synchronous = ${options.flushLater === true ? 'NORMAL' : 'FULL'}`;
      for (const pragma of [synchronous, ...SQLITE_PRAGMAS]) await database.query(pragma);
    }
    await migrate(database, migrations);
    return {
      database,
      models: defineModels(database.sequelize),
      trouble: () => lackOfRoom(database.dialect === 'sqlite' ? opened.storage : undefined),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Of a server's disk nothing is known here. */
export async function lackOfRoom(file: string | undefined): Promise<IntegrationError | null> {
  if (file === undefined || file === ':memory:') return null;
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize >= LEAST_ROOM) return null;
  return new IntegrationError('transient', 'PCP_DISK_FULL', phrase`The disk of ${file} is full.`);
}

async function databaseOptions({ url, directory, ownThread = false }: StoreOptions): Promise<SqlOptions> {
  const options: SqlOptions =
    url === undefined || url === ''
      ? { dialect: 'sqlite', storage: join(directory, STORE_FILE) }
      : parseDatabaseUrl(url);
  if (options.dialect !== 'sqlite') return options;
  options.ownThread = ownThread;
  if (options.storage !== undefined && options.storage !== ':memory:') {
    await mkdir(directory, { recursive: true });
    await makePrivate(options.storage);
  }
  return options;
}

/** The file is there with its mode before SQLite opens it; SQLite gives the same mode to its -wal and -shm files. */
async function makePrivate(path: string): Promise<void> {
  await (await open(path, 'a', 0o600)).close();
  await chmod(path, 0o600);
}
