import assert from 'node:assert/strict';
import { DataTypes } from 'sequelize';
import { Entities } from '../../../lib/connectors/generic/database/entities';
import type { SqlDatabase, SqlOptions, SqlValue } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { mariadbServer } from '../../support/mariadb';
import { postgresServer } from '../../support/postgres';

const SERVERS = [
  { name: 'PostgreSQL', server: postgresServer },
  { name: 'MariaDB', server: mariadbServer },
];

const DECIMAL = '12345678901234567890123456789.123456789';

for (const { name, server } of SERVERS) {
  describe(`sql: ${name}`, () => {
    let options: SqlOptions;
    let database: SqlDatabase;

    before(async function () {
      options = await (await server(this)).createDatabase();
      database = await openDatabase({ ...options, statementTimeoutMs: 5000 });
    });

    after(() => database?.close());

    beforeEach(async () => {
      await database.execute('DROP TABLE IF EXISTS part');
      await database.createTable(
        { name: 'part' },
        [
          { name: 'id', type: 'key', nullable: false },
          { name: 'quantity', type: 'decimal', nullable: true },
          { name: 'changed', type: 'datetime', nullable: true },
          { name: 'size', type: 'integer', nullable: true },
          { name: 'note', type: 'text', nullable: true },
          { name: 'day', type: 'date', nullable: true },
        ],
        ['id'],
      );
    });

    const columns = ['id', 'quantity', 'changed', 'size', 'note', 'day'];
    const upsert = (rows: SqlValue[][]) =>
      database.upsert({ table: { name: 'part' }, columns, keyColumns: ['id'], rows });
    const at = new Date('2026-11-24T05:00:00.123Z');
    const nasty = `O'Neil \\ "x"\t\n\r\\N 日本 \u{1F600} ç`;

    for (const count of [3, 800]) {
      it(`upserts ${count} rows exactly: decimals, 64-bit integers, instants, any text`, async () => {
        const row = (id: string): SqlValue[] => [id, DECIMAL, at, 9223372036854775807n, nasty, '2026-02-28'];
        const rows = Array.from({ length: count }, (_, n) => row(`p${n}`));
        await upsert(rows.map(([id]) => [id!, null, null, 1, '', null]));
        await upsert(rows);
        const read = await database.query("SELECT * FROM part WHERE id = 'p2'");
        assert.equal(Number((await database.query('SELECT count(*) AS n FROM part'))[0]?.n), count);
        assert.equal(read[0]?.quantity, DECIMAL);
        assert.equal(read[0]?.size, '9223372036854775807');
        assert.equal(read[0]?.note, nasty);
        assert.equal(read[0]?.day, '2026-02-28');
        assert.equal(new Date(String(read[0]?.changed).replace(/Z?$/, 'Z')).getTime(), at.getTime());
        assert.deepEqual((await database.query('SELECT size FROM part WHERE changed = ?', [at])).length, count);
      });
    }

    it('keeps null, empty text and zero apart, and takes several upserts in one transaction', async () => {
      await database.transaction(async (transaction) => {
        for (const part of [0, 1]) {
          const rows = Array.from({ length: 60 }, (_, n) => [
            `p${part * 60 + n}`,
            null,
            null,
            0,
            n % 2 ? '' : null,
            null,
          ]);
          await transaction.upsert({ table: { name: 'part' }, columns, keyColumns: ['id'], rows });
        }
      });
      const rows = await database.query(
        'SELECT note, count(*) AS n FROM part WHERE size = 0 GROUP BY note ORDER BY 2, 1',
      );
      assert.deepEqual(
        new Map(rows.map((row) => [row.note, Number(row.n)])),
        new Map([
          ['', 60],
          [null, 60],
        ] as never),
      );
    });

    it('lets Sequelize models join a transaction, and undoes both when it fails', async () => {
      const Note = database.sequelize.define(
        'note',
        { text: DataTypes.TEXT, at: DataTypes.DATE(3) },
        { timestamps: false },
      );
      await Note.sync({ force: true });
      const work = (fail: boolean) =>
        database.transaction(async (transaction) => {
          await Note.create({ text: 'x', at }, { transaction: transaction.handle! });
          await transaction.execute('INSERT INTO part (id, changed) VALUES (?, ?)', [String(fail), at]);
          if (fail) throw new Error('stop');
        });
      await assert.rejects(work(true), /stop/);
      await work(false);
      assert.deepEqual(
        (await Note.findAll()).map((note) => note.get('at')),
        [at],
      );
      const joined = await database.query('SELECT p.id FROM part p JOIN notes n ON n.at = p.changed');
      assert.deepEqual(
        joined.map((row) => row.id),
        ['false'],
      );
    });

    it('counts rows that an UPDATE matched, changed or not', async () => {
      await upsert([['a', null, null, 1, null, null]]);
      assert.equal(await database.execute('UPDATE part SET size = 1 WHERE id = ?', ['a']), 1);
      assert.equal(await database.execute('UPDATE part SET size = 1 WHERE id = ?', ['?']), 0);
    });

    it('names class, code and column of what is wrong with a record', async () => {
      await upsert([['a', null, null, 1, null, null]]);
      const insert = (column: string, value: SqlValue) =>
        database.execute(`INSERT INTO part (id, ${column}) VALUES ('b', ?)`, [value]);
      await assert.rejects(insert('size', 'abc'), { class: 'data' });
      await assert.rejects(insert('size', '99999999999999999999'), { class: 'data', code: 'PCP_SQL_RANGE' });
      await assert.rejects(insert('day', '2026-02-30'), { class: 'data' });
      await assert.rejects(database.execute("INSERT INTO part (id) VALUES ('a')"), {
        class: 'data',
        code: 'PCP_SQL_UNIQUE',
      });
      await assert.rejects(database.execute('INSERT INTO part (id) VALUES (NULL)'), {
        class: 'data',
        code: 'PCP_SQL_NOT_NULL',
        path: '/id',
      });
      const bulk = Array.from({ length: 100 }, (_, n): SqlValue[] => [
        `p${n}`,
        null,
        null,
        n === 70 ? 'abc' : n,
        null,
        null,
      ]);
      await assert.rejects(upsert(bulk), { class: 'data', path: '/size' });
      assert.equal((await database.query('SELECT id FROM part')).length, 1);
    });

    it('names class and code of what is wrong with a statement', async () => {
      await assert.rejects(database.query('SELECT * FROM nothing'), { class: 'config', code: 'PCP_SQL_TABLE_UNKNOWN' });
      await assert.rejects(database.query('SELECT nothing FROM part'), {
        class: 'config',
        code: 'PCP_SQL_COLUMN_UNKNOWN',
      });
      await assert.rejects(database.query('SELEC 1'), { class: 'config', code: 'PCP_SQL_SYNTAX' });
    });

    it('calls deadlocks transient', async () => {
      await upsert([
        ['a', null, null, 1, null, null],
        ['b', null, null, 1, null, null],
      ]);
      const both = Promise.withResolvers<void>();
      let holding = 0;
      const lock = (first: string, second: string) =>
        database.transaction(async (transaction) => {
          await transaction.execute('UPDATE part SET size = 2 WHERE id = ?', [first]);
          holding += 1;
          if (holding === 2) both.resolve();
          await both.promise;
          await transaction.execute('UPDATE part SET size = 3 WHERE id = ?', [second]);
        });
      const ends = await Promise.allSettled([lock('a', 'b'), lock('b', 'a')]);
      const refused = ends.filter((end) => end.status === 'rejected');
      assert.equal(refused.length, 1);
      assert.equal(refused[0]?.reason.class, 'transient');
      assert.equal(refused[0]?.reason.code, 'PCP_SQL_DEADLOCK');
    });

    it('tells wrong password, unknown database, closed port, unknown host and TLS apart, without the password', async () => {
      const { certificateName, ca } = await server();
      const failing = async (change: Partial<SqlOptions>) => {
        const other = await openDatabase({ ...options, connectTimeoutMs: 3000, ...change });
        try {
          await other.query('SELECT 1');
          return 'no error';
        } catch (error) {
          const { class: errorClass, code, hint } = error as { class: string; code: string; hint?: string };
          assert.ok(hint, `${code} has no hint`);
          assert.ok(!JSON.stringify(error).includes('canary-4711'));
          return `${errorClass} ${code}`;
        } finally {
          await other.close();
        }
      };
      assert.equal(await failing({ password: 'canary-4711' }), 'auth PCP_SQL_AUTH');
      assert.equal(await failing({ database: 'nowhere' }), 'config PCP_SQL_DATABASE_UNKNOWN');
      assert.equal(await failing({ port: 1 }), 'transient PCP_CONNECT_REFUSED');
      assert.equal(await failing({ host: 'no-such-host.invalid' }), 'transient PCP_CONNECT_HOST_UNKNOWN');
      if (ca === undefined) return;
      assert.equal(await failing({ ssl: true }), 'config PCP_TLS_UNTRUSTED');
      assert.equal(await failing({ ssl: { ca } }), 'config PCP_TLS_NAME');
      assert.equal(await failing({ ssl: { ca, servername: certificateName } }), 'no error');
    });

    it('describes tables, keys and views, and refuses names that are none', async () => {
      await database.execute('CREATE UNIQUE INDEX part_size ON part (size, day)');
      await database.execute('CREATE VIEW big AS SELECT * FROM part WHERE size > 10');
      try {
        const table = await database.describeTable({ name: 'part' });
        assert.deepEqual(table.primaryKey, ['id']);
        assert.deepEqual(table.uniqueKeys, [['size', 'day']]);
        assert.deepEqual(
          table.columns.map((column) => [column.name, column.type, column.nullable]),
          [
            ['id', 'text', false],
            ['quantity', name === 'MariaDB' ? 'text' : 'decimal', true],
            ['changed', 'datetime', true],
            ['size', 'integer', true],
            ['note', 'text', true],
            ['day', 'date', true],
          ],
        );
        const tables = await database.listTables();
        for (const found of [
          { table: { name: 'big' }, kind: 'view' },
          { table: { name: 'part' }, kind: 'table' },
        ]) {
          assert.ok(
            tables.some((each) => JSON.stringify(each) === JSON.stringify(found)),
            JSON.stringify(tables),
          );
        }
        assert.equal((await database.describeTable({ name: 'big' })).kind, 'view');
        // However many tables there are: none of them is asked for its keys.
        const describeTable = (): never => assert.fail('a table was asked');
        const entities = new Entities(Object.assign(Object.create(database), { describeTable }), new Map());
        const found = (await entities.list(new AbortController().signal)).filter(({ name }) =>
          /^(part|big)$/.test(name),
        );
        assert.deepEqual(found, [
          { name: 'big', kind: 'view', key: [], readable: true, writable: false },
          { name: 'part', kind: 'table', key: ['id'], readable: true, writable: true },
        ]);
        // Other tests have databases of their own on this server.
        const keys = (await database.listKeys())?.filter(
          ({ table }) => table.name === 'part' && table.schema === undefined,
        );
        assert.deepEqual(
          keys?.map(({ columns, nullable }) => [columns, nullable]),
          [
            [['id'], false],
            [['size', 'day'], true],
          ],
        );
      } finally {
        await database.execute('DROP VIEW big');
      }
      await assert.rejects(database.describeTable({ name: 'part"; DROP TABLE part; --' }), {
        code: 'PCP_SQL_TABLE_UNKNOWN',
      });
      assert.throws(() => database.quote('a\0b'), { code: 'PCP_SQL_IDENTIFIER' });
    });

    it('streams a query in batches, and gives the connection back when left early', async () => {
      await upsert(Array.from({ length: 25 }, (_, n) => [`p${n}`, null, null, n, null, null]));
      const sizes: number[] = [];
      for await (const batch of database.stream('SELECT id FROM part WHERE id <> ?', ['p0'], 10))
        sizes.push(batch.length);
      assert.deepEqual(sizes, [10, 10, 4]);
      for (let time = 0; time < 10; time++) {
        for await (const batch of database.stream('SELECT id FROM part', [], 10)) {
          assert.equal(batch.length, 10);
          break;
        }
      }
      assert.equal((await database.query('SELECT id FROM part')).length, 25);
    });

    it('tells its own time', async () => {
      assert.ok(Math.abs((await database.now()).getTime() - Date.now()) < 60_000);
    });
  });
}
