import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/generic/database/connector';
import type { SqlDatabase, SqlOptions } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { judges } from '../../support/sql-parsers';
import { type TdsRow, TdsServer } from '../../support/tds-server';
import { KEY, sayEverything, TABLE } from './all-statements';

const account = { username: 'pcp', password: 'canary-4711 ß' };

const COLUMNS: [name: string, type: string, value: unknown][] = [
  ['plant', 'nvarchar', '1000'],
  ['number', 'bigint', '9007199254740993'],
  ['quantity', 'decimal', '1.50'],
  ['price', 'money', '1.2345'],
  ['weight', 'float', 1.5],
  ['active', 'bit', true],
  ['due', 'date', '2026-11-24'],
  ['at', 'time', '05:00:00.1234567'],
  ['changed', 'datetime2', '2026-11-24T05:00:00.1234567'],
  ['changed_utc', 'datetimeoffset', '2026-11-24T05:00:00.1234567Z'],
  ['picture', 'varbinary', 'AAEC'],
];
const GROWING: [string, string | number][] = [
  ['number', '9007199254740993'],
  ['quantity', '1.50'],
  ['weight', 1.5],
  ['due', '2026-11-24'],
  ['changed', '2026-11-24T05:00:00.1234567'],
  ['changed_utc', '2026-11-24T05:00:00.1234567Z'],
  ['plant', '1000'],
];

/** The real driver against a stand-in for the server, which cannot be had here. */
describe('sql: SQL Server (stand-in)', () => {
  let server: TdsServer;
  let options: SqlOptions;
  let database: SqlDatabase;

  beforeEach(async () => {
    server = await TdsServer.start(account);
    server.rows = catalogue;
    options = {
      dialect: 'mssql',
      host: '127.0.0.1',
      port: server.port,
      database: 'erp',
      schema: 'dbo',
      connectTimeoutMs: 3000,
      statementTimeoutMs: 5000,
      ...account,
    };
    database = await openDatabase(options);
  });
  afterEach(async () => {
    await database.close();
    await server.stop();
  });

  function catalogue(sql: string): TdsRow[] {
    if (sql.includes('SERVERPROPERTY')) return [{ Version: '16.0.1000.6' }];
    if (sql.includes('sys.schemas')) return [{ found: 1 }];
    if (sql.includes('INFORMATION_SCHEMA'))
      return [{ schema_name: 'dbo', name: TABLE, kind: 'BASE TABLE', own: 'dbo' }];
    if (sql.includes('AS required'))
      return KEY.map((column_name) => ({
        schema_name: 'dbo',
        name: TABLE,
        own: 'dbo',
        id: '7.1',
        column_name,
        required: 1,
      }));
    if (sql.includes('sys.objects')) return [{ id: 7, kind: 'U ' }];
    if (sql.includes('sys.columns c JOIN'))
      return COLUMNS.map(([name, type]) => ({ name, type, nullable: KEY.includes(name) ? 0 : 1, preset: 0 }));
    if (sql.includes('sys.indexes')) return KEY.map((column_name) => ({ id: 1, is_primary: 1, column_name }));
    if (sql.includes('sp_describe_first_result_set'))
      return COLUMNS.map(([name, type]) => ({ name, system_type_name: `${type}(7)`, is_nullable: 0 }));
    if (sql.includes('AS [now]')) return [{ now: '1795769340876' }];
    return [];
  }

  it('says nothing that the grammar of Transact-SQL does not know', async () => {
    const values = Object.fromEntries(COLUMNS.map(([name, , value]) => [name, value]));
    await sayEverything(database, { all: COLUMNS.map(([name]) => name), growing: GROWING, values });
    // The driver's own begin with SET.
    const statements = [...new Set(server.statements)].filter((sql) => !sql.startsWith('set '));
    assert.ok(statements.length > 60, `${statements.length} statements`);
    assert.deepEqual(statements.flatMap(judges.mssql), []);
    for (const wrong of ['SELECT FROM orders', 'SELECT 1 FETCH FIRST 1 ROWS ONLY', 'MERGE INTO t USING s WHEN'])
      assert.notDeepEqual(judges.mssql(wrong), [], wrong);
  });

  it('tests a connection step by step, as every other database', async () => {
    const { password, ...config } = options;
    const test = async (change: Record<string, unknown>, given = password ?? '') => {
      const connection = { id: 1, name: 'erp', connector_type: 'generic.database', config: { ...config, ...change } };
      const connector = create({ ...connection, credentials: { password: given } }, { log: () => undefined });
      const { ok, steps } = await connector.test(new AbortController().signal);
      await connector.close();
      assert.ok(!JSON.stringify(steps).includes('canary'));
      const { name, error } = steps.at(-1)!;
      assert.ok(ok || error?.hint, JSON.stringify(error));
      return ok ? steps.map((step) => step.name).join() : `${name}: ${error?.class} ${error?.code}`;
    };
    assert.equal(await test({}), 'resolve,connect,authenticate,authorise,read');
    assert.equal(await test({}, 'canary-wrong'), 'authenticate: auth PCP_SQL_AUTH');
    assert.equal(await test({ database: 'nowhere' }), 'authorise: config PCP_SQL_DATABASE_UNKNOWN');
    assert.equal(await test({ ssl: true }), 'tls: config PCP_TLS_UNSUPPORTED');
    assert.equal(await test({ host: 'no-such-host.invalid' }), 'resolve: transient PCP_CONNECT_HOST_UNKNOWN');
    assert.equal(await test({ port: 1 }), 'connect: transient PCP_CONNECT_REFUSED');
  });

  it('names class and code of what the driver and the server say', async () => {
    const failing = async (change: Partial<SqlOptions>) => {
      const other = await openDatabase({ ...options, ...change });
      const error = await other.query('SELECT 1 AS one').catch((thrown: { code: string }) => thrown);
      await other.close();
      return (error as { code?: string }).code;
    };
    assert.equal(await failing({ password: 'canary-wrong' }), 'PCP_SQL_AUTH');
    assert.equal(await failing({ port: 1 }), 'PCP_CONNECT_REFUSED');
    assert.equal(await failing({ host: 'no-such-host.invalid' }), 'PCP_CONNECT_HOST_UNKNOWN');
    server.rows = (sql) => (sql.includes('orders') ? { number: 2627, text: "Violation of 'PK'." } : catalogue(sql));
    await assert.rejects(database.execute("INSERT INTO orders VALUES ('a')"), {
      class: 'data',
      code: 'PCP_SQL_UNIQUE',
    });
    assert.deepEqual(await database.query('SELECT 1 AS one'), [], 'and the connection goes on');
  });

  it('gives rows in batches as they are asked for, and leaves them early', async () => {
    server.rows = (sql) =>
      sql.includes('orders') ? Array.from({ length: 25 }, (_, n) => ({ n, text: n % 2 ? 'é' : null })) : catalogue(sql);
    const sizes: number[] = [];
    for await (const batch of database.stream('SELECT n, text FROM orders', [], 10)) sizes.push(batch.length);
    assert.deepEqual(
      sizes.reduce((sum, size) => sum + size, 0),
      25,
    );
    for (let time = 0; time < 6; time++) {
      for await (const [first] of database.stream('SELECT n, text FROM orders', [], 10)) {
        assert.deepEqual(first, { n: 0, text: null });
        break;
      }
    }
    assert.equal((await database.query('SELECT n FROM orders')).length, 25);
  });
});
