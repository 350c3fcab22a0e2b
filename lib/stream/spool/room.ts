import type { DatabaseSync } from 'node:sqlite';
import type { WhenFull } from '../../model/stream';

/** Sequence numbers, both ends included. */
export type Range = [from: number, to: number];

export interface Removed {
  records: number;
  bytes: number;
}

/** So much at once, that making room is the exception. */
const STEP = 1_000;
/** Of these oldest records every second one of each tag goes. */
const THINNED = 10_000;

/** Removes records that are not in a run's hands, so that an append fits. */
export function makeRoom(
  file: DatabaseSync,
  stream: number,
  taken: readonly Range[],
  how: WhenFull,
  wanted: { bytes: number; rows: readonly unknown[] },
): Removed {
  if (how === 'downsample') return thinOut(file, stream, taken);
  const removed: Removed = { records: 0, bytes: 0 };
  do {
    const step = removeWhere(file, `stream = ? AND ${notTaken(taken)} ORDER BY seq LIMIT ${STEP}`, [stream]);
    if (step.records === 0) return removed;
    removed.records += step.records;
    removed.bytes += step.bytes;
  } while (removed.bytes < wanted.bytes || removed.records < wanted.rows.length);
  return removed;
}

export function removeOlder(file: DatabaseSync, stream: number, taken: readonly Range[], before: number): Removed {
  return removeWhere(file, `stream = ? AND received_at < ? AND ${notTaken(taken)}`, [stream, before]);
}

/** The older, the sparser: what was thinned out before is so again. */
function thinOut(file: DatabaseSync, stream: number, taken: readonly Range[]): Removed {
  const oldest = `SELECT seq, record FROM spool WHERE stream = ? AND ${notTaken(taken)} ORDER BY seq LIMIT ${THINNED}`;
  const everySecond = `SELECT seq FROM (
      SELECT seq, ROW_NUMBER() OVER (PARTITION BY record ->> '$.tag' ORDER BY seq) AS place FROM (${oldest})
    ) WHERE place % 2 = 0`;
  return removeWhere(file, `seq IN (${everySecond})`, [stream]);
}

function removeWhere(file: DatabaseSync, condition: string, parameters: number[]): Removed {
  const rows = file
    .prepare(`DELETE FROM spool WHERE seq IN (SELECT seq FROM spool WHERE ${condition}) RETURNING bytes`)
    .all(...parameters);
  return { records: rows.length, bytes: rows.reduce((sum, row) => sum + Number(row.bytes), 0) };
}

function notTaken(taken: readonly Range[]): string {
  return taken
    .map(([from, to]) => `seq NOT BETWEEN ${Number(from)} AND ${Number(to)}`)
    .concat('1')
    .join(' AND ');
}
