import type { SourceRecord } from '../connectors/contract';

const LONGEST_TEXT = 1000;

/**
 * In place of a record that cannot be written or sent, since it is nested too deeply for instance: what is simple in it, and
 * why. It is rejected where it is used, and holds nothing up.
 */
export function unreadable(record: SourceRecord, cause: unknown): SourceRecord {
  const message = `The record cannot be kept: ${(cause as Error).message}`.slice(0, LONGEST_TEXT);
  return {
    ...Object.fromEntries(Object.entries(record).filter(([, value]) => isSimple(value))),
    _error: { code: 'PCP_RECORD_UNREADABLE', message },
  };
}

/** As a list in JSON. One record must not keep the others, and what comes after them, from being written. */
export function recordsText(records: readonly SourceRecord[]): string {
  try {
    return JSON.stringify(records);
  } catch {
    return JSON.stringify(records.map(writable));
  }
}

function writable(record: SourceRecord): SourceRecord {
  try {
    JSON.stringify(record);
    return record;
  } catch (cause) {
    return unreadable(record, cause);
  }
}

function isSimple(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= LONGEST_TEXT;
  return value === null || typeof value === 'number' || typeof value === 'boolean';
}
