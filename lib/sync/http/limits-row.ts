import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { isUniqueViolation } from '../../store/rows';

/** Turns later than this were given out before the store's clock was set back. */
const LATEST_TURN_MS = 10 * 60_000;

/** What a connection's row says at a moment. */
export interface LimitsState {
  /** Epoch milliseconds of the store. */
  now: number;
  /** Between which moments that was, by `performance.now()` of this process. */
  asked: number;
  answered: number;
  /** The next turn that is free, in epoch microseconds of the store. */
  nextTurn: number;
}

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

  /** Takes turns of so many microseconds, and runs work while every other process waits. */
  async locked<T>(turnsUs: number, work: (state: LimitsState, transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const { epochMs } = this.database;
    const nowUs = `${epochMs} * 1000`;
    for (;;) {
      const done = await this.database.transaction(async (transaction) => {
        await transaction.execute(
          `UPDATE integration_request_limits
           SET next_turn = CASE WHEN next_turn < ${nowUs} OR next_turn > ${nowUs} + ${LATEST_TURN_MS * 1000}
             THEN ${nowUs} ELSE next_turn END + ${turnsUs}
           WHERE connection_id = ?`,
          [this.connectionId],
        );
        const asked = performance.now();
        const [row] = await transaction.query(
          `SELECT next_turn, paused_until, ${epochMs} AS now_ms FROM integration_request_limits WHERE connection_id = ?`,
          [this.connectionId],
        );
        if (row === undefined) return undefined;
        const answered = performance.now();
        const now = Number(row.now_ms);
        this.pausedUntil = Math.max(this.pausedUntil, answered + Number(row.paused_until) - now);
        return { result: await work({ now, asked, answered, nextTurn: Number(row.next_turn) }, transaction) };
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

  private async create(): Promise<void> {
    try {
      await this.database.execute(
        'INSERT INTO integration_request_limits (connection_id, next_turn, paused_until) VALUES (?, 0, 0)',
        [this.connectionId],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }
}
