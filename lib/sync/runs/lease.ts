import { IntegrationError } from '../../model/errors';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { WORKER, workerIsGone } from '../../store/worker-name';

/** How long a lease lasts without a heartbeat. */
export const LEASE_MS = 60_000;
const HEARTBEAT_MS = LEASE_MS / 4;
/** Work stops this long before the lease can end, so that no late write meets the next owner's. */
const MARGIN_MS = 10_000;

/** An external write must be able to end this long before the lease does. */
const WRITE_TIMEOUT_MS = 20_000;

/** The runs that workers other than this one hold. Whoever does not answer for its lease any more holds nothing. */
export async function heldByOthers(database: SqlDatabase): Promise<Set<number>> {
  const rows = await database.query(
    `SELECT owner_run, owner_worker FROM integration_stream_locks
     WHERE owner_run IS NOT NULL AND owner_worker <> ? AND lease_until >= ${database.epochMs}`,
    [WORKER],
  );
  const alive = rows.filter((row) => !workerIsGone(String(row.owner_worker)));
  return new Set(alive.map((row) => Number(row.owner_run)));
}

/**
 * The right to work on one stream, which is a mapping. The fence grows with every owner, so whatever an earlier owner
 * still tries to commit is refused. Its times are the database's: clocks of hosts differ, and may be set while work goes on.
 */
export class Lease {
  /** Aborted when the lease is lost; carries the reason. */
  readonly lost = new AbortController();
  private deadline = 0;
  private heartbeat: NodeJS.Timeout | undefined;
  private ending: NodeJS.Timeout | undefined;
  private stopped = false;
  /** Why the store did not renew it. */
  private trouble: unknown;

  private constructor(
    private readonly database: SqlDatabase,
    readonly stream: string,
    readonly runId: number,
    readonly fence: number,
    /** When an earlier owner may last have done something, in epoch milliseconds of the store. */
    readonly quietSince: number,
    private readonly onHeartbeat: () => Promise<void>,
  ) {
    this.confirmed(performance.now());
    this.schedule();
  }

  /**
   * Takes the stream for a run, or returns null when somebody else holds it or `claimRun`, called in the same transaction,
   * says no.
   * @param onHeartbeat called after every renewal, e.g. to look for a wish to cancel
   */
  static async acquire(
    database: SqlDatabase,
    stream: string,
    runId: number,
    claimRun: (transaction: SqlTransaction, fence: number) => Promise<boolean>,
    onHeartbeat: (lease: Lease) => Promise<void>,
  ): Promise<Lease | null> {
    await ensureStream(database, stream);
    const taken = await database
      .transaction(async (transaction) => {
        const [row] = await transaction.query(
          `SELECT fence, owner_run, owner_worker, lease_until, ${database.epochMs} AS now_ms,
             (SELECT fence FROM integration_sync_logs WHERE id = ?) AS run_fence
           FROM integration_stream_locks WHERE stream = ?`,
          [runId, stream],
        );
        if (row === undefined) return null;
        const quietSince = Math.min(Number(row.lease_until), Number(row.now_ms));
        const free =
          row.owner_run === null ||
          quietSince < Number(row.now_ms) ||
          // This worker could not say that it was done with the run: the store was away.
          (row.owner_worker === WORKER && Number(row.owner_run) === runId) ||
          workerIsGone(row.owner_worker === null ? null : String(row.owner_worker));
        if (!free) return null;
        // A stream's row may have been made anew since the run was last claimed: its fence must rise all the same.
        const next = Math.max(Number(row.fence), Number(row.run_fence ?? 0)) + 1;
        const changed = await transaction.execute(
          `UPDATE integration_stream_locks SET fence = ?, owner_run = ?, owner_worker = ?,
             lease_until = ${database.epochMs} + ${LEASE_MS}, touched_at = ${database.epochMs}
           WHERE stream = ? AND fence = ?`,
          [next, runId, WORKER, stream, Number(row.fence)],
        );
        if (changed !== 1) return null;
        if (!(await claimRun(transaction, next))) throw new ClaimRefused();
        return { fence: next, quietSince };
      })
      .catch((error: unknown) => {
        if (error instanceof ClaimRefused) return null;
        throw error;
      });
    if (taken === null) return null;
    const { fence, quietSince } = taken;
    const lease: Lease = new Lease(database, stream, runId, fence, quietSince, () => onHeartbeat(lease));
    return lease;
  }

