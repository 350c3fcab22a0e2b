import type { SqlDatabase } from '../protocols/sql/database';
import { streamName } from '../store/stream-names';
import { WORKER, workerIsGone } from '../store/worker-name';

const LOCKS = 'integration_stream_locks';
/** Values are lost where nobody listens, so that a host that is gone is missed sooner than by its runs. */
const LEASE_MS = 8_000;
/** An instance renews all of its leases by one statement, so often while they last. */
const RENEWALS_PER_LEASE = 4;
/** When the store comes back after a while all leases are over: their holders have so many of them to say that they live. */
const LEASES_OF_GRACE = 2;

/**
 * Of all instances that share a store, which one listens: leases by the store's clock. Whoever holds one keeps it while the store
 * is away, since nobody else can take it then, and values are to be spooled above all.
 */
export class Ownership {
  private renewedAt = Number.NEGATIVE_INFINITY;
  private held: ReadonlySet<string>;
  /** What the last look was for. */
  private wanted: ReadonlySet<string> = new Set();
  /** Since when the store has answered each look. */
  private contactSince: number | null = null;

  /**
   * @param instance names this instance, also after a restart
   * @param assumed what it held last: true until the store says otherwise
   */
  constructor(
    private readonly instance: () => string,
    assumed: readonly string[],
  ) {
    this.held = new Set(assumed);
  }

  owns(lease: string): boolean {
    return this.held.has(lease);
  }

  /** Another instance has it. */
  isElsewhere(lease: string): boolean {
    return this.wanted.has(lease) && !this.held.has(lease);
  }

  /** The next look is due at once. */
  expire(): void {
    this.renewedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Renews what it holds when it is time to, and takes what is free of the wanted.
   * @returns whether that changed anything
   */
  async look(database: SqlDatabase, wanted: ReadonlySet<string>): Promise<boolean> {
    const now = performance.now();
    const isDue = now - this.renewedAt >= LEASE_MS / RENEWALS_PER_LEASE;
    // What another instance holds may be given back at any moment.
    if (!isDue && wanted.isSubsetOf(this.held)) return false;
    const before = this.held;
    try {
      // A store in a file has one instance.
      this.held = database.dialect === 'sqlite' ? wanted : await this.claim(database, wanted, isDue);
    } catch (error) {
      this.contactSince = null;
      throw error;
    }
    this.contactSince ??= now;
    if (isDue) this.renewedAt = now;
    this.wanted = wanted;
    return before.symmetricDifference(this.held).size > 0;
  }

  /** Lets another instance go on at once. */
  async release(database: SqlDatabase): Promise<void> {
    if (database.dialect !== 'sqlite') await this.let(database, '', []);
  }

  private get owner(): string {
    return `${WORKER}@${this.instance()}`;
  }

  private async claim(database: SqlDatabase, wanted: ReadonlySet<string>, renews: boolean): Promise<Set<string>> {
    const { epochMs } = database;
    if (renews) {
      await database.execute(`UPDATE ${LOCKS} SET lease_until = ${epochMs} + ${LEASE_MS} WHERE owner_worker = ?`, [
        this.owner,
      ]);
    }
    const rows = await database.query(
      `SELECT stream, owner_worker, CASE WHEN lease_until < ${epochMs} THEN 1 ELSE 0 END AS is_over
       FROM ${LOCKS} WHERE stream LIKE 'live:%'`,
    );
    const owners = new Map(rows.map((row) => [String(row.stream), row]));
    const held = new Set<string>();
    for (const lease of wanted) {
      const row = owners.get(lease);
      const isHeld =
        row === undefined
          ? await this.take(database, lease)
          : row.owner_worker === this.owner ||
            (await this.takeOver(database, lease, String(row.owner_worker), Number(row.is_over) === 1));
      if (isHeld) held.add(lease);
    }
    const rest = rows.filter((row) => row.owner_worker === this.owner && !wanted.has(String(row.stream)));
    for (const { stream } of rest) await this.let(database, ' AND stream = ?', [String(stream)]);
    return held;
  }

  private async take(database: SqlDatabase, lease: string): Promise<boolean> {
    try {
      await database.execute(
        `INSERT INTO ${LOCKS} (stream, fence, owner_run, owner_worker, lease_until, touched_at)
         VALUES (?, 0, NULL, ?, ${database.epochMs} + ${LEASE_MS}, 0)`,
        [lease, this.owner],
      );
      return true;
    } catch (error) {
      const [other] = await database.query(`SELECT stream FROM ${LOCKS} WHERE stream = ?`, [lease]);
      if (other === undefined) throw error;
      return false;
    }
  }

  private async takeOver(database: SqlDatabase, lease: string, other: string, isOver: boolean): Promise<boolean> {
    const isMine = other.endsWith(`@${this.instance()}`);
    const isFree = isMine || workerIsGone(other);
    const hasWaited = this.contactSince !== null && performance.now() - this.contactSince >= LEASES_OF_GRACE * LEASE_MS;
    if (!isFree && !(isOver && hasWaited)) return false;
    const taken = await database.execute(
      `UPDATE ${LOCKS} SET owner_worker = ?, lease_until = ${database.epochMs} + ${LEASE_MS}
       WHERE stream = ? AND owner_worker = ?${isFree ? '' : ` AND lease_until < ${database.epochMs}`}`,
      [this.owner, lease, other],
    );
    if (taken === 1) await this.endRunsOf(database, other);
    return taken === 1;
  }

  /**
   * What a worker that does not answer has in hand is nobody's from now on. Only where the platform is written, in the commit, which
   * whoever goes on with the run keeps that worker from: elsewhere a write may be under way until the lease of its run is over.
   */
  private async endRunsOf(database: SqlDatabase, owner: string): Promise<void> {
    const rows = await database.query(
      `SELECT id FROM integration_mappings WHERE sync_mode = 'live' AND peer_connection_id IS NULL`,
    );
    const streams = rows.map(({ id }) => streamName(Number(id)));
    if (streams.length === 0) return;
    await database.execute(
      `UPDATE ${LOCKS} SET lease_until = 0 WHERE owner_worker = ? AND stream IN (${streams.map(() => '?').join(', ')})`,
      [owner.slice(0, owner.lastIndexOf('@')), ...streams],
    );
  }

  private async let(database: SqlDatabase, which: string, values: string[]): Promise<void> {
    await database.execute(`DELETE FROM ${LOCKS} WHERE owner_worker = ?${which}`, [this.owner, ...values]);
  }
}
