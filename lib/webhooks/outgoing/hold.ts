import { IntegrationError } from '../../model/errors';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { workerIsGone } from '../../store/worker-name';

const LEASE_MS = 60_000;
const RENEW_MS = LEASE_MS / 4;
const MARGIN_MS = 5_000;

/**
 * The right to send to one webhook. Of all processes that share a store one has it, so that a receiver's rate, concurrency and
 * order hold for all of them together. Its times are the database's.
 */
export class Hold {
  /** Aborted when another process may send. */
  readonly lost = new AbortController();
  private until = performance.now() + LEASE_MS - MARGIN_MS;
  private timer: NodeJS.Timeout | undefined;
  private isReleased = false;

  private constructor(
    private readonly database: SqlDatabase,
    readonly webhookId: number,
    private readonly fence: number,
  ) {
    this.renewLater();
  }

  /**
   * @param holder begins with the name of this process
   * @returns null when another one has it
   */
  static async take(database: SqlDatabase, webhookId: number, holder: string): Promise<Hold | null> {
    const [row] = await database.query(
      `SELECT fence, sender, CASE WHEN lease_until < ${database.epochMs} THEN 1 ELSE 0 END AS is_over
       FROM integration_webhooks WHERE id = ?`,
      [webhookId],
    );
    if (row === undefined) return null;
    // This holder has it still when it could not say that it was done: the store was away.
    const isFree = row.sender === null || row.sender === holder;
    if (!isFree && Number(row.is_over) !== 1 && !workerIsGone(String(row.sender))) return null;
    const fence = Number(row.fence);
    const taken = await database.execute(
      `UPDATE integration_webhooks SET fence = ?, sender = ?, lease_until = ${database.epochMs} + ${LEASE_MS}
       WHERE id = ? AND fence = ?`,
      [fence + 1, holder, webhookId, fence],
    );
    return taken === 1 ? new Hold(database, webhookId, fence + 1) : null;
  }

  /** Whether an attempt that takes so long would end while nobody else sends. */
  isSafeFor(ms: number): boolean {
    return !this.lost.signal.aborted && performance.now() + ms < this.until;
  }

  /** To be the first statement of what is written. @throws conflict PCP_LEASE_LOST */
  async assertHeld(transaction: SqlTransaction): Promise<void> {
    const held = await transaction.execute('UPDATE integration_webhooks SET fence = fence WHERE id = ? AND fence = ?', [
      this.webhookId,
      this.fence,
    ]);
    if (held !== 1) throw this.loss();
  }

  async release(): Promise<void> {
    this.isReleased = true;
    clearTimeout(this.timer);
    await this.database.execute(
      'UPDATE integration_webhooks SET sender = NULL, lease_until = 0 WHERE id = ? AND fence = ?',
      [this.webhookId, this.fence],
    );
  }

  private renewLater(): void {
    this.timer = setTimeout(() => void this.renew(), RENEW_MS).unref();
  }

  private async renew(): Promise<void> {
    const sent = performance.now();
    try {
      const renewed = await this.database.execute(
        `UPDATE integration_webhooks SET lease_until = ${this.database.epochMs} + ${LEASE_MS} WHERE id = ? AND fence = ?`,
        [this.webhookId, this.fence],
      );
      if (renewed === 1) this.until = sent + LEASE_MS - MARGIN_MS;
      else this.lost.abort(this.loss());
    } catch (error) {
      // The store may be away for a moment.
      if (performance.now() > this.until) this.lost.abort(IntegrationError.from(error));
    }
    if (!this.isReleased && !this.lost.signal.aborted) this.renewLater();
  }

  private loss(): IntegrationError {
    const message = `Another process sends to webhook ${this.webhookId} now, or it was deleted.`;
    return new IntegrationError('conflict', 'PCP_LEASE_LOST', message);
  }
}
