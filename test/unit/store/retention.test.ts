import assert from 'node:assert/strict';
import { parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { StoreClock } from '../../../lib/sync/clock';
import { toDeadLetter } from '../../../lib/sync/letters/letter-rows';
import { changeReconciliation, insertReconciliation, reconciliationOfRun } from '../../../lib/sync/reconciliation/rows';
import { Retention } from '../../../lib/sync/retention';
import { beginAttempt } from '../../../lib/sync/runs/attempts';
import { insertRun } from '../../../lib/sync/runs/run-rows';
import { newStore, storeKinds, type TestStore } from './stores';

const DAY = 86_400_000;
/** Below the limit of an earlier version, which counted characters, and above that of today's bytes. */
const LARGE = 'é'.repeat(40_000);
const vault = new Vault([parseKey('c3'.repeat(32), 'test')]);

for (const kind of storeKinds) {
  describe(`retention of dead letters on ${kind.name}`, () => {
    let opened: TestStore;
    let clock: StoreClock;
    let offset: number;
    let said: string[];
    let retention: Retention;

    beforeEach(async function () {
      opened = await newStore(kind, this);
      const { database } = opened.store;
      offset = 0;
      const storeClock = await StoreClock.of(database);
      clock = Object.assign(Object.create(storeClock) as StoreClock, { now: () => storeClock.now() + offset });
      said = [];
      const deadLetters = { limit: 100_000, openDays: 180, closedDays: 30 };
      const log = (level: string, message: string): void => void said.push(`${level} ${message}`);
      retention = new Retention({ database, clock, vault, deadLetters, logDays: 90, log });
    });

    afterEach(() => opened?.dispose());

    async function keep(state: string, days: number, count = 1): Promise<void> {
      const at = new Date(clock.now() - days * DAY);
      const letter = {
        mapping_id: 1,
        mapping_version: 1,
        sync_log_id: 1,
        direction: 'import',
        stage: 'transform',
        error_class: 'data',
        code: 'PCP_X',
        group_hash: 'g',
        state,
        first_at: at,
        last_at: at,
        key_id: vault.keyId,
      } as const;
      await opened.store.models.deadLetters.bulkCreate(Array.from({ length: count }, () => ({ ...letter }) as never));
    }

    const left = async (): Promise<unknown[]> => {
      const rows = await opened.store.database.query('SELECT state FROM integration_dead_letters ORDER BY id');
      return rows.map(({ state }) => state);
    };

    it('lets go what was closed 30 days ago or has been open for 180, and says so of the open ones', async () => {
      for (const state of ['resolved', 'discarded', 'superseded', 'open', 'replaying']) {
        await keep(state, 29);
        await keep(state, 31);
        await keep(state, 181);
      }
      await retention.tidy();
      assert.deepEqual(await left(), [
        ...['resolved', 'discarded', 'superseded', 'open', 'open'],
        ...['replaying', 'replaying', 'replaying'],
      ]);
      assert.deepEqual(said, ['warn 1 open dead letters were removed: nothing had happened to them for 180 days.']);
    });

    it('lets go sync logs of 90 days ago, but none that says something still needed', async () => {
      const { models, database } = opened.store;
      const at = new Date(clock.now() - 91 * DAY);
      const log = async (mapping_id: number, state: string, more: object = {}): Promise<number> => {
        const values = {
          job_id: 'j',
          connection_id: 1,
          mapping_id,
          direction: 'import',
          status: 'success',
          state,
          started_at: at,
          records_processed: 0,
          records_success: 0,
          records_error: 0,
          dry_run: false,
          ...more,
        };
        const quoted = Object.keys(values);
        await database.execute(
          `INSERT INTO integration_sync_logs (${quoted.join(', ')}) VALUES (${quoted.map(() => '?').join(', ')})`,
          Object.values(values) as never,
        );
        const [row] = await database.query('SELECT MAX(id) AS id FROM integration_sync_logs');
        await database.transaction((transaction) => beginAttempt(transaction, Number(row!.id), 1, 0));
        return Number(row!.id);
      };
      const waiting = await log(1, 'waiting_retry');
      await log(1, 'failed', { writer_state: '{}' });
      await log(1, 'succeeded');
      await log(1, 'failed');
      await log(1, 'succeeded', { dry_run: true });
      const kept = [waiting, await log(1, 'partial'), await log(1, 'failed', { writer_state: '{}' })];
      await log(1, 'succeeded', { dry_run: true });
      kept.push(await log(2, 'queued'));
      const withLetter = await log(2, 'failed');
      kept.push(await log(3, 'failed', { started_at: new Date(clock.now() - 89 * DAY) }));
      await keep('open', 1);
      await models.deadLetters.update({ sync_log_id: withLetter }, { where: {} });
      const ids = async () =>
        (await database.query('SELECT id FROM integration_sync_logs ORDER BY id')).map(({ id }) => Number(id));
      await retention.tidy();
      assert.deepEqual(
        await ids(),
        [...kept, withLetter].sort((a, b) => a - b),
      );
      await models.deadLetters.update({ state: 'resolved' }, { where: {} });
      offset = 3_600_000;
      await retention.tidy();
      assert.deepEqual(await ids(), kept);
      const attempts = await database.query('SELECT sync_log_id FROM integration_sync_attempts ORDER BY sync_log_id');
      assert.deepEqual(
        attempts.map((row) => Number(row.sync_log_id)),
        kept,
      );
    });

    it('keeps the last comparison of each stream, whatever its age', async () => {
      const { database } = opened.store;
      const old = clock.now() - 91 * DAY;
      const compared = async (direction: 'import' | 'export', endedAt: number | null): Promise<number> => {
        const run = { jobId: 'j', connectionId: 1, mappingId: 1, direction };
        const about = { kind: 'reconcile', mappingVersion: 1, full: false, dryRun: false, createdBy: null } as const;
        const failure = { class: 'transient', code: 'PCP_X', message: '' } as const;
        const id = await insertRun(database, { ...run, ...about }, old, { state: 'failed', failure });
        const rest = { action: 'report', settleSeconds: 0, trigger: null, createdBy: null, dueAt: null } as const;
        await database.transaction(async (transaction) => {
          await insertReconciliation(transaction, { run: { id, ...run }, mappingVersion: 1, ...rest }, old);
          if (endedAt !== null) {
            await changeReconciliation(transaction, (await reconciliationOfRun(transaction, id)).id, {
              ended_at: endedAt,
            });
          }
        });
        return id;
      };
      await compared('import', old);
      const kept = [await compared('export', old), await compared('import', old + 1)];
      await compared('import', null);
      await retention.tidy();
      const logs = await database.query('SELECT id FROM integration_sync_logs ORDER BY id');
      assert.deepEqual(
        logs.map(({ id }) => Number(id)),
        kept,
      );
      const rows = await database.query('SELECT sync_log_id FROM integration_reconciliations ORDER BY id');
      assert.deepEqual(
        rows.map(({ sync_log_id }) => Number(sync_log_id)),
        kept,
      );
    });

    it('goes through more sync logs than one look takes', async () => {
      const { database } = opened.store;
      const at = new Date(clock.now() - 91 * DAY);
      const add = (state: string, count: number) =>
        database.execute(
          `INSERT INTO integration_sync_logs (job_id, connection_id, mapping_id, direction, status, state, started_at,
             records_processed, records_success, records_error)
           VALUES ${new Array(count).fill(`('j', 1, 1, 'import', 'error', '${state}', ?, 0, 0, 0)`).join(', ')}`,
          new Array(count).fill(at),
        );
      for (let rows = 0; rows < 10_000; rows += 1000) await add('queued', 1000);
      await add('cancelled', 100);
      const left = async () => Number((await database.query('SELECT COUNT(*) AS n FROM integration_sync_logs'))[0]!.n);
      await retention.tidy();
      assert.equal(await left(), 10_100);
      await retention.tidy();
      assert.equal(await left(), 10_000);
    });

    it('seals what is in clear', async () => {
      await keep('open', 1);
      const { database, models } = opened.store;
      const value = database.quote('value');
      await database.execute(
        `UPDATE integration_dead_letters SET key_id = NULL, payload = ?, message = 'a: "x"', ${value} = '"x"'`,
        [JSON.stringify({ a: LARGE })],
      );
      const before = await models.deadLetters.findOne();
      await retention.tidy();
      const after = await models.deadLetters.findOne();
      assert.deepEqual([after!.key_id, after!.payload, after!.message, after!.value], [vault.keyId, null, null, null]);
      assert.deepEqual(after!.last_at, before!.last_at);
      const [row] = await database.query('SELECT * FROM integration_dead_letters');
      const letter = toDeadLetter(row!, vault);
      assert.deepEqual([letter.payload, letter.message, letter.value], [{ a: LARGE }, 'a: "x"', 'x']);
    });

    it('looks once an hour, and again when there is more than it does at once', async () => {
      await retention.tidy();
      await keep('resolved', 31, 11_000);
      await retention.tidy();
      assert.equal((await left()).length, 11_000);
      offset = 3_600_000;
      await retention.tidy();
      assert.equal((await left()).length, 1000);
      await retention.tidy();
      assert.equal((await left()).length, 0);
    });
  });
}
