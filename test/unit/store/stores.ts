import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../../../lib/store/store';

export interface TestStore {
  store: Store;
  directory: string;
  /** Opens the same store once more, as another process would. */
  again(): Promise<Store>;
  dispose(): Promise<void>;
}

/** A new SQLite store in a directory of its own. */
export async function sqliteStore(): Promise<TestStore> {
  const directory = mkdtempSync(join(tmpdir(), 'pcp-store-'));
  const opened: Store[] = [];
  const again = async () => {
    const store = await openStore({ directory });
    opened.push(store);
    return store;
  };
  return {
    store: await again(),
    directory,
    again,
    async dispose() {
      for (const store of opened) await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
