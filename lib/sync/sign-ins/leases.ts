import { setTimeout as delay } from 'node:timers/promises';
import type { SqlDatabase } from '../../protocols/sql/database';
import { isUniqueViolation } from '../../store/rows';
import { WORKER, workerIsGone } from '../../store/worker-name';

/** Longer than whoever is signed in at may take to answer. */
const LEASE_MS = 60_000;
const LOOK_AGAIN_MS = 100;
/** What nobody signed in with for a year goes. */
const UNUSED_MS = 366 * 24 * 60 * 60_000;

let leases = 0;

/** Lets one at a time sign in by the same settings, of all processes of the store. */
export class SignInLeases {
  constructor(private readonly database: SqlDatabase) {}

  /**
   * @param until rather than waiting any longer it is done without
   * @returns gives it back
   */
  async acquire(id: string, until?: AbortSignal): Promise<() => Promise<void>> {
    const { epochMs } = this.database;
    const holder = `${WORKER}:${++leases}`;
    for (;;) {
      const acquired = await this.database.execute(
        `UPDATE integration_sign_ins SET holder = ?, lease_until = ${epochMs} + ${LEASE_MS}, used_at = ${epochMs}
         WHERE id = ? AND (holder IS NULL OR lease_until < ${epochMs})`,
        [holder, id],
      );
      if (acquired === 1) return () => this.free(id, holder);
      const [row] = await this.database.query('SELECT holder FROM integration_sign_ins WHERE id = ?', [id]);
      if (row === undefined) await this.create(id);
      else if (typeof row.holder === 'string' && workerIsGone(row.holder)) await this.free(id, row.holder);
      else if (until?.aborted) return async () => undefined;
      else await delay(LOOK_AGAIN_MS);
    }
  }

  private async create(id: string): Promise<void> {
    const { epochMs } = this.database;
    await this.database.execute(`DELETE FROM integration_sign_ins WHERE used_at < ${epochMs} - ${UNUSED_MS}`);
    try {
      await this.database.execute(
        `INSERT INTO integration_sign_ins (id, tokens, version, holder, lease_until, used_at)
         VALUES (?, NULL, 0, NULL, 0, ${epochMs})`,
        [id],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  private async free(id: string, holder: string): Promise<void> {
    await this.database.execute('UPDATE integration_sign_ins SET holder = NULL WHERE id = ? AND holder = ?', [
      id,
      holder,
    ]);
  }
}
