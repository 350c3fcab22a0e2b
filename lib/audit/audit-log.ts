import { createHash, randomUUID } from 'node:crypto';
import type { Actor, AuditEntry, AuditEvent, AuditVerification } from '../model/audit';
import type { Audit } from '../model/services';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../protocols/sql/database';
import { redact } from '../security/redact';
import { type Condition, equalities, newestFirst } from '../store/lists';
import { isDeadlock, isUniqueViolation } from '../store/rows';

const TABLE = 'integration_audit';
/** All that an entry says, in the order in which it is hashed. */
const HASHED = [
  'previous_hash',
  'at',
  'attempt',
  'actor',
  'actor_name',
  'origin',
  'action',
  'connection_id',
  'subject',
  'outcome',
  'details',
] as const;
const COLUMNS = [...HASHED, 'hash'];
const LONGEST_SUBJECT = 500;
const LONGEST_NAME = 255;
const LONGEST_DETAILS = 20_000;
const VERIFIED_AT_ONCE = 1000;
/** Databases take so many parameters in one statement. */
const ADDED_AT_ONCE = 500;
const REMOVED_AT_ONCE = 5000;
const REMOVED = 'removeAuditEntries';

/** Who did what, when, from where: entries are added and never changed, each with the hash of the one before it; they go from the oldest on. */
export class AuditLog implements Audit {
  /** One after the other: each entry names the one before it. */
  private adding: Promise<void> = Promise.resolve();

  constructor(private readonly database: SqlDatabase) {}

  /** Puts all on record, in their order, or none. */
  append(events: readonly AuditEvent[]): Promise<void> {
    return this.inTurn((transaction) => this.add(events, transaction));
  }

  /**
   * Lets go of the oldest entries that are older than an instant, and puts on record what the rest follows.
   * @returns whether there may be more of them
   */
  forget(before: number, by: Actor): Promise<boolean> {
    return this.inTurn(async (transaction) => {
      const oldest = `SELECT id, at, hash FROM ${TABLE} ORDER BY id LIMIT ${REMOVED_AT_ONCE}`;
      const rows = await transaction.query(oldest);
      const kept = rows.findIndex(({ at }) => Number(at) >= before);
      const last = rows.at(kept < 0 ? -1 : kept - 1);
      if (kept === 0 || last === undefined) return false;
      const removed = { entries: kept < 0 ? rows.length : kept, before: new Date(before).toISOString() };
      const event = { attempt: randomUUID(), actor: by, action: REMOVED, connection_id: null, subject: '/audit' };
      const details = { ...removed, last_hash: last.hash };
      await this.add([{ ...event, outcome: 'done', details }], transaction);
      await transaction.execute(`DELETE FROM ${TABLE} WHERE id <= ?`, [Number(last.id)]);
      return kept < 0;
    });
  }

  list({ limit, cursor, from, to, ...columns }: Parameters<Audit['list']>[0]): ReturnType<Audit['list']> {
    const conditions: Condition[] = equalities(columns);
    if (from !== undefined) conditions.push(['at >= ?', Date.parse(from)]);
    if (to !== undefined) conditions.push(['at < ?', Date.parse(to)]);
    return newestFirst(this.database, TABLE, conditions, { limit, cursor }, entryOf);
  }

  async verify(): Promise<AuditVerification> {
    let [entries, last, id]: [number, string | null, number] = [0, null, 0];
    let first: SqlRow | undefined;
    /** Of entries that were let go. */
    const followed = new Set<unknown>(['']);
    for (;;) {
      const rows = await this.database.aside.query(
        `SELECT * FROM ${TABLE} WHERE id > ? ORDER BY id LIMIT ${VERIFIED_AT_ONCE}`,
        [id],
      );
      for (const row of rows) {
        id = Number(row.id);
        first ??= row;
        if (row.action === REMOVED) followed.add(JSON.parse(String(row.details)).last_hash);
        const follows = last === null || row.previous_hash === last;
        if (!follows || row.hash !== hashOf(row)) return { entries, broken_at: id, last_hash: null };
        entries += 1;
        last = row.hash;
      }
      if (rows.length < VERIFIED_AT_ONCE) break;
    }
    if (first !== undefined && !followed.has(first.previous_hash))
      return { entries, broken_at: Number(first.id), last_hash: null };
    return { entries, broken_at: null, last_hash: last };
  }

  private inTurn<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const done = this.adding.then(() => this.unlessOutrun(work));
    this.adding = done.then(nothing, nothing);
    return done;
  }

  private async unlessOutrun<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.database.transaction(work);
      } catch (error) {
        // Another process had the same entry before its own: that one is before ours now.
        if (!isUniqueViolation(error) && !isDeadlock(error)) throw error;
      }
    }
  }

  private async add(events: readonly AuditEvent[], transaction: SqlTransaction): Promise<void> {
    const [newest] = await transaction.query(`SELECT hash FROM ${TABLE} ORDER BY id DESC LIMIT 1`);
    const at = Date.now();
    let previous = typeof newest?.hash === 'string' ? newest.hash : '';
    const rows = events.map(({ actor, details, ...event }) => {
      const row: SqlRow = {
        ...event,
        at,
        subject: event.subject.slice(0, LONGEST_SUBJECT).toWellFormed(),
        actor: actor.id,
        actor_name: actor.name?.slice(0, LONGEST_NAME).toWellFormed() ?? null,
        origin: actor.origin,
        details: textOf(details),
        previous_hash: previous,
      };
      previous = hashOf(row);
      return [...HASHED.map((name) => row[name] as SqlValue), previous];
    });
    const places = `(${COLUMNS.map(() => '?').join(', ')})`;
    const names = COLUMNS.map((name) => this.database.quote(name)).join(', ');
    for (let start = 0; start < rows.length; start += ADDED_AT_ONCE) {
      const some = rows.slice(start, start + ADDED_AT_ONCE);
      await transaction.execute(
        `INSERT INTO ${TABLE} (${names}) VALUES ${some.map(() => places).join(', ')}`,
        some.flat(),
      );
    }
  }
}

function nothing(): void {}

/** What is too long to keep is cut: it says so, and that it was. */
function textOf(details: Record<string, unknown>): string {
  const text = JSON.stringify(redact(details));
  if (text.length <= LONGEST_DETAILS) return text;
  const sha256 = createHash('sha256').update(text).digest('hex');
  return JSON.stringify({ cut: text.slice(0, LONGEST_DETAILS / 2), length: text.length, sha256 });
}

function hashOf(row: SqlRow): string {
  const said = HASHED.map((name) => {
    const value = row[name] ?? null;
    return (name === 'at' || name === 'connection_id') && value !== null ? Number(value) : value;
  });
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

function entryOf(row: SqlRow): AuditEntry {
  const { id, at, connection_id, details } = row;
  return {
    ...(row as unknown as AuditEntry),
    id: Number(id),
    at: new Date(Number(at)).toISOString(),
    connection_id: connection_id === null ? null : Number(connection_id),
    details: JSON.parse(String(details)),
  };
}
