import { IntegrationError } from '../../../model/errors';
import type { Cursor } from '../../../model/sync';
import type { ColumnInfo, SqlRow } from '../../../protocols/sql/database';
import { RowRoom } from '../../../protocols/sql/row-room';
import type { Batch } from '../../contract';
import type { Condition } from './filters';
import { after, type CursorValue, fromCursorValue, toCursorValue } from './keyset';
import { type DatabaseQuery, type Pass, startPass } from './pass';
import type { Selection } from './select';

/** @throws cancelled PCP_CANCELLED, or the abort's own reason */
export function stopIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof IntegrationError) throw signal.reason;
  throw new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.', { cause: signal.reason });
}

/** Chooses how an entity is read: what changed, everything by key, or everything in one piece. */
export async function* readBatches(
  selection: Selection,
  query: DatabaseQuery,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  stopIfAborted(signal);
  await selection.requireKeys();
  if (selection.cursorColumn !== undefined) yield* readChanges(selection, selection.cursorColumn, query, signal);
  else if (selection.key.length > 0) yield* readByKey(selection, query, signal);
  else yield* readWhole(selection, query, signal);
}

/** Everything in the order of the key. The cursor is the key of the last row. */
async function* readByKey(selection: Selection, query: DatabaseQuery, signal: AbortSignal): AsyncIterable<Batch> {
  const names = selection.entity.key;
  let position = keysetPosition(query.cursor, names);
  const total = position === null ? await selection.count() : undefined;
  const room = new RowRoom(query.batchSize);
  for (;;) {
    const { rows, more } = await fetchBatch(selection, [], position, selection.key, room, signal);
    const last = rows.at(-1);
    if (last === undefined) return;
    position = valuesOf(last, selection.key);
    const cursorAfter: Cursor = { v: 1, kind: 'keyset', key: names, after: position };
    yield batch(selection, rows, cursorAfter, total);
    if (!more) return;
  }
}

/** @throws config PCP_CURSOR_INVALID when the key has changed since */
function keysetPosition(cursor: Cursor | null, names: string[]): CursorValue[] | null {
  if (cursor === null || cursor.kind !== 'keyset') return null;
  if (JSON.stringify(cursor.key) === JSON.stringify(names)) return cursor.after as CursorValue[];
  throw new IntegrationError(
    'config',
    'PCP_CURSOR_INVALID',
    'The key of the table has changed since this read began.',
    {
      hint: 'Start a full synchronisation.',
    },
  );
}

/** Without a key there is nothing to continue from: one consistent read, begun anew after an interruption. */
async function* readWhole(selection: Selection, query: DatabaseQuery, signal: AbortSignal): AsyncIterable<Batch> {
  const total = await selection.count();
  let read = 0;
  for await (const rows of selection.stream([], query.batchSize)) {
    stopIfAborted(signal);
    read += rows.length;
    yield batch(selection, rows, { v: 1, kind: 'snapshot', rows: read }, total);
  }
}

/** What changed since the last pass, in the order of the cursor column and the key. */
async function* readChanges(
  selection: Selection,
  column: ColumnInfo,
  query: DatabaseQuery,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const pass = await startPass(selection, column, query);
  if (selection.key.length === 0) {
    yield* readChangesWhole(selection, pass, query, signal);
    return;
  }
  const order = [column, ...selection.key.filter((each) => each !== column)];
  const room = new RowRoom(query.batchSize);
  for (;;) {
    const { rows, more } = pass.empty
      ? { rows: [], more: false }
      : await fetchBatch(selection, pass.conditions(), pass.progress, order, room, signal);
    const last = rows.at(-1);
    if (last !== undefined) pass.reached(valuesOf(last, order));
    yield batch(selection, rows, more ? pass.cursor() : pass.nextCursor());
    if (!more) return;
  }
}

/** Rows that nothing identifies can only be counted as done together: the cursor moves with the last batch. */
async function* readChangesWhole(
  selection: Selection,
  pass: Pass,
  query: DatabaseQuery,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const unmoved = pass.cursor();
  let held: SqlRow[] | undefined;
  if (!pass.empty) {
    for await (const rows of selection.stream(pass.conditions(), query.batchSize)) {
      stopIfAborted(signal);
      for (const row of rows) pass.passed(toCursorValue(row[pass.column.name]));
      if (held !== undefined) yield batch(selection, held, unmoved);
      held = rows;
    }
  }
  yield batch(selection, held ?? [], pass.nextCursor());
}

/** The rows after a position that have room in memory together. */
async function fetchBatch(
  selection: Selection,
  conditions: readonly Condition[],
  position: CursorValue[] | null,
  order: readonly ColumnInfo[],
  room: RowRoom,
  signal: AbortSignal,
): Promise<{ rows: SqlRow[]; more: boolean }> {
  const rows: SqlRow[] = [];
  for (let last = position; ; last = valuesOf(rows.at(-1)!, order)) {
    stopIfAborted(signal);
    const after = last === null ? [] : [afterRow(selection, order, last)];
    const page = await fetchPage(selection, [...conditions, ...after], order, room.rows);
    for (const row of page.rows) rows.push(row);
    if (room.take(page.rows) || !page.more) return { rows, more: page.more };
  }
}

/** One row more than asked for tells whether there are more, and whether a claimed key is really one. */
async function fetchPage(
  selection: Selection,
  conditions: Condition[],
  order: readonly ColumnInfo[],
  size: number,
): Promise<{ rows: SqlRow[]; more: boolean }> {
  const rows = await selection.page(conditions, order, size + 1);
  if (rows.length <= size) return { rows, more: false };
  const next = rows.pop()!;
  const [last, first] = [rows.at(-1)!, next].map((row) => JSON.stringify(valuesOf(row, order)));
  if (last === first) throw selection.badKey('PCP_SQL_KEY_NOT_UNIQUE', `stands more than once: ${last}`);
  return { rows, more: true };
}

function afterRow(selection: Selection, order: readonly ColumnInfo[], position: readonly CursorValue[]) {
  const { dialect } = selection.database;
  const values = order.map((column, index) => fromCursorValue(position[index] ?? null, column, dialect));
  return after(order, values, selection.quote, dialect);
}

function valuesOf(row: SqlRow, columns: readonly ColumnInfo[]): CursorValue[] {
  return columns.map(({ name }) => toCursorValue(row[name]));
}

function batch(selection: Selection, rows: SqlRow[], cursorAfter: Cursor, total?: number): Batch {
  const records = selection.records(rows);
  const { key } = selection.entity;
  return {
    records,
    cursorAfter,
    ...(total !== undefined && { total }),
    ...(key.length > 0 && {
      positions: (index: number) => key.map((name) => `${name}=${String(records[index]?.[name])}`).join(', '),
    }),
  };
}
