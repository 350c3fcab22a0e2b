import assert from 'node:assert/strict';
import { HubAlerts } from '../../../lib/alerts/alerts';
import { AlertReaders } from '../../../lib/alerts/readers';
import type { AlertRuleInput } from '../../../lib/model/alert';
import type { LiveStatus } from '../../../lib/model/stream';
import type { RunState } from '../../../lib/model/sync';
import type { Store } from '../../../lib/store/store';
import { insertRun, newJobId } from '../../../lib/sync/runs/run-rows';
import { newStore, storeKinds, type TestStore } from '../store/stores';
import { addConnection, addMapping } from './plant';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = Date.parse('2026-11-27T12:00Z');

for (const kind of storeKinds) {
  describe(`alerts, on ${kind.name}`, function () {
    this.timeout(180_000);
    let place: TestStore;
    let alerts: HubAlerts;
    let now = NOON;
    const streams = new Map<number, LiveStatus>();
    const said: string[] = [];
    const all: HubAlerts[] = [];

    beforeEach(async function () {
      place = await newStore(kind, this);
      now = NOON;
      streams.clear();
      said.length = 0;
      alerts = alertsOf(place.store);
    });
    afterEach(async () => {
      for (const each of all.splice(0)) await each.close();
      await place?.dispose();
      assert.deepEqual(said, []);
    });

    /** As in one of several instances. */
    function alertsOf(store: Store, own: ReadonlyMap<number, LiveStatus> = streams): HubAlerts {
      const opened = new HubAlerts({
        database: store.database,
        clock: { measure: async () => undefined, now: () => now },
        streams: () => own,
        keptDays: 90,
        log: (level, message) => void said.push(`${level} ${message}`),
      });
      all.push(opened);
      return opened;
    }

    async function ended(mappingId: number, state: RunState, at: number, more: { dryRun?: boolean } = {}) {
      const run = { jobId: newJobId(), connectionId: 1, mappingId, mappingVersion: 1, direction: 'import' } as const;
      const rest = { kind: 'sync', full: false, dryRun: false, createdBy: null, ...more } as const;
      const failure = { class: 'transient', code: 'PCP_CONNECT_REFUSED', message: 'Nobody listens.' } as const;
      const begun = { state: 'failed', failure } as const;
      const id = await insertRun(place.store.database, { ...run, ...rest }, at - 10_000, begun);
      await place.store.database.execute('UPDATE integration_sync_logs SET state = ?, ended_at = ? WHERE id = ?', [
        state,
        new Date(at),
        id,
      ]);
    }

    /** Looks as when some seconds have passed. */
    async function look(): Promise<void> {
      await place.store.database.execute('UPDATE integration_alert_rules SET next_look_at = 0');
      await alerts.watch.look();
    }

    /** "kind subject state value", oldest first, of what is not over. */
    async function open(): Promise<string[]> {
      await look();
      const { items } = await alerts.list({ state: 'open' });
      return items.reverse().map(({ kind, subject, state, value }) => `${kind} ${subject} ${state} ${value}`);
    }

    const events = async (id: number) => (await alerts.get(id)).events.map(({ type }) => type);
    const letter = (mappingId: number) =>
      place.store.models.deadLetters.create({
        ...{ mapping_id: mappingId, mapping_version: 1, sync_log_id: 1, direction: 'import', stage: 'transform' },
        ...{ error_class: 'data', code: 'PCP_DATE', group_hash: 'g', first_at: new Date(now), last_at: new Date(now) },
      });
    const ruleOf = async (kind: string) => {
      await alerts.watch.look();
      return (await alerts.rules.list({})).items.find((rule) => rule.is_default && rule.kind === kind)!;
    };
    async function change(kind: AlertRuleInput['kind'], changes: Partial<AlertRuleInput>): Promise<void> {
      await alerts.rules.update((await ruleOf(kind)).id, { kind, ...changes });
    }

    it('tell of runs that fail, until one goes well; of a plant that configured nothing', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      await ended(id, 'succeeded', NOON - HOUR);
      assert.deepEqual(await open(), []);
      await ended(id, 'failed', NOON - 20 * MINUTE);
      assert.deepEqual(await open(), [`sync_failure mapping:${id}:import firing 1`]);
      await ended(id, 'skipped', NOON - 15 * MINUTE);
      await ended(id, 'failed', NOON - 10 * MINUTE);
      await ended(id, 'succeeded', NOON - 5 * MINUTE, { dryRun: true });
      now += 2 * MINUTE;
      assert.deepEqual(await open(), [`sync_failure mapping:${id}:import firing 2`]);
      const [alert] = (await alerts.list({})).items;
      assert.equal(alert?.details.error_code, 'PCP_CONNECT_REFUSED');
      await ended(id, 'partial', NOON);
      assert.deepEqual(await open(), []);
      assert.deepEqual(await events(alert!.id), ['firing', 'resolved']);
      assert.equal((await alerts.get(alert!.id)).resolved_at, new Date(now).toISOString());
    });

    it('tell of data that is late by its schedule, though nothing runs at all', async () => {
      const id = await addMapping(place.store, await addConnection(place.store, '0 6 * * 1-5'));
      await ended(id, 'succeeded', Date.parse('2026-11-27T06:00:10Z'));
      // Friday at six it ran; Monday is missed, and Tuesday at six it is late: by its own 10 seconds, and the rule's 5 minutes.
      const steps: [string, string[]][] = [
        ['2026-12-01T05:59Z', []],
        ['2026-12-01T06:01Z', []],
        ['2026-12-01T06:05Z', []],
        ['2026-12-01T06:06Z', [`data_delay mapping:${id}:import firing ${4 * 86_400 + 6 * 60 - 10}`]],
      ];
      for (const [at, expected] of steps) {
        now = Date.parse(at);
        assert.deepEqual(await open(), expected, at);
      }
      await ended(id, 'succeeded', now);
      assert.deepEqual(await open(), []);
    });

    it('tell of data that is older than a rule allows, whatever the schedule', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      await ended(id, 'succeeded', NOON);
      await alerts.rules.create({ kind: 'data_delay', mapping_id: id, threshold: 900, for_seconds: 0 });
      now = NOON + 899_000;
      assert.deepEqual(await open(), []);
      now = NOON + 900_000;
      assert.deepEqual(await open(), [`data_delay mapping:${id}:import firing 900`]);
    });

    it('take the times of what a mapping follows, and of its connection', async () => {
      const connection = await addConnection(place.store, '*/10 * * * *');
      const first = await addMapping(place.store, connection, { schedule: '0 * * * *' });
      const follower = await addMapping(place.store, connection, { depends_on: [first] });
      const plain = await addMapping(place.store, connection);
      for (const id of [first, follower, plain]) await ended(id, 'succeeded', NOON + MINUTE);
      await change('data_delay', { for_seconds: 0 });
      now = NOON + 21 * MINUTE;
      const late = [`data_delay mapping:${plain}:import firing 1200`];
      assert.deepEqual(await open(), late);
      now = NOON + 119 * MINUTE;
      assert.equal((await open()).length, 1);
      now = NOON + 121 * MINUTE;
      assert.equal((await open()).length, 3);
    });

    it('tell of dead letters, and say nothing of mappings that are not used', async () => {
      const connection = await addConnection(place.store);
      const used = await addMapping(place.store, connection);
      const unused = await addMapping(place.store, connection, { is_active: false });
      for (const id of [used, used, unused]) await letter(id);
      assert.deepEqual(await open(), [`dead_letters mapping:${used} firing 2`]);
      await place.store.models.mappings.update({ is_active: false }, { where: { id: used } });
      assert.deepEqual(await open(), []);
    });

    it('tell of live mappings of this instance that are cut off or whose spool fills up', async () => {
      const connection = await addConnection(place.store);
      const id = await addMapping(place.store, connection, {
        sync_mode: 'live',
        options: { live: { max_bytes: 1000 } },
      });
      const status: LiveStatus = {
        ...{ state: 'interrupted', since: new Date(NOON).toISOString(), error: null, received: 0 },
        ...{ records_per_second: 0, last_record_at: null, stuck_tags: [], dropped: 0, alarms: [] },
        backlog: { records: 8, bytes: 800, oldest_at: null },
      };
      streams.set(id, status);
      assert.deepEqual(await open(), [`buffer_fill stream:${id} firing 80`]);
      now = NOON + 10 * MINUTE;
      await look();
      now = NOON + 15 * MINUTE;
      const both = [`buffer_fill stream:${id} firing 80`, `data_delay stream:${id} firing 900`];
      assert.deepEqual(await open(), both);
      // Another instance knows nothing of it, and leaves it as it is; no more does this one when another one listens.
      await alertsOf(await place.again(), new Map()).watch.look();
      streams.set(id, { ...status, state: 'standby', backlog: { records: 0, bytes: 0, oldest_at: null } });
      assert.deepEqual(await open(), both);
      streams.set(id, { ...status, state: 'connected', backlog: { records: 0, bytes: 590, oldest_at: null } });
      assert.deepEqual(await open(), []);
    });

    it('are acknowledged once, are not told again then, and end by themselves', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      await letter(id);
      await change('dead_letters', { repeat_seconds: 3600 });
      await open();
      const [alert] = (await alerts.list({})).items;
      now += 61 * MINUTE;
      await open();
      assert.deepEqual(await events(alert!.id), ['firing', 'repeated']);
      await alerts.acknowledge(alert!.id, 'anna', 'on it');
      await alerts.acknowledge(alert!.id, 'ben');
      now += 61 * MINUTE;
      assert.deepEqual(await open(), [`dead_letters mapping:${id} acknowledged 1`]);
      const told = await alerts.get(alert!.id);
      assert.deepEqual([told.acknowledged_by, told.note, told.events.at(-1)?.by], ['anna', 'on it', 'anna']);
      await place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      assert.deepEqual(await open(), []);
      assert.deepEqual(await events(alert!.id), ['firing', 'repeated', 'acknowledged', 'resolved']);
      await assert.rejects(alerts.acknowledge(alert!.id, 'anna'), { code: 'PCP_ALERT_CLOSED' });
    });

    it('are events of webhooks, in words of both languages', async () => {
      const { database } = place.store;
      const webhook = {
        ...{ name: 'Chat', event_type: 'alert.*', url: 'https://chat.example', method: 'POST', signature: 'none' },
        ...{ headers: '{}', options: '{}', is_active: true, created_at: new Date(), updated_at: new Date() },
      };
      const names = Object.keys(webhook);
      await database.execute(
        `INSERT INTO integration_webhooks (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
        Object.values(webhook),
      );
      const id = await addMapping(place.store, await addConnection(place.store));
      await letter(id);
      await change('dead_letters', { repeat_seconds: 3600 });
      await open();
      now += HOUR;
      await open();
      await alerts.acknowledge((await alerts.list({})).items[0]!.id, 'anna');
      await database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      await open();
      const rows = await database.query(
        'SELECT event_type, data FROM integration_webhook_events ORDER BY occurred_at, event_type',
      );
      const told = rows.map(({ event_type, data }) => {
        const { alert, repeated } = JSON.parse(String(data));
        return [event_type, repeated, alert.state, alert.acknowledged_by, alert['pt-BR'].title].join(' ');
      });
      const title = 'Há registros rejeitados em aberto';
      assert.deepEqual(told.sort(), [
        `alert.acknowledged false acknowledged anna ${title}`,
        `alert.firing false firing  ${title}`,
        `alert.firing true firing  ${title}`,
        `alert.resolved false resolved anna ${title}`,
      ]);
    });

    it('are told once by several instances', async () => {
      const connection = await addConnection(place.store);
      for (let n = 0; n < 5; n++) await letter(await addMapping(place.store, connection));
      alertsOf(await place.again());
      alertsOf(await place.again());
      await Promise.all(all.map(({ watch }) => watch.look()));
      assert.equal((await alerts.list({})).total, 5);
      await place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      now += MINUTE;
      await Promise.all(all.map(({ watch }) => watch.look()));
      const rows = await place.store.database.query('SELECT alert_id, type FROM integration_alert_events');
      assert.equal(rows.length, 10);
    });

    it('have rules that are there by themselves, and others of one’s own', async () => {
      await alerts.watch.look();
      const kinds = (await alerts.rules.list({})).items.map((rule) => [rule.kind, rule.is_default]);
      assert.deepEqual(kinds, [
        ['sync_failure', true],
        ['data_delay', true],
        ['dead_letters', true],
        ['buffer_fill', true],
      ]);
      const own = await alerts.rules.create({ kind: 'dead_letters', threshold: 10, name: 'Many' });
      assert.deepEqual(
        [own.is_default, own.threshold, own.clear_threshold, own.severity],
        [false, 10, null, 'warning'],
      );
      const changed = await alerts.rules.update(own.id, { kind: 'dead_letters', clear_threshold: 5 }, own.revision);
      assert.deepEqual([changed.name, changed.threshold, changed.clear_threshold], ['Many', 10, 5]);
      await assert.rejects(alerts.rules.update(own.id, { kind: 'dead_letters' }, own.revision), {
        code: 'PCP_STALE_REVISION',
      });
      const { id } = await ruleOf('sync_failure');
      await assert.rejects(alerts.rules.delete(id), { code: 'PCP_ALERT_RULE_DEFAULT' });
      await alerts.rules.delete(own.id);
      await assert.rejects(alerts.rules.get(own.id), { code: 'PCP_NOT_FOUND' });
    });

    it('refuse rules that could never be right', async () => {
      const wrong: [AlertRuleInput, string][] = [
        [{ kind: 'dead_letters', threshold: null }, '/threshold'],
        [{ kind: 'buffer_fill', threshold: 80, clear_threshold: 90 }, '/clear_threshold'],
        [{ kind: 'data_delay', clear_threshold: 5 }, '/clear_threshold'],
        [{ kind: 'data_delay', mapping_id: 77 }, '/mapping_id'],
        [{ kind: 'data_delay', connection_id: 77 }, '/connection_id'],
      ];
      for (const [input, path] of wrong) {
        await assert.rejects(alerts.rules.create(input), { code: 'PCP_ALERT_RULE_INVALID', path });
      }
    });

    it('are told to one of the copies of a reader, also what happened while none was there', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      const heard: string[] = [];
      const readersOf = ({ database }: Store) =>
        new AlertReaders(database, { now: () => now }, (level, message) => void said.push(`${level} ${message}`));
      const both = [readersOf(place.store), readersOf(await place.again())];
      const ends = both.map((readers) =>
        readers.add('node:1', ({ type }, { kind }) => void heard.push(`${type} ${kind}`)),
      );
      await Promise.all(both.map((readers) => readers.read()));
      await letter(id);
      await open();
      await Promise.all(both.map((readers) => readers.read()));
      assert.deepEqual(heard, ['firing dead_letters']);
      for (const end of ends) end();
      now += MINUTE;
      const [alert] = (await alerts.list({})).items;
      await alerts.acknowledge(alert!.id, 'anna');
      both[1]!.add('node:1', ({ type, by }) => void heard.push(`${type} ${by}`));
      now += MINUTE;
      both[1]!.add('node:2', () => assert.fail('What was before its time is not told.'));
      await both[1]!.read();
      assert.deepEqual(heard.slice(1), ['acknowledged anna']);
    });

    it('go when they have been over for long', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      await letter(id);
      await open();
      now += 100 * 24 * HOUR;
      await open();
      assert.equal((await alerts.list({})).total, 1);
      await place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      await open();
      now += 89 * 24 * HOUR;
      await open();
      assert.equal((await alerts.list({})).total, 1);
      now += 2 * 24 * HOUR;
      await open();
      assert.equal((await alerts.list({})).total, 0);
      assert.deepEqual(await place.store.database.query('SELECT id FROM integration_alert_events'), []);
    });

    it('end when their rule is switched off or deleted', async () => {
      const id = await addMapping(place.store, await addConnection(place.store));
      await letter(id);
      const own = await alerts.rules.create({ kind: 'dead_letters', mapping_id: id });
      assert.equal((await open()).length, 2);
      await change('dead_letters', { is_active: false });
      assert.deepEqual(await open(), [`dead_letters mapping:${id} firing 1`]);
      await alerts.rules.delete(own.id);
      assert.deepEqual(await open(), []);
      const over = (await alerts.list({})).items;
      for (const { id } of over) assert.deepEqual(await events(id), ['firing', 'resolved']);
      assert.equal(over.length, 2);
    });
  });
}
