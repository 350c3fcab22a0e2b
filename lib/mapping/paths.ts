import type { PlainRecord } from './contract';

/** A parsed path: names and array indexes in order. */
export interface Path {
  /** As it was written. */
  text: string;
  segments: (string | number)[];
  /** False for a name in quotes or without dots and brackets: then nothing but one top-level field is meant. */
  ambiguous: boolean;
}

export type Reader = (record: PlainRecord) => unknown;
export type Setter = (record: PlainRecord, value: unknown) => void;

/** Names that reach an object's prototype. No path may hold one. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Largest array index a path may write, so that one record cannot allocate a huge array. */
const MAX_INDEX = 9_999;
const MAX_SEGMENTS = 64;
const NAME = /[^.[\]"]+/y;
const INDEX = /\[(\d{1,9})\]/y;
const QUOTED = /\[("(?:[^"\\]|\\.)*")\]/y;

/**
 * Reads `a.b[0].c` and `["a.b"].c`.
 * @throws Error with a message that continues "the path ..." when it cannot be read or holds a forbidden name
 */
export function parsePath(text: string): Path {
  const segments: (string | number)[] = [];
  let at = 0;
  while (at < text.length) {
    const afterDot = text[at] === '.' && at > 0;
    if (afterDot) at += 1;
    const bracketed = afterDot ? null : (match(QUOTED, text, at) ?? match(INDEX, text, at));
    const found = bracketed ?? (at === 0 || afterDot ? match(NAME, text, at) : null);
    if (found === null) throw new Error(`cannot be read at character ${at + 1}`);
    segments.push(segmentOf(found));
    at += found[0].length;
  }
  if (segments.length === 0) throw new Error('is empty');
  if (segments.length > MAX_SEGMENTS) throw new Error(`has more than ${MAX_SEGMENTS} parts`);
  if (typeof segments[0] === 'number') throw new Error('must begin with a name');
  return { text, segments, ambiguous: segments.length > 1 && !text.startsWith('[') };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function segmentOf(found: RegExpExecArray): string | number {
  const inner = found[1];
  if (inner === undefined) return checkedName(found[0]);
  if (inner.startsWith('"')) return checkedName(JSON.parse(inner) as string);
  const index = Number(inner);
  if (index > MAX_INDEX) throw new Error(`has an index above ${MAX_INDEX}`);
  return index;
}

function checkedName(name: string): string {
  if (FORBIDDEN_NAMES.has(name)) throw new Error(`holds the name ${name}, which is not allowed`);
  return name;
}

/** @returns the name when the path is one top-level field and nothing else */
export function topLevelName(path: Path): string | undefined {
  return path.segments.length === 1 ? (path.segments[0] as string) : undefined;
}

/** `topLevelName` of what no object inherits. */
export function plainName(path: Path): string | undefined {
  const name = topLevelName(path);
  return name !== undefined && name in Object.prototype ? undefined : name;
}

/** The top-level field that the path starts at. */
export function rootOf(path: Path): string {
  return path.segments[0] as string;
}

/** @throws Error when the path cannot be read (see `parsePath`) */
export function compilePath(text: string): Reader {
  return compileReader(parsePath(text));
}

/** Reads own properties only. A top-level key that is spelled like the whole path wins over the path. */
export function compileReader(path: Path): Reader {
  const name = plainName(path);
  if (name !== undefined) return (record) => record[name];
  const { text, segments, ambiguous } = path;
  return (record) => {
    if (ambiguous && Object.hasOwn(record, text)) return record[text];
    let value: unknown = record;
    for (const segment of segments) {
      if (value === null || typeof value !== 'object' || !Object.hasOwn(value, segment)) return undefined;
      value = (value as Record<string | number, unknown>)[segment];
    }
    return value;
  };
}

/** Writes own properties only, making objects and arrays on the way; holes of arrays are filled with null. */
export function compileSetter(path: Path): Setter {
  const { segments } = path;
  const last = segments.length - 1;
  return (record, value) => {
    let holder = record as Record<string | number, unknown>;
    for (let depth = 0; depth < last; depth++) {
      const segment = segments[depth]!;
      let next = Object.hasOwn(holder, segment) ? holder[segment] : undefined;
      if (next === null || typeof next !== 'object') {
        next = typeof segments[depth + 1] === 'number' ? [] : {};
        put(holder, segment, next);
      }
      holder = next as Record<string | number, unknown>;
    }
    put(holder, segments[last]!, value);
  };
}

function put(holder: Record<string | number, unknown>, segment: string | number, value: unknown): void {
  if (Array.isArray(holder) && typeof segment === 'number') while (holder.length < segment) holder.push(null);
  holder[segment] = value;
}

/** @returns true when writing both paths would overwrite one another */
export function pathsCollide(a: Path, b: Path): boolean {
  const shared = Math.min(a.segments.length, b.segments.length);
  for (let i = 0; i < shared; i++) if (a.segments[i] !== b.segments[i]) return false;
  return true;
}
