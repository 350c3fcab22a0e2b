import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SourceRecord } from '../connectors/contract';
import { recordsText } from './unreadable-record';

/** Numbers of records, both ends included. */
export type Range = [from: number, to: number];

export interface Spooled {
  seq: number;
  receivedAt: number;
  record: SourceRecord;
}

/** How much something is. */
export interface Amount {
  records: number;
  bytes: number;
}

/** Records that came together, as they are written. */
export interface Row extends Amount {
  content: string;
}

/** So many at most are read to get at one of them. */
const MOST_RECORDS = 100;
/** Row, index and page, beside the content. */
const OVERHEAD = 60;
/** So much at once, that making room is the exception. */
const STEP = 1_000;
/** Of so many of the oldest rows, or so large ones, every second record of each tag goes. */
const THINNED_ROWS = 1_000;
const THINNED_BYTES = 8 * 1024 * 1024;

/** Whatever their number, records that come together are written in a few rows: what a row costs is shared by them. */
export function rowsOf(records: readonly SourceRecord[]): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < records.length; at += MOST_RECORDS) {
    rows.push(rowOf(records.length <= MOST_RECORDS ? records : records.slice(at, at + MOST_RECORDS)));
  }
  return rows;
}

function rowOf(records: readonly SourceRecord[]): Row {
  const content = recordsText(records);
  return { content, records: records.length, bytes: Buffer.byteLength(content) + OVERHEAD };
}

/**
 * The records in the spool's file. Each has a number, and a row has those up to its `last`: of what was in it, the last
 * `records` are left.
 */
export class SpoolRows {
  private readonly insert: StatementSync;
  /** Number of the newest record that there ever was, of whatever stream; to be set back when an append is rolled back. */
  last: number;

