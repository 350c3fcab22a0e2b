import Big from 'big.js';
import { IntegrationError } from '../../../model/errors';
import type { Cursor } from '../../../model/sync';
import type { ColumnInfo, SqlValue } from '../../../protocols/sql/database';
import { toSqlValue } from '../../../protocols/sql/values';
import type { ReadQuery } from '../../contract';
import type { Condition } from './filters';
import { type CursorValue, fromCursorValue, operand, toCursorValue } from './keyset';
import type { Selection } from './select';
import { earlier, isInstant } from './timestamps';

/** SEMANTICS 2.3: what a transaction that was still open may have stamped before the bound of the last pass. */
const DEFAULT_LOOKBACK_S = 30;
/** Local time goes through an hour twice when daylight saving ends. */
const REPEATED_HOUR_S = 3600;
/** How much an open transaction's number may lie behind those that were committed before it. */
export const DEFAULT_LOOKBACK_VALUES = 1000;
/** The zone furthest ahead of UTC. */
const FURTHEST_ZONE_MS = 14 * 3_600_000;

export interface DatabaseQuery extends ReadQuery {
  /** How far to go back behind the last number of a sequence. */
  lookbackValues: number;
}

/** One pass over what changed: its bounds, how far it got, and where the next one begins. */
export interface Pass {
  readonly column: ColumnInfo;
  /** Nothing can be in it. */
  readonly empty: boolean;
  /** Values of the cursor column and the key of the last row read. */
  progress: CursorValue[] | null;
  conditions(): Condition[];
  /** The last row, in the order of the read. */
  reached(position: CursorValue[]): void;
  /** Any row, when they come in no order. */
  passed(value: CursorValue): void;
  /** To continue this pass. */
  cursor(): Cursor;
  /** To begin the next one. */
  nextCursor(): Cursor;
}

/** @throws config PCP_CURSOR_FIELD for a column whose values do not grow with changes, PCP_CURSOR_INVALID */
export async function startPass(selection: Selection, column: ColumnInfo, query: DatabaseQuery): Promise<Pass> {
  switch (column.type) {
    case 'date':
    case 'datetime':
      return startWindow(selection, column, query);
    case 'integer':
    case 'number':
    case 'decimal':
      return new SequencePass(selection, column, query.cursor, '>', query.lookbackValues);
    case 'text':
      // Texts may repeat and sort by collation: the last value is read again rather than one of its rows lost.
      return new SequencePass(selection, column, query.cursor, '>=', 0);
    default:
      throw new IntegrationError('config', 'PCP_CURSOR_FIELD', `Column "${column.name}" cannot tell what changed.`, {
        path: '/cursor_field',
        hint: 'Take a column with the time of the last change, or a number that grows with each change.',
      });
  }
}

/**
 * A window [lo, hi) of instants, hi by the clock of the source. A time without a zone cannot be compared with any clock,
 * so there hi is the largest value present, and belongs to the window; what lies further ahead than any zone is left out.
 */
async function startWindow(selection: Selection, column: ColumnInfo, query: ReadQuery): Promise<WindowPass> {
  const given = query.cursor?.kind === 'window' ? query.cursor : undefined;
  const repeated = column.type === 'date' || isInstant(column) ? 0 : REPEATED_HOUR_S;
  const lookback = Math.max(0, query.lookbackSeconds ?? DEFAULT_LOOKBACK_S + repeated);
  const lo = (given?.lo ?? null) as CursorValue;
  if (given !== undefined && given.hi !== null) {
    const pass = new WindowPass(selection, column, lo, given.hi as CursorValue, given.closed === true, lookback);
    pass.progress = readProgress(given);
    return pass;
  }
  const { dialect } = selection.database;
  const now = await selection.database.now();
  if (isInstant(column)) {
    const hi = toSqlValue(now, column, dialect) as string;
    return new WindowPass(selection, column, lo, hi, false, lookback);
  }
  const limit = new Date(now.getTime() + FURTHEST_ZONE_MS).toISOString().slice(0, -1);
  const day = limit.slice(0, 10);
  // SQLite compares as text, whatever the format: "~" sorts behind every time of that day.
  const bound = dialect === 'sqlite' ? `${day}~` : toSqlValue(column.type === 'date' ? day : limit, column, dialect);
  const hi = toCursorValue(await selection.largest(column, bound));
  return new WindowPass(selection, column, lo, hi, true, lookback);
}

