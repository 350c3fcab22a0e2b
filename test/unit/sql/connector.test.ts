import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector, ReadQuery, SourceRecord } from '../../../lib/connectors/contract';
import type { Cursor } from '../../../lib/model/sync';
import type { SqlDatabase, SqlOptions } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { connectorOf, PEERS, writeRecords } from './peers';

const live = new AbortController().signal;

for (const { name, server, instant } of PEERS) {
  describe(`generic.database: ${name}`, () => {
    let directory: string;
    let options: SqlOptions;
    let database: SqlDatabase;
    let connector: Connector;

    before(async function () {
      directory = await mkdtemp(join(tmpdir(), 'pcp-connector-'));
      options = server
        ? await (await server(this)).createDatabase()
        : { dialect: 'sqlite', storage: join(directory, 'a.db'), wal: true };
      database = await openDatabase(options);
    });

    after(async () => {
      await database?.close();
      await rm(directory, { recursive: true });
    });

    beforeEach(async () => {
      await database.execute('DROP TABLE IF EXISTS part');
      await database.execute(
        `CREATE TABLE part (id bigint NOT NULL PRIMARY KEY, code varchar(40) NOT NULL, size int, weight decimal(20,6), changed ${instant}, CONSTRAINT part_code UNIQUE (code))`,
      );
      connector = open({});
    });

    afterEach(() => connector.close());

    const open = (config: Record<string, unknown>) => connectorOf(options, config);

    const insert = (ids: (number | bigint)[], changed: Date | null = null) =>
      database.upsert({
        table: { name: 'part' },
        columns: ['id', 'code', 'size', 'changed'],
        keyColumns: ['id'],
        rows: ids.map((id) => [id, `c${id}`, Number(BigInt(id) % 100n), changed]),
      });

    async function collect(query: Partial<ReadQuery>, between?: (batch: number) => Promise<unknown>) {
      const records: SourceRecord[] = [];
      let cursor: Cursor | null = null;
      let batches = 0;
      const whole = { entity: 'part', cursor: null, batchSize: 4, ...query };
      for await (const batch of connector.read!(whole, live)) {
        records.push(...batch.records);
        cursor = batch.cursorAfter;
        batches += 1;
        await between?.(batches);
      }
      return { records, cursor, ids: records.map((record) => String(record.id)) };
    }

    const write = (records: SourceRecord[], keyFields?: string[]) =>
      writeRecords(connector, 'part', records, keyFields);

    it('reads by key without loss or repetition while rows come and go, wide keys included', async () => {
      const wide = [9007199254740993n, 9007199254740994n, 9007199254740995n];
      await insert([1, 2, 3, 4, 5, 6, 7, 8, 9, ...wide]);
      const { ids } = await collect({}, async (batch) => {
        if (batch > 1) return;
        await database.execute('DELETE FROM part WHERE id = 1');
        await database.execute("INSERT INTO part (id, code) VALUES (0, 'before'), (100, 'behind')");
      });
      assert.deepEqual(ids, ['1', '2', '3', '4', '5', '6', '7', '8', '9', '100', ...wide.map(String)]);
    });

    it('finds every change of a table that is written while it is read incrementally', async () => {
      await insert([1, 2, 3, 4, 5, 6, 7, 8, 9], new Date(Date.now() - 60_000));
      let added = 10;
      const first = await collect({ cursorField: 'changed' }, () => insert([added++], new Date(Date.now() + 5)));
      const seen = new Set(first.ids);
      const last = new Date(Date.now() + 5);
      await insert([2], last);
      while ((await database.now()) <= last) await new Promise(setImmediate);
      const second = await collect({ cursorField: 'changed', cursor: first.cursor });
      assert.ok(second.ids.includes('2'), `the changed row is read again: ${second.ids}`);
      for (const id of second.ids) seen.add(id);
      assert.deepEqual(
        [...seen].map(Number).sort((a, b) => a - b),
        Array.from({ length: added - 1 }, (_, n) => n + 1),
      );
      assert.equal(first.cursor?.kind, 'window');
    });

    it('looks back, so that a transaction that committed late is found', async () => {
      await insert([1, 2], new Date(Date.now() - 1000));
      const first = await collect({ cursorField: 'changed' });
      await insert([3], new Date(Date.now() - 5000));
      const second = await collect({ cursorField: 'changed', cursor: first.cursor });
      assert.ok(second.ids.includes('3'));
      const strict = await collect({ cursorField: 'changed', cursor: first.cursor, lookbackSeconds: 0 });
      assert.ok(strict.cursor !== null);
    });

    it('finds what changes in the hour that daylight saving repeats, by local times', async () => {
      await database.execute('DROP TABLE part');
      const local = name === 'PostgreSQL' ? 'timestamp' : 'datetime';
      await database.execute(`CREATE TABLE part (id bigint NOT NULL PRIMARY KEY, changed ${local})`);
      const add = (id: number, time: string) =>
        database.execute(`INSERT INTO part (id, changed) VALUES (${id}, '2026-11-01 ${time}.000')`);
      await add(1, '01:59:58');
      const first = await collect({ cursorField: 'changed' });
      await add(2, '01:00:05');
      const second = await collect({ cursorField: 'changed', cursor: first.cursor });
      assert.deepEqual(second.ids.sort(), ['1', '2']);
    });

    it('continues an incremental pass from its middle, rows of the same moment included', async () => {
      await insert([1, 2, 3, 4, 5, 6, 7, 8, 9], new Date(Date.now() - 60_000));
      const cursors: Cursor[] = [];
      const query = { entity: 'part', batchSize: 4, cursorField: 'changed' };
      for await (const batch of connector.read!({ ...query, cursor: null }, live)) cursors.push(batch.cursorAfter);
      const rest = await collect({ cursorField: 'changed', cursor: JSON.parse(JSON.stringify(cursors[0])) as Cursor });
      assert.deepEqual(rest.ids, ['5', '6', '7', '8', '9']);
    });

    it('follows a number that grows, and reads the last ones again', async () => {
      connector = open({ lookback_values: 0 });
      await insert([1, 2, 3, 4, 5]);
      const first = await collect({ cursorField: 'id' });
      await insert([6, 7]);
      const second = await collect({ cursorField: 'id', cursor: first.cursor });
      assert.deepEqual([first.ids.length, second.ids], [5, ['6', '7']]);
      assert.deepEqual((await collect({ cursorField: 'id', cursor: second.cursor })).ids, []);

      await connector.close();
      connector = open({ lookback_values: 3 });
      await database.execute('DELETE FROM part WHERE id = 7');
      const again = await collect({ cursorField: 'id', cursor: second.cursor });
      assert.deepEqual(
        [again.ids, again.cursor?.lo],
        [['5', '6'], second.cursor?.lo],
        'and the cursor never goes back',
      );
      await insert([9007199254740993n, 9007199254740995n]);
      const wide = await collect({ cursorField: 'id', cursor: again.cursor });
      const last = await collect({ cursorField: 'id', cursor: wide.cursor });
      assert.deepEqual(last.ids, ['9007199254740993', '9007199254740995']);
    });

    if (server !== undefined) {
      it('finds a row whose transaction commits after those with greater numbers', async () => {
        const late = await openDatabase(options);
        const begun = Promise.withResolvers<void>();
        const passed = Promise.withResolvers<void>();
        const slow = late.transaction(async (transaction) => {
          await transaction.execute("INSERT INTO part (id, code) VALUES (1, 'late')");
          begun.resolve();
          await passed.promise;
        });
        await begun.promise;
        await database.execute("INSERT INTO part (id, code) VALUES (2, 'quick')");
        const first = await collect({ cursorField: 'id' });
        passed.resolve();
        await slow;
        await late.close();
        const second = await collect({ cursorField: 'id', cursor: first.cursor });
        assert.deepEqual([first.ids, second.ids], [['2'], ['1', '2']]);
      });
    }

    it('reads views of the connection, with and without a key', async () => {
      await insert([1, 2, 3, 4, 5, 6]);
      await connector.close();
      connector = open({
        views: {
          keyed: { sql: 'SELECT id, size FROM part WHERE id > 1 -- all but one;', key: ['id'] },
          keyless: 'SELECT size FROM part;',
          nulls: { sql: 'SELECT weight, id FROM part', key: ['weight'] },
          twice: { sql: 'SELECT 1 AS one, id FROM part', key: ['one'] },
        },
      });
      assert.deepEqual((await collect({ entity: 'keyed' })).ids, ['2', '3', '4', '5', '6']);
      const keyless = await collect({ entity: 'keyless' });
      assert.deepEqual([keyless.records.length, keyless.cursor?.kind], [6, 'snapshot']);
      await assert.rejects(collect({ entity: 'nulls' }), { class: 'config', code: 'PCP_SQL_KEY_NULL' });
      await assert.rejects(collect({ entity: 'twice' }), { class: 'config', code: 'PCP_SQL_KEY_NOT_UNIQUE' });
      await assert.rejects(
        write([{ id: 1 }]).then(() =>
          connector.openWriter!(
            { entity: 'keyed', keyFields: ['id'], fields: ['id'], resume: null, runId: 1, mappingId: 1 },
            live,
          ),
        ),
        {
          class: 'config',
        },
      );
    });

    it('ends batches where wide rows have filled the memory that they may take', async () => {
      const text = ['mariadb', 'mysql'].includes(database.dialect) ? 'longtext' : 'text';
      await database.execute('DROP TABLE IF EXISTS wide');
      await database.execute(`CREATE TABLE wide (id int NOT NULL PRIMARY KEY, body ${text})`);
      const body = 'x'.repeat(600_000);
      for (let id = 1; id <= 30; id++) await database.execute('INSERT INTO wide (id, body) VALUES (?, ?)', [id, body]);
      connector = open({ views: { bodies: 'SELECT id, body FROM wide' } });
      for (const query of [{ entity: 'wide' }, { entity: 'wide', cursorField: 'id' }, { entity: 'bodies' }]) {
        const sizes: number[] = [];
        for await (const { records } of connector.read!({ cursor: null, batchSize: 1000, ...query }, live)) {
          sizes.push(records.length);
        }
        assert.equal(
          sizes.reduce((sum, size) => sum + size, 0),
          30,
        );
        // 8 MiB, and the row that goes beyond.
        assert.ok(Math.max(...sizes) <= 14, `${query.entity}: ${sizes}`);
      }
    });

    it('runs one statement per view, whatever is hidden in it', async () => {
      await insert([1]);
      await connector.close();
      connector = open({ views: { bad: 'SELECT 1 AS id) q; DELETE FROM part; SELECT * FROM (SELECT 2 AS id' } });
      await assert.rejects(collect({ entity: 'bad' }));
      assert.equal((await database.query('SELECT id FROM part')).length, 1);
    });

    it('takes hostile names of entities and fields for unknown names', async () => {
      await insert([1]);
      for (const hostile of [
        'part; DROP TABLE part',
        'part" --',
        'part` --',
        "part' OR '1'='1",
        'a.b.c',
        'part\u0000',
      ]) {
        await assert.rejects(collect({ entity: hostile }), { class: 'config' }, hostile);
        await assert.rejects(
          collect({ fields: [hostile] }),
          { class: 'config', code: 'PCP_SQL_COLUMN_UNKNOWN' },
          hostile,
        );
        await assert.rejects(write([{ id: 1, code: 'x', [hostile]: 1 }]), {
          class: 'config',
          code: 'PCP_SQL_COLUMN_UNKNOWN',
        });
      }
      const record = { id: 2, code: "x'); DROP TABLE part; --", size: 1 };
      assert.deepEqual(await write([record]), [{ outcome: 'created', externalKey: '["2"]' }]);
      const { records } = await collect({ filters: [{ field: 'code', operator: 'eq', value: record.code }] });
      assert.deepEqual(
        records.map(({ code }) => code),
        [record.code],
      );
    });

    it('writes what is sound and says for each other record which column refuses it', async () => {
      await insert([1]);
      const good = Array.from({ length: 300 }, (_, n) => ({
        id: n + 1,
        code: `k${n}`,
        size: n as unknown,
        weight: '1.5' as unknown,
      }));
      good[10]!.size = 'twelve';
      good[20]!.weight = '1,5';
      good[30]!.code = 'k29';
      good[40]!.code = null as never;
      good[50]!.code = 'a\0b';
      const results = await write(good);
      const failed = results.flatMap((result, index) =>
        result.outcome === 'failed' ? [{ index, error: result.error }] : [],
      );
      const expected = [10, 20, 30, 40, 50];
      assert.deepEqual(
        failed.map(({ index }) => index),
        expected,
      );
      for (const { error } of failed) assert.equal(error.class, 'data', error.message);
      const paths = new Map(failed.map(({ index, error }) => [index, error.path]));
      assert.deepEqual(
        [paths.get(10), paths.get(20), paths.get(40), paths.get(50)],
        ['size', 'weight', 'code', 'code'],
      );
      assert.equal(results[0]?.outcome, 'updated');
      assert.equal(results[1]?.outcome, 'created');
      const [row] = await database.query('SELECT count(*) AS n FROM part');
      assert.equal(Number(row?.n), 295);
    });

    it('names the unique key that is missing, and how to make it', async () => {
      await assert.rejects(
        write([{ id: 1, code: 'x', size: 1 }], ['size']),
        (error: { code: string; hint: string; class: string }) => {
          assert.deepEqual([error.class, error.code], ['config', 'PCP_SQL_KEY_MISSING']);
          assert.match(error.hint, /CREATE UNIQUE INDEX .*part.*size/);
          return true;
        },
      );
      await assert.rejects(write([{ id: 1, size: 1 }]), { class: 'config', code: 'PCP_SQL_COLUMN_REQUIRED' });
      assert.equal((await write([{ id: 1, code: 'x', size: 1 }], ['code']))[0]?.outcome, 'created');
    });

    it('looks up what the target holds', async () => {
      await insert([1, 2]);
      const found = await connector.lookup!(
        { entity: 'part', keyFields: ['id'] },
        [{ id: 2 }, { id: '77' }, { id: '1' }],
        live,
      );
      assert.deepEqual(
        found.map((record) => record?.code ?? null),
        ['c2', null, 'c1'],
      );
    });

    it('can tell nothing of a key that its column cannot hold, and goes on with the others', async () => {
      await insert([1]);
      const keys = [{ id: 'A-1' }, { id: 1 }, { id: 2 }];
      const found = await connector.lookup!({ entity: 'part', keyFields: ['id'] }, keys, live);
      assert.deepEqual(
        found.map((record) => (record === null ? null : record?.code)),
        [undefined, 'c1', null],
      );
    });

    if (name !== 'SQLite') {
      it('reads fixed-width texts without the blanks that fill them up', async () => {
        await database.execute('CREATE TABLE fixed (code CHAR(5) PRIMARY KEY)');
        await database.execute("INSERT INTO fixed VALUES ('N1'), ('LONGR')");
        try {
          for await (const { records } of connector.read!({ entity: 'fixed', cursor: null, batchSize: 1 }, live)) {
            assert.ok(['N1', 'LONGR'].includes(String(records[0]!.code)), JSON.stringify(records));
          }
          const keys = [{ code: 'N1' }, { code: 'N2' }];
          const found = await connector.lookup!({ entity: 'fixed', keyFields: ['code'] }, keys, live);
          assert.deepEqual(found, [{ code: 'N1' }, null]);
        } finally {
          await database.execute('DROP TABLE fixed');
        }
      });
    }

    if (name === 'PostgreSQL') {
      it('quotes no value of a row in the report of a test', async () => {
        const views = { secret: `SELECT CAST(code AS int) AS n FROM (SELECT 'of-the-plant'::text AS code) t` };
        const report = await open({ views }).test(live);
        assert.match(JSON.stringify(report), /invalid input syntax for type integer/);
        assert.ok(!JSON.stringify(report).includes('of-the-plant'));
      });
    }

    it('filters in the database what it can judge as the mapping does', async () => {
      await insert([1, 2, 3, 4, 5, 6, 7]);
      const ids = async (...filters: NonNullable<ReadQuery['filters']>) => (await collect({ filters })).ids.join();
      assert.equal(await ids({ field: 'size', operator: 'gt', value: 5 }), '6,7');
      assert.equal(await ids({ field: 'id', operator: 'in', value: [2, '3'] }), '2,3');
      assert.equal(await ids({ field: 'id', operator: 'between', value: [2, 4] }), '2,3,4');
      assert.equal(await ids({ field: 'code', operator: 'eq', value: 'c4' }), '4');
      const byValue = { field: 'code', operator: 'eq', value: 'c4', byValue: true } as const;
      assert.equal(await ids(byValue), '1,2,3,4,5,6,7', 'what texts stand for is not compared here');
      assert.equal(await ids({ field: 'weight', operator: 'is_null' }), '1,2,3,4,5,6,7');
      await database.execute('UPDATE part SET size = NULL WHERE id IN (1, 2)');
      assert.equal(await ids({ field: 'size', operator: 'ne', value: 5 }), '1,2,3,4,6,7');
      assert.equal(await ids({ field: 'size', operator: 'not_in', value: [5, 6] }), '1,2,3,4,7');
      assert.equal(
        await ids({ field: 'size', operator: 'ne', value: 5 }, { field: 'id', operator: 'gt', value: 5 }),
        '6,7',
        'each condition stands alone',
      );
      assert.equal(await ids({ field: 'code', operator: 'gt', value: 'c4' }), '1,2,3,4,5,6,7');
      assert.equal(await ids({ field: 'size', operator: 'eq', value: 'abc' }), '1,2,3,4,5,6,7');
      assert.equal(await ids({ expression: 'size > 3' }), '1,2,3,4,5,6,7');
    });
  });
}
