import { digest } from '../../model/digest';
import type { DifferenceKind } from '../../model/reconciliation';
import type { Pair } from './pairs';

const HASH_CHARACTERS = 22;

/** What both sides and the hub's memory have of one key. */
export interface Found {
  source: readonly Pair[];
  target: readonly Pair[];
  isLinked: boolean;
}

/** A difference as it was seen: the marks tell whether a side has changed when it is seen again. */
export interface Verdict {
  kind: DifferenceKind;
  /** The mapping refuses the record, so that it cannot go over. */
  isRejected: boolean;
  sourceMark: string | null;
  targetMark: string | null;
}

/** How the sides differ in a key; null where they agree, or what differs is another mapping's. */
export function judge({ source, target, isLinked }: Found): Verdict | null {
  const sourceMark = markOf(source);
  const targetMark = markOf(target);
  const isRejected = source.some(({ isSetAside }) => isSetAside);
  const verdict = (kind: DifferenceKind): Verdict => ({ kind, isRejected, sourceMark, targetMark });
  const held = target.length;
  if (source.length === 0 && held === 0) return isLinked ? verdict('orphan_link') : null;
  if (source.length === 0 && target.every(({ isSetAside }) => isSetAside)) return null;
  // A source that says the same twice says it once.
  const isAmbiguous = new Set(source.map(({ hash }) => hash)).size > 1 && !isRejected;
  if (held > 1 || isAmbiguous) return verdict('duplicate_key');
  if (source.length === 0) return verdict('only_target');
  if (held === 0) return verdict('only_source');
  return sourceMark === targetMark ? null : verdict('different');
}

function markOf(pairs: readonly Pair[]): string | null {
  const hashes = [...new Set(pairs.map(({ hash }) => hash))].sort();
  if (hashes.length <= 1) return hashes[0] ?? null;
  return digest(hashes.join(' ')).slice(0, HASH_CHARACTERS);
}
