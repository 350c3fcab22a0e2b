import { setTimeout as sleep } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import type { Tag, TagSetting } from '../../../protocols/modbus/tag';
import type { SubscriptionItem, TagValue } from '../../live';

/** A tag that is read again and again. */
export interface Watched {
  tag: Tag;
  intervalMs: number;
  /** Changes up to it are left out, in units of the value. */
  deadband: number;
}

export type ReadNow = (tags: readonly Tag[], signal: AbortSignal) => Promise<TagValue[]>;

/** Values that wait for the subscriber; polling waits with them. */
const MOST_WAITING = 10_000;

/** What an item asks, else what its tag says, else the connection. */
export function watch(tag: Tag, item: SubscriptionItem, pollIntervalMs: number): Watched {
  const { sampling_interval_ms, deadband, range } = tag.setting;
  return {
    tag,
    intervalMs: item.sampling_interval_ms ?? sampling_interval_ms ?? pollIntervalMs,
    deadband: width(tag.name, item.deadband ?? deadband ?? 0, range),
  };
}

function width(name: string, deadband: NonNullable<TagSetting['deadband']>, range: TagSetting['range']): number {
  if (typeof deadband === 'number') return deadband;
  if (deadband.type === 'absolute') return deadband.value;
  if (range === undefined) {
    throw new IntegrationError('config', 'PCP_MODBUS_TAG', `Tag "${name}" has a deadband in per cent and no range.`, {
      hint: 'Give "range": [least, most], or an absolute deadband.',
    });
  }
  return ((range[1] - range[0]) * deadband.value) / 100;
}

/**
 * Polls until the signal aborts, and gives what changed. Tags of one unit and interval are read together; each unit has
 * its own clock, so that a slow one keeps none waiting.
 * @throws what broke the line
 */
export async function* poll(
  watched: readonly Watched[],
  readNow: ReadNow,
  signal: AbortSignal,
): AsyncGenerator<TagValue[]> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const waiting: TagValue[] = [];
  let filled = Promise.withResolvers<void>();
  let emptied = Promise.withResolvers<void>();
  const pollGroup = async (group: readonly Watched[], intervalMs: number): Promise<void> => {
    const last = new Map<Tag, TagValue>();
    for (let due = performance.now(); ; ) {
      const values = await readNow(
        group.map(({ tag }) => tag),
        both,
      );
      values.forEach((value, index) => {
        const { tag, deadband } = group[index] as Watched;
        if (!isNews(last.get(tag), value, deadband)) return;
        last.set(tag, value);
        waiting.push(value);
      });
      if (waiting.length > 0) filled.resolve();
      while (waiting.length > MOST_WAITING && !both.aborted) await emptied.promise;
      const now = performance.now();
      // A reading that took longer than the interval skips what it missed.
      due += intervalMs * Math.max(1, Math.ceil((now - due) / intervalMs));
      await sleep(due - now, undefined, { signal: both });
    }
  };
  const groups = Map.groupBy(watched, ({ tag, intervalMs }) => `${tag.unitId} ${intervalMs}`);
  let failure: unknown;
  // Nothing waits for the end itself: a promise that many wait for, time and again, keeps them all.
  const ended = Promise.all(
    [...groups.values()].map((group) => pollGroup(group, (group[0] as Watched).intervalMs)),
  ).catch((error: unknown) => {
    failure = error;
    filled.resolve();
  });
  try {
    for (;;) {
      await filled.promise;
      if (signal.aborted) return;
      const values = waiting.splice(0);
      filled = Promise.withResolvers();
      emptied.resolve();
      emptied = Promise.withResolvers();
      if (values.length > 0) yield values;
      if (failure !== undefined) throw failure;
    }
  } finally {
    stop.abort();
    emptied.resolve();
    await ended;
  }
}

function isNews(last: TagValue | undefined, now: TagValue, deadband: number): boolean {
  if (last === undefined || last.quality !== now.quality || last.status !== now.status) return true;
  const change = Math.abs(Number(now.value) - Number(last.value));
  const isNumber = typeof now.value === 'number' || typeof now.value === 'string';
  if (deadband > 0 && isNumber && !Number.isNaN(change)) return change > deadband;
  return JSON.stringify(now.value) !== JSON.stringify(last.value);
}
