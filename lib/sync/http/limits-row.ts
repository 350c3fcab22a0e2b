import type { Quota } from '../../protocols/http/request-gate';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
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
    await this.database.execute(
      `UPDATE integration_request_limits SET paused_until = ${until} WHERE connection_id = ? AND paused_until < ${until}`,
      [this.connectionId],
    );
  }

  /** For alerts. Its end is as far from now as it was said to be, by whatever clock. */
  async quota({ limit, remaining, resetAt }: Quota): Promise<void> {
    const { epochMs } = this.database;
    const left = resetAt === undefined ? null : Math.ceil(Date.parse(resetAt) - Date.now());
    const note = () =>
      this.database.execute(
        `UPDATE integration_request_limits SET quota = ?, quota_remaining = ?,
           quota_reset_at = ${left === null ? 'NULL' : `${epochMs} + ${left}`}, quota_heard_at = ${epochMs}
         WHERE connection_id = ?`,
        [limit, remaining, this.connectionId],
      );
    if ((await note()) > 0) return;
    await this.create();
    await note();
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
