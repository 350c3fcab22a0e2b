import { IntegrationError } from '../../model/errors';
import { Places } from '../../protocols/http/places';
import type { SqlTransaction } from '../../protocols/sql/database';
import { WORKER, workerIsGone } from '../../store/worker-name';
import type { LimitsRow } from './limits-row';

/** How long places are held without being renewed: those of a host that died are free after this time. */
const LEASE_MS = 15_000;
/** No request begins under a lease that is about to end. */
const MARGIN_MS = 5_000;
const RENEW_MS = 1_000;
/** How soon a process that waits for a place looks again. */
const LOOK_AGAIN_MS = 200;

export type Log = (level: 'warn', message: string) => void;

/** What is shared: requests at the same time, or per second. */
export interface Kind {
  table: string;
  /** How long places stay taken after the end of a process that held them, or after its hub was closed. */
  keptMs: number;
}

/** What a process holds of a connection's places, and what it could use. */
export interface Claim {
  holder: string;
  held: number;
  wanted: number;
  /** Since when it waits for its first place; for one that holds places, when it last renewed them. */
  since: number;
}

let holders = 0;

/**
 * How many places a process may hold. Nobody gets what another still holds. As long as all have what they want it is what is
 * left; else everybody has the same part, and what cannot be divided goes to those who have waited longest, in turn.
 */
export function shareOf(limit: number, me: Claim, others: readonly Claim[]): number {
  const free = limit - sum(others, 'held');
  const possible = Math.max(0, Math.min(me.wanted, free));
  if (others.every(({ held, wanted }) => wanted <= held)) return possible;
  const claimants = others.filter(({ wanted }) => wanted > 0);
  const ahead = claimants.filter(
    ({ since, holder }) => since < me.since || (since === me.since && holder < me.holder),
  ).length;
  const count = claimants.length + 1;
  const fair = Math.floor(limit / count) + (ahead < limit % count ? 1 : 0);
  return Math.min(possible, Math.max(fair, limit - sum(claimants, 'wanted')));
}

function sum(claims: readonly Claim[], of: 'held' | 'wanted'): number {
  return claims.reduce((total, claim) => total + claim[of], 0);
}

/**
 * This process's part of the places that a connection has. The store is asked when more are wanted than held, once a second
 * while some are held, and when others wait for what is held in excess; a request by itself costs nothing.
 */
export class SharedPlaces {
  private readonly holder = `${WORKER}:${++holders}`;
  private readonly places = new Places(() => this.room);
  /** What the others count for this process, and how much of it new requests may use: less when some is to be given back. */
  private held = 0;
  private share = 0;
  /** The end of the lease, by `performance.now()`. */
  private until = 0;
  /** While the store is asked no more places are taken than it was told of. */
  private frozen: number | undefined;
  private peak = 0;
  private waitingSince: number | undefined;
  private isContended = false;
  private keeping: Promise<void> | undefined;
  private isWoken = false;
  private endSleep: () => void = () => undefined;
  private isFailing = false;
  private isClosed = false;

  constructor(
    private readonly row: LimitsRow,
    private readonly kind: Kind,
    private readonly limit: number,
    private readonly log: Log,
  ) {}

  /** Null when it has to be waited for. */
  takeNow(): (() => void) | null {
    const leave = this.places.takeNow();
    if (leave === null) return null;
    this.note();
    return this.taken(leave);
  }

  async take(signal: AbortSignal): Promise<() => void> {
    const taken = this.places.take(signal);
    this.note();
    if (this.places.waiting > 0 && this.share < this.limit && !this.isContended) this.wake();
    return this.taken(await taken);
  }

  private note(): void {
    this.peak = Math.max(this.peak, this.wanted);
    this.keeping ??= this.keep();
  }

  private taken(leave: () => void): () => void {
    return () => {
      leave();
      if (this.held > this.share && this.held > this.places.used) this.wake();
    };
  }

