import type { Quota } from '../../protocols/http/request-gate';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import { isUniqueViolation } from '../../store/rows';

/** The row that all processes of a store meet at before they change the limits of a connection. */
export class LimitsRow {
  private pausedUntil = 0;

  constructor(
    readonly database: SqlDatabase,
    readonly connectionId: number,
  ) {}

  get pausedFor(): number {
    return Math.max(0, this.pausedUntil - performance.now());
  }

  /** Runs work while every other process waits. It is told the store's epoch milliseconds. */
  async locked<T>(work: (now: number, transaction: SqlTransaction) => Promise<T>): Promise<T> {
    for (;;) {
      const done = await this.database.transaction(async (transaction) => {
        const locked = await transaction.execute(
          'UPDATE integration_request_limits SET paused_until = paused_until WHERE connection_id = ?',
          [this.connectionId],
        );
        // A row that another process makes now would be seen below, but not be locked.
        if (locked === 0) return undefined;
        const [row] = await transaction.query(
          `SELECT paused_until, ${this.database.epochMs} AS now_ms FROM integration_request_limits WHERE connection_id = ?`,
          [this.connectionId],
        );
        if (row === undefined) return undefined;
        const now = Number(row.now_ms);
        this.pausedUntil = Math.max(this.pausedUntil, performance.now() + Number(row.paused_until) - now);
        return { result: await work(now, transaction) };
      });
      if (done !== undefined) return done.result;
      await this.create();
    }
  }

  /** Holds at once in this process; the others learn of it with their next turn or renewal. */
  async pause(ms: number): Promise<void> {
    this.pausedUntil = Math.max(this.pausedUntil, performance.now() + ms);
    const until = `${this.database.epochMs} + ${Math.ceil(ms)}`;
    await this.change(`paused_until = CASE WHEN paused_until < ${until} THEN ${until} ELSE paused_until END`, []);
  }

  /**
   * For alerts, with since when and from what on it has gone down. Its end is as far from now as it was said to be, by whatever
   * clock. What some answers do not say holds as it was said before.
   */
  async quota({ limit, remaining, resetAt }: Quota): Promise<void> {
    const { epochMs } = this.database;
    const most = limit ?? null;
    const reset = resetAt === undefined ? 'NULL' : `${epochMs} + ${Math.ceil(Date.parse(resetAt) - Date.now())}`;
    const isAnew = `(quota_remaining IS NULL OR quota_remaining < ? OR quota <> COALESCE(?, quota) OR quota_reset_at <= ${epochMs})`;
    // MariaDB assigns from left to right, and what follows sees it.
    await this.change(
      `quota_since = CASE WHEN ${isAnew} THEN ${epochMs} ELSE quota_since END,
       quota_first = CASE WHEN ${isAnew} THEN ? ELSE quota_first END,
       quota = COALESCE(?, quota), quota_remaining = ?, quota_reset_at = ${reset}, quota_heard_at = ${epochMs}`,
      [remaining, most, remaining, most, remaining, most, remaining],
    );
  }

  private async change(assignments: string, values: SqlValue[]): Promise<void> {
    const sql = `UPDATE integration_request_limits SET ${assignments} WHERE connection_id = ?`;
    const changed = await this.database.execute(sql, [...values, this.connectionId]);
    if (changed > 0) return;
    await this.create();
    await this.database.execute(sql, [...values, this.connectionId]);
  }

  private async create(): Promise<void> {
    try {
      await this.database.execute(
        'INSERT INTO integration_request_limits (connection_id, paused_until) VALUES (?, 0)',
        [this.connectionId],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }
}
