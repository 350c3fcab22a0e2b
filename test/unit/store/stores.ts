import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store, type StoreOptions } from '../../../lib/store/store';
import { databaseUrl, type TestServer } from '../../support/database-server';
import { mariadbServer } from '../../support/mariadb';
import { postgresServer } from '../../support/postgres';

/** Where a store is. */
export interface StorePlace {
  options: StoreOptions;
  /** Takes the files and the database away; every store opened there must be closed. */
  remove(): Promise<void>;
}

export interface StoreKind {
  name: string;
  /** A place for a new, empty store; skips the test when the server is not installed. */
  place(context: Mocha.Context): Promise<StorePlace>;
}

export interface TestStore {
  store: Store;
  options: StoreOptions;
  /** Opens the same store once more, as another process would. */
  again(): Promise<Store>;
  dispose(): Promise<void>;
}

export const storeKinds: readonly StoreKind[] = [
  { name: 'SQLite', place: () => place(null) },
  { name: 'PostgreSQL', place: async (context) => place(await postgresServer(context)) },
  { name: 'MariaDB', place: async (context) => place(await mariadbServer(context)) },
];

async function place(server: TestServer | null): Promise<StorePlace> {
  const directory = mkdtempSync(join(tmpdir(), 'pcp-store-'));
  const database = await server?.createDatabase();
  return {
    options: { directory, url: database && databaseUrl(database) },
    async remove() {
      rmSync(directory, { recursive: true, force: true });
      // A hundred databases would keep the server's end waiting.
      if (database !== undefined) await server?.execute(`DROP DATABASE ${database.database}`);
    },
  };
}

/** A new, empty store. */
export async function newStore(kind: StoreKind, context: Mocha.Context): Promise<TestStore> {
  const { options, remove } = await kind.place(context);
  const opened: Store[] = [];
  const again = async () => {
    const store = await openStore(options);
    opened.push(store);
    return store;
  };
  return {
    store: await again(),
    options,
    again,
    async dispose() {
      for (const store of opened) await store.close();
      await remove();
    },
  };
}
