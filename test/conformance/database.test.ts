import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceRecord } from '../../lib/connectors/contract';
import { create } from '../../lib/connectors/generic/database/connector';
import { descriptor } from '../../lib/connectors/generic/database/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import type { SqlDatabase, SqlOptions } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import type { TestServer } from '../support/database-server';
import { mariadbAvailable, mariadbServer } from '../support/mariadb';
import { postgresAvailable, postgresServer } from '../support/postgres';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

const NOTES = ["O'Neil", '日本語', 'tab\tline\nbreak', '\\N', '', 'ç "quoted"'];

const records: SourceRecord[] = Array.from({ length: 17 }, (_, n) => ({
  plant: n < 9 ? '1000' : '2000',
  number: n % 9,
  quantity: `${n}.250`,
  wide: n === 3 ? '9007199254740993' : n,
  due: `2026-02-${String(n + 10)}`,
  active: n % 2 === 0,
  note: NOTES[n % NOTES.length],
}));

const CREATE: Record<string, string[]> = {
  sqlite: [
    'CREATE TABLE orders (plant TEXT NOT NULL, number INTEGER NOT NULL, quantity DECIMAL_TEXT, wide BIGINT, due DATE, active BOOLEAN, note TEXT, changed DATETIME, PRIMARY KEY (plant, number))',
    'CREATE TABLE target (code TEXT PRIMARY KEY, amount DECIMAL_TEXT, wide BIGINT, at DATETIME, note TEXT)',
  ],
  postgres: [
    'CREATE TABLE orders (plant varchar(4) NOT NULL, number integer NOT NULL, quantity numeric(12,3), wide bigint, due date, active boolean, note text, changed timestamptz, PRIMARY KEY (plant, number))',
    'CREATE TABLE target (code varchar(20) PRIMARY KEY, amount numeric(38,10), wide bigint, at timestamptz, note text)',
  ],
  mariadb: [
    'CREATE TABLE orders (plant varchar(4) NOT NULL, number integer NOT NULL, quantity decimal(12,3), wide bigint, due date, active boolean, note text, changed timestamp(3) NULL, PRIMARY KEY (plant, number)) CHARSET=utf8mb4',
    'CREATE TABLE target (code varchar(20) PRIMARY KEY, amount decimal(38,10), wide bigint, at timestamp(3) NULL, note text) CHARSET=utf8mb4',
  ],
};

const written: SourceRecord[] = NOTES.map((note, n) => ({
  code: `M-${n}`,
  amount: '1234567890123456789012345678.0123456789',
  wide: n === 1 ? '-9223372036854775808' : n,
  at: '2026-11-24T05:00:00.123Z',
  note,
}));

async function casesOn(
  options: SqlOptions,
  config: OpenConnection['config'],
  failing: FailingCase[],
): Promise<ConformanceCases> {
  const connection = connectionOf(config, options.password);
  await within(options, async (database) => {
    for (const statement of CREATE[options.dialect]!) await database.execute(statement);
    const columns = ['plant', 'number', 'quantity', 'wide', 'due', 'active', 'note', 'changed'];
    const changed = new Date('2026-11-24T05:00:00.000Z');
    const rows = records.map((record) => [...columns.slice(0, -1).map((name) => record[name] as string), changed]);
    await database.upsert({ table: { name: 'orders' }, columns, keyColumns: ['plant', 'number'], rows });
  });
  return {
    connection,
    failing,
    read: { entity: 'orders', key: ['plant', 'number'], records },
    incremental: {
      entity: 'orders',
      key: ['plant', 'number'],
      cursorField: 'changed',
      // SQLite's times have no zone, so rows at the last value are read again.
      exact: options.dialect !== 'sqlite',
      change: () =>
        within(options, async (database) => {
          const sql = "UPDATE orders SET changed = ? WHERE plant = '1000' AND number IN (3, 5)";
          const now = await database.now();
          await database.execute(sql, [now]);
          while ((await database.now()) <= now) await new Promise(setImmediate);
          return ['1000|3', '1000|5'];
        }),
    },
    write: {
      target: { entity: 'target', keyFields: ['code'], fields: ['code', 'amount', 'wide', 'at', 'note'] },
      records: written,
      readBack: () => readAll(connection, 'target'),
      reset: () => within(options, async (database) => void (await database.execute('DELETE FROM target'))),
    },
  };
}