  constructor(private readonly file: DatabaseSync) {
    this.insert = file.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)');
    this.last = Number(file.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'batches'`).get()?.seq ?? 0);
  }

  append(stream: number, receivedAt: number, { content, records, bytes }: Row): void {
    this.last += records;
    this.insert.run(this.last, stream, receivedAt, records, bytes, content);
  }

  amount(stream: number): Amount {
    return amountOf(
      this.file
        .prepare('SELECT SUM(records) AS records, SUM(bytes) AS bytes FROM batches WHERE stream = ?')
        .get(stream),
    );
  }

  oldestAt(stream: number): number | null {
    const row = this.file.prepare('SELECT received_at FROM batches WHERE stream = ? ORDER BY last LIMIT 1').get(stream);
    return row === undefined ? null : Number(row.received_at);
  }

  /** The streams that have records. */
  get streams(): number[] {
    return this.file
      .prepare('SELECT DISTINCT stream FROM batches')
      .all()
      .map(({ stream }) => Number(stream));
  }

  read(stream: number, after: number, upTo: number, limit: number): Spooled[] {
    const rows = this.file
      .prepare(
        `SELECT last, received_at, records, content FROM batches
         WHERE stream = ? AND last > ? AND last <= ? ORDER BY last`,
      )
      .iterate(stream, after, upTo);
    const spooled: Spooled[] = [];
    for (const row of rows) {
      const records = contentOf(row);
      const first = Number(row.last) - records.length + 1;
      for (let at = Math.max(0, after + 1 - first); at < records.length; at++) {
        spooled.push({ seq: first + at, receivedAt: Number(row.received_at), record: records[at] as SourceRecord });
        if (spooled.length === limit) return spooled;
      }
    }
    return spooled;
  }

  /** Removes these, and with them what is before them in their rows: records go in order. */
  remove(stream: number, [from, to]: Range): Amount {
    const removed = this.removeWhere('stream = ? AND last BETWEEN ? AND ?', [stream, from, to]);
    const begun = this.file
      .prepare('SELECT last, records FROM batches WHERE stream = ? AND last > ? ORDER BY last LIMIT 1')
      .get(stream, to);
    if (begun === undefined) return removed;
    const left = Number(begun.last) - to;
    const gone = Number(begun.records) - left;
    if (gone <= 0) return removed;
    this.file.prepare('UPDATE batches SET records = ? WHERE last = ?').run(left, Number(begun.last));
    return { records: removed.records + gone, bytes: removed.bytes };
  }

  removeAll(stream: number): Amount {
    return this.removeWhere('stream = ?', [stream]);
  }

  /** @param taken records in a run's hands, which stay */
  removeOlder(stream: number, taken: readonly Range[], before: number): Amount {
    return this.removeWhere(`stream = ? AND received_at < ? AND ${notTaken(taken)}`, [stream, before]);
  }

  /** Removes at least so much, where there is that. */
  removeOldest(stream: number, taken: readonly Range[], wanted: Amount): Amount {
    const rows = this.file
      .prepare(`SELECT last, records, bytes FROM batches WHERE stream = ? AND ${notTaken(taken)} ORDER BY last`)
      .iterate(stream);
    const sum: Amount = { records: 0, bytes: 0 };
    let upTo = 0;
    for (const row of rows) {
      if (sum.bytes >= wanted.bytes && sum.records >= Math.max(wanted.records, STEP)) break;
      sum.records += Number(row.records);
      sum.bytes += Number(row.bytes);
      upTo = Number(row.last);
    }
    return this.removeWhere(`stream = ? AND last <= ? AND ${notTaken(taken)}`, [stream, upTo]);
  }

  /** The older, the sparser: what was thinned out before is so again. */
  thinOut(stream: number, taken: readonly Range[]): Amount {
    const rows = this.file
      .prepare(
        `SELECT last, records, bytes, content FROM batches WHERE stream = ? AND ${notTaken(taken)} ORDER BY last`,
      )
      .iterate(stream);
    const replace = this.file.prepare('UPDATE batches SET records = ?, bytes = ?, content = ? WHERE last = ?');
    const drop = this.file.prepare('DELETE FROM batches WHERE last = ?');
    const removed: Amount = { records: 0, bytes: 0 };
    const places = new Map<unknown, number>();
    let [count, bytes] = [0, 0];
    for (const row of rows) {
      if (removed.records > 0 && (count >= THINNED_ROWS || bytes >= THINNED_BYTES)) break;
      count++;
      bytes += Number(row.bytes);
      const records = contentOf(row);
      const kept = records.filter(({ tag }) => {
        const place = places.get(tag) ?? 0;
        places.set(tag, place + 1);
        return place % 2 === 0;
      });
      const thinned = rowOf(kept);
      if (kept.length === 0) drop.run(Number(row.last));
      else replace.run(thinned.records, thinned.bytes, thinned.content, Number(row.last));
      removed.records += records.length - kept.length;
      removed.bytes += Number(row.bytes) - (kept.length === 0 ? 0 : thinned.bytes);
    }
    return removed;
  }

  private removeWhere(condition: string, parameters: number[]): Amount {
    const sum = this.file.prepare(
      `SELECT SUM(records) AS records, SUM(bytes) AS bytes FROM batches WHERE ${condition}`,
    );
    const removed = amountOf(sum.get(...parameters));
    if (removed.records > 0) this.file.prepare(`DELETE FROM batches WHERE ${condition}`).run(...parameters);
    return removed;
  }
}

function amountOf(row: Record<string, unknown> | undefined): Amount {
  return { records: Number(row?.records ?? 0), bytes: Number(row?.bytes ?? 0) };
}

function contentOf({ content, records }: Record<string, unknown>): SourceRecord[] {
  return (JSON.parse(String(content)) as SourceRecord[]).slice(-Number(records));
}

function notTaken(taken: readonly Range[]): string {
  return taken
    .map(([from, to]) => `(last < ${Number(from)} OR last - records >= ${Number(to)})`)
    .concat('1')
    .join(' AND ');
}
