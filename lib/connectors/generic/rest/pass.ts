import type { Cursor } from '../../../model/sync';
import type { ReadQuery, SourceRecord } from '../../contract';
import type { Position } from './paging';
import { valueAt } from './pointer';
import type { IncrementalSetting, RestEntity } from './settings';

const DAY_MS = 86_400_000;

/** SEMANTICS 2.3: what a slow transaction of the other side may still stamp behind its clock. */
const DEFAULT_LAG_S = 300;

/** How far a pass has got: the page in hand, how many of its records were delivered, and how many came before it. */
export interface Progress {
  at: Position;
  skip: number;
  read: number;
}

const BEGINNING: Progress = { at: null, skip: 0, read: 0 };

/** One pass over an entity: where it begins, what it asks for, and where the next one begins. */
export class Pass {
  readonly start: Progress;
  readonly #paging: string;
  readonly #incremental: IncrementalSetting | undefined;
  readonly #lag: number;
  readonly #lo: string | null;
  /** Times: what the next pass begins at, by the clock of the server. */
  #hi: string | null;
  /** Largest value of the field. */
  #high: string | null;
  /** How long the list is, as the API said last. */
  #total: number | undefined;
  #hasShrunk: boolean;

  constructor(entity: RestEntity, query: Pick<ReadQuery, 'cursor' | 'lookbackSeconds'>) {
    const { paging, incremental } = entity;
    this.#paging = paging?.type ?? 'none';
    this.#incremental = incremental;
    this.#lag = Math.max(0, query.lookbackSeconds ?? incremental?.lag_seconds ?? DEFAULT_LAG_S);
    const cursor = query.cursor?.kind === this.#kind ? query.cursor : undefined;
    const text = (part: unknown) => (typeof part === 'string' ? part : null);
    this.#lo = text(cursor?.lo);
    this.#hi = text(cursor?.hi);
    this.#high = text(cursor?.high);
    this.#total = typeof cursor?.total === 'number' ? cursor.total : undefined;
    this.#hasShrunk = cursor?.shrunk === true;
    // Places in a list mean nothing once its paging was changed.
    this.start =
      cursor?.paging === this.#paging
        ? { at: (cursor.at ?? null) as Position, skip: Number(cursor.skip ?? 0), read: Number(cursor.read ?? 0) }
        : BEGINNING;
  }

  get #kind(): Cursor['kind'] {
    if (this.#incremental === undefined) return 'offset';
    return this.#incremental.type === 'sequence' ? 'sequence' : 'window';
  }

  /** What asks for changes only. */
  parameters(): [string, string][] {
    if (this.#incremental === undefined || this.#lo === null) return [];
    const { parameter, type, format } = this.#incremental;
    return [[parameter, type === 'sequence' ? this.#lo : formatted(this.#lo, format ?? 'iso')]];
  }

  /** The first answer tells the time of the server. */
  answered(headers: Readonly<Record<string, string>>): void {
    const now = Date.parse(headers.date ?? '');
    if (this.#hi === null && !Number.isNaN(now)) this.#hi = new Date(now - this.#lag * 1000).toISOString();
  }

  /**
   * What the API says about the length of the list. One that is counted and gets shorter moves records to pages that were
   * read already: the next pass asks for the same once more.
   * @returns true when that is news
   */
  told(total: number | undefined): boolean {
    const isCounted = this.#paging === 'page' || this.#paging === 'offset';
    const isNews = isCounted && !this.#hasShrunk && (total ?? Infinity) < (this.#total ?? 0);
    this.#hasShrunk ||= isNews;
    this.#total = total;
    return isNews;
  }

  saw(records: readonly SourceRecord[]): void {
    if (this.#incremental === undefined) return;
    const { field, type } = this.#incremental;
    for (const record of records) {
      const value = field.startsWith('/') ? valueAt(record, field) : record[field];
      const text = type === 'sequence' ? sequenceOf(value) : instantOf(value);
      if (text !== null && (this.#high === null || isGreater(text, this.#high))) this.#high = text;
    }
  }

  cursor(progress: Progress): Cursor {
    const length = {
      ...(this.#total !== undefined && { total: this.#total }),
      ...(this.#hasShrunk && { shrunk: true }),
    };
    return { ...this.#cursor(this.#lo, this.#hi, this.#high, progress), ...length };
  }

  /** To begin the next pass. */
  end(): Cursor {
    return this.#cursor(this.#nextLo(), null, null, BEGINNING);
  }

  #nextLo(): string | null {
    if (this.#hasShrunk) return this.#lo;
    const lo = this.#kind === 'sequence' ? this.#high : (this.#hi ?? earlier(this.#high, this.#lag));
    if (lo === null || (this.#lo !== null && isGreater(this.#lo, lo))) return this.#lo;
    return lo;
  }

  #cursor(lo: string | null, hi: string | null, high: string | null, progress: Progress): Cursor {
    const list = { paging: this.#paging, ...progress };
    return { v: 1, kind: this.#kind, ...(this.#incremental !== undefined && { lo, hi, high }), ...list };
  }
}

function formatted(instant: string, format: NonNullable<IncrementalSetting['format']>): string {
  switch (format) {
    case 'iso':
      return instant;
    case 'date':
      // A day earlier: west of Greenwich the day of the API is still yesterday's in the evening.
      return new Date(Date.parse(instant) - DAY_MS).toISOString().slice(0, 10);
    case 'unix':
      return String(Math.floor(Date.parse(instant) / 1000));
    case 'unix_ms':
      return String(Date.parse(instant));
  }
}

function sequenceOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/** A time without a zone cannot be compared with any clock, so it is left out. */
function instantOf(value: unknown): string | null {
  if (typeof value !== 'string' || !/(Z|[+-]\d\d:?\d\d)$/.test(value)) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

function isGreater(value: string, than: string): boolean {
  const areNumbers = /^-?\d+$/.test(value) && /^-?\d+$/.test(than);
  return areNumbers ? BigInt(value) > BigInt(than) : value > than;
}

function earlier(instant: string | null, seconds: number): string | null {
  return instant === null ? null : new Date(Date.parse(instant) - seconds * 1000).toISOString();
}
