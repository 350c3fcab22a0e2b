import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { DataTypes } from 'sequelize';
import type { SqlDatabase } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';

for (const ownThread of [false, true]) {
  describe(`sql: SQLite${ownThread ? ' in a thread of its own' : ''}`, () => {
    let directory: string;
    let database: SqlDatabase;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'pcp-sqlite-'));
      database = await openDatabase({ dialect: 'sqlite', storage: join(directory, 'a.db'), ownThread });
      await database.createTable(
        { name: 'part' },
        [
          { name: 'id', type: 'key', nullable: false },
          { name: 'quantity', type: 'decimal', nullable: true },
          { name: 'changed', type: 'datetime', nullable: true },
          { name: 'size', type: 'integer', nullable: true },
        ],
        ['id'],
      );
    });

    afterEach(async () => {
      await database.close();
      await rm(directory, { recursive: true });
    });

    it('keeps 38-digit decimals, 64-bit integers, quotes and other scripts exactly', async () => {
      const decimal = '12345678901234567890123456789012345678';
      await database.upsert({
        table: { name: 'part' },
        columns: ['id', 'quantity', 'size'],
        keyColumns: ['id'],
        rows: [
          [`O'Neil "x" 日本 ç`, decimal, 9223372036854775807n],
          ['b', '0.10', 42],
        ],
      });
      assert.deepEqual(
        (await database.query('SELECT id, quantity, size FROM part ORDER BY id')).map((row) => ({ ...row })),
        [
          { id: `O'Neil "x" 日本 ç`, quantity: decimal, size: '9223372036854775807' },
          { id: 'b', quantity: '0.10', size: 42 },
        ],
      );
    });

    it('keeps bytes, and takes named parameters', async () => {
      await database.execute('CREATE TABLE file (name TEXT, content BLOB)');
      const content = Buffer.from([0, 255, 34]);
      await database.sequelize.query('INSERT INTO file VALUES ($name, $content)', { bind: { name: 'a', content } });
      assert.deepEqual(
        (await database.query('SELECT name, content FROM file')).map((row) => ({ ...row })),
        [{ name: 'a', content }],
      );
    });

    it('keeps every kind of value of a bulk insert as a statement of its own keeps it', async () => {
      await database.execute('CREATE TABLE kind (id INTEGER PRIMARY KEY, content)');
      const at = new Date('2026-11-24T05:00:00.000Z');
      const texts = ['', '000123', '1e400', '\u0000 é 日本 😀', '\ud800 alone', '{"a":[null]}', 'Infinity'];
      const numbers = [1.5, 5e-324, 2 ** 53, 1795817912465, -0, Number.POSITIVE_INFINITY, Number.NaN];
      for (const content of [
        ...texts,
        ...numbers,
        true,
        false,
        null,
        9223372036854775807n,
        at,
        Buffer.from([0, 255]),
      ]) {
        await database.execute('DELETE FROM kind');
        await database.execute('INSERT INTO kind VALUES (?, ?)', [1, content]);
        const request = { table: { name: 'kind' }, columns: ['id', 'content'], keyColumns: ['id'] };
        await database.upsert({ ...request, rows: [[2, content]] });
        const kept = await database.query(
          "SELECT typeof(content) AS type, content, printf('%g', content) AS shown FROM kind ORDER BY id",
        );
        assert.deepEqual({ ...kept[1] }, { ...kept[0] });
      }
    });

    it('updates what is there and inserts the rest, over many rows', async () => {
      const rows = (size: number) => Array.from({ length: 1234 }, (_, n) => [`p${n}`, size]);
      const request = { table: { name: 'part' }, columns: ['id', 'size'], keyColumns: ['id'] };
      await database.upsert({ ...request, rows: rows(1).slice(0, 700) });
      await database.upsert({ ...request, rows: rows(2) });
      const [row] = await database.query('SELECT count(*) AS n, min(size) AS low FROM part');
      assert.deepEqual({ ...row }, { n: 1234, low: 2 });
    });

    it('lets Sequelize models join a transaction, and undoes both when it fails', async () => {
      const Note = database.sequelize.define(
        'note',
        {
          id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
          at: DataTypes.DATE,
          text: DataTypes.TEXT,
        },
        { timestamps: false },
      );
      await database.sequelize.sync();
      const at = new Date('2026-11-24T05:00:00.123Z');
      await assert.rejects(
        database.transaction(async (transaction) => {
          await Note.create({ text: 'lost', at }, { transaction: transaction.handle! });
          await transaction.execute('INSERT INTO part (id) VALUES (?)', ['lost']);
          throw new Error('stop');
        }),
        /stop/,
      );
      await database.transaction(async (transaction) => {
        const note = await Note.create({ text: 'kept', at }, { transaction: transaction.handle! });
        assert.equal(note.get('id'), 1);
        await transaction.execute('INSERT INTO part (id, changed) VALUES (?, ?)', ['kept', at]);
      });
      assert.deepEqual(
        (await Note.findAll()).map((note) => note.get()),
        [{ id: 1, text: 'kept', at }],
      );
      assert.deepEqual(
        (await database.query('SELECT p.id FROM part p JOIN notes n ON n.at = p.changed')).map((row) => row.id),
        ['kept'],
      );
    });

    it('refuses a model that uses the handle of a finished transaction', async () => {
      const Note = database.sequelize.define('note', { text: DataTypes.TEXT }, { timestamps: false });
      await database.sequelize.sync();
      const handle = await database.transaction(async (transaction) => transaction.handle!);
      await assert.rejects(Note.create({ text: 'late' }, { transaction: handle }), /commit has been called/);
    });

    it('lets statements from elsewhere wait until the running transaction is over', async () => {
      const order: string[] = [];
      let outside: Promise<unknown> | undefined;
      await database.transaction(async (transaction) => {
        outside = database.query('SELECT count(*) AS n FROM part').then(([row]) => order.push(`outside saw ${row?.n}`));
        await transaction.execute("INSERT INTO part (id) VALUES ('a')");
        await new Promise((resolve) => setImmediate(resolve));
        await transaction.execute("INSERT INTO part (id) VALUES ('b')");
        order.push('inside done');
      });
      await outside;
      assert.deepEqual(order, ['inside done', 'outside saw 2']);
    });

    it('runs transactions that Sequelize itself begins, in turn with ours', async () => {
      await database.sequelize.transaction(async (transaction) => {
        await database.sequelize.query("INSERT INTO part (id) VALUES ('s')", { transaction });
      });
      await assert.rejects(
        database.sequelize.transaction(async (transaction) => {
          await database.sequelize.query("INSERT INTO part (id) VALUES ('t')", { transaction });
          throw new Error('undo');
        }),
        /undo/,
      );
      assert.deepEqual(
        (await database.query('SELECT id FROM part')).map((row) => row.id),
        ['s'],
      );
    });

    it('undoes a savepoint alone', async () => {
      await database.transaction(async (transaction) => {
        await transaction.execute("INSERT INTO part (id) VALUES ('a')");
        await assert.rejects(
          transaction.savepoint(async (inner) => {
            await inner.execute("INSERT INTO part (id) VALUES ('b')");
            await inner.execute("INSERT INTO part (id) VALUES ('a')");
          }),
          { class: 'data', code: 'PCP_SQL_UNIQUE', path: '/id' },
        );
      });
      assert.equal((await database.query('SELECT id FROM part')).length, 1);
    });

    it('waits for the lock of another process without blocking the event loop', async () => {
      const other = new DatabaseSync(join(directory, 'a.db'));
      other.exec('BEGIN IMMEDIATE');
      let ticks = 0;
      const timer = setInterval(() => {
        ticks += 1;
        if (ticks === 10) other.exec('COMMIT');
      }, 5);
      await database.transaction((transaction) => transaction.execute("INSERT INTO part (id) VALUES ('a')"));
      clearInterval(timer);
      other.close();
      assert.ok(ticks >= 10, `the event loop ticked ${ticks} times`);
    });

    it('knows no limit for decimals but that of a double, whatever they declare', async () => {
      await database.execute('CREATE TABLE price (amount DECIMAL(5), size INTEGER)');
      const { columns } = await database.describeTable({ name: 'price' });
      assert.deepEqual(
        columns.map(({ limits }) => limits?.isDouble ?? false),
        [true, false],
      );
    });

    it('describes tables, keys and views', async () => {
      await database.execute('CREATE UNIQUE INDEX part_size ON part (size, id)');
      await database.execute('CREATE VIEW big AS SELECT * FROM part WHERE size > 10');
      const table = await database.describeTable({ name: 'part' });
      assert.deepEqual(table.primaryKey, ['id']);
      assert.deepEqual(table.uniqueKeys, [['size', 'id'], ['id']]);
      assert.deepEqual(
        table.columns.map((column) => [column.name, column.type, column.nullable]),
        [
          ['id', 'text', false],
          ['quantity', 'decimal', true],
          ['changed', 'datetime', true],
          ['size', 'integer', true],
        ],
      );
      assert.deepEqual(await database.listTables(), [
        { table: { name: 'big' }, kind: 'view' },
        { table: { name: 'part' }, kind: 'table' },
      ]);
      await assert.rejects(database.describeTable({ name: 'PART"; DROP TABLE part' }), {
        code: 'PCP_SQL_TABLE_UNKNOWN',
      });
    });

    it('names what is wrong with the file', async () => {
      const options = { dialect: 'sqlite' as const, storage: join(directory, 'none.db'), create: false, ownThread };
      await assert.rejects(openDatabase(options), { class: 'config', code: 'PCP_FILE_NOT_FOUND' });
      await assert.rejects(openDatabase({ ...options, storage: __filename }), {
        class: 'config',
        code: 'PCP_SQL_CORRUPT',
      });
    });

    it('reads aside without holding up this thread, and sees what is committed', async () => {
      const count =
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT max(i) AS m FROM n';
      let answered = false;
      const long = database.aside.query(count).finally(() => {
        answered = true;
      });
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      assert.equal(answered, false);
      assert.deepEqual(await long, [{ m: 3_000_000 }]);

      const at = new Date('2026-11-24T05:00:00Z');
      await database.execute("INSERT INTO part (id, size, changed) VALUES ('a', 9223372036854775807, ?)", [at]);
      assert.deepEqual(await database.aside.query('SELECT id, size FROM part WHERE changed = ?', [at]), [
        { id: 'a', size: '9223372036854775807' },
      ]);
      await assert.rejects(database.aside.query('SELECT * FROM absent'), {
        class: 'config',
        code: 'PCP_SQL_TABLE_UNKNOWN',
      });
      await assert.rejects(database.aside.query("INSERT INTO part (id) VALUES ('b')"), { class: 'permission' });
      const cut = assert.rejects(database.aside.query(count), { class: 'transient', code: 'PCP_SQL_THREAD' });
      await database.close();
      await cut;
    });

    it('streams a query in batches and can be left early', async () => {
      const rows = Array.from({ length: 25 }, (_, n) => [`p${n}`]);
      await database.upsert({ table: { name: 'part' }, columns: ['id'], keyColumns: ['id'], rows });
      const sizes: number[] = [];
      for await (const batch of database.stream('SELECT id FROM part WHERE id <> ?', ['p0'], 10))
        sizes.push(batch.length);
      assert.deepEqual(sizes, [10, 10, 4]);
      for await (const batch of database.stream('SELECT id FROM part', [], 10)) {
        assert.equal(batch.length, 10);
        break;
      }
    });
  });
}

it('a process whose thread has used up its memory ends, and leaves nothing of its transaction', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pcp-sqlite-'));
  const storage = join(directory, 'a.db');
  const child = fork(join(__dirname, 'greedy-thread.js'), [storage], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const words = text(child.stderr as Readable);
  const [code] = await once(child, 'exit');
  assert.notEqual(code, 0);
  assert.match(await words, /heap out of memory/);
  const database = await openDatabase({ dialect: 'sqlite', storage });
  assert.deepEqual({ ...(await database.query('SELECT count(*) AS n FROM part'))[0] }, { n: 0 });
  await database.close();
  await rm(directory, { recursive: true });
});