  /** @throws transient PCP_LEASE_ENDING when a batch that is written now might end after the lease */
  assertSafeToWrite(): void {
    if (!this.lost.signal.aborted && performance.now() + WRITE_TIMEOUT_MS < this.deadline) return;
    throw this.unconfirmed();
  }

  /** First statement of every commit. @throws conflict PCP_LEASE_LOST when another worker owns the stream */
  async assertHeld(transaction: SqlTransaction): Promise<void> {
    const held = await transaction.execute(
      `UPDATE integration_stream_locks SET touched_at = ${this.database.epochMs}
       WHERE stream = ? AND fence = ? AND owner_run = ?`,
      [this.stream, this.fence, this.runId],
    );
    if (held !== 1) throw this.loss();
  }

  /** Gives the stream back at once, so that another worker need not wait for the lease's end. */
  async release(transaction: SqlTransaction): Promise<void> {
    await transaction.execute(
      `UPDATE integration_stream_locks SET owner_run = NULL, owner_worker = NULL, lease_until = ${this.database.epochMs}
       WHERE stream = ? AND fence = ?`,
      [this.stream, this.fence],
    );
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.heartbeat);
    clearTimeout(this.ending);
  }

  private schedule(): void {
    this.heartbeat = setTimeout(() => void this.beat(), HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  /** By itself it ends, also when the store neither confirms nor fails. */
  private confirmed(at: number): void {
    this.deadline = at + LEASE_MS - MARGIN_MS;
    clearTimeout(this.ending);
    this.ending = setTimeout(() => this.lost.abort(this.unconfirmed()), this.deadline - performance.now()).unref();
  }

  private async beat(): Promise<void> {
    const sent = performance.now();
    try {
      const renewed = await this.database.execute(
        `UPDATE integration_stream_locks SET lease_until = ${this.database.epochMs} + ${LEASE_MS}
         WHERE stream = ? AND fence = ? AND owner_run = ?`,
        [this.stream, this.fence, this.runId],
      );
      if (this.stopped) return;
      if (renewed !== 1) {
        this.lost.abort(this.loss());
        return;
      }
      this.confirmed(sent);
      await this.onHeartbeat();
    } catch (error) {
      // The store may be away for a moment: work goes on until the local deadline, never longer.
      this.trouble = error;
    }
    if (!this.stopped && !this.lost.signal.aborted) this.schedule();
  }

  private unconfirmed(): IntegrationError {
    const message = 'The store did not confirm the lease in time to write.';
    return new IntegrationError('transient', 'PCP_LEASE_ENDING', message, { cause: this.trouble });
  }

  private loss(): IntegrationError {
    return new IntegrationError(
      'conflict',
      'PCP_LEASE_LOST',
      `Run ${this.runId} lost its hold on stream ${this.stream}: another worker has taken it over.`,
    );
  }
}

class ClaimRefused extends Error {}

/** Makes the row that leases of a stream stand on. */
export async function ensureStream(database: SqlDatabase, stream: string): Promise<void> {
  const [row] = await database.query('SELECT stream FROM integration_stream_locks WHERE stream = ?', [stream]);
  if (row !== undefined) return;
  try {
    await database.execute(
      `INSERT INTO integration_stream_locks (stream, fence, owner_run, owner_worker, lease_until, touched_at)
       VALUES (?, 0, NULL, NULL, 0, 0)`,
      [stream],
    );
  } catch (error) {
    const [other] = await database.query('SELECT stream FROM integration_stream_locks WHERE stream = ?', [stream]);
    if (other === undefined) throw error;
  }
}
