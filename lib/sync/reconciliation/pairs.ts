import { setImmediate as turn } from 'node:timers/promises';
import type { SideSummary } from '../../model/reconciliation';
import { SqliteConnection } from '../../protocols/sql/sqlite/connection';
import { Checksums } from './checksums';

/** Rows that are looked at before others get their turn. */
const ROWS_AT_ONCE = 1000;
const CACHE_KIB = 32 * 1024;
const PAIRS = { name: 'pairs' };
const SUSPECTS = { name: 'suspects' };

/** `link`: what the hub remembers of records that it has written. */
export const SIDES = ['source', 'target', 'link'] as const;
export type Side = (typeof SIDES)[number];

/** A record of a side: its key, and the hash of its values. */
export interface Pair {
  key: string;
  hash: string;
  /** The mapping refuses it, or another mapping wrote it. */
  isSetAside?: boolean;
}

/** All that the sides have of one key. */
export type Group = { key: string } & Record<Side, Pair[]>;

/**
 * Keys and hashes of both sides, in a temporary file that goes with the process: memory is bounded, however many records there
 * are. Each side is summed up in buckets of keys, and only buckets that differ are looked into.
 */
export class Pairs {
  private readonly sums = { source: new Checksums(), target: new Checksums(), link: new Checksums() };

  private constructor(private readonly database: SqliteConnection) {}

  static async open(): Promise<Pairs> {
    // Without a name it is a temporary file, which nobody else sees: all of it is one transaction, which never ends.
    const database = await SqliteConnection.open({ dialect: 'sqlite', storage: '', wal: false });
    database.exec(`PRAGMA journal_mode = OFF; PRAGMA cache_size = -${CACHE_KIB};
      CREATE TABLE pairs (id INTEGER PRIMARY KEY, bucket INTEGER, side INTEGER, record_key TEXT, hash TEXT, aside INTEGER);
      CREATE TABLE suspects (record_key TEXT, side INTEGER, pair INTEGER, hash TEXT, aside INTEGER,
        PRIMARY KEY (record_key, side, pair)) WITHOUT ROWID;
      BEGIN`);
    return new Pairs(database);
  }

  add(side: Side, pairs: readonly Pair[]): void {
    const number = SIDES.indexOf(side);
    this.database.insert({
      table: PAIRS,
      columns: ['bucket', 'side', 'record_key', 'hash', 'aside'],
      keyColumns: null,
      rows: pairs.map(({ key, hash, isSetAside = false }) => {
        return [this.sums[side].add(key, hash), number, key, hash, isSetAside ? 1 : 0];
      }),
    });
  }

  summary(side: Side): SideSummary {
    return this.sums[side].summary();
  }

  /** Keys of the buckets that differ, each with what the sides have of it. */
  async *groups(): AsyncGenerator<Group> {
    const { source, target, link } = this.sums;
    // Links have no values: their keys are those of the target, or there is something to be seen.
    const hasLinks = link.total > 0;
    const differs = (bucket: number): boolean =>
      !source.equals(target, bucket) || (hasLinks && !link.hasKeysOf(target, bucket));
    if (!(await this.suspect(differs))) return;
    let group = null as Group | null;
    let rows = 0;
    for (const row of this.database.iterate(
      'SELECT record_key, side, hash, aside FROM suspects ORDER BY record_key, side, pair',
      [],
    )) {
      if (++rows % ROWS_AT_ONCE === 0) await turn();
      const key = String(row.record_key);
      if (group?.key !== key) {
        if (group !== null) yield group;
        group = { key, source: [], target: [], link: [] };
      }
      group[SIDES[Number(row.side)] as Side].push({ key, hash: String(row.hash), isSetAside: Number(row.aside) === 1 });
    }
    if (group !== null) yield group;
  }

  close(): void {
    this.database.close();
  }

  private async suspect(differs: (bucket: number) => boolean): Promise<boolean> {
    let [last, isAny] = [0, false];
    for (;;) {
      const rows = this.database.all(
        `SELECT id, bucket, side, record_key, hash, aside FROM pairs WHERE id > ? ORDER BY id LIMIT ${ROWS_AT_ONCE}`,
        [last],
      );
      const found = rows.filter(({ bucket }) => differs(Number(bucket)));
      isAny ||= found.length > 0;
      this.database.insert({
        table: SUSPECTS,
        columns: ['record_key', 'side', 'pair', 'hash', 'aside'],
        keyColumns: null,
        rows: found.map((row) => [
          String(row.record_key),
          Number(row.side),
          Number(row.id),
          String(row.hash),
          Number(row.aside),
        ]),
      });
      if (rows.length < ROWS_AT_ONCE) return isAny;
      last = Number(rows.at(-1)?.id);
      await turn();
    }
  }
}
