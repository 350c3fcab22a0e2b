import { unfit } from '../errors';
import { plainInteger, signedInteger } from './integers';
import type { Uint64 } from './wire-reader';

const LATEST = 8.64e15;

/** Milliseconds since 1970 as ISO 8601 in UTC; what no date can tell stays a number. */
export function plainDateTime(milliseconds: Uint64): string | number {
  const signed = signedInteger(milliseconds, 64);
  const time = Number(signed);
  return Math.abs(time) <= LATEST ? new Date(time).toISOString() : plainInteger(signed);
}

/** Undefined for what is no date; for timestamps, which only accompany a value. */
export function isoTimestamp(milliseconds: Uint64 | undefined): string | undefined {
  if (milliseconds === undefined) return undefined;
  const text = plainDateTime(milliseconds);
  return typeof text === 'string' && text.includes('T') ? text : undefined;
}

/** @throws data PCP_SPARKPLUG_VALUE */
export function milliseconds(value: unknown): bigint {
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : value;
  if (typeof time === 'bigint') return time;
  if (typeof time !== 'number' || !Number.isInteger(time)) throw unfit('DateTime', value);
  return BigInt(time);
}
