import type { WhenFull } from '../model/stream';
import type { Amount } from './rows';

export interface SpoolLimits {
  maxBytes: number;
  maxRecords?: number;
  maxAgeMs?: number;
  /** Default: `stop_ack` for what is acknowledged; for the rest `drop_oldest`, since its source does not wait. */
  whenFull?: WhenFull;
}

interface Filled extends Amount {
  limits: SpoolLimits;
}

/** What does not even fit into an empty spool is taken all the same: nothing would ever go on otherwise. */
export function hasRoom({ limits, records, bytes }: Filled, more: Amount): boolean {
  if (records === 0) return true;
  return bytes + more.bytes <= limits.maxBytes && records + more.records <= mostRecords(limits);
}

export function whenFull({ limits }: Filled, { isAwaited }: { isAwaited: boolean }): WhenFull {
  return limits.whenFull ?? (isAwaited ? 'stop_ack' : 'drop_oldest');
}

/** 1 is full. */
export function fill({ limits, records, bytes }: Filled): number {
  return Math.max(bytes / limits.maxBytes, records / mostRecords(limits));
}

function mostRecords({ maxRecords }: SpoolLimits): number {
  return maxRecords ?? Number.POSITIVE_INFINITY;
}
