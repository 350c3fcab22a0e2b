import assert from 'node:assert/strict';
import { earlier } from '../../../lib/connectors/generic/database/timestamps';
import type { IntegrationError } from '../../../lib/model/errors';
import { loadPackage } from '../../../lib/protocols/load-package';
import type { ColumnInfo, ColumnType, SqlDialect } from '../../../lib/protocols/sql/database';
import { mergeStatement } from '../../../lib/protocols/sql/merge';
import { mssqlGrammar } from '../../../lib/protocols/sql/mssql/grammar';
import { withLiterals } from '../../../lib/protocols/sql/mysql/session';
import { oracleGrammar } from '../../../lib/protocols/sql/oracle/grammar';
import { replacePlaceholders } from '../../../lib/protocols/sql/placeholders';
import { parseDatabaseUrl } from '../../../lib/protocols/sql/url';
import { fromSqlValue, toSqlValue } from '../../../lib/protocols/sql/values';

const column = (type: ColumnType, nativeType = type as string): ColumnInfo => ({
  name: 'c',
  nativeType,
  nullable: true,
  type,
  hasDefault: false,
});

describe('sql: placeholders', () => {
  it('leaves question marks in strings, names and comments alone', () => {
    const sql = `SELECT '?''?', "a?b", \`?\`, ? -- what?\n, ? /* ? */ FROM t WHERE x = ?`;
    assert.equal(
      replacePlaceholders(sql, (position) => `$${position}`),
      `SELECT '?''?', "a?b", \`?\`, $1 -- what?\n, $2 /* ? */ FROM t WHERE x = $3`,
    );
  });

  it('writes values as MySQL literals that nothing breaks out of', () => {
    assert.equal(
      withLiterals("SELECT 'it\\'s ?', ?, ?, ?", ["\\'; DROP TABLE t; --", 12345678901234567890n, Buffer.from('é')]),
      "SELECT 'it\\'s ?', '\\\\\\'; DROP TABLE t; --', 12345678901234567890, X'c3a9'",
    );
    assert.throws(() => withLiterals('SELECT ?', []), { code: 'PCP_SQL_PARAMETERS' });
  });
});

describe('sql: values', () => {
  const to = (value: unknown, type: ColumnType, dialect: SqlDialect = 'postgres') =>
    toSqlValue(value, column(type), dialect);

  it('keeps digits', () => {
    assert.equal(to('123456789012345678901234567890.10', 'decimal'), '123456789012345678901234567890.10');
    assert.equal(to('9223372036854775807', 'integer'), 9223372036854775807n);
    assert.equal(to(12.5, 'decimal'), '12.5');
    assert.equal(fromSqlValue('0.10', column('decimal')), '0.10');
  });

  it('turns instants to UTC and leaves local times local, in the form of the dialect', () => {
    assert.equal(to('2026-11-24T02:00:00-03:00', 'datetime'), '2026-11-24T05:00:00.000Z');
    assert.equal(to('2026-11-24T05:00:00.123456Z', 'datetime'), '2026-11-24T05:00:00.123456Z');
    assert.equal(to('2026-11-24T05:00:00', 'datetime'), '2026-11-24T05:00:00');
    assert.equal(to('2026-11-24T05:00:00Z', 'datetime', 'mariadb'), '2026-11-24 05:00:00');
    assert.equal(toSqlValue('2026-11-24T05:00:00.5Z', column('datetime', 'date'), 'oracle'), '2026-11-24T05:00:00');
    assert.equal(fromSqlValue('2026-11-24 05:00:00.5', column('datetime', 'timestamp')), '2026-11-24T05:00:00.5Z');
    assert.equal(fromSqlValue('2026-11-24 05:00:00', column('datetime', 'datetime')), '2026-11-24T05:00:00');
    assert.equal(fromSqlValue('2026-11-24 05:00:00.000 +00:00', column('datetime')), '2026-11-24T05:00:00.000Z');
  });

  it('refuses what does not fit, naming column and value', () => {
    const wrong: [unknown, ColumnType][] = [
      ['12,5', 'decimal'],
      ['abc', 'integer'],
      [1.5, 'integer'],
      [Number.NaN, 'number'],
      ['perhaps', 'boolean'],
      ['24/11/2026', 'date'],
      ['2026-11-24T05:00:00Z', 'date'],
      ['tomorrow', 'datetime'],
      ['a\0b', 'text'],
      ['\ud800', 'text'],
    ];
    for (const [value, type] of wrong) {
      assert.throws(() => to(value, type), { class: 'data', code: 'PCP_SQL_VALUE', path: '/c' }, `${value} as ${type}`);
    }
  });

  it('carries booleans, json and binary both ways', () => {
    assert.deepEqual([fromSqlValue(1, column('boolean')), fromSqlValue(true, column('boolean'))], [true, true]);
    assert.equal(to({ a: 'x' }, 'json'), '{"a":"x"}');
    assert.deepEqual(fromSqlValue('{"a":"x"}', column('json')), { a: 'x' });
    assert.deepEqual(toSqlValue('AAEC', column('text', 'bytea'), 'postgres'), Buffer.from([0, 1, 2]));
    assert.equal(fromSqlValue(Buffer.from([0, 1, 2]), column('text', 'bytea')), 'AAEC');
  });
});

