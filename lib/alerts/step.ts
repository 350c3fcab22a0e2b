import type { AlertEventType, AlertKind, AlertRule, AlertState } from '../model/alert';
import { isReached } from './kinds';

/** How a subject of a rule is found to be. */
export interface Observation {
  subject: string;
  connectionId: number | null;
  mappingId: number | null;
  value: number;
  /** Of this very subject, where the rule has none. */
  threshold?: number;
  /** Facts of which the words are made. */
  details: Record<string, unknown>;
}

/** An alert that is not over. Times are epoch milliseconds. */
export interface Standing {
  state: Exclude<AlertState, 'resolved'>;
  value: number;
  threshold: number;
  since: number;
  /** Since when it is well again, but not for long enough. */
  clearSince: number | null;
  firedAt: number | null;
  /** When it was last told. */
  toldAt: number | null;
}

export type Step =
  /** It stands like this now; the event, if any, is to be told. */
  | { stands: Standing; event?: Exclude<AlertEventType, 'resolved'> }
  /** It is over; what was never told is forgotten. */
  | { stands: null; event?: 'resolved' };

type Judged = Pick<
  AlertRule,
  'kind' | 'threshold' | 'clear_threshold' | 'for_seconds' | 'clear_for_seconds' | 'repeat_seconds'
>;

/**
 * What becomes of an alert when its subject is looked at.
 * @param before null: there is none yet
 * @param found undefined: nothing is wrong with it, or it is not there any more
 */
export function step(rule: Judged, before: Standing | null, found: Observation | undefined, now: number): Step {
  if (before === null || before.state === 'pending') return begin(rule, before, found, now);
  const threshold = rule.threshold ?? found?.threshold ?? before.threshold;
  const isWrong = found !== undefined && !isOver(rule, found.value, threshold);
  const value = found?.value ?? before.value;
  if (isWrong) {
    const stands = { ...before, value, threshold, clearSince: null };
    const { repeat_seconds: repeat } = rule;
    const isSilent = before.state === 'acknowledged' || repeat === null || before.toldAt === null;
    if (isSilent || now - (before.toldAt ?? now) < repeat * 1000) return { stands };
    return { stands: { ...stands, toldAt: now }, event: 'repeated' };
  }
  const clearSince = before.clearSince ?? now;
  if (now - clearSince >= rule.clear_for_seconds * 1000) return { stands: null, event: 'resolved' };
  return { stands: { ...before, value, threshold, clearSince } };
}

function begin(rule: Judged, before: Standing | null, found: Observation | undefined, now: number): Step {
  const threshold = rule.threshold ?? found?.threshold;
  if (found === undefined || threshold === undefined || !isReached(rule.kind, found.value, threshold)) {
    return { stands: null };
  }
  const since = before?.since ?? now;
  const stands: Standing = {
    state: 'pending',
    since,
    value: found.value,
    threshold,
    clearSince: null,
    firedAt: null,
    toldAt: null,
  };
  if (now - since < rule.for_seconds * 1000) return { stands };
  return { stands: { ...stands, state: 'firing', firedAt: now, toldAt: now }, event: 'firing' };
}

/** On the good side of where it is over, which is the threshold unless the rule says otherwise. */
function isOver(
  { kind, clear_threshold }: { kind: AlertKind; clear_threshold: number | null },
  value: number,
  threshold: number,
): boolean {
  return !isReached(kind, value, clear_threshold ?? threshold);
}
