import { createHash } from 'node:crypto';
import { closedUntil } from './blackouts';
import type { Schedule } from './definition';

/** Later than this a due time was missed: nothing was there to fire it. */
const MISSED_AFTER_MS = 60_000;
/** Due times that are caught up at once. */
const MOST_CAUGHT_UP = 100;

/** A due time that is fired: by a run, by one that waits for the end of a blackout, or by none. */
export interface Fire {
  dueAt: number;
  as: { run: true } | { waitUntil: number } | { skip: 'PCP_SKIPPED_BLACKOUT' | 'PCP_SKIPPED_MISSED' };
  /** One of several missed ones, each of which is wanted. */
  isCaughtUp: boolean;
}

export interface Plan {
  fires: Fire[];
  nextFireAt: number | null;
}

/** When a due time is fired: put off by its share of the jitter, which every process reckons alike, yet before the next. */
export function fireAt(id: string, { jitterMs, times }: Schedule, dueAt: number): number {
  if (jitterMs === 0) return dueAt;
  const share = createHash('sha256').update(`${id} ${dueAt}`).digest().readUInt32BE() / 2 ** 32;
  const interval = (times.after(dueAt) ?? Number.POSITIVE_INFINITY) - dueAt;
  return dueAt + Math.floor(share * Math.min(jitterMs, interval));
}

/**
 * What is to be fired now, and which due time comes next.
 * @param dueAt the due time that is to be fired next
 * @returns null when it is not its time yet
 */
export function planFires(id: string, schedule: Schedule, dueAt: number, now: number): Plan | null {
  if (fireAt(id, schedule, dueAt) > now) return null;
  const closed = closedUntil(schedule.closures, now);
  if (closed !== null) {
    const as = closed.policy === 'wait' ? { waitUntil: closed.until } : ({ skip: 'PCP_SKIPPED_BLACKOUT' } as const);
    // What waits for the end of the blackout is the run of that very moment as well.
    const from = closed.policy === 'wait' ? closed.until : closed.until - 1;
    return { fires: [{ dueAt, as, isCaughtUp: false }], nextFireAt: schedule.times.after(from) };
  }
  return { fires: firesOf(id, schedule, dueAt, now), nextFireAt: firstOpen(id, schedule, dueAt, now) };
}

function firesOf(id: string, schedule: Schedule, dueAt: number, now: number): Fire[] {
  if (schedule.misfire === 'run_all') {
    const dues = newestDues(id, schedule, Math.max(dueAt, now - schedule.catchUpMs), now);
    if (dues.length > 0) return dues.map((due) => ({ dueAt: due, as: { run: true }, isCaughtUp: dues.length > 1 }));
  } else if (schedule.misfire === 'run_once') {
    return [{ dueAt, as: { run: true }, isCaughtUp: false }];
  } else {
    const [recent] = dueTimes(id, schedule, Math.max(dueAt, now - schedule.jitterMs - MISSED_AFTER_MS), now);
    if (recent !== undefined) return [{ dueAt: recent, as: { run: true }, isCaughtUp: false }];
  }
  return [{ dueAt, as: { skip: 'PCP_SKIPPED_MISSED' }, isCaughtUp: false }];
}

/** The last due times from one on that are to be fired by now, in order. Few are looked at, however many there were. */
function newestDues(id: string, schedule: Schedule, from: number, now: number): number[] {
  for (let back = MOST_CAUGHT_UP * 1000; ; back *= 2) {
    const start = Math.max(from, now - back);
    const found = [...dueTimes(id, schedule, start, now)];
    if (start === from || found.length >= MOST_CAUGHT_UP) return found.slice(-MOST_CAUGHT_UP);
  }
}

/** Due times from one on that are to be fired by now, in order. */
function* dueTimes(id: string, schedule: Schedule, from: number, now: number): Generator<number> {
  let due = schedule.times.after(from - 1);
  while (due !== null && fireAt(id, schedule, due) <= now) {
    yield due;
    due = schedule.times.after(due);
  }
}

/** The first due time whose moment has not come. */
function firstOpen(id: string, schedule: Schedule, dueAt: number, now: number): number | null {
  let due = schedule.times.after(Math.max(dueAt, now - schedule.jitterMs - 1));
  while (due !== null && fireAt(id, schedule, due) <= now) due = schedule.times.after(due);
  return due;
}

/** When runs are going to begin: the next due times without those that a blackout takes away or puts off. */
export function nextRuns(schedule: Schedule, now: number, count: number): number[] {
  const found = new Set<number>();
  let due = schedule.times.after(now);
  for (let tries = 0; due !== null && found.size < count && tries < 10 * count; tries++) {
    const closed = closedUntil(schedule.closures, due);
    if (closed?.policy !== 'skip') found.add(closed?.until ?? due);
    due = schedule.times.after(closed === null ? due : closed.until - 1);
  }
  return [...found];
}
