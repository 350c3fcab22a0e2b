import type { SqlOptions } from '../database';
import { retryBusy } from './busy';
import { SqliteConnection, type Statements, storageOf } from './connection';
import { Lock } from './lock';
import { SqliteThread } from './thread';

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

  async flush(): Promise<void> {
    await this.lock.acquire();
    try {
      await retryBusy(() => this.statements.flush());
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
