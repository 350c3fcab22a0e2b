import assert from 'node:assert/strict';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { mariadbServer } from '../../support/mariadb';
import { judges } from '../../support/sql-parsers';
import { sayEverything } from './all-statements';

const COLUMNS: [name: string, type: string, value: unknown][] = [
  ['plant', 'varchar(40) NOT NULL', '1000'],
  ['number', 'bigint NOT NULL', '9007199254740993'],
  ['quantity', 'decimal(20,6)', '1.50'],
  ['weight', 'double', 1.5],
  ['active', 'tinyint(1)', true],
  ['due', 'date', '2026-11-24'],
  ['changed', 'datetime(6)', '2026-11-24T05:00:00.123456'],
  ['changed_utc', 'timestamp(6) NULL', '2026-11-24T05:00:00.123456Z'],
  ['picture', 'blob', 'AAEC'],
];
const GROWING: [string, string | number][] = [
  ['number', '9007199254740993'],
  ['quantity', '1.50'],
  ['weight', 1.5],
  ['due', '2026-11-24'],
  ['changed', '2026-11-24T05:00:00.123456'],
  ['changed_utc', '2026-11-24T05:00:00.123456Z'],
  ['plant', '1000'],
];

/** What MySQL's own grammar says about the statements that MariaDB carries out. */
describe('sql: MySQL (grammar)', () => {
  it('says nothing that the grammar of MySQL 8 does not know', async function () {
    const options = await (await mariadbServer(this)).createDatabase();
    const database = await openDatabase({ ...options, statementTimeoutMs: 5000 });
    const said = new Set<string>();
    database.sequelize.addHook('afterConnect', (given) => {
      const connection = given as { query(statement: string | { sql: string }, ...rest: unknown[]): unknown };
      const query = connection.query.bind(connection);
      connection.query = (statement, ...rest) => {
        said.add(typeof statement === 'string' ? statement : statement.sql);
        return query(statement, ...rest);
      };
    });
    try {
      const columns = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
      await database.execute(
        `CREATE TABLE orders (${columns}, id text, touched_at bigint, PRIMARY KEY (plant, number))`,
      );
      await database.execute("CREATE TABLE `it's too` (k int)");
      const values = Object.fromEntries(COLUMNS.map(([name, , value]) => [name, value]));
      const all = COLUMNS.map(([name]) => name);
      await sayEverything(database, { all, growing: GROWING, values }, { name: "it's too" });
      const keyColumns = ['plant', 'number'];
      const rows = Array.from({ length: 250 }, (_, number) => ['1', number, 'a\\\'"\n']);
      await database.upsert({ table: { name: 'orders' }, columns: [...keyColumns, 'id'], keyColumns, rows });
    } finally {
      await database.close();
    }
    assert.ok(said.size > 60, `${said.size} statements`);
    assert.deepEqual([...said].flatMap(judges.mysql), []);
    for (const wrong of ['SELECT FROM orders', 'SELECT 1 FETCH FIRST 1 ROWS ONLY', 'INSERT INTO orders VALUES'])
      assert.notDeepEqual(judges.mysql(wrong), [], wrong);
  });
});
