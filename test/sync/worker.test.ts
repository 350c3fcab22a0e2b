import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector, Writer } from '../../lib/connectors/contract';
import { ConnectorRegistry, type LoadedConnector } from '../../lib/connectors/registry';
import { createExpressionEvaluator } from '../../lib/mapping/expressions/evaluator';
import { IntegrationError } from '../../lib/model/errors';
import type { JobStatus } from '../../lib/model/services';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { EntityRecordStore } from '../../lib/platform/records';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import { openStore, type Store } from '../../lib/store/store';
import { StoreClock } from '../../lib/sync/clock';
import { SyncService } from '../../lib/sync/service';
import { Worker } from '../../lib/sync/worker';
import { temporaryDirectory } from '../support/hub';

const MATERIALS = 6;

/** A worker in this process, whose connectors and store can be made to fail at a chosen moment. */
describe('worker', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let store: Store;
  let worker: Worker;
  let sync: SyncService;
  let startWorker: (database?: SqlDatabase) => Promise<void>;
  let connectionId: number;
  /** Stands between the engine and its connectors. */
  let disturb: (connector: Connector, type: string) => Connector;
  const expressions = createExpressionEvaluator();

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    await mkdir(join(directory, 'out'));
    store = await openStore({ directory });
    disturb = (connector) => connector;
    const vault = new Vault(loadKeys({ directory }));
    const connections = new ConnectionStore({
      store,
      vault,
      validate: () => undefined,
    });
    const mappings = new MappingStore({ store, check: async () => undefined });
    const config = { root: join(directory, 'out'), entities: { all: { path: 'all.csv', write: { mode: 'append' } } } };
    ({ id: connectionId } = await connections.create({ name: 'files', connector_type: 'generic.file', config }));
    await mappings.create({
      connection_id: connectionId,
      name: 'materials',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'all',
      target_entity: 'material',
      field_mappings: [{ source: 'id', target: 'material' }],
      options: { batch_size: 2 },
    });
    const records = new EntityRecordStore({ database: store.database, types: new EntityTypeStore(store.database) });
    for (let index = 0; index < MATERIALS; index++) await records.create('material', { material: `M-${index}` });

    const registry = new ConnectorRegistry();
    const load = async (type: string): Promise<LoadedConnector> => {
      const { descriptor, create } = await registry.load(type);
      return { descriptor, create: (...parameters) => disturb(create(...parameters), type) };
    };
    sync = new SyncService({
      database: async () => store.database,
      vault,
      connections,
      mappings,
      wakeRunner: () => undefined,
      nudgeCancel: () => undefined,
    });
    startWorker = async (database = store.database) => {
      worker = new Worker({
        database,
        registry: Object.assign(Object.create(registry) as ConnectorRegistry, { load }),
        expressions,
        openConnection: async (id) => ({ ...(await connections.open(id)), timezone: null }),
        environment: { store: store.database, log: () => undefined },
        vault,
        deadLetters: { limit: 1000, openDays: 180, closedDays: 30 },
        clock: await StoreClock.of(store.database),
        mapping: (id) => mappings.get(id),
        retry: { maxWithoutProgress: 2, maxAttempts: 20, baseDelayMs: 0, maxDelayMs: 0 },
        concurrency: 1,
        onChange: (jobId) => void sync.changed(jobId),
        log: () => undefined,
      });
    };
    await startWorker();
  });

  afterEach(async () => {
    await worker.stop();
    await store.close();
    await remove();
  });

  after(() => expressions.close());

  async function run(): Promise<JobStatus> {
    const { job_id } = await sync.start(connectionId, {});
    for (;;) {
      await worker.wake();
      const status = await sync.status(job_id);
      if (status.status !== 'in_progress') return status;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const exported = async () => (await readFile(join(directory, 'out', 'all.csv'), 'utf8')).trimEnd().split('\r\n');
  const everything = ['id', ...Array.from({ length: MATERIALS }, (_, index) => `M-${index}`)];

  /** Fails the n-th batch that is written, and all after it. */
  const failWritesFrom = (batch: number, error: IntegrationError): void => {
    let batches = 0;
    disturb = (connector, type) => {
      if (type !== 'generic.file') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        const writer: Writer = await openWriter(...parameters);
        const write = writer.write.bind(writer);
        writer.write = async (...records) => {
          const results = await write(...records);
          if (++batches >= batch) throw error;
          return results;
        };
        return writer;
      };
      return connector;
    };
  };

  for (const errorClass of ['transient', 'config'] as const) {
    it(`keeps what an appending run had committed when a ${errorClass} failure ended it`, async () => {
      failWritesFrom(2, new IntegrationError(errorClass, 'PCP_TEST', 'The disk is away.'));
      const failed = await run();
      assert.equal(failed.logs[0]!.error_class, errorClass);
      assert.equal(failed.logs[0]!.details.created, 2);
      assert.deepEqual(await exported(), everything.slice(0, 3));
      assert.deepEqual(await readdir(join(directory, 'out')), ['all.csv'], 'no notes are left behind');

      disturb = (connector) => connector;
      const next = await run();
      assert.equal(next.logs[0]!.details.created, MATERIALS - 2);
      assert.equal(next.logs[0]!.details.unchanged, 2);
      assert.deepEqual(await exported(), everything);
    });
  }

  it('takes back in the next run what it could not take back when the run ended', async () => {
    failWritesFrom(2, new IntegrationError('transient', 'PCP_TEST', 'The disk is away.'));
    const failing = disturb;
    let opened = 0;
    disturb = (connector, type) => {
      const disturbed = failing(connector, type);
      if (type !== 'generic.file') return disturbed;
      const openWriter = disturbed.openWriter!.bind(disturbed);
      disturbed.openWriter = async (...parameters) => {
        // The first attempt and the one more that the budget allows; then the share is gone.
        if (++opened > 2) throw new IntegrationError('transient', 'PCP_TEST', 'The share is gone.');
        return openWriter(...parameters);
      };
      return disturbed;
    };
    assert.equal((await run()).logs[0]!.details.created, 2);
    disturb = (connector) => connector;
    assert.equal((await run()).status, 'success');
    assert.deepEqual(await exported(), everything);
  });

  it('never takes back what a later run has left, when nothing could be taken back before', async () => {
    failWritesFrom(2, new IntegrationError('transient', 'PCP_TEST', 'The disk is away.'));
    const failing = disturb;
    let opened = 0;
    disturb = (connector, type) => {
      const disturbed = failing(connector, type);
      if (type !== 'generic.file') return disturbed;
      const openWriter = disturbed.openWriter!.bind(disturbed);
      disturbed.openWriter = async (...parameters) => {
        if (++opened > 2) throw new IntegrationError('transient', 'PCP_TEST', 'The share is gone.');
        return openWriter(...parameters);
      };
      return disturbed;
    };
    await run();
    await rm(join(directory, 'out', 'all.csv'));
    disturb = (connector) => connector;
    for (let again = 0; again < 2; again++) {
      assert.equal((await run()).status, 'success');
      assert.deepEqual(await exported(), ['id', ...everything.slice(3)], 'what somebody removed is not written again');
    }
  });

  it('does not count pauses that the other side asked for', async () => {
    let pauses = 5;
    disturb = (connector, type) => {
      if (type !== 'generic.file') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        if (pauses-- > 0)
          throw new IntegrationError('rate_limit', 'PCP_TEST', 'Too many requests.', { retryAfterMs: 0 });
        return openWriter(...parameters);
      };
      return connector;
    };
    const job = await run();
    assert.equal(job.logs[0]!.error_message, null);
    assert.equal(job.logs[0]!.details.attempts, 1);
    assert.deepEqual(await exported(), everything);
  });

  it('gives a run back when the store fails between its claim and its start', async () => {
    let failures = 1;
    const failing = new Proxy(store.database, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value;
        return async (sql: string, parameters: never[]) => {
          if (/FROM integration_sync_logs WHERE id = \?/.test(sql) && failures-- > 0) {
            throw new IntegrationError('transient', 'PCP_TEST', 'The store is away.');
          }
          return target.query(sql, parameters);
        };
      },
    });
    await worker.stop();
    await startWorker(failing);
    assert.equal((await run()).status, 'success');
    assert.ok(failures <= 0, 'the store did fail');
    assert.deepEqual(await exported(), everything);
  });
});
