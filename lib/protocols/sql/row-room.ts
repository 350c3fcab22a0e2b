import type { SqlRow } from './database';

/** What the rows of a batch take up, about (SEMANTICS 2.13). */
const BATCH_BYTES = 8 * 1024 * 1024;
/** What rows that are fetched at once would take up, were all of them like the widest so far. */
const FETCH_BYTES = 64 * 1024 * 1024;
/** As long as nothing is known of their width. */
const FIRST_ROWS = 10;

/** How many rows of a read fit into memory: batches end early where rows are wide. */
export class RowRoom {
  private count = 0;
  private bytes = 0;
  private average = 0;
  private widest = 0;

  constructor(private readonly most: number) {}

  /** Rows of this batch to fetch next. */
  get rows(): number {
    const left = this.most - this.count;
    if (this.widest === 0) return Math.min(left, FIRST_ROWS);
    const fitting = Math.min((BATCH_BYTES - this.bytes) / this.average, FETCH_BYTES / this.widest);
    return Math.max(1, Math.min(left, Math.floor(fitting)));
  }

  /** @returns whether the batch is full with these rows; what comes then begins the next */
  take(rows: readonly SqlRow[]): boolean {
    let bytes = 0;
    for (const row of rows) {
      const width = widthOf(row);
      bytes += width;
      if (width > this.widest) this.widest = width;
    }
    if (rows.length > 0) this.average = bytes / rows.length;
    this.bytes += bytes;
    this.count += rows.length;
    if (this.count < this.most && this.bytes < BATCH_BYTES) return false;
    this.count = 0;
    this.bytes = 0;
    return true;
  }
}

function widthOf(row: SqlRow): number {
  let width = 0;
  for (const name in row) {
    const value = row[name];
    width += 16 + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 0);
  }
  return width;
}