class WindowPass implements Pass {
  progress: CursorValue[] | null = null;

  constructor(
    private readonly selection: Selection,
    readonly column: ColumnInfo,
    private readonly lo: CursorValue,
    private readonly hi: CursorValue,
    private readonly closed: boolean,
    private readonly lookback: number,
  ) {}

  get empty(): boolean {
    return this.hi === null;
  }

  conditions(): Condition[] {
    const { selection, column, lo, hi } = this;
    const upper = compare(selection, column, this.closed ? '<=' : '<', hi);
    return lo === null ? [upper] : [compare(selection, column, '>=', lo), upper];
  }

  reached(position: CursorValue[]): void {
    this.progress = position;
  }

  passed(): void {
    // The bounds alone say where the next window begins.
  }

  cursor(): Cursor {
    const { lo, hi, closed } = this;
    return {
      v: 1,
      kind: 'window',
      lo,
      hi: this.progress === null ? null : hi,
      closed,
      progress: progressOf(this.progress),
    };
  }

  nextCursor(): Cursor {
    const lo = this.hi === null ? this.lo : earlier(this.hi, this.lookback, this.column.type === 'date');
    return { v: 1, kind: 'window', lo, hi: null, closed: this.closed, progress: null };
  }
}

/**
 * Everything behind the last value of a number that grows, or from the last text on. Sequences give out numbers before
 * their transactions commit, so the last numbers are read again: one of them may have been committed since.
 */
class SequencePass implements Pass {
  progress: CursorValue[] | null = null;
  readonly empty = false;
  private readonly lo: CursorValue;
  private highest: CursorValue;

  constructor(
    private readonly selection: Selection,
    readonly column: ColumnInfo,
    cursor: Cursor | null,
    private readonly operator: '>' | '>=',
    private readonly lookback: number,
  ) {
    const given = cursor?.kind === 'sequence' ? cursor : undefined;
    this.lo = (given?.lo ?? null) as CursorValue;
    this.highest = this.lo;
    const progress = given === undefined ? null : readProgress(given);
    if (progress !== null) this.reached(progress);
  }

  conditions(): Condition[] {
    const { selection, column, lo, operator, lookback } = this;
    if (lo === null) return [{ sql: `${selection.quote(column.name)} IS NOT NULL`, parameters: [] }];
    return [compare(selection, column, operator, lower(lo, lookback, column))];
  }

  reached(position: CursorValue[]): void {
    const [value = null] = position;
    this.progress = position;
    // Of texts only the database knows the order; numbers may be some that are read again.
    if (this.column.type === 'text') this.highest = value;
    else this.passed(value);
  }

  passed(value: CursorValue): void {
    if (this.highest === null || isGreater(value, this.highest, this.column)) this.highest = value;
  }

  cursor(): Cursor {
    return { v: 1, kind: 'sequence', lo: this.lo, progress: progressOf(this.progress) };
  }

  nextCursor(): Cursor {
    return { v: 1, kind: 'sequence', lo: this.highest, progress: null };
  }
}

function compare(selection: Selection, column: ColumnInfo, operator: string, value: CursorValue): Condition {
  const { dialect } = selection.database;
  const parameter: SqlValue = fromCursorValue(value, column, dialect);
  return { sql: `${selection.quote(column.name)} ${operator} ${operand(column, dialect)}`, parameters: [parameter] };
}

function lower(value: CursorValue, by: number, { type }: ColumnInfo): CursorValue {
  if (by === 0) return value;
  if (type === 'integer') return String(BigInt(String(value)) - BigInt(by));
  return type === 'decimal' ? new Big(String(value)).minus(by).toFixed() : Number(value) - by;
}

function isGreater(value: CursorValue, than: CursorValue, column: ColumnInfo): boolean {
  if (column.type === 'integer') return BigInt(String(value)) > BigInt(String(than));
  return column.type === 'text' ? String(value) > String(than) : Number(value) > Number(than);
}

function progressOf(position: CursorValue[] | null): { ts: CursorValue; pk: CursorValue[] } | null {
  return position === null ? null : { ts: position[0] ?? null, pk: position.slice(1) };
}

function readProgress(cursor: Cursor): CursorValue[] | null {
  const progress = cursor.progress as { ts: CursorValue; pk: CursorValue[] } | null;
  return progress === null ? null : [progress.ts, ...progress.pk];
}
