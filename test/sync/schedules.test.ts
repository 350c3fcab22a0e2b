import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IntegrationError } from '../../lib/model/errors';
import type { ScheduleOptions } from '../../lib/model/schedule';
import type { MappingInput } from '../../lib/model/services';
import { Scheduler } from '../../lib/schedule/scheduler';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import type { Store } from '../../lib/store/store';
import { JobStarter } from '../../lib/sync/runs/start';
import { ORDER_FIELDS } from '../support/order-import';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const MINUTE = 60_000;
const NOON = Date.parse('2026-11-27T12:00Z');

for (const kind of storeKinds) {
  describe(`schedules over ${kind.name}`, () => {
    let keys: string;
    let test: TestStore;
    let connections: ConnectionStore;
    let mappings: MappingStore;
    let now = NOON;
    let woken = 0;
    const said: string[] = [];
    /** Comparisons that were started, with their due times in minutes after noon. */
    const compared: string[] = [];
    const schedulers: Scheduler[] = [];

    beforeEach(async function () {
      keys = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
      test = await newStore(kind, this);
      connections = new ConnectionStore({
        store: test.store,
        vault: new Vault(loadKeys({ directory: keys })),
        validate: () => undefined,
      });
      mappings = new MappingStore({ store: test.store, check: async () => undefined });
      now = NOON - 30_000;
      woken = 0;
      said.length = 0;
      compared.length = 0;
    });
    afterEach(async () => {
      for (const scheduler of schedulers.splice(0)) await scheduler.stop();
      await test?.dispose();
      rmSync(keys, { recursive: true, force: true });
    });

    /** As in one of several processes. */
    function schedulerOf(store: Store, check: (id: number) => void = () => undefined): Scheduler {
      const scheduler = new Scheduler({
        database: store.database,
        mappings,
        starter: new JobStarter({
          database: async () => store.database,
          connections,
          mappings,
          check: async ({ id }) => check(id),
        }),
        clock: { measure: async () => undefined, now: () => now },
        startComparison: async (id, dueAt, decide, skipped) => {
          const isOurs = await store.database.transaction(decide);
          const why = skipped === undefined ? '' : ` ${skipped.failure.code}`;
          if (isOurs) compared.push(`${id} ${(dueAt - NOON) / MINUTE}${why}`);
        },
        wakeRunner: () => void woken++,
        log: (level, message) => void said.push(`${level} ${message}`),
      });
      schedulers.push(scheduler);
      return scheduler;
    }

    const connection = async (schedule: string | null, schedule_options: ScheduleOptions = {}) =>
      (await connections.create({ name: 'erp', connector_type: 'generic.file', schedule, schedule_options })).id;

    async function mapping(connectionId: number, name: string, more: Partial<MappingInput> = {}): Promise<number> {
      const created = await mappings.create({
        connection_id: connectionId,
        name,
        entity_type: 'production_order',
        direction: 'import',
        source_entity: name,
        target_entity: 'production_order',
        field_mappings: ORDER_FIELDS,
        ...more,
      });
      return created.id;
    }

    /** "mapping direction state code due-in-minutes-after-noon", in order. */
    async function runs(): Promise<string[]> {
      const rows = await test.store.database.query('SELECT * FROM integration_sync_logs ORDER BY id');
      return rows.map((row) => {
        assert.equal(row.triggered_by, 'schedule');
        const due = (Number(row.due_at) - NOON) / MINUTE;
        return [row.mapping_id, row.direction, row.state, row.error_code ?? '-', due].join(' ');
      });
    }

    const end = (state = 'succeeded') =>
      test.store.database.execute(
        "UPDATE integration_sync_logs SET state = ? WHERE state IN ('queued', 'cancelling')",
        [state],
      );

    it('start what has no schedule of its own, at its time, in all its directions', async () => {
      const id = await connection('*/5 * * * *');
      const plain = await mapping(id, 'plain', { direction: 'bidirectional' });
      const own = await mapping(id, 'own', { schedule: '*/10 * * * *' });
      await mapping(id, 'off', { is_active: false });
      await mapping(id, 'live', { sync_mode: 'live' });
      const scheduler = schedulerOf(test.store);
      await scheduler.look();
      assert.deepEqual(await runs(), []);
      now = NOON;
      await scheduler.look();
      const first = [`${plain} import queued - 0`, `${plain} export queued - 0`, `${own} import queued - 0`];
      assert.deepEqual(await runs(), first);
      assert.equal(woken, 2);
      await scheduler.look();
      assert.deepEqual(await runs(), first);
      await end();
      now = NOON + 5 * MINUTE;
      await scheduler.look();
      assert.deepEqual((await runs()).slice(3), [`${plain} import queued - 5`, `${plain} export queued - 5`]);
    });

    it('compare both sides at times of their own, once whoever looks', async () => {
      const id = await connection(null, { blackouts: [{ from: '12:10', to: '12:20' }] });
      const weekly = await mapping(id, 'weekly', { options: { reconciliation: { schedule: '*/5 * * * *' } } });
      await mapping(id, 'never', { options: { reconciliation: { action: 'repair' } } });
      const all = [schedulerOf(test.store), schedulerOf(await test.again())];
      for (const minute of [-1, 0, 3, 5, 12, 25]) {
        now = NOON + minute * MINUTE;
        await Promise.all(all.map((scheduler) => scheduler.look()));
      }
      assert.deepEqual(said, []);
      assert.deepEqual(compared, [`${weekly} 0`, `${weekly} 5`, `${weekly} 10 PCP_SKIPPED_BLACKOUT`, `${weekly} 25`]);
      assert.deepEqual(await runs(), []);
      await assert.rejects(mapping(id, 'wrong', { options: { reconciliation: { schedule: '* *' } } }), {
        code: 'PCP_SCHEDULE_INVALID',
        path: '/options/reconciliation/schedule',
      });
    });

    it('fire each due time once, whoever looks', async () => {
      const id = await connection(null);
      for (let n = 0; n < 8; n++) await mapping(id, `m${n}`, { schedule: '* * * * *' });
      const all = [schedulerOf(test.store), schedulerOf(await test.again()), schedulerOf(await test.again())];
      await Promise.all(all.map((scheduler) => scheduler.look()));
      for (let minute = 0; minute < 5; minute++) {
        now = NOON + minute * MINUTE;
        await Promise.all(all.map((scheduler) => scheduler.look()));
        await end();
      }
      const found = await runs();
      assert.equal(found.length, 40);
      assert.equal(new Set(found).size, 40);
      assert.deepEqual(said, []);
    });

    it('lose nothing while nobody is there', async () => {
      const id = await connection(null);
      const once = await mapping(id, 'once', { schedule: '0 * * * *' });
      const every = await mapping(id, 'every', { schedule: '0 * * * *', schedule_options: { misfire: 'run_all' } });
      const never = await mapping(id, 'never', { schedule: '0 * * * *', schedule_options: { misfire: 'skip' } });
      const before = schedulerOf(test.store);
      await before.look();
      await before.stop();
      now = NOON + 150 * MINUTE;
      const after = schedulerOf(await test.again());
      await after.look();
      assert.deepEqual(await runs(), [
        `${once} import queued - 0`,
        ...[0, 60, 120].map((due) => `${every} import queued - ${due}`),
        `${never} import skipped PCP_SKIPPED_MISSED 0`,
      ]);
      now = NOON + 180 * MINUTE;
      await end();
      await after.look();
      assert.equal((await runs()).filter((run) => run.endsWith(' 180')).length, 3);
    });

    describe('while the run before is not over', () => {
      const cases: [overlap: ScheduleOptions['overlap'], states: string[]][] = [
        [undefined, ['queued', 'skipped', 'skipped']],
        ['queue_one', ['queued', 'queued', 'skipped']],
        ['queue_all', ['queued', 'queued', 'queued']],
        ['cancel_running', ['cancelled', 'cancelled', 'queued']],
      ];
      for (const [overlap, expected] of cases) {
        it(`${overlap ?? 'skip, unless told otherwise'}`, async () => {
          const id = await connection('* * * * *', overlap === undefined ? {} : { overlap });
          await mapping(id, 'orders');
          const scheduler = schedulerOf(test.store);
          await scheduler.look();
          for (let minute = 0; minute < 3; minute++) {
            now = NOON + minute * MINUTE;
            await scheduler.look();
          }
          const states = (await runs()).map((run) => run.split(' ')[2]);
          assert.deepEqual(states, expected);
        });
      }
    });

    it('end no run for one that does not start', async () => {
      const blackouts = [{ from: '12:01', to: '12:10' }];
      const id = await connection('* * * * *', { overlap: 'cancel_running', in_blackout: 'skip', blackouts });
      const orders = await mapping(id, 'orders');
      const scheduler = schedulerOf(test.store);
      await scheduler.look();
      for (let minute = 0; minute < 2; minute++) {
        now = NOON + minute * MINUTE;
        await scheduler.look();
      }
      assert.deepEqual(await runs(), [
        `${orders} import queued - 0`,
        `${orders} import skipped PCP_SKIPPED_BLACKOUT 1`,
      ]);
    });

    it('let one run wait for the end of a blackout', async () => {
      const id = await connection('* * * * *', { blackouts: [{ from: '12:00', to: '12:10' }] });
      const orders = await mapping(id, 'orders');
      const scheduler = schedulerOf(test.store);
      await scheduler.look();
      for (let minute = 0; minute < 9; minute++) {
        now = NOON + minute * MINUTE;
        await scheduler.look();
      }
      assert.deepEqual(await runs(), [`${orders} import waiting_quota PCP_BLACKOUT 0`]);
      const [row] = await test.store.database.query('SELECT next_attempt_at FROM integration_sync_logs');
      assert.equal(Number(row?.next_attempt_at), NOON + 10 * MINUTE);
    });

    it('reckon anew when they are changed, and forget what is not active', async () => {
      const id = await connection('0 12 * * *');
      await mapping(id, 'orders');
      const scheduler = schedulerOf(test.store);
      await scheduler.look();
      const connectionInput = { name: 'erp', connector_type: 'generic.file' };
      await connections.update(id, { ...connectionInput, schedule: '0 13 * * *' });
      await scheduler.look();
      now = NOON + MINUTE;
      await scheduler.look();
      assert.deepEqual(await runs(), []);
      await connections.update(id, { ...connectionInput, is_active: false });
      await scheduler.look();
      now = NOON + 90 * MINUTE;
      await connections.update(id, { ...connectionInput, is_active: true });
      await scheduler.look();
      assert.deepEqual(await runs(), [], 'what was due while it was not active was not missed');
      await connections.update(id, { ...connectionInput, schedule: null });
      await scheduler.look();
      assert.deepEqual(await test.store.database.query('SELECT * FROM integration_schedules'), []);
    });

    it('tell by a failed run what keeps a mapping from starting, and start the others', async () => {
      const id = await connection('0 12 * * *');
      const [wrong, right] = [await mapping(id, 'wrong'), await mapping(id, 'right')];
      const scheduler = schedulerOf(test.store, (checked) => {
        if (checked === wrong) throw new IntegrationError('config', 'PCP_SOURCE_SHARED', 'It is read by another.');
      });
      await scheduler.look();
      now = NOON;
      await scheduler.look();
      assert.deepEqual(await runs(), [`${wrong} import failed PCP_SOURCE_SHARED 0`, `${right} import queued - 0`]);
    });
  });
}