describe('sql: database URLs', () => {
  it('reads server and file', () => {
    assert.deepEqual(parseDatabaseUrl('postgres://u%40x:p%3Aw@db:5433/erp?schema=app&ssl=true&pool=7'), {
      dialect: 'postgres',
      host: 'db',
      port: 5433,
      database: 'erp',
      username: 'u@x',
      password: 'p:w',
      schema: 'app',
      ssl: true,
      poolSize: 7,
    });
    assert.deepEqual(parseDatabaseUrl('sqlite:/var/lib/a%20b.db'), { dialect: 'sqlite', storage: '/var/lib/a b.db' });
    assert.deepEqual(parseDatabaseUrl('sqlite::memory:'), { dialect: 'sqlite', storage: ':memory:' });
  });

  it('never repeats the URL in an error', () => {
    for (const url of ['postgres://u:canary-4711@', 'nonsense:canary-4711', 'postgres://u:canary-4711@host/']) {
      assert.throws(
        () => parseDatabaseUrl(url),
        (error: Error & { code: string }) => error.code === 'PCP_SQL_URL' && !JSON.stringify(error).includes('canary'),
      );
    }
  });

  it('says which package is missing, and how to get it', () => {
    assert.throws(
      () => loadPackage('no-such-driver'),
      (error: IntegrationError) => {
        assert.deepEqual([error.class, error.code], ['config', 'PCP_DRIVER_MISSING']);
        assert.match(error.message, /"no-such-driver"/);
        assert.match(error.hint ?? '', /npm install no-such-driver/);
        return true;
      },
    );
  });
});

describe('sql: statements of SQL Server and Oracle', () => {
  it('quotes names so that nothing breaks out', () => {
    assert.equal(mssqlGrammar.quote('a]; DROP TABLE t; --'), '[a]]; DROP TABLE t; --]');
    assert.equal(oracleGrammar.quote('a"b'), '"a""b"');
  });

  it('merges by key', () => {
    assert.equal(
      mergeStatement('[t] t', '(VALUES (@p1, @p2)) AS s ([id], [v])', ['id', 'v'], ['id'], mssqlGrammar.quote),
      'MERGE INTO [t] t USING (VALUES (@p1, @p2)) AS s ([id], [v]) ON (t.[id] = s.[id]) WHEN MATCHED THEN UPDATE SET t.[v] = s.[v] WHEN NOT MATCHED THEN INSERT ([id], [v]) VALUES (s.[id], s.[v])',
    );
    assert.ok(!mergeStatement('t', 's', ['id'], ['id'], oracleGrammar.quote).includes('UPDATE'));
  });

  it('takes the first rows, ordered or not', () => {
    assert.equal(
      mssqlGrammar.limit('SELECT a FROM t ORDER BY [a]', 5),
      'SELECT a FROM t ORDER BY [a] OFFSET 0 ROWS FETCH NEXT 5 ROWS ONLY',
    );
    assert.match(mssqlGrammar.limit('SELECT a FROM t', 5), /ORDER BY \(SELECT NULL\) OFFSET 0/);
    assert.equal(oracleGrammar.limit('SELECT a FROM t', 5), 'SELECT a FROM t FETCH FIRST 5 ROWS ONLY');
  });

  it('reads decimals and times as text', () => {
    assert.equal(mssqlGrammar.exact?.({ ...column('decimal'), name: 'q' }), 'CONVERT(varchar(60), [q]) AS [q]');
    assert.match(
      oracleGrammar.exact?.({ ...column('datetime', 'timestamp(6) with time zone'), name: 'q' }) ?? '',
      /SYS_EXTRACT_UTC/,
    );
  });
});

describe('generic.database: earlier', () => {
  it('moves back in the spelling of the column', () => {
    assert.equal(earlier('2026-11-24T00:00:10.123456Z', 30, false), '2026-11-23T23:59:40Z');
    assert.equal(earlier('2026-11-24 00:00:10.123', 30, false), '2026-11-23 23:59:40');
    assert.equal(earlier('2026-11-24', 30, true), '2026-11-23');
    assert.equal(earlier('2026-11-24T05:00:00.5', 0, false), '2026-11-24T05:00:00.5');
    assert.equal(earlier(1_764_000_000_000, 30, false), 1_763_999_970_000);
    assert.equal(earlier(1_764_000_000, 30, false), 1_763_999_970);
  });
});