function connectionOf(config: Record<string, unknown>, password = ''): OpenConnection {
  return {
    id: 1,
    name: 'test',
    connector_type: 'generic.database',
    config,
    credentials: password === '' ? {} : { password },
  };
}

async function within<T>(options: SqlOptions, work: (database: SqlDatabase) => Promise<T>): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function readAll(connection: OpenConnection, entity: string): Promise<SourceRecord[]> {
  const connector = create(connection, { log: () => undefined });
  try {
    const all: SourceRecord[] = [];
    for await (const batch of connector.read!({ entity, cursor: null, batchSize: 100 }, new AbortController().signal)) {
      all.push(...batch.records);
    }
    return all.map((record) => ({ ...record, at: new Date(String(record.at)).toISOString() }));
  } finally {
    await connector.close();
  }
}

function serverCases(start: () => Promise<TestServer>) {
  return async (): Promise<ConformanceCases> => {
    const server = await start();
    const options = await server.createDatabase();
    const { dialect, host, port, database, username, password = '' } = options;
    const config = { dialect, host, port, database, username, connect_timeout_ms: 3000 };
    const good = connectionOf(config, password);
    const failing = (
      name: string,
      change: Record<string, unknown>,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code: string,
    ): FailingCase => ({
      name,
      connection: { ...good, config: { ...config, ...change } },
      step,
      class: errorClass,
      code,
    });
    await server.execute(
      dialect === 'postgres'
        ? "CREATE ROLE stranger LOGIN PASSWORD 'stranger-secret'; REVOKE CONNECT ON DATABASE " +
            database +
            ' FROM PUBLIC'
        : "CREATE USER 'stranger'@'%' IDENTIFIED BY 'stranger-secret'",
    );
    const cases: FailingCase[] = [
      {
        ...failing('wrong password', {}, 'authenticate', 'auth', 'PCP_SQL_AUTH'),
        connection: connectionOf(config, 'canary-4711'),
      },
      failing('unknown host', { host: 'no-such-host.invalid' }, 'resolve', 'transient', 'PCP_CONNECT_HOST_UNKNOWN'),
      failing('closed port', { port: 1 }, 'connect', 'transient', 'PCP_CONNECT_REFUSED'),
      failing('unknown database', { database: 'nowhere' }, 'authorise', 'config', 'PCP_SQL_DATABASE_UNKNOWN'),
      failing('no host', { host: '' }, 'resolve', 'config', 'PCP_SETTING_MISSING'),
      {
        ...failing('no right to the database', {}, 'authorise', 'permission', 'PCP_SQL_PERMISSION'),
        connection: connectionOf({ ...config, username: 'stranger' }, 'stranger-secret'),
      },
    ];
    if (server.ca !== undefined) {
      cases.push(
        failing('unknown authority', { ssl: true }, 'tls', 'config', 'PCP_TLS_UNTRUSTED'),
        failing('certificate for another name', { ssl: true, ssl_ca: server.ca }, 'tls', 'config', 'PCP_TLS_NAME'),
      );
    }
    const tls = server.ca === undefined ? {} : { ssl: true, ssl_ca: server.ca, ssl_servername: server.certificateName };
    return casesOn(options, { ...config, ...tls }, cases);
  };
}

let directory: string;

conformance('generic.database on SQLite', {
  descriptor,
  create,
  async cases() {
    directory = await mkdtemp(join(tmpdir(), 'pcp-database-'));
    const storage = join(directory, 'legacy.db');
    const config = { dialect: 'sqlite', storage };
    const missing = connectionOf({ ...config, storage: join(directory, 'none.db') });
    return casesOn({ dialect: 'sqlite', storage, wal: false }, config, [
      { name: 'no file', connection: missing, step: 'connect', class: 'config', code: 'PCP_FILE_NOT_FOUND' },
    ]);
  },
  release: () => rm(directory, { recursive: true, force: true }),
});

conformance('generic.database on PostgreSQL', {
  descriptor,
  create,
  cases: serverCases(postgresServer),
  available: postgresAvailable(),
});

conformance('generic.database on MariaDB', {
  descriptor,
  create,
  cases: serverCases(mariadbServer),
  available: mariadbAvailable(),
});
