import { createHash } from 'node:crypto';
import type { SourceRecord } from '../connectors/contract';

/** A record that waited for so long is told to be late. */
const LATE_MS = 10_000;

/**
 * With what mappings of values need: `_id` is the same for a value that its source sends again, however it does, `_time` is its or
 * else that of arrival, `_number` and `_text` are the value as each column of a time series takes it. One that did not change over
 * an outage follows the bad one of the outage, so its time is that of arrival as well.
 */
export function liveRecord(record: SourceRecord, receivedAt: number): SourceRecord {
  const {
    received_at: given,
    _received_at,
    _duplicate,
    _retain,
    _qos,
    server_timestamp,
    backfilled,
    overflow,
    ...content
  } = record;
  const arrival = new Date(receivedAt).toISOString();
  const hasTime = typeof record.source_timestamp === 'string' && record.unchanged !== true;
  const digest = createHash('sha256')
    .update(hasTime ? '' : arrival)
    .update(JSON.stringify(content))
    .digest('base64url');
  const isLate = backfilled === true || Date.now() - receivedAt > LATE_MS;
  return {
    ...record,
    received_at: given ?? arrival,
    ...(isLate && { backfilled: true }),
    _id: digest.slice(0, 22),
    _time: hasTime ? record.source_timestamp : arrival,
    ...('value' in record && columnsOf(record.value)),
  };
}

/** Integers that no double holds and decimals come as texts: exact there, rounded as a number. */
function columnsOf(value: unknown): { _number: number | null; _text: string | null } {
  if (typeof value === 'number') return { _number: value, _text: null };
  if (typeof value === 'boolean') return { _number: value ? 1 : 0, _text: String(value) };
  if (typeof value !== 'string') return { _number: null, _text: value === null ? null : JSON.stringify(value) };
  const isNumber = /^[+-]?\d+(\.\d+)?$/.test(value);
  return { _number: isNumber ? Number(value) : null, _text: value };
}
