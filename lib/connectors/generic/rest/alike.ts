import Big from 'big.js';
import { NUMBER } from './json-body';
import { plainText } from './template';

/** Equal as far as APIs write one value in different ways: "10.50" and 10.5, but not "000123" and 123. */
export function isAlike(value: unknown, held: unknown): boolean {
  const [ours, theirs] = [plainText(value), plainText(held)];
  if (ours === undefined || theirs === undefined) return JSON.stringify(value) === JSON.stringify(held);
  return ours === theirs || (NUMBER.test(ours) && NUMBER.test(theirs) && Big(ours).eq(theirs));
}

/** Whether the API holds all that the record says. */
export function isHeld(record: Record<string, unknown>, held: Record<string, unknown>): boolean {
  return Object.entries(record).every(([name, value]) => isAlike(value, held[name] ?? null));
}

/** What the API holds, written as the record writes it wherever that is the same. */
export function inTermsOf(record: Record<string, unknown>, held: Record<string, unknown>): Record<string, unknown> {
  const same = Object.entries(record).filter(([name, value]) => held[name] !== undefined && isAlike(value, held[name]));
  return { ...held, ...Object.fromEntries(same) };
}
