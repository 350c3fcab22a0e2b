import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '../../demo/random';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import type { SqlDatabase, SqlOptions } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import { openHub, temporaryDirectory } from '../support/hub';
import { killTheRunner } from '../support/kills';
import { mariadbServer } from '../support/mariadb';
import { postgresServer } from '../support/postgres';

/** Kills per scenario; the three of them make the 200 that continuous integration asks for. */
const KILLS = Number(process.env.PCP_TEST_KILLS ?? 8);
const RECORDS = 2000;
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);

interface Order {
  number: string;
  material: string;
  quantity: string;
}

function orders(round: number): Order[] {
  return Array.from({ length: RECORDS }, (_, index) => ({
    number: String(100_000 + index),
    material: `M-${index % 37}`,
    // A third of the orders changes with every round.
    quantity: `${index % 3 === 0 ? round + 1 : 1}.25`,
  }));
}

const FIELDS: MappingInput['field_mappings'] = [
  { source: 'number', target: 'order_number', type: 'string', required: true },
  { source: 'material', target: 'material', type: 'string' },
  { source: 'quantity', target: 'quantity', type: 'decimal' },
];

describe(`kill -9 of the runner (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, KILLS * 6000));
  const random = new SeededRandom(SEED);
  let hub: Hub;
  let directory: string;
  let remove: () => Promise<void>;
  let postgres: SqlOptions;
  let mariadb: SqlOptions;

  before(async function () {
    postgres = await (await postgresServer(this)).createDatabase();
    mariadb = await (await mariadbServer(this)).createDatabase();
    const temporary = await temporaryDirectory();
    directory = temporary.path;
    remove = temporary.remove;
    hub = await openHub(directory, { section: { retry: { seconds: 0, attempts: 20 } } });
  });

  after(async () => {
    await hub?.close();
    await remove?.();
  });

  function assertAddsUp(job: JobStatus): void {
    const log = job.logs[0]!;
    const { created, updated, unchanged, filtered } = log.details;
    assert.equal(log.records_processed, RECORDS);
    assert.equal(log.records_error, 0);
    assert.equal(created + updated + unchanged + filtered, RECORDS);
  }

  it(`file to PostgreSQL: target = source, nothing doubled, after ${KILLS} kills`, async () => {
    const target = await openDatabase(postgres);
    try {
      await target.execute(
        'CREATE TABLE crash_orders (id serial, number text PRIMARY KEY, material text, quantity numeric)',
      );
      const drop = join(directory, 'to-postgres');
      await mkdir(drop);
      const file = await hub.connections.create({
        name: 'files',
        connector_type: 'generic.file',
        config: { root: drop, settle_seconds: 0, entities: { orders: { path: 'orders.csv', format: 'csv' } } },
      });
      const { password, ...database } = settingsOf(postgres);
      const peer = await hub.connections.create({
        name: 'postgres',
        connector_type: 'generic.database',
        config: database,
        credentials: password === undefined ? {} : { password },
      });
      const mapping = await hub.mappings.create({
        connection_id: file.id,
        peer_connection_id: peer.id,
        name: 'file to postgres',
        entity_type: 'crash_orders',
        direction: 'import',
        source_entity: 'orders',
        target_entity: 'crash_orders',
        key_fields: ['number'],
        field_mappings: FIELDS.map((field) => (field.source === 'number' ? { ...field, target: 'number' } : field)),
        options: { batch_size: 100 },
      });
      await killTheRunner({
        hub,
        random,
        kills: KILLS,
        mappingId: mapping.id,
        connectionId: file.id,
        prepare: (round) => writeFile(join(drop, 'orders.csv'), csv(orders(round))),
        verify: async (round, job) => {
          assertAddsUp(job);
          assert.deepEqual(await rows(target, 'crash_orders'), orders(round));
        },
      });
    } finally {
      await target.close();
    }
  });

  it(`MariaDB to the platform: target = source, nothing doubled, after ${KILLS} kills`, async () => {
    const source = await openDatabase(mariadb);
    try {
      await source.execute(
        'CREATE TABLE crash_orders (number varchar(20) PRIMARY KEY, material varchar(20), quantity decimal(12,2))',
      );
      const { password, ...config } = settingsOf(mariadb);
      const connection = await hub.connections.create({
        name: 'mariadb',
        connector_type: 'generic.database',
        config,
        credentials: password === undefined ? {} : { password },
      });
      const mapping = await hub.mappings.create({
        connection_id: connection.id,
        name: 'mariadb to platform',
        entity_type: 'production_order',
        direction: 'import',
        source_entity: 'crash_orders',
        target_entity: 'production_order',
        field_mappings: FIELDS,
        options: { batch_size: 100 },
      });
      await killTheRunner({
        hub,
        random,
        kills: KILLS,
        mappingId: mapping.id,
        connectionId: connection.id,
        prepare: (round) =>
          source.upsert({
            table: { name: 'crash_orders' },
            columns: ['number', 'material', 'quantity'],
            keyColumns: ['number'],
            rows: orders(round).map(({ number, material, quantity }) => [number, material, quantity]),
          }),
        verify: async (round, job) => {
          assertAddsUp(job);
          assert.deepEqual(await platformOrders(hub), orders(round));
        },
      });
    } finally {
      await source.close();
    }
  });

  it(`the platform to a file: every record once, no half file, after ${KILLS} kills`, async () => {
    const out = join(directory, 'out');
    await mkdir(out);
    const connection = await hub.connections.create({
      name: 'export folder',
      connector_type: 'generic.file',
      config: { root: out, entities: { orders: { path: 'orders.csv', format: 'csv', write: { mode: 'replace' } } } },
    });
    const mapping = await hub.mappings.create({
      connection_id: connection.id,
      name: 'platform to file',
      entity_type: 'production_order',
      direction: 'export',
      source_entity: 'orders',
      target_entity: 'production_order',
      field_mappings: FIELDS,
      options: { batch_size: 100 },
    });
    for (const order of await platformOrders(hub)) await hub.records.delete('production_order', [order.number]);
    for (const { number, material, quantity } of orders(0)) {
      await hub.records.create('production_order', { order_number: number, material, quantity });
    }
    await killTheRunner({
      hub,
      random,
      kills: KILLS,
      mappingId: mapping.id,
      connectionId: connection.id,
      prepare: async () => undefined,
      verify: async (_round, job) => {
        assertAddsUp(job);
        const lines = (await readFile(join(out, 'orders.csv'), 'utf8')).trimEnd().split(/\r?\n/);
        const expected = csv(orders(0)).trimEnd().split('\n');
        assert.deepEqual(lines.sort(), expected.sort());
        assert.deepEqual(await readdir(out), ['orders.csv']);
      },
    });
  });
});

function csv(records: Order[]): string {
  return `number,material,quantity\n${records.map((order) => `${order.number},${order.material},${order.quantity}\n`).join('')}`;
}

async function rows(database: SqlDatabase, table: string): Promise<Order[]> {
  const found = await database.query(`SELECT number, material, quantity FROM ${table} ORDER BY number`);
  return found.map((row) => ({
    number: String(row.number),
    material: String(row.material),
    quantity: String(row.quantity),
  }));
}

async function platformOrders(hub: Hub): Promise<Order[]> {
  const found: Order[] = [];
  let cursor: string | undefined;
  do {
    const page = await hub.records.list('production_order', { limit: 1000, ...(cursor !== undefined && { cursor }) });
    for (const { order_number, material, quantity } of page.items) {
      found.push({ number: String(order_number), material: String(material), quantity: String(quantity) });
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found.sort((a, b) => (a.number < b.number ? -1 : 1));
}

/** Settings of generic.database that reach a server of the tests. */
function settingsOf({
  dialect,
  host,
  port,
  database,
  username,
  password,
}: SqlOptions): Record<string, unknown> & { password?: string } {
  return { dialect, host, port, database, username, ...(password !== undefined && { password }) };
}
