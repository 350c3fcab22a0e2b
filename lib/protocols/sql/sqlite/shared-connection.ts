import type { SqlOptions } from '../database';
import { retryBusy } from './busy';
import { SqliteConnection, type Statements, storageOf } from './connection';
import { Lock } from './lock';
import { SqliteThread } from './thread';

/** Value of `PRAGMA synchronous` from which each commit waits for the disk. */
const FULL = 2;

/** The one connection of this process to a SQLite file. `lock` keeps a transaction's statements together. */
export class SharedConnection {
  readonly lock = new Lock();

  private constructor(
    readonly statements: Statements,
    readonly storage: string,
    /** Statements run while this thread works on. */
    readonly isConcurrent: boolean,
  ) {}

  /** @throws config PCP_DRIVER_MISSING on a Node without node:sqlite, PCP_FILE_NOT_FOUND, PCP_SQL_CORRUPT */
  static async open(options: SqlOptions): Promise<SharedConnection> {
    const storage = storageOf(options);
    const isConcurrent = options.ownThread === true && storage !== ':memory:';
    if (!isConcurrent) return new SharedConnection(await SqliteConnection.open(options), storage, false);
    const thread = new SqliteThread(options, 'end the process');
    try {
      await thread.exec('SELECT 1');
    } catch (error) {
      // Closing what could not be opened fails for the same reason.
      await thread.close().catch(() => undefined);
      throw error;
    }
    return new SharedConnection(thread, storage, true);
  }

  /** With `synchronous = NORMAL` a commit reaches the disk later; one that is FULL takes all before it along. */
  async flush(): Promise<void> {
    const { statements } = this;
    await this.lock.acquire();
    try {
      const [{ synchronous }] = (await statements.all('PRAGMA synchronous')) as unknown as [{ synchronous: number }];
      if (synchronous >= FULL) return;
      await statements.exec('PRAGMA synchronous = FULL');
      try {
        // Writes the file's first page whatever the value, so that there is something to commit.
        await retryBusy(() => statements.exec('PRAGMA user_version = 1'));
      } finally {
        await statements.exec('PRAGMA synchronous = NORMAL');
      }
    } finally {
      this.lock.release();
    }
  }

  async close(): Promise<void> {
    await this.lock.acquire();
    await this.statements.close();
    this.lock.release();
  }
}
