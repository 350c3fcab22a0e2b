import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import type { LocalizedText } from '../../../lib/connectors/descriptor';
import type { Filter } from '../../../lib/model/mapping';
import type { SqlDatabase, SqlOptions } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { connectorOf, PEERS, writeRecords } from './peers';

const live = new AbortController().signal;

for (const { name, server } of PEERS) {
  describe(`generic.database tells what is wrong: ${name}`, () => {
    const suffix = name === 'MariaDB' ? ' CHARSET=utf8mb4' : '';
    let directory: string;
    let options: SqlOptions;
    let database: SqlDatabase;
    let connector: Connector;

    before(async function () {
      directory = await mkdtemp(join(tmpdir(), 'pcp-refusals-'));
      options = server
        ? await (await server(this)).createDatabase()
        : { dialect: 'sqlite', storage: join(directory, 'a.db'), wal: true };
      database = await openDatabase(options);
      await database.execute(`CREATE TABLE plant (code varchar(10) NOT NULL PRIMARY KEY)${suffix}`);
      await database.execute("INSERT INTO plant VALUES ('P1')");
    });

    after(async () => {
      await database?.close();
      await rm(directory, { recursive: true });
    });

    beforeEach(() => {
      connector = connectorOf(options);
    });

    afterEach(() => connector.close());

    async function reopen(config: Record<string, unknown>): Promise<Connector> {
      await connector.close();
      return connectorOf(options, config);
    }

    async function readAll(entity: string, filters: Filter[] = []): Promise<SourceRecord[]> {
      const records: SourceRecord[] = [];
      for await (const batch of connector.read!({ entity, cursor: null, batchSize: 10, filters }, live)) {
        records.push(...batch.records);
      }
      return records;
    }

    it('names field, value and rule of whatever the table refuses', async () => {
      await database.execute(
        `CREATE TABLE strict_part (id varchar(20) NOT NULL PRIMARY KEY, code varchar(10), size int CHECK (size < 10),
          weight decimal(6,2), due date, plant varchar(10), other varchar(20) UNIQUE,
          CONSTRAINT weight_rule CHECK (weight < 5000 AND 'size' <> ')'),
          FOREIGN KEY (plant) REFERENCES plant (code))${suffix}`,
      );
      const wrong: [string, unknown, string][] = [
        ['code', 'b\0c', 'PCP_SQL_VALUE'],
        ['code', '\ud800', 'PCP_SQL_VALUE'],
        ['size', 12, 'PCP_SQL_CHECK'],
        ['size', '99999999999999999999', 'PCP_SQL_RANGE'],
        ['weight', '5000.5', 'PCP_SQL_CHECK'],
        ...(name === 'SQLite'
          ? []
          : ([
              ['weight', '99999', 'PCP_SQL_RANGE'],
              ['weight', '1e30', 'PCP_SQL_RANGE'],
              ['weight', '1.0049', 'PCP_SQL_SCALE'],
              ['weight', '1e-3', 'PCP_SQL_SCALE'],
            ] as [string, unknown, string][])),
        ['due', '2026-02-30', 'PCP_SQL_VALUE'],
        ['plant', 'P9', 'PCP_SQL_FOREIGN_KEY'],
        ['other', 'taken', 'PCP_SQL_UNIQUE'],
        // SQLite keeps texts of any length and decimals of any digits, whatever is declared.
        ...(name === 'SQLite' ? [] : ([['code', 'x'.repeat(11), 'PCP_SQL_RANGE']] as [string, unknown, string][])),
      ];
      const none = { code: null, size: null, weight: null, due: null, plant: null, other: null };
      const sound = [
        { ...none, id: 'first', other: 'taken' },
        {
          ...none,
          id: 'kept',
          code: '\u{1F600}'.repeat(10),
          weight: '-1234.5000',
          size: 9,
          due: '2028-02-29',
          plant: 'P1',
        },
      ];
      const bad = wrong.map(([field, value], n) => ({ ...none, id: `bad${n}`, [field]: value }));
      const results = await writeRecords(connector, 'strict_part', [...sound, ...bad]);
      assert.deepEqual(
        results.map((result) =>
          result.outcome === 'failed' ? [result.error.path, result.error.value, result.error.code] : result.outcome,
        ),
        ['created', 'created', ...wrong],
      );
      const [row] = await database.query('SELECT count(*) AS n FROM strict_part');
      assert.equal(Number(row?.n), 2);
    });

    it('tells a broken view beside the entities that are sound', async () => {
      connector = await reopen({
        views: { broken: 'SELECT * FROM nowhere', sound: '/* a * b */ -- c\n SELECT code FROM plant' },
      });
      const entities = await connector.discover!(live);
      const broken = entities.find((entity) => entity.name === 'broken');
      assert.deepEqual([broken?.readable, broken?.error?.code], [false, 'PCP_SQL_TABLE_UNKNOWN']);
      assert.ok(['sound', 'plant'].every((each) => entities.some((entity) => entity.name === each && entity.readable)));
      const report = await connector.test(live);
      assert.equal(report.ok, true, JSON.stringify(report));
      const { 'en-US': english, 'pt-BR': portuguese } = report.steps.at(-1)!.detail as LocalizedText;
      assert.match(english, /sound; the view "broken" is broken: .*nowhere/);
      assert.match(portuguese, /sound; a visão "broken" tem um erro: .*nowhere/);
      await assert.rejects(readAll('broken'), { class: 'config', code: 'PCP_SQL_TABLE_UNKNOWN' });
      const refused = connectorOf(options, { views: { x: 'DELETE FROM part' } });
      await assert.rejects(refused.discover!(live), { code: 'PCP_SETTING_INVALID', path: '/config/views/x' });
    });

    if (name === 'SQLite') {
      it('refuses decimals that SQLite would round, and no others', async () => {
        await database.execute('CREATE TABLE amount (id text PRIMARY KEY, n decimal(30,6), exact decimal_text)');
        const kept = [
          '12345678901234.5',
          '0.1',
          '-1234567890123456789',
          '0.30000000000000004',
          '1000000000000000000000',
        ];
        const rounded = ['12345678901234567.891', '0.12345678901234567', '9223372036854775809', '1e400'];
        const records = [...kept, ...rounded].map((n) => ({ id: n, n, exact: rounded[0] }));
        const results = await writeRecords(connector, 'amount', records);
        assert.deepEqual(
          results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome)),
          [...kept.map(() => 'created'), ...rounded.map(() => 'PCP_SQL_SCALE')],
        );
        const read = await readAll('amount');
        assert.ok(read.every(({ id, n }) => Number(id) === Number(n)));
      });
    }

    if (name === 'MariaDB') {
      it('refuses a key that the collation takes for that of another record', async () => {
        await database.execute(
          `CREATE TABLE folded (id varchar(20) PRIMARY KEY, plant char(4), q varchar(20)) CHARSET=utf8mb4 COLLATE utf8mb4_general_ci`,
        );
        const twins = ['ab1', 'AB1', 'ab2 ', 'ab2', 'ab3'].map((id) => ({ id, q: id }));
        const of = async (records: SourceRecord[]) =>
          (await writeRecords(connector, 'folded', records)).map((result) =>
            result.outcome === 'failed' ? [result.error.code, result.error.path] : result.outcome,
          );
        const refused = ['PCP_SQL_UNIQUE', 'id'];
        assert.deepEqual(await of(twins), ['created', refused, 'created', refused, 'created']);
        assert.deepEqual(await of([{ id: 'AB3', q: 'other' }]), [refused]);
        assert.deepEqual(await of([{ id: 'ab3', q: 'changed' }]), ['updated']);
        // By so many rows the way by LOAD DATA is taken.
        const many = Array.from({ length: 300 }, (_, n) => ({ id: `n${n}`, q: 'x' }));
        assert.ok((await of(many)).every((outcome) => outcome === 'created'));
        const again = await of(many.map(({ id, q }) => ({ id: id.toUpperCase(), q })));
        assert.ok(again.every((outcome) => String(outcome) === String(refused)));
        assert.ok((await of(many)).every((outcome) => outcome === 'updated'));
      });

      it('knows a key of fixed width by its text without the blanks', async () => {
        await database.execute('CREATE TABLE padded (id char(6) PRIMARY KEY, n decimal(10,2), d date, UNIQUE (n, d))');
        for (const outcome of ['created', 'updated']) {
          const [result] = await writeRecords(connector, 'padded', [{ id: 'a', n: '1.5', d: '2026-11-27' }]);
          assert.equal(result?.outcome, outcome);
          const [same] = await writeRecords(connector, 'padded', [{ n: '1.50', d: '2026-11-27', id: 'a' }], ['n', 'd']);
          assert.equal(same?.outcome, 'updated');
        }
      });
    }

    if (server !== undefined) {
      it('names a schema that does not exist, in the test and in discovery', async () => {
        connector = await reopen({ schema: 'nope' });
        const failed = (await connector.test(live)).steps.at(-1);
        assert.deepEqual(
          [failed?.ok, failed?.name, failed?.error?.code],
          [false, 'authorise', 'PCP_SQL_SCHEMA_UNKNOWN'],
        );
        assert.match(failed?.error?.message ?? '', /nope/);
        await assert.rejects(connector.discover!(live), { code: 'PCP_SQL_SCHEMA_UNKNOWN', path: '/config/schema' });
      });
    }

    if (name === 'PostgreSQL') {
      it('reads and writes money as a decimal, and leaves times alone that ISO 8601 cannot tell', async () => {
        await database.execute('DROP TABLE IF EXISTS odd');
        await database.execute(
          `CREATE TABLE odd (id int PRIMARY KEY, price money, at timestamptz, "when" timestamp, label varchar(9) DEFAULT '')`,
        );
        await database.execute(
          `INSERT INTO odd VALUES (1, -1234.5, '12000-01-02 03:04:05Z', '12000-01-02'), (2, 0, '-infinity', 'infinity')`,
        );
        assert.deepEqual(await writeRecords(connector, 'odd', [{ id: 3, price: '12.50' }]), [
          { outcome: 'created', externalKey: '["3"]' },
        ]);
        const [cents] = await writeRecords(connector, 'odd', [{ id: 4, price: '12.505' }]);
        assert.equal(cents?.outcome === 'failed' && cents.error.code, 'PCP_SQL_SCALE');
        const records = await readAll('odd');
        assert.deepEqual(
          records.map(({ price, at, when }) => [price, at, when]),
          [
            ['-1234.50', '12000-01-02 03:04:05+00', '12000-01-02 00:00:00'],
            ['0.00', '-infinity', 'infinity'],
            ['12.50', null, null],
          ],
        );
        const price = { field: 'price', operator: 'gt', value: '12.495' } as const;
        assert.ok((await readAll('odd', [price])).some(({ id }) => id === 3));
      });
    }
  });
}
