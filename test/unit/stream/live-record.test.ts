import assert from 'node:assert/strict';
import { liveRecord } from '../../../lib/sync/live-record';

describe('a live record', () => {
  const at = '2026-11-27T12:00:00.000Z';
  const value = { tag: 'a', value: 1, quality: 'good', source_timestamp: at, received_at: at };
  const idOf = (record: Record<string, unknown>) => liveRecord(record, Date.parse(at))._id;

  it('has the same id however its source sends it again', () => {
    const again = {
      backfilled: true,
      overflow: true,
      server_timestamp: '2026-11-27T12:00:05.000Z',
      received_at: '2026-11-27T12:00:06.000Z',
    };
    assert.equal(idOf({ ...value, ...again }), idOf(value));
    const message = { _topic: 'lots/7', lot: 7, _qos: 1, _retain: false, _duplicate: false, _received_at: at };
    assert.equal(idOf({ ...message, _qos: 2, _retain: true, _duplicate: true }), idOf(message));
  });

  it('has another id than other values of its moment', () => {
    assert.notEqual(idOf({ ...value, value: 2 }), idOf(value));
    assert.notEqual(idOf({ ...value, tag: 'b' }), idOf(value));
    assert.notEqual(idOf({ ...value, quality: 'bad' }), idOf(value));
  });

  it('is of now when it did not change over an outage, and keeps the time of its source', () => {
    const now = Date.parse(at) + 60_000;
    const again = liveRecord({ ...value, unchanged: true }, now);
    assert.equal(again._time, new Date(now).toISOString());
    assert.equal(again.source_timestamp, at);
    assert.notEqual(again._id, idOf(value));
  });

  it('is late when its source says so, or when it has waited', () => {
    assert.equal(liveRecord({ ...value, backfilled: true }, Date.now()).backfilled, true);
    assert.equal(liveRecord(value, Date.now() - 60_000).backfilled, true);
    assert.equal('backfilled' in liveRecord(value, Date.now()), false);
  });
});
