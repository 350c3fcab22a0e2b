import Big from 'big.js';
import { isDateTime, isDecimal } from '../../model/formats';

type Data = Record<string, unknown>;

/** What is new has no value to take away; many services refuse to be told so. */
export function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutNothing(inner)]));
}

/** As far as the system shows it; it may write a decimal with other zeros, and an instant with another offset. */
export function isSame(record: Data, held: Data): boolean {
  return Object.entries(record).every(([name, value]) => {
    const theirs = held[name];
    const isTold = value !== undefined && value !== null && theirs !== undefined && theirs !== null;
    return !isTold || isAlike(value, theirs);
  });
}

/** What the system holds, written as the record writes it wherever that is the same. */
export function inTermsOf(record: Data, sent: Data, held: Data): Data {
  const same = Object.entries(record).filter(([name]) => held[name] !== undefined && isAlike(sent[name], held[name]));
  return { ...held, ...Object.fromEntries(same) };
}

export function isAlike(ours: unknown, theirs: unknown): boolean {
  if (Array.isArray(ours)) return Array.isArray(theirs) && hasEach(theirs, ours);
  if (isRecord(ours)) return isRecord(theirs) && isSame(ours, theirs);
  const [left, right] = [String(ours), String(theirs)];
  if (left === right) return true;
  if (isDecimal(left) && isDecimal(right)) return Big(left).eq(right);
  return isDateTime(left) && isDateTime(right) && Date.parse(left) === Date.parse(right);
}

/** Each has one of its own there; beside them the system may have made others, such as the second item of a transfer. */
function hasEach(held: readonly unknown[], wanted: readonly unknown[]): boolean {
  const left = [...held];
  return wanted.every((each) => {
    const index = left.findIndex((other) => isAlike(each, other));
    if (index !== -1) left.splice(index, 1);
    return index !== -1;
  });
}

function isRecord(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
