import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Model, ModelStatic } from 'sequelize';
import { openDatabase, parseDatabaseUrl } from '../../../lib/protocols/sql/open';
import { id, text } from '../../../lib/store/columns';
import { migrate } from '../../../lib/store/migrate';
import { type Migration, migrations } from '../../../lib/store/migrations';
import { createIndex, createTable } from '../../../lib/store/migrations/migration';
import { openStore, STORE_FILE, type StoreOptions } from '../../../lib/store/store';
import { insertRun } from '../../../lib/sync/runs/run-rows';
import { type StorePlace, storeKinds } from './stores';

const run = promisify(execFile);
const NAMES = migrations.map(({ name }) => name);

async function rawDatabase({ url, directory }: StoreOptions) {
  return openDatabase(
    url === undefined ? { dialect: 'sqlite', storage: join(directory, STORE_FILE) } : parseDatabaseUrl(url),
  );
}

for (const kind of storeKinds) {
  describe(`migrations on ${kind.name}`, () => {
    let options: StoreOptions;
    let place: StorePlace | undefined;
    beforeEach(async function () {
      place = await kind.place(this);
      options = place.options;
    });
    afterEach(() => place?.remove());

    it('run once, whoever opens the store', async () => {
      const first = await openStore(options);
      await first.database.execute("INSERT INTO integration_stream_locks (stream) VALUES ('kept')");
      await first.close();
      const second = await openStore(options);
      assert.equal(await second.models.streamLocks.count(), 1);
      const rows = await second.database.query('SELECT name FROM integration_migrations');
      assert.deepEqual(
        rows.map(({ name }) => name),
        NAMES,
      );
      await second.close();
    });

    it('run once when processes start together', async () => {
      const start = () => run(process.execPath, [join(__dirname, 'open-once.js'), JSON.stringify(options)]);
      const processes = await Promise.all([start(), start(), start()]);
      for (const { stdout } of processes) assert.deepEqual(JSON.parse(stdout), NAMES);
    });

    it('go on after a migration that was cut off', async () => {
      const database = await rawDatabase(options);
      let cut = true;
      const second: Migration = {
        name: '0099-test',
        async up(context) {
          await createTable(context, 'integration_test', { id: id(), word: text(50) });
          if (cut) throw new Error('cut off');
          await createIndex(context, 'integration_test', ['word']);
        },
      };
      await migrate(database, migrations);
      await assert.rejects(migrate(database, [...migrations, second]), /cut off/);
      const applied = () => database.query('SELECT name FROM integration_migrations ORDER BY name');
      assert.deepEqual(
        (await applied()).map(({ name }) => name),
        NAMES,
      );
      const left = (await database.listTables()).some(({ table }) => table.name === 'integration_test');
      // MariaDB commits each table; the others took it back with the transaction.
      assert.equal(left, kind.name === 'MariaDB');
      cut = false;
      await migrate(database, [...migrations, second]);
      assert.deepEqual(
        (await applied()).map(({ name }) => name),
        [...NAMES, '0099-test'],
      );
      await database.execute("INSERT INTO integration_test (word) VALUES ('a')");
      await migrate(database, [...migrations, second]);
      await database.close();
    });

    it('make one stream of both directions of a mapping, with the highest fence that any run has seen', async () => {
      const store = await openStore(options);
      const { database } = store;
      const lock = (stream: string, fence: number) =>
        database.execute(
          `INSERT INTO integration_stream_locks (stream, fence, owner_run, lease_until, touched_at) VALUES (?, ?, 1, 5, 5)`,
          [stream, fence],
        );
      for (const [stream, fence] of [
        ['7:import', 3],
        ['7:export', 4],
        ['8:export', 2],
        ['mapping:8', 1],
      ] as const) {
        await lock(stream, fence);
      }
      const run = { jobId: 'j', connectionId: 1, mappingVersion: 1, direction: 'import', kind: 'sync' } as const;
      await insertRun(database, { ...run, mappingId: 7, full: false, dryRun: false, createdBy: null }, 0);
      await database.execute('UPDATE integration_sync_logs SET fence = 9');
      await database.execute(`DELETE FROM integration_migrations WHERE name = '0004-mapping-streams'`);
      await store.close();
      const upgraded = await openStore(options);
      const rows = await upgraded.database.query('SELECT stream, fence FROM integration_stream_locks ORDER BY stream');
      assert.deepEqual(
        rows.map(({ stream, fence }) => [stream, Number(fence)]),
        [
          ['mapping:7', 9],
          ['mapping:8', 2],
        ],
      );
      await upgraded.close();
    });

    it('refuse a store of a later version and change nothing', async () => {
      const store = await openStore(options);
      await store.database.execute('INSERT INTO integration_migrations (name, applied_at) VALUES (?, ?)', [
        '9999-later',
        new Date(),
      ]);
      await store.close();
      await assert.rejects(openStore(options), { code: 'PCP_STORE_NEWER', class: 'config' });
    });

    it('make the columns that the models name', async () => {
      const store = await openStore(options);
      for (const model of Object.values(store.models) as ModelStatic<Model>[]) {
        const { columns } = await store.database.describeTable({ name: String(model.getTableName()) });
        const modelled = Object.keys(model.getAttributes()).sort();
        assert.deepEqual(columns.map(({ name }) => name).sort(), modelled, String(model.getTableName()));
      }
      await store.close();
    });
  });
}

describe('the SQLite file', () => {
  it('is private, also when it was not', async function () {
    if (process.platform === 'win32') this.skip();
    const { options, remove } = await storeKinds[0]!.place(this);
    const path = join(options.directory, STORE_FILE);
    const store = await openStore(options);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    const [synchronous] = await store.database.query('PRAGMA synchronous');
    assert.equal(synchronous?.synchronous, 2);
    await store.close();
    chmodSync(path, 0o644);
    await (await openStore(options)).close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await remove();
  });
});
