import assert from 'node:assert/strict';
import type { Session } from '../../../lib/protocols/sql/base';
import type { SqlOptions, SqlRow } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { OracleDatabase } from '../../../lib/protocols/sql/oracle/database';
import { type OracleConnection, OracleSession } from '../../../lib/protocols/sql/oracle/session';
import { freePort } from '../../support/server-process';
import { judges } from '../../support/sql-parsers';
import { KEY, sayEverything, TABLE } from './all-statements';

const COLUMNS: [name: string, type: string, value: unknown][] = [
  ['plant', 'CHAR', '1000'],
  ['number', 'NUMBER', '9007199254740993'],
  ['quantity', 'NUMBER', '1.50'],
  ['weight', 'BINARY_DOUBLE', 1.5],
  ['changed', 'DATE', '2026-11-24T05:00:00'],
  ['changed_local', 'TIMESTAMP(6)', '2026-11-24T05:00:00.123456'],
  ['changed_utc', 'TIMESTAMP(6) WITH TIME ZONE', '2026-11-24T05:00:00Z'],
  ['changed_here', 'TIMESTAMP(6) WITH LOCAL TIME ZONE', '2026-11-24T05:00:00.5Z'],
  ['note', 'CLOB', 'é'.repeat(3000)],
  ['picture', 'BLOB', Buffer.alloc(2001).toString('base64')],
];
const GROWING: [string, string | number][] = [
  ['number', '9007199254740993'],
  ['quantity', '1.50'],
  ['weight', 1.5],
  ['changed', '2026-11-24T05:00:00'],
  ['changed_local', '2026-11-24T05:00:00.123456'],
  ['changed_utc', '2026-11-24T05:00:00.123456789Z'],
  ['changed_here', '2026-11-24T05:00:00Z'],
  ['plant', '1000'],
];

const library = { OUT_FORMAT_OBJECT: 4002, STRING: 'string', BUFFER: 'buffer', CLOB: 'clob', BLOB: 'blob' };

/** What would go to a server, which cannot be had here. */
class Recorded extends OracleDatabase {
  readonly said: { sql: string; binds: unknown[]; bindDefs?: { type: string }[] }[] = [];

  protected override async acquire(): Promise<Session> {
    const connection: OracleConnection = {
      execute: async (sql, binds, options) => {
        this.said.push({ sql, binds });
        const rows = catalogue(sql);
        const metaData = COLUMNS.map(([name, dbTypeName]) => ({ name, dbTypeName, nullable: false }));
        if (!('resultSet' in options)) return { rows, metaData };
        return { resultSet: { getRows: async () => [], close: async () => undefined } };
      },
      executeMany: async (sql, binds, options) => {
        this.said.push({ sql, binds, ...options });
        return {};
      },
      commit: async () => undefined,
      rollback: async () => undefined,
    };
    return new OracleSession(connection, library, (table) => this.tableName(table));
  }

  protected override async release(): Promise<void> {
    // There is no connection.
  }
}

function catalogue(sql: string): SqlRow[] {
  if (sql.includes('FROM all_users WHERE')) return [{ found: 1 }];
  if (sql.includes('all_objects')) return [{ owner: 'ERP', name: TABLE, kind: 'TABLE', own: 'ERP' }];
  if (sql.includes('AS "required"'))
    return KEY.map((column_name) => ({
      owner: 'ERP',
      name: TABLE,
      own: 'ERP',
      id: 'ERP.PK',
      column_name,
      required: 1,
    }));
  if (sql.includes('all_tab_columns'))
    return COLUMNS.map(([name, type]) => {
      const scale = name === 'number' ? 0 : null;
      return { name, type, scale, nullable: KEY.includes(name) ? 'N' : 'Y', preset: 0 };
    });
  if (sql.includes('all_constraints')) return KEY.map((column_name) => ({ id: 'PK', kind: 'P', column_name }));
  if (sql.includes('AS "now"')) return [{ now: '1795769340876' }];
  if (sql.includes('max("changed_local")')) return [{ changed_local: '2026-11-24T05:00:00.123456000' }];
  return [];
}

describe('sql: Oracle (driver alone)', () => {
  const options: SqlOptions = {
    dialect: 'oracle',
    host: '127.0.0.1',
    database: 'XEPDB1',
    username: 'pcp',
    password: 'canary-4711',
    connectTimeoutMs: 3000,
  };

  it('says nothing that the grammar of Oracle does not know, and binds times in the formats of its session', async () => {
    const database = new Recorded({ ...options, schema: 'ERP' });
    const values = Object.fromEntries(COLUMNS.map(([name, , value]) => [name, value]));
    await sayEverything(database, { all: COLUMNS.map(([name]) => name), growing: GROWING, values });
    await database.close();
    const statements = [...new Set(database.said.map(({ sql }) => sql))];
    assert.ok(statements.length > 60, `${statements.length} statements`);
    assert.deepEqual(statements.flatMap(judges.oracle), []);
    for (const wrong of ['SELECT FROM orders', 'SELECT 1 FROM dual LIMIT 1', 'INSERT INTO t VALUES'])
      assert.notDeepEqual(judges.oracle(wrong), [], wrong);

    const ofPlant = statements.filter((sql) => /"plant" (=|>=?|IN)/.test(sql));
    assert.ok(ofPlant.some((sql) => sql.startsWith('MERGE')) && ofPlant.some((sql) => sql.includes(' IN ')));
    // Next to a bare text the blanks of a CHAR would count.
    assert.deepEqual(
      ofPlant.filter((sql) => /"plant" (=|<=?|>=?|IN \() ?(:|s\.)/.test(sql)),
      [],
    );

    const zoned = (sql: string) => /"changed_utc" (>=|<=|<|>|=) :1\b/.test(sql);
    const times = database.said.filter(({ sql }) => zoned(sql)).map(({ binds }) => String(binds[0]));
    assert.ok(times.length > 0);
    for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$/);
    const merge = database.said.find(({ sql }) => sql.startsWith('MERGE') && sql.includes('picture'));
    const types = merge?.bindDefs?.map(({ type }) => type);
    assert.deepEqual(types?.slice(-2), ['clob', 'blob'], 'what does not fit a VARCHAR2 or RAW');
  });

  it('names class and code of what the driver says', async () => {
    const failing = async (change: Partial<SqlOptions>) => {
      const database = await openDatabase({ ...options, ...change });
      const error = await database.now().catch((thrown: { code: string; class: string; hint?: string }) => thrown);
      await database.close();
      assert.ok(!(error instanceof Date) && error.hint);
      assert.ok(!JSON.stringify(error).includes('canary'));
      return `${error.class} ${error.code}`;
    };
    const port = await freePort();
    assert.equal(await failing({ port }), 'transient PCP_CONNECT_REFUSED');
    assert.equal(await failing({ port, ssl: true }), 'transient PCP_CONNECT_REFUSED');
    assert.equal(await failing({ host: 'no-such-host.invalid' }), 'transient PCP_CONNECT_HOST_UNKNOWN');
  });
});
