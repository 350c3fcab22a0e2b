import assert from 'node:assert/strict';
import { AlertReaders } from '../../../lib/alerts/readers';
import type { Alert, AlertEvent, AlertListener, AlertRuleInput } from '../../../lib/model/alert';
import type { Store } from '../../../lib/store/store';
import { storeKinds } from '../store/stores';
import { addConnection, addMapping, WatchedPlant } from './plant';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A listener that wants everything. */
function hearing(heard: string[], words: (event: AlertEvent, alert: Alert) => string): AlertListener {
  return async (event, alert) => () => void heard.push(words(event, alert));
}

for (const kind of storeKinds) {
  describe(`alerts, on ${kind.name}`, function () {
    this.timeout(180_000);
    let plant: WatchedPlant;
    beforeEach(async function () {
      plant = await WatchedPlant.open(kind, this);
    });
    afterEach(() => plant?.dispose());

    it('are acknowledged once, are not told again then, and end by themselves', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.letter(id);
      await plant.change('dead_letters', { repeat_seconds: 3600 });
      await plant.open();
      const [alert] = (await plant.alerts.list({})).items;
      plant.now += 61 * MINUTE;
      await plant.open();
      assert.deepEqual(await plant.events(alert!.id), ['firing', 'repeated']);
      await plant.alerts.acknowledge(alert!.id, 'anna', 'on it');
      await plant.alerts.acknowledge(alert!.id, 'ben');
      plant.now += 61 * MINUTE;
      assert.deepEqual(await plant.open(), [`dead_letters mapping:${id} acknowledged 1`]);
      const told = await plant.alerts.get(alert!.id);
      assert.deepEqual([told.acknowledged_by, told.note, told.events.at(-1)?.by], ['anna', 'on it', 'anna']);
      await plant.place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      assert.deepEqual(await plant.open(), []);
      assert.deepEqual(await plant.events(alert!.id), ['firing', 'repeated', 'acknowledged', 'resolved']);
      await assert.rejects(plant.alerts.acknowledge(alert!.id, 'anna'), { code: 'PCP_ALERT_CLOSED' });
    });

    it('are events of webhooks, in words of both languages', async () => {
      const { database } = plant.place.store;
      const webhook = {
        ...{ name: 'Chat', event_type: 'alert.*', url: 'https://chat.example', method: 'POST', signature: 'none' },
        ...{ headers: '{}', options: '{}', is_active: true, created_at: new Date(), updated_at: new Date() },
      };
      const names = Object.keys(webhook);
      await database.execute(
        `INSERT INTO integration_webhooks (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
        Object.values(webhook),
      );
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.letter(id);
      await plant.change('dead_letters', { repeat_seconds: 3600 });
      await plant.open();
      plant.now += HOUR;
      await plant.open();
      await plant.alerts.acknowledge((await plant.alerts.list({})).items[0]!.id, 'anna');
      await database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      await plant.open();
      const rows = await database.query(
        'SELECT event_type, data FROM integration_webhook_events ORDER BY occurred_at, event_type',
      );
      const told = rows.map(({ event_type, data }) => {
        const { alert, repeated, translations } = JSON.parse(String(data));
        return [event_type, repeated, alert.state, alert.acknowledged_by, translations['pt-BR'].title].join(' ');
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
      const connection = await addConnection(plant.place.store);
      for (let n = 0; n < 5; n++) await plant.letter(await addMapping(plant.place.store, connection));
      const [second, third] = [await plant.place.again(), await plant.place.again()];
      const all = [plant.alerts, plant.alertsOf(second), plant.alertsOf(third)];
      await Promise.all(all.map(({ watch }) => watch.look()));
      assert.equal((await plant.alerts.list({})).total, 5);
      await plant.place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      plant.now += MINUTE;
      await Promise.all(all.map(({ watch }) => watch.look()));
      const rows = await plant.place.store.database.query('SELECT alert_id, type FROM integration_alert_events');
      assert.equal(rows.length, 10);
    });

    it('have rules that are there by themselves, and others of one’s own', async () => {
      await plant.alerts.watch.look();
      const kinds = (await plant.alerts.rules.list({})).items.map((rule) => [rule.kind, rule.is_default]);
      assert.deepEqual(kinds, [
        ['sync_failure', true],
        ['data_delay', true],
        ['inconsistency', true],
        ['dead_letters', true],
        ['error_ratio', true],
        ['buffer_fill', true],
        ['api_limit', true],
        ['connection_paused', true],
        ['webhook_failure', true],
        ['certificate_expiry', true],
        ['secret_expiry', true],
        ['api_limit', true],
      ]);
      const own = await plant.alerts.rules.create({ kind: 'dead_letters', threshold: 10, name: 'Many' });
      assert.deepEqual(
        [own.is_default, own.threshold, own.clear_threshold, own.severity],
        [false, 10, null, 'warning'],
      );
      const changed = await plant.alerts.rules.update(
        own.id,
        { kind: 'dead_letters', clear_threshold: 5 },
        own.revision,
      );
      assert.deepEqual([changed.name, changed.threshold, changed.clear_threshold], ['Many', 10, 5]);
      await assert.rejects(plant.alerts.rules.update(own.id, { kind: 'dead_letters' }, own.revision), {
        code: 'PCP_STALE_REVISION',
      });
      const { id } = await plant.ruleOf('sync_failure');
      await assert.rejects(plant.alerts.rules.delete(id), { code: 'PCP_ALERT_RULE_DEFAULT' });
      await plant.alerts.rules.delete(own.id);
      await assert.rejects(plant.alerts.rules.get(own.id), { code: 'PCP_NOT_FOUND' });
    });

    it('refuse rules that could never be right', async () => {
      const wrong: [AlertRuleInput, string][] = [
        [{ kind: 'dead_letters', threshold: null }, '/threshold'],
        [{ kind: 'buffer_fill', threshold: 80, clear_threshold: 90 }, '/clear_threshold'],
        [{ kind: 'data_delay', clear_threshold: 5 }, '/clear_threshold'],
        ...(['sync_failure', 'data_delay', 'dead_letters', 'buffer_fill'] as const).map(
          (kind): [AlertRuleInput, string] => [{ kind, threshold: 0 }, '/threshold'],
        ),
        ...(['buffer_fill', 'api_limit', 'error_ratio'] as const).map((kind): [AlertRuleInput, string] => [
          { kind, threshold: 101 },
          '/threshold',
        ]),
        [{ kind: 'data_delay', mapping_id: 77 }, '/mapping_id'],
        [{ kind: 'data_delay', connection_id: 77 }, '/connection_id'],
        [{ kind: 'api_limit', mapping_id: 77 }, '/mapping_id'],
        [{ kind: 'secret_expiry', threshold: 30, clear_threshold: 20 }, '/clear_threshold'],
      ];
      for (const [input, path] of wrong) {
        await assert.rejects(plant.alerts.rules.create(input), { code: 'PCP_ALERT_RULE_INVALID', path });
      }
      // What has ended already is a threshold as well.
      await plant.alerts.rules.create({ kind: 'certificate_expiry', threshold: 0 });
      await plant.alerts.rules.create({ kind: 'buffer_fill', threshold: 100, clear_threshold: 100 });
    });

    it('are told to one of the copies of a reader, also what happened while none was there', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      const heard: string[] = [];
      const readersOf = ({ database }: Store) =>
        new AlertReaders(
          database,
          { now: () => plant.now },
          (level, message) => void plant.said.push(`${level} ${message}`),
        );
      const both = [readersOf(plant.place.store), readersOf(await plant.place.again())];
      const ends = both.map((readers) =>
        readers.add(
          'node:1',
          hearing(heard, ({ type }, { kind }) => `${type} ${kind}`),
        ),
      );
      await Promise.all(both.map((readers) => readers.read()));
      await plant.letter(id);
      await plant.open();
      await Promise.all(both.map((readers) => readers.read()));
      assert.deepEqual(heard, ['firing dead_letters']);
      for (const end of ends) end();
      plant.now += MINUTE;
      const [alert] = (await plant.alerts.list({})).items;
      await plant.alerts.acknowledge(alert!.id, 'anna');
      both[1]!.add(
        'node:1',
        hearing(heard, ({ type, by }) => `${type} ${by}`),
      );
      plant.now += MINUTE;
      both[1]!.add('node:2', () => assert.fail('What was before its time is not told.'));
      await both[1]!.read();
      assert.deepEqual(heard.slice(1), ['acknowledged anna']);
    });

    it('forget readers that have not been there for as long as alerts are kept, and no others', async () => {
      const { database } = plant.place.store;
      const readers = new AlertReaders(database, { now: () => plant.now }, () => undefined);
      readers.add('node:stays', async () => null);
      const end = readers.add('node:goes', async () => null);
      await readers.read();
      end();
      for (let days = 0; days < 100; days++) {
        plant.now += DAY;
        await readers.read();
        await plant.alerts.watch.look();
      }
      const rows = await database.query('SELECT reader FROM integration_alert_readers');
      assert.deepEqual(
        rows.map(({ reader }) => reader),
        ['node:stays'],
      );
    });

    it('wait for a reader that cannot decide, or goes before it has told them', async () => {
      const { database } = plant.place.store;
      let afterClaim = (_claimed: string): void => undefined;
      const watched = new Proxy(database, {
        get(target, name) {
          const found: unknown = Reflect.get(target, name);
          if (typeof found !== 'function') return found;
          return async (...given: unknown[]) => {
            const answer: unknown = await found.apply(target, given);
            if (String(given[0]).includes('INTO integration_alert_readings')) afterClaim(String(given[1]));
            return answer;
          };
        },
      });
      const said: string[] = [];
      const readers = new AlertReaders(watched, { now: () => plant.now }, (_level, message) => void said.push(message));
      const heard: string[] = [];
      readers.add('node:1', () => Promise.reject(new Error('The store is away.')));
      let end = readers.add('node:2', async () => {
        end();
        return () => void heard.push('by one that is gone');
      });
      await readers.read();
      await plant.letter(await addMapping(plant.place.store, await addConnection(plant.place.store)));
      await plant.open();
      await readers.read();
      assert.deepEqual(
        [heard, said],
        [[], ['What happened to alerts could not be told to node:1: The store is away.']],
      );
      readers.add(
        'node:1',
        hearing(heard, ({ type }) => `1 ${type}`),
      );
      end = readers.add(
        'node:2',
        hearing(heard, () => 'by one that is gone'),
      );
      afterClaim = (claimed) => {
        if (claimed.startsWith('node:2')) end();
      };
      await readers.read();
      afterClaim = () => undefined;
      readers.add(
        'node:2',
        hearing(heard, ({ type }) => `2 ${type}`),
      );
      await readers.read();
      assert.deepEqual(heard, ['1 firing', '2 firing']);
    });

    it('have the severity that their rule has now', async () => {
      await plant.letter(await addMapping(plant.place.store, await addConnection(plant.place.store)));
      await plant.open();
      await plant.change('dead_letters', { severity: 'critical' });
      await plant.open();
      assert.deepEqual(
        (await plant.alerts.list({})).items.map(({ severity }) => severity),
        ['critical'],
      );
    });

    it('go when they have been over for long', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.letter(id);
      await plant.open();
      plant.now += 100 * DAY;
      await plant.open();
      assert.equal((await plant.alerts.list({})).total, 1);
      await plant.place.store.database.execute("UPDATE integration_dead_letters SET state = 'resolved'");
      await plant.open();
      plant.now += 89 * DAY;
      await plant.open();
      assert.equal((await plant.alerts.list({})).total, 1);
      plant.now += 2 * DAY;
      await plant.open();
      assert.equal((await plant.alerts.list({})).total, 0);
      assert.deepEqual(await plant.place.store.database.query('SELECT id FROM integration_alert_events'), []);
    });

    it('end when their rule is switched off or deleted', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.letter(id);
      const own = await plant.alerts.rules.create({ kind: 'dead_letters', mapping_id: id });
      assert.equal((await plant.open()).length, 2);
      await plant.change('dead_letters', { is_active: false });
      assert.deepEqual(await plant.open(), [`dead_letters mapping:${id} firing 1`]);
      await plant.alerts.rules.delete(own.id);
      assert.deepEqual(await plant.open(), []);
      const over = (await plant.alerts.list({})).items;
      for (const { id } of over) assert.deepEqual(await plant.events(id), ['firing', 'resolved']);
      assert.equal(over.length, 2);
    });
  });
}
