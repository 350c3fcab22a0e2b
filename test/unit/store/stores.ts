import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store, type StoreOptions } from '../../../lib/store/store';
import { mariadbUrl } from '../../support/mariadb';
import { postgresUrl } from '../../support/postgres';

export interface TestStore {
  store: Store;
  options: StoreOptions;
  /** Opens the same store once more, as another process would. */
  again(): Promise<Store>;
  dispose(): Promise<void>;
}

export interface StoreKind {
  name: string;
  /** Where a new, empty store is; skips the test when the server is not installed. */
  place(context: Mocha.Context): Promise<StoreOptions>;
}

const directory = () => mkdtempSync(join(tmpdir(), 'pcp-store-'));

export const storeKinds: readonly StoreKind[] = [
  { name: 'SQLite', place: async () => ({ directory: directory() }) },
  { name: 'PostgreSQL', place: async (context) => ({ directory: directory(), url: await postgresUrl(context) }) },
  { name: 'MariaDB', place: async (context) => ({ directory: directory(), url: await mariadbUrl(context) }) },
];

/** A new, empty store. */
export async function newStore(kind: StoreKind, context: Mocha.Context): Promise<TestStore> {
  const options = await kind.place(context);
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
      rmSync(options.directory, { recursive: true, force: true });
    },
  };
}
