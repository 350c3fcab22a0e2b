import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectorRegistry } from '../../lib/connectors/registry';
import { createExpressionEvaluator } from '../../lib/mapping/expressions/evaluator';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { EntityRecordStore } from '../../lib/platform/records';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import { lackOfRoom, openStore, type Store } from '../../lib/store/store';
import { StoreClock } from '../../lib/sync/clock';
import { DEFAULT_RETRY_POLICY } from '../../lib/sync/runs/retry';
import { Worker } from '../../lib/sync/runs/worker';
import { SyncService } from '../../lib/sync/service';
import { temporaryDirectory } from '../support/hub';

const RECORDS = 5000;
/** SQLite's own limit of a file's size: writing past it fails as on a full disk, with SQLITE_FULL. */
const UNLIMITED = 1_073_741_823;

/** The worker runs in this process, so that the limit reaches the very connection that it writes with. */
describe('a full disk under the store', () => {
  let store: Store;
  let worker: Worker;
  let sync: SyncService;
  let records: EntityRecordStore;
  let connectionId: number;
  let remove: () => Promise<void>;
  const expressions = createExpressionEvaluator({ heapMb: 64 });

  before(async () => {
    const temporary = await temporaryDirectory();
    remove = temporary.remove;
    const directory = temporary.path;
    await mkdir(join(directory, 'in'));
    const lines = Array.from({ length: RECORDS }, (_, index) => `${index},${'text '.repeat(10)}${index}`);
    await writeFile(join(directory, 'in', 'orders.csv'), `number,description\n${lines.join('\n')}\n`);
    store = await openStore({ directory });
    const { database } = store;
    const vault = new Vault(loadKeys({ directory }));
    const connections = new ConnectionStore({ store, vault, validate: () => undefined });
    const mappings = new MappingStore({ store, check: async () => undefined });
    const types = new EntityTypeStore(database);
    records = new EntityRecordStore({ database, types });
    worker = new Worker({
      database,
      registry: new ConnectorRegistry(),
      expressions,
      openConnection: async (id) => ({ ...(await connections.open(id)), timezone: null }),
      environment: { store: database, log: () => undefined },
      vault,
      deadLetters: { limit: 1000, openDays: 180, closedDays: 30 },
      logDays: 90,
      clock: await StoreClock.of(database),
      mapping: (id) => mappings.get(id),
      check: async () => undefined,
      retry: { ...DEFAULT_RETRY_POLICY, baseDelayMs: 0, maxWithoutProgress: 2 },
      concurrency: 1,
      kinds: ['sync', 'replay'],
      onChange: (jobId) => void sync.changed(jobId),
      log: () => undefined,
    });
    sync = new SyncService({
      database: async () => database,
      vault,
      connections,
      mappings,
      check: async () => undefined,
      wakeRunner: () => void worker.wake(),
      nudgeCancel: () => void worker.checkCancelled(),
    });
    const connection = await connections.create({
      name: 'files',
      connector_type: 'generic.file',
      config: {
        root: join(directory, 'in'),
        settle_seconds: 0,
        entities: { orders: { path: 'orders.csv', format: 'csv' } },
      },
    });
    connectionId = connection.id;
    await mappings.create({
      connection_id: connectionId,
      name: 'orders',
      entity_type: 'production_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'production_order',
      field_mappings: [
        { source: 'number', target: 'order_number' },
        { source: 'description', target: 'description' },
      ],
      options: { batch_size: 500 },
    });
    await records.create('production_order', { order_number: 'first' });
  });

  after(async () => {
    await worker?.stop();
    await expressions.close();
    await store?.close();
    await remove?.();
  });

  const end = (jobId: string): Promise<Awaited<ReturnType<typeof sync.status>>> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        sync.status(jobId).then((status) => {
          if (status.status === 'in_progress') return;
          clearInterval(poll);
          resolve(status);
        }, reject);
      };
      const poll = setInterval(look, 50);
    });

  it('is seen before anything is written', async function () {
    assert.equal(await store.trouble(), null);
    if (!existsSync('/proc/self')) this.skip();
    // A file system that never has room.
    assert.equal((await lackOfRoom('/proc/integrations.db'))?.code, 'PCP_DISK_FULL');
  });

  it('fails as transient, with every counted record in the store, and loses nothing once there is room', async () => {
    const { database } = store;
    const [{ page_count }] = (await database.query('PRAGMA page_count')) as [{ page_count: number }];
    // Room for some batches, not for all: afterwards the log itself must still find its place in pages that are free.
    await database.query(`PRAGMA max_page_count = ${Number(page_count) + 60}`);
    const { job_id } = await sync.start(connectionId, {});
    const full = await end(job_id);
    assert.equal(full.status, 'error');
    assert.equal(full.logs[0]!.error_class, 'transient');
    assert.equal(full.logs[0]!.details.error_code, 'PCP_DISK_FULL');
    assert.ok(full.logs[0]!.details.created > 0 && full.logs[0]!.details.created < RECORDS);
    assert.equal((await records.list('production_order', { limit: 1 })).total, full.logs[0]!.details.created + 1);

    await database.query(`PRAGMA max_page_count = ${UNLIMITED}`);
    const again = await end((await sync.start(connectionId, {})).job_id);
    assert.equal(again.status, 'success');
    assert.equal(again.logs[0]!.details.unchanged, full.logs[0]!.details.created);
    assert.equal((await records.list('production_order', { limit: 1 })).total, RECORDS + 1);
  });
});
