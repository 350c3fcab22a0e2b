import assert from 'node:assert/strict';
import { spokenAlert } from '../../../lib/alerts/spoken';
import type { Locale } from '../../../lib/locales/catalogue';
import { storeKinds } from '../store/stores';
import { addConnection, addMapping, NOON, WatchedPlant } from './plant';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (const kind of storeKinds) {
  describe(`what alerts tell of, on ${kind.name}`, function () {
    this.timeout(60_000);
    let plant: WatchedPlant;
    beforeEach(async function () {
      plant = await WatchedPlant.open(kind, this);
    });
    afterEach(() => plant?.dispose());

    it('tell of runs that fail, until one goes well; of a plant that configured nothing', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.ended(id, 'succeeded', NOON - HOUR);
      assert.deepEqual(await plant.open(), []);
      await plant.ended(id, 'failed', NOON - 20 * MINUTE);
      assert.deepEqual(await plant.open(), [`sync_failure mapping:${id}:import firing 1`]);
      await plant.ended(id, 'skipped', NOON - 15 * MINUTE);
      await plant.ended(id, 'failed', NOON - 10 * MINUTE);
      await plant.ended(id, 'succeeded', NOON - 5 * MINUTE, { dryRun: true });
      plant.now += 2 * MINUTE;
      assert.deepEqual(await plant.open(), [`sync_failure mapping:${id}:import firing 2`]);
      const [alert] = (await plant.alerts.list({})).items;
      assert.equal(alert?.details.error_code, 'PCP_CONNECT_REFUSED');
      await plant.ended(id, 'partial', NOON);
      assert.deepEqual(await plant.open(), []);
      assert.deepEqual(await plant.events(alert!.id), ['firing', 'resolved']);
      assert.equal((await plant.alerts.get(alert!.id)).resolved_at, new Date(plant.now).toISOString());
    });

    it('tell of comparisons and repairs that fail by themselves, apart from runs', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.ended(id, 'failed', NOON - HOUR, { kind: 'reconcile', trigger: 'api' });
      assert.deepEqual(await plant.open(), []);
      await plant.ended(id, 'failed', NOON - 40 * MINUTE, { kind: 'reconcile', trigger: 'schedule' });
      assert.deepEqual(await plant.open(), [`sync_failure comparison:${id}:import firing 2`]);
      await plant.ended(id, 'succeeded', NOON - 30 * MINUTE);
      await plant.ended(id, 'skipped', NOON - 30 * MINUTE, { kind: 'reconcile', trigger: 'schedule' });
      assert.equal((await plant.open()).length, 1);
      const [alert] = (await plant.alerts.list({})).items;
      const named = (direction: string) => `"${alert?.details.mapping}" (${alert?.details.connection}, ${direction})`;
      const tells = (locale: Locale) => spokenAlert(alert!, locale).message.split('.')[0];
      assert.equal(tells('en-US'), `The comparison of ${named('import')} failed 2 times in a row`);
      assert.equal(tells('pt-BR'), `A comparação de ${named('importação')} falhou 2 vezes seguidas`);
      await plant.ended(id, 'succeeded', NOON - 20 * MINUTE, { kind: 'reconcile' });
      assert.deepEqual(await plant.open(), []);
      await plant.ended(id, 'failed', NOON - 10 * MINUTE, { kind: 'repair', trigger: 'schedule' });
      assert.deepEqual(await plant.open(), [`sync_failure comparison:${id}:import firing 1`]);
    });

    it('tell of data that is late by its schedule, though nothing runs at all', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store, '0 6 * * 1-5'));
      await plant.ended(id, 'succeeded', Date.parse('2026-11-27T06:00:10Z'));
      // Friday at six it ran; Monday is missed, and Tuesday at six it is late: by its own 10 seconds, and the rule's 5 minutes.
      const steps: [string, string[]][] = [
        ['2026-12-01T05:59Z', []],
        ['2026-12-01T06:01Z', []],
        ['2026-12-01T06:05Z', []],
        ['2026-12-01T06:06Z', [`data_delay mapping:${id}:import firing ${4 * 86_400 + 6 * 60 - 10}`]],
      ];
      for (const [at, expected] of steps) {
        plant.now = Date.parse(at);
        assert.deepEqual(await plant.open(), expected, at);
      }
      await plant.ended(id, 'succeeded', plant.now);
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of data that is older than a rule allows, whatever the schedule', async () => {
      const id = await addMapping(plant.place.store, await addConnection(plant.place.store));
      await plant.ended(id, 'succeeded', NOON);
      await plant.alerts.rules.create({ kind: 'data_delay', mapping_id: id, threshold: 900, for_seconds: 0 });
      plant.now = NOON + 899_000;
      assert.deepEqual(await plant.open(), []);
      plant.now = NOON + 900_000;
      assert.deepEqual(await plant.open(), [`data_delay mapping:${id}:import firing 900`]);
    });

    it('take the times of what a mapping follows, and of its connection', async () => {
      const connection = await addConnection(plant.place.store, '*/10 * * * *');
      const first = await addMapping(plant.place.store, connection, { schedule: '0 * * * *' });
      const follower = await addMapping(plant.place.store, connection, { depends_on: [first] });
      const plain = await addMapping(plant.place.store, connection);
      for (const id of [first, follower, plain]) await plant.ended(id, 'succeeded', NOON + MINUTE);
      await plant.change('data_delay', { for_seconds: 0 });
      plant.now = NOON + 21 * MINUTE;
      const late = [`data_delay mapping:${plain}:import firing 1200`];
      assert.deepEqual(await plant.open(), late);
      plant.now = NOON + 119 * MINUTE;
      assert.equal((await plant.open()).length, 1);
      plant.now = NOON + 121 * MINUTE;
      assert.equal((await plant.open()).length, 3);
    });

    it('tell of dead letters, and say nothing of mappings that are not used', async () => {
      const connection = await addConnection(plant.place.store);
      const used = await addMapping(plant.place.store, connection);
      const unused = await addMapping(plant.place.store, connection, { is_active: false });
      for (const id of [used, used, unused]) await plant.letter(id);
      assert.deepEqual(await plant.open(), [`dead_letters mapping:${used} firing 2`]);
      await plant.place.store.models.mappings.update({ is_active: false }, { where: { id: used } });
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of many records that are rejected, of small runs together', async () => {
      const { store } = plant.place;
      const id = await addMapping(store, await addConnection(store));
      const ran = async (read: number, errors: number, at: number) => {
        await plant.ended(id, errors === 0 ? 'succeeded' : 'partial', at);
        const newest = 'SELECT MAX(id) AS id FROM integration_sync_logs';
        const [{ id: run } = {}] = await store.database.query(newest);
        const counted = 'UPDATE integration_sync_logs SET c_read = ?, c_errors = ? WHERE id = ?';
        await store.database.execute(counted, [read, errors, Number(run)]);
      };
      await ran(1000, 99, NOON - HOUR);
      assert.deepEqual(await plant.open(), []);
      await ran(9, 9, NOON - 50 * MINUTE);
      assert.deepEqual(await plant.open(), [`error_ratio mapping:${id}:import firing 10`]);
      const [alert] = (await plant.alerts.list({})).items;
      assert.match(spokenAlert(alert!, 'en-US').message, /: 108 of 1009 records .* \(10 %\)\.$/);
      assert.match(spokenAlert(alert!, 'pt-BR').message, /: 108 de 1009 registros .* \(10 %\)\.$/);
      await ran(100, 5, NOON - 40 * MINUTE);
      assert.deepEqual(await plant.open(), []);
      await ran(10, 9, NOON - 30 * MINUTE);
      assert.deepEqual(await plant.open(), [`error_ratio mapping:${id}:import firing 12`]);
      await ran(3, 0, NOON - 20 * MINUTE);
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of sides that differed when they were last compared, beyond what a mapping tolerates', async () => {
      const connection = await addConnection(plant.place.store);
      const strict = await addMapping(plant.place.store, connection);
      const lax = await addMapping(plant.place.store, connection, { options: { reconciliation: { tolerance: 3 } } });
      for (const id of [strict, lax]) await plant.compared(id, { different: 2, only_target: 1 });
      assert.deepEqual(await plant.open(), [`inconsistency mapping:${strict}:import firing 3`]);
      await plant.compared(lax, { different: 4 });
      await plant.compared(strict, {}, false);
      assert.equal((await plant.open()).length, 2);
      await plant.compared(strict, {});
      assert.deepEqual(await plant.open(), [`inconsistency mapping:${lax}:import firing 4`]);
    });

    it('tell of APIs whose limit is near, or that want to be left alone', async () => {
      const id = await addConnection(plant.place.store);
      const { database } = plant.place.store;
      await plant.change('api_limit', { for_seconds: 0 });
      const heard = (values: (number | null)[]) =>
        database.execute(
          'UPDATE integration_request_limits SET paused_until = ?, quota = ?, quota_remaining = ?, quota_reset_at = ?',
          values,
        );
      await database.execute('INSERT INTO integration_request_limits (connection_id, paused_until) VALUES (?, 0)', [
        id,
      ]);
      assert.deepEqual(await plant.open(), []);
      await heard([0, 1000, 201, NOON + MINUTE]);
      assert.deepEqual(await plant.open(), []);
      await heard([0, 1000, 200, NOON + MINUTE]);
      assert.deepEqual(await plant.open(), [`api_limit connection:${id} firing 80`]);
      plant.now = NOON + MINUTE;
      assert.deepEqual(await plant.open(), []);
      await heard([plant.now + 1, null, null, null]);
      assert.deepEqual(await plant.open(), [`api_limit connection:${id} firing 100`]);
      plant.now += 1;
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of what is nearly used up once more, and of what will be before it begins anew', async () => {
      const id = await addConnection(plant.place.store);
      const { database } = plant.place.store;
      await database.execute('INSERT INTO integration_request_limits (connection_id, paused_until) VALUES (?, 0)', [
        id,
      ]);
      const heard = (limit: number | null, first: number, remaining: number, during = HOUR) =>
        database.execute(
          `UPDATE integration_request_limits SET quota = ?, quota_first = ?, quota_remaining = ?, quota_since = ?,
             quota_heard_at = ?, quota_reset_at = ?`,
          [limit, first, remaining, plant.now - during, plant.now, plant.now + HOUR],
        );
      const lasting = async (): Promise<string[]> => {
        await plant.look();
        plant.now += MINUTE;
        return plant.open();
      };
      // It would be used up in 40 minutes, but little is used as yet.
      await heard(1000, 1000, 800, 10 * MINUTE);
      assert.deepEqual(await lasting(), []);
      await heard(1000, 1000, 500);
      assert.deepEqual(await lasting(), []);
      await heard(1000, 1000, 400);
      assert.deepEqual(await lasting(), [`api_limit connection:${id} firing 90`]);
      const [alert] = (await plant.alerts.list({})).items;
      const end = new Date(plant.now - MINUTE + (40 * HOUR) / 60).toISOString();
      assert.equal(alert?.details.used_up_at, end);
      for (const locale of ['en-US', 'pt-BR'] as const) assert.ok(spokenAlert(alert!, locale).message.includes(end));
      await heard(1000, 1000, 50);
      assert.deepEqual(await lasting(), [
        `api_limit connection:${id} firing 95`,
        `api_limit connection:${id} firing 95`,
      ]);
      await heard(null, 50, 0);
      const severities = (await plant.alerts.list({ state: 'open' })).items.map(({ severity }) => severity);
      assert.deepEqual(severities, ['critical', 'warning']);
      assert.equal((await lasting()).length, 2);
    });

    it('tell of connections that are left alone, though none of their runs fails', async () => {
      const { store } = plant.place;
      const [id, asked, tried] = [await addConnection(store), await addConnection(store), await addConnection(store)];
      const paused = (connection: number, failures: number, until: number | null) =>
        store.database.execute(
          "INSERT INTO integration_connection_pauses (connection_id, failures, paused_until, reason) VALUES (?, ?, ?, 'Nobody listens.')",
          [connection, failures, until],
        );
      await paused(id, 6, NOON + MINUTE);
      await paused(asked, 0, NOON + HOUR);
      await paused(tried, 4, null);
      assert.deepEqual(await plant.open(), []);
      plant.now += 5 * MINUTE;
      assert.deepEqual(await plant.open(), [`connection_paused connection:${id} firing 6`]);
      const [alert] = (await plant.alerts.list({})).items;
      assert.match(
        spokenAlert(alert!, 'en-US').message,
        /^"ERP \d+" failed 6 times in a row, .* Last: Nobody listens\.$/,
      );
      assert.match(spokenAlert(alert!, 'pt-BR').message, /^"ERP \d+" falhou 6 vezes seguidas e .*: Nobody listens\.$/);
      await store.database.execute('DELETE FROM integration_connection_pauses');
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of webhooks that were switched off, and of deliveries that were given up', async () => {
      const { models, database } = plant.place.store;
      const hook = (name: string, more: object = {}) =>
        models.webhooks.create({
          ...{ name, url: 'https://plant.example/', event_type: '*', method: 'POST', headers: {}, options: {} },
          ...{
            signature: 'standard',
            is_active: true,
            created_at: new Date(NOON),
            updated_at: new Date(NOON),
            ...more,
          },
        });
      const [fine, gone, failed] = [await hook('fine'), await hook('gone'), await hook('failed')];
      await hook('unused', { is_active: false });
      const execution = (webhookId: number, status: string, at: number) =>
        database.execute(
          `INSERT INTO integration_webhook_executions (webhook_id, event_id, event_type, status, attempts, created_at, executed_at, attempt_log)
           VALUES (?, 'e', 'run.failed', ?, 1, ?, ?, '[]')`,
          [webhookId, status, at, at],
        );
      for (const { id } of [fine, failed]) await execution(id, 'success', NOON);
      await execution(fine.id, 'error', NOON - DAY - 1);
      for (const at of [NOON - DAY, NOON]) await execution(failed.id, 'error', at);
      assert.deepEqual(await plant.open(), [`webhook_failure webhook:${failed.id} firing 2`]);
      await gone.update({ is_active: false, disabled_reason: 'gone', disabled_at: NOON });
      const both = [`webhook_failure webhook:${failed.id} firing 2`, `webhook_failure webhook:${gone.id} firing 1`];
      assert.deepEqual((await plant.open()).sort(), both.sort());
      const alerts = (await plant.alerts.list({})).items;
      const told = (locale: Locale) => alerts.map((alert) => spokenAlert(alert, locale).message).sort();
      assert.deepEqual(told('en-US'), [
        'Deliveries of webhook "failed" that were given up within a day: 2.',
        `Webhook "gone" was switched off at ${new Date(NOON).toISOString()}: its receiver says that it is gone.`,
      ]);
      assert.deepEqual(told('pt-BR'), [
        'Entregas do webhook "failed" das quais se desistiu em um dia: 2.',
        `O webhook "gone" foi desativado em ${new Date(NOON).toISOString()}: o destinatário diz que não existe mais.`,
      ]);
      await gone.update({ is_active: true, disabled_reason: null, disabled_at: null });
      await database.execute("UPDATE integration_webhook_executions SET status = 'pending' WHERE status = 'error'");
      assert.deepEqual(await plant.open(), []);
    });
  });
}