  /** Gives all places back. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    await this.keeping;
    // One that was under way did not know of the end yet.
    if (this.held > 0) await this.exchange();
  }

  private get wanted(): number {
    return Math.min(this.limit, this.places.used + this.places.waiting);
  }

  private get room(): number {
    const room = performance.now() < this.until ? this.share : 0;
    return Math.min(room, this.frozen ?? room);
  }

  /** Renews what is held until nothing is wanted any more. */
  private async keep(): Promise<void> {
    // Requests that begin together ask together.
    await new Promise(setImmediate);
    for (;;) {
      await this.exchange();
      if (this.isClosed || (this.held === 0 && this.wanted === 0)) break;
      const isShort = this.places.waiting > 0 && this.share < this.limit;
      await this.sleep(isShort ? LOOK_AGAIN_MS : RENEW_MS);
    }
    this.keeping = undefined;
  }

  private async sleep(ms: number): Promise<void> {
    if (!this.isWoken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.endSleep = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.isWoken = false;
  }

  private wake(): void {
    this.isWoken = true;
    this.endSleep();
  }

  private async exchange(): Promise<void> {
    // What was used since the last time is likely to be used meanwhile.
    const used = Math.max(this.places.used, this.isContended ? 0 : Math.min(this.peak, this.share));
    const sent = performance.now();
    const wanted = this.isClosed ? 0 : Math.max(this.peak, this.wanted);
    this.peak = 0;
    this.frozen = used;
    try {
      const share = await this.row.locked((now, transaction) => this.claim(now, transaction, used, wanted));
      this.share = share;
      this.held = Math.max(used, share);
      this.until = sent + LEASE_MS - MARGIN_MS;
      this.isFailing = false;
    } catch (error) {
      // What the store has noted is unknown: at least what was in use.
      this.share = Math.min(this.share, used);
      const failure = IntegrationError.from(error);
      if (!this.isFailing) {
        this.log('warn', `The places of connection ${this.row.connectionId} were not renewed: ${failure.message}`);
      }
      this.isFailing = true;
      if (this.places.used === 0) this.places.fail(failure);
    } finally {
      this.frozen = undefined;
      this.places.fill();
    }
  }

  private async claim(now: number, transaction: SqlTransaction, used: number, wanted: number): Promise<number> {
    const { connectionId } = this.row;
    const { table, keptMs } = this.kind;
    const rows = await transaction.query(`SELECT * FROM ${table} WHERE connection_id = ?`, [connectionId]);
    const others: Claim[] = [];
    for (const row of rows) {
      const holder = String(row.holder);
      if (holder === this.holder) continue;
      const isGone = workerIsGone(holder);
      const until = Math.min(Number(row.lease_until), isGone ? now + keptMs : Number.POSITIVE_INFINITY);
      if (until <= now) await this.remove(transaction, holder);
      else {
        if (until < Number(row.lease_until)) await this.shorten(transaction, holder, until);
        const wants = isGone ? 0 : Number(row.wanted);
        others.push({ holder, held: Number(row.held), wanted: wants, since: Number(row.since) });
      }
    }
    const since = this.held > 0 ? now : (this.waitingSince ?? now);
    const share = shareOf(this.limit, { holder: this.holder, held: this.held, wanted, since }, others);
    const held = Math.max(used, share);
    this.waitingSince = held === 0 && wanted > 0 ? since : undefined;
    this.isContended = share < wanted || others.some((other) => other.wanted > other.held);
    const isNoted = rows.some(({ holder }) => holder === this.holder);
    if (held === 0 && wanted === 0) {
      if (isNoted) await this.remove(transaction, this.holder);
      return share;
    }
    const values = [held, wanted, since, now + (this.isClosed ? keptMs : LEASE_MS), connectionId, this.holder];
    await transaction.execute(
      isNoted
        ? `UPDATE ${table} SET held = ?, wanted = ?, since = ?, lease_until = ?
           WHERE connection_id = ? AND holder = ?`
        : `INSERT INTO ${table} (held, wanted, since, lease_until, connection_id, holder)
           VALUES (?, ?, ?, ?, ?, ?)`,
      values,
    );
    return share;
  }

  private async shorten(transaction: SqlTransaction, holder: string, until: number): Promise<void> {
    await transaction.execute(`UPDATE ${this.kind.table} SET lease_until = ? WHERE connection_id = ? AND holder = ?`, [
      until,
      this.row.connectionId,
      holder,
    ]);
  }

  private async remove(transaction: SqlTransaction, holder: string): Promise<void> {
    await transaction.execute(`DELETE FROM ${this.kind.table} WHERE connection_id = ? AND holder = ?`, [
      this.row.connectionId,
      holder,
    ]);
  }
}
