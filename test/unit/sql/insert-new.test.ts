import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shortDigest } from '../../../lib/model/digest';
import { IntegrationError } from '../../../lib/model/errors';
import type { SqlDatabase, SqlOptions, SqlValue } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { postgresServer } from '../../support/postgres';

const DATABASES: { name: string; options(test: Mocha.Context, directory: string): Promise<SqlOptions> }[] = [
  {
    name: 'SQLite',
    options: async (_test, directory) => ({ dialect: 'sqlite', storage: join(directory, 'parts.db') }),
  },
  {
    name: 'SQLite in a thread of its own',
    options: async (_test, directory) => ({ dialect: 'sqlite', storage: join(directory, 'own.db'), ownThread: true }),
  },
  { name: 'PostgreSQL', options: async (test) => (await postgresServer(test)).createDatabase() },
];

for (const { name, options } of DATABASES) {
  describe(`sql: rows that are all new: ${name}`, () => {
    let directory: string;
    let database: SqlDatabase;

    before(async function () {
      directory = await mkdtemp(join(tmpdir(), 'pcp-test-'));
      database = await openDatabase(await options(this, directory));
    });

    after(async () => {
      await database?.close();
      await rm(directory, { recursive: true });
    });

    beforeEach(async () => {
      await database.execute('DROP TABLE IF EXISTS part');
      await database.createTable({ name: 'part' }, [{ name: 'id', type: 'key', nullable: false }], ['id']);
    });

    const part = (from: number, count = 60): SqlValue[][] => Array.from({ length: count }, (_, n) => [`p${from + n}`]);
    const request = (parts: Iterable<SqlValue[][]>) => ({ table: { name: 'part' }, columns: ['id'], parts });
    const ids = async () => (await database.query('SELECT id FROM part')).map(({ id }) => String(id));

    it('takes them in parts', async () => {
      assert.equal(await database.insertNew(request([part(0), part(60, 7)])), true);
      assert.deepEqual((await ids()).sort(), [...part(0), ...part(60, 7)].flat().sort());
    });

    it('does nothing when one is there already, and the transaction goes on', async () => {
      await database.transaction(async (transaction) => {
        await transaction.execute("INSERT INTO part (id) VALUES ('p65')");
        assert.equal(await transaction.insertNew(request([part(0), part(60, 7)])), false);
        assert.equal(await transaction.insertNew(request([part(100, 1)])), true);
      });
      assert.deepEqual((await ids()).sort(), ['p100', 'p65']);
    });

    it('answers each of several that are sent at once', async () => {
      await database.transaction(async (transaction) => {
        if (!transaction.queuesInserts) return;
        await transaction.execute("INSERT INTO part (id) VALUES ('p5')");
        const sent = [part(0), part(60), part(50)].map((rows) => transaction.insertNew(request([rows])));
        assert.deepEqual(await Promise.all(sent), [false, true, false]);
        assert.deepEqual((await transaction.query('SELECT id FROM part')).length, 61);
      });
    });

    it('inserts nothing into a transaction that the database has ended by itself', async () => {
      const insert = database.transaction(async (transaction) => {
        await transaction.execute('ROLLBACK');
        await transaction.insertNew(request([part(0)]));
      });
      await assert.rejects(insert);
      assert.deepEqual(await ids(), []);
    });

    it('takes lines apart and keeps the digest of each, where that leaves this thread free', async () => {
      await database.execute('DROP TABLE part');
      const columns = ['digest', 'id', 'description', 'amount', 'mapping'];
      const definitions = columns.map((column) => ({
        name: column,
        type: column === 'id' ? ('key' as const) : column === 'amount' ? ('integer' as const) : ('text' as const),
        nullable: column !== 'id',
      }));
      await database.createTable({ name: 'part' }, definitions, ['id']);
      const lines = Array.from({ length: 60 }, (_, n) =>
        JSON.stringify(['names', `p${n}`, n === 7 ? 'a\n,b "ç" 🏭' : null, n]),
      );
      await database.transaction(async (transaction) => {
        const { insertLines } = transaction;
        assert.equal(insertLines === undefined, name === 'PostgreSQL');
        if (insertLines === undefined) return;
        const all = { table: { name: 'part' }, columns, lines, shared: ['m1'] };
        assert.equal(await insertLines(all), true);
        assert.equal(await insertLines({ ...all, lines: [lines[7]!.replace('p7', 'p60'), lines[3]!] }), false);
        const rows = await transaction.query('SELECT * FROM part ORDER BY amount');
        const [eighth] = rows.slice(7);
        assert.equal(rows.length, 60);
        assert.deepEqual(
          { ...eighth },
          { digest: shortDigest(lines[7]!), id: 'p7', description: 'a\n,b "ç" 🏭', amount: 7, mapping: 'm1' },
        );
      });
    });

    if (name === 'PostgreSQL') {
      it('inserts them as a user whose rows are protected one by one', async () => {
        const role = `writer_${process.pid}`;
        await database.execute(`CREATE ROLE ${role}`);
        await database.execute('CREATE TABLE guarded (id text PRIMARY KEY)');
        try {
          await database.execute('ALTER TABLE guarded ENABLE ROW LEVEL SECURITY');
          await database.execute(`CREATE POLICY own ON guarded TO ${role} USING (true)`);
          await database.execute(`GRANT ALL ON guarded TO ${role}`);
          await database.transaction(async (transaction) => {
            await transaction.execute(`SET LOCAL ROLE ${role}`);
            const rows = { table: { name: 'guarded' }, columns: ['id'], parts: [part(0)] };
            assert.equal(await transaction.insertNew(rows), true);
          });
          assert.equal((await database.query('SELECT id FROM guarded')).length, 60);
        } finally {
          await database.execute('DROP TABLE guarded');
          await database.execute(`DROP ROLE ${role}`);
        }
      });
    }

    it('does nothing when a part is refused while it is made, and tells any other error', async () => {
      const failing = function* (error: Error) {
        yield part(0);
        throw error;
      };
      await database.transaction(async (transaction) => {
        await transaction.execute("INSERT INTO part (id) VALUES ('before')");
        const refused = new IntegrationError('data', 'PCP_RECORD_INVALID', 'no');
        assert.equal(await transaction.insertNew(request(failing(refused))), false);
        await assert.rejects(transaction.insertNew(request(failing(new Error('broken')))), /broken/);
        await transaction.execute("INSERT INTO part (id) VALUES ('after')");
      });
      assert.deepEqual((await ids()).sort(), ['after', 'before']);
    });
  });
}
