import assert from 'node:assert/strict';
import { HubMetrics } from '../../../lib/metrics/hub-metrics';
import type { RunMetricsRequest } from '../../../lib/model/metrics';
import type { LiveStatus, WaitingWrites } from '../../../lib/model/stream';
import { deleteMappings } from '../../../lib/store/mapping-rows';
import { addConnection, addMapping } from '../alerts/plant';
import { newStore, storeKinds, type TestStore } from '../store/stores';
import { type EndedRun, endRun } from './ended-run';
import { lint, parsed } from './prometheus';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-11-27T12:00Z');

for (const kind of storeKinds) {
  describe(`metrics, on ${kind.name}`, function () {
    this.timeout(180_000);
    let place: TestStore;
    let metrics: HubMetrics;
    let now = NOON;
    const streams = new Map<number, LiveStatus>();
    let writes: WaitingWrites[] = [];

    beforeEach(async function () {
      place = await newStore(kind, this);
      now = NOON;
      streams.clear();
      writes = [];
      metrics = metricsOf();
    });
    afterEach(() => place?.dispose());

    const metricsOf = (database = place.store.database) =>
      new HubMetrics({
        database,
        clock: { now: () => now },
        streams: () => streams,
        writes: () => writes,
        refused: async () => new Map(),
        log: (_level, text) => assert.fail(text),
      });
    const run = (mappingId: number, changes: Partial<EndedRun> = {}) =>
      endRun(place.store, { connectionId: 1, mappingId, endedAt: NOON - HOUR, ...changes });
    const items = async (request: RunMetricsRequest = {}) => (await metrics.runs(request)).items;

    it('say how runs of the last day went', async () => {
      for (const durationMs of [1000, 2000, 3000, 4000, 90_500]) await run(7, { durationMs });
      await run(7, { state: 'partial', durationMs: 5000, counters: { read: 10, created: 3, unchanged: 6, errors: 1 } });
      await run(8, { state: 'failed', durationMs: 6000, errorClass: 'transient', counters: { read: 4, updated: 4 } });
      await run(8, { state: 'failed', durationMs: 7000, errorClass: 'auth' });
      await run(8, { state: 'cancelled', errorClass: 'cancelled' });
      await run(8, { state: 'skipped', errorClass: 'cancelled' });
      await run(7, { dryRun: true });
      await run(7, { kind: 'live', durationMs: HOUR, counters: { read: 100, created: 100 } });
      await run(7, { endedAt: NOON - DAY - 1 });
      const [all, ...others] = await items();
      assert.deepEqual(others, []);
      assert.deepEqual(all, {
        ...{ from: new Date(NOON - DAY).toISOString(), to: new Date(NOON).toISOString() },
        ...{ connection_id: null, mapping_id: null, success_rate: 7 / 9 },
        runs: { succeeded: 6, partial: 1, failed: 2, cancelled: 1, skipped: 1 },
        duration_ms: { mean: 14_813, p50: 4000, p95: 90_500, max: 90_500 },
        records: {
          ...{ processed: 114, created: 103, updated: 4, unchanged: 6 },
          ...{ deleted: 0, filtered: 0, conflicts: 0, errors: 1 },
        },
        errors: { transient: 1, auth: 1 },
      });
    });

    it('are told for connections, mappings, hours and days', async () => {
      await run(7, { endedAt: Date.parse('2026-11-27T09:59:59.999Z') });
      await run(7, { endedAt: Date.parse('2026-11-27T10:00:00.000Z'), state: 'failed', errorClass: 'data' });
      await run(8, { endedAt: Date.parse('2026-11-27T10:30Z') });
      await run(9, { connectionId: 2, endedAt: Date.parse('2026-11-26T23:59:59Z') });
      const seen = async (request: RunMetricsRequest) =>
        (await items(request)).map(({ from, to, connection_id, mapping_id, success_rate }) =>
          [from.slice(5, 16), to.slice(5, 16), connection_id, mapping_id, success_rate].join(' '),
        );
      const whole = { from: '2026-11-26T12:00Z', to: '2026-11-27T12:00Z' };
      assert.deepEqual(await seen({ ...whole, by: 'mapping', period: 'hour' }), [
        '11-26T23:00 11-27T00:00 2 9 1',
        '11-27T09:00 11-27T10:00 1 7 1',
        '11-27T10:00 11-27T11:00 1 7 0',
        '11-27T10:00 11-27T11:00 1 8 1',
      ]);
      // Days are cut where the whole begins and ends.
      assert.deepEqual(await seen({ ...whole, by: 'connection', period: 'day' }), [
        '11-26T12:00 11-27T00:00 2  1',
        `11-27T00:00 11-27T12:00 1  ${2 / 3}`,
      ]);
      assert.deepEqual(await seen({ ...whole, mapping_id: 7 }), ['11-26T12:00 11-27T12:00 1 7 0.5']);
      assert.deepEqual(await seen({ ...whole, connection_id: 2 }), ['11-26T12:00 11-27T12:00 2  1']);
      assert.deepEqual(await seen({ ...whole, connection_id: 5 }), []);
    });

    it('refuse what nobody could read', async () => {
      const wrong: [RunMetricsRequest, string][] = [
        [{ from: '2026-11-27T12:00Z', to: '2026-11-27T12:00Z' }, '/from'],
        [{ from: '2026-01-01T00:00Z', to: '2026-11-27T12:00Z', period: 'hour' }, '/period'],
      ];
      for (const [request, path] of wrong) {
        await assert.rejects(metrics.runs(request), { code: 'PCP_PERIOD_INVALID', path });
      }
    });

    it('for Prometheus only grow, whoever adds them up, also when logs are removed', async () => {
      const mapping = await addMapping(place.store, await addConnection(place.store));
      const others = [metrics, metricsOf((await place.again()).database)];
      const total = async () => {
        const samples = parsed(await metrics.exposition());
        const labels = { connection: '1', mapping: String(mapping), direction: 'import' };
        return [
          samples.value('integration_runs_total', { ...labels, state: 'succeeded', error_class: '' }),
          samples.value('integration_runs_total', { ...labels, state: 'failed', error_class: 'data' }),
          samples.value('integration_records_total', { ...labels, outcome: 'created' }),
        ];
      };
      await run(mapping, { counters: { read: 5, created: 5 } });
      await run(mapping, { state: 'failed', errorClass: 'data', endedAt: NOON - 5 * MINUTE });
      assert.deepEqual(await total(), [1, 1, 5]);
      await Promise.all(others.map((each) => each.bringUp()));
      assert.deepEqual(await total(), [1, 1, 5]);
      await place.store.database.execute('DELETE FROM integration_sync_logs WHERE ended_at < ?', [
        new Date(NOON - 30 * MINUTE),
      ]);
      assert.deepEqual(await total(), [1, 1, 5]);
      await run(mapping, { counters: { read: 7, created: 7 }, endedAt: NOON + MINUTE });
      now += 3 * HOUR;
      assert.deepEqual(await total(), [2, 1, 12]);
      await Promise.all(others.map((each) => each.bringUp()));
      await place.store.database.execute('DELETE FROM integration_sync_logs');
      assert.deepEqual(await total(), [2, 1, 12]);
      await place.store.database.transaction((transaction) =>
        deleteMappings(place.store.database, transaction, [mapping]),
      );
      assert.deepEqual(await total(), [undefined, undefined, undefined]);
    });

    it('for Prometheus have all names and types, as another parser reads them', async () => {
      const { database, models } = place.store;
      const connection = await addConnection(place.store);
      const mapping = await addMapping(place.store, connection);
      await run(mapping, { connectionId: connection, durationMs: 59_000, counters: { read: 2, updated: 2 } });
      await run(mapping, { connectionId: connection, durationMs: 61_000, state: 'partial', endedAt: NOON - MINUTE });
      await run(mapping, { connectionId: connection, state: 'skipped', errorClass: 'cancelled' });
      await run(mapping, { connectionId: connection, kind: 'replay', durationMs: 1000, endedAt: NOON });
      for (const error_class of ['data', 'conflict'] as const) {
        await models.deadLetters.create({
          ...{ mapping_id: mapping, mapping_version: 1, sync_log_id: 1, direction: 'import', stage: 'write' },
          ...{ error_class, code: 'PCP_X', group_hash: 'g', first_at: new Date(), last_at: new Date() },
        });
      }
      await database.execute(
        'INSERT INTO integration_connection_pauses (connection_id, failures, paused_until) VALUES (?, 5, ?)',
        [connection, now + MINUTE],
      );
      await database.execute(
        'INSERT INTO integration_request_limits (connection_id, paused_until, quota, quota_remaining) VALUES (?, 0, 100, 25)',
        [connection],
      );
      streams.set(mapping, {
        ...{ state: 'connected', since: '', error: null, received: 0, records_per_second: 0, last_record_at: null },
        ...{ stuck_tags: [], dropped: 3, alarms: [] },
        backlog: { records: 2, bytes: 600, oldest_at: new Date(now - 5000).toISOString() },
      });
      writes = [
        { connection_id: 3, records: 2, bytes: 80, oldest_at: new Date(now - 5_000).toISOString() },
        // By the clock of another process.
        { connection_id: 4, records: 1, bytes: 40, oldest_at: new Date(now + 2_000).toISOString() },
        { connection_id: 5, records: 0, bytes: 0, oldest_at: null },
      ];
      const text = await metrics.exposition();
      assert.deepEqual(lint(text), []);
      const samples = parsed(text);
      const ids = { connection: String(connection), mapping: String(mapping) };
      const stream = { ...ids, direction: 'import' };
      assert.deepEqual(samples.histogram('integration_run_duration_seconds', stream), {
        buckets: { 1: 1, 10: 1, 60: 2, 300: 3, 1800: 3, 7200: 3, '+Inf': 3 },
        ...{ sum: 121, count: 3 },
      });
      const values: [string, Record<string, string>, number][] = [
        ['integration_runs_total', { ...stream, state: 'skipped', error_class: 'cancelled' }, 1],
        ['integration_records_total', { ...stream, outcome: 'updated' }, 2],
        ['integration_last_success_timestamp_seconds', stream, (NOON - MINUTE) / 1000],
        ['integration_dead_letters_open', ids, 2],
        ['integration_conflicts_open', ids, 1],
        ['integration_api_quota_ratio', { connection: String(connection) }, 0.75],
        ['integration_breaker_state', { connection: String(connection) }, 2],
        ['integration_buffer_bytes', { mapping: String(mapping) }, 600],
        ['integration_buffer_dropped_total', { mapping: String(mapping) }, 3],
        ['integration_queued_writes', { connection: '3' }, 2],
        ['integration_queued_writes_bytes', { connection: '3' }, 80],
        ['integration_queued_writes_age_seconds', { connection: '3' }, 5],
        ['integration_queued_writes', { connection: '4' }, 1],
        ['integration_queued_writes_bytes', { connection: '4' }, 40],
        ['integration_queued_writes_age_seconds', { connection: '4' }, 0],
        ['integration_queued_writes_age_seconds', { connection: '5' }, 0],
        ['integration_stream_lag_seconds', { mapping: String(mapping) }, 5],
      ];
      for (const [name, labels, value] of values) assert.equal(samples.value(name, labels), value, name);
      writes = [];
      assert.ok(!(await metrics.exposition()).includes('queued_writes'), 'nothing while nothing waits');
    });
  });
}
