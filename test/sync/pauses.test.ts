import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IntegrationError } from '../../lib/model/errors';
import type { SyncLog } from '../../lib/model/sync';
import { streamName } from '../../lib/store/stream-names';
import { blaming } from '../../lib/sync/runs/blame';
import { noteAttempt, pauses } from '../../lib/sync/runs/pauses';
import type { RunRow } from '../../lib/sync/runs/run-rows';
import type { End } from '../../lib/sync/runs/settle';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

describe('a connection whose other side is unwell', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let connectionId: number;
  const mappingIds: number[] = [];
  /** What opening the target throws; null = it works. */
  let failure: IntegrationError | null;
  let opened: number;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    await mkdir(join(directory.path, 'out'));
    engine = await TestEngine.open(directory.path);
    const entities = { one: { path: 'one.csv' }, two: { path: 'two.csv' } };
    const config = { root: join(directory.path, 'out'), entities };
    ({ id: connectionId } = await engine.connections.create({ name: 'files', connector_type: 'generic.file', config }));
    for (const entity of ['one', 'two']) {
      const { id } = await engine.mappings.create({
        connection_id: connectionId,
        name: entity,
        entity_type: 'material',
        direction: 'export',
        source_entity: entity,
        target_entity: 'material',
        field_mappings: [{ source: 'id', target: 'material' }],
      });
      mappingIds.push(id);
    }
    failure = null;
    opened = 0;
    engine.disturb = (connector, type) => {
      if (type !== 'generic.file') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        opened++;
        if (failure !== null) throw failure;
        return openWriter(...parameters);
      };
      return connector;
    };
  });

  afterEach(async () => {
    mappingIds.length = 0;
    await engine.close();
    await remove();
  });

  const start = async (mapping: number) =>
    (await engine.sync.start(connectionId, { mapping_id: mappingIds[mapping]! })).job_id;

  /** Works until a run waits. */
  async function waiting(jobId: string): Promise<SyncLog> {
    for (;;) {
      await engine.look();
      const [log] = (await engine.sync.status(jobId)).logs;
      if (log!.details.state.startsWith('waiting_q')) return log!;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it('is left alone after five failures in a row, and goes on once it was seen to work', async () => {
    failure = new IntegrationError('transient', 'PCP_TEST', 'The share is away.');
    for (let run = 0; run < 2; run++) assert.equal((await engine.end(await start(0))).status, 'error');
    assert.equal(opened, 4);
    const first = await start(0);
    const log = await waiting(first);
    assert.equal(log.details.error_code, 'PCP_CONNECTION_PAUSED');
    assert.match(log.error_message ?? '', /The share is away/);
    const second = await start(1);
    await waiting(second);
    assert.equal(opened, 5, 'neither run asks again');

    failure = null;
    await engine.sync.endPause(connectionId);
    assert.equal((await engine.end(first)).status, 'success');
    assert.equal((await engine.end(second)).status, 'success');
  });

  it('is left alone as long as it asks for, by all of its mappings', async () => {
    failure = new IntegrationError('rate_limit', 'PCP_TEST', 'Too many requests.', { retryAfterMs: 60_000 });
    const log = await waiting(await start(0));
    const left = Date.parse(log.details.next_attempt_at!) - Date.now();
    assert.ok(left > 30_000 && left <= 60_000);
    const other = await waiting(await start(1));
    assert.equal(other.details.error_code, 'PCP_CONNECTION_PAUSED');
    assert.equal(opened, 1);
  });

  it('is not blamed for failures that say nothing about it', async () => {
    for (const errorClass of ['config', 'data', 'guard', 'config', 'data', 'guard'] as const) {
      failure = new IntegrationError(errorClass, 'PCP_TEST', 'Wrong path.');
      assert.equal((await engine.end(await start(0))).status, 'error');
    }
    failure = null;
    assert.equal((await engine.end(await start(0))).status, 'success');
  });

  const database = () => engine.store.database;
  const pauseUntil = (until: number) =>
    database().execute(
      `INSERT INTO integration_connection_pauses (connection_id, failures, paused_until, reason) VALUES (?, 5, ?, 'was away')`,
      [connectionId, until],
    );

  it('is tried again when the run that tried before died with its host', async () => {
    const job = await start(0);
    const [log] = (await engine.sync.status(job)).logs;
    const worker = 'another-host:1:dead';
    await database().execute(`UPDATE integration_sync_logs SET state = 'running', fence = 1, worker = ? WHERE id = ?`, [
      worker,
      log!.id,
    ]);
    await database().execute(
      'UPDATE integration_stream_locks SET fence = 1, owner_run = ?, owner_worker = ?, lease_until = 1 WHERE stream = ?',
      [log!.id, worker, streamName(mappingIds[0]!)],
    );
    await pauseUntil(1);
    assert.equal((await engine.end(job)).status, 'success');
  });

  it('does not keep a run from being cancelled', async () => {
    const job = await start(0);
    await database().execute(`UPDATE integration_sync_logs SET state = 'waiting_retry', writer_state = '{}'`);
    await pauseUntil(Date.now() + 600_000);
    await waiting(job);
    await engine.sync.cancel(job);
    const [log] = (await engine.end(job)).logs;
    assert.equal(log!.details.state, 'cancelled');
  });

  it('is open to all as soon as one run has committed something; until then the others say what they wait for', async () => {
    for (const material of ['A', 'B']) await engine.records.create('material', { material });
    await pauseUntil(1);
    const gates: (() => void)[] = [];
    engine.disturb = (connector, type) => {
      if (type !== 'platform') return connector;
      const read = connector.read!.bind(connector);
      connector.read = async function* (query, signal) {
        for await (const batch of read({ ...query, batchSize: 1 }, signal)) {
          await new Promise<void>((resolve) => gates.push(resolve));
          yield batch;
        }
      };
      return connector;
    };
    const probe = await start(0);
    const other = await start(1);
    assert.match((await waiting(other)).error_message ?? '', /Another run finds out.+was away/);
    const reached = async (gate: number) => {
      while (gates.length <= gate) await new Promise((resolve) => setTimeout(resolve, 5));
      return gates[gate]!;
    };
    (await reached(0))();
    await reached(1);
    while ((await pauses(database())).size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await engine.sync.status(probe)).status, 'in_progress');
    engine.disturb = (connector) => connector;
    (await reached(1))();
    assert.equal((await engine.end(probe)).status, 'success');
    assert.equal((await engine.end(other)).status, 'success');
  });

  describe('at the other end of a mapping', () => {
    let source: number;
    let mapping_id: number;

    beforeEach(async () => {
      const root = (await engine.connections.get(connectionId)).config.root as string;
      const config = { root, entities: { in: { path: 'in.csv' } } };
      ({ id: source } = await engine.connections.create({ name: 'source', connector_type: 'generic.file', config }));
      await writeFile(join(root, 'in.csv'), 'id\r\nA\r\n');
      ({ id: mapping_id } = await engine.mappings.create({
        connection_id: source,
        peer_connection_id: connectionId,
        name: 'copy',
        entity_type: 'material',
        direction: 'import',
        source_entity: 'in',
        target_entity: 'one',
        key_fields: ['material'],
        field_mappings: [{ source: 'id', target: 'material' }],
      }));
    });

    const tooMany = () =>
      new IntegrationError('rate_limit', 'PCP_TEST', 'Too many requests.', { retryAfterMs: 60_000 });
    const paused = async () => [...(await pauses(database())).keys()];

    it('is the one that failed', async () => {
      failure = tooMany();
      await waiting((await engine.sync.start(source, { mapping_id })).job_id);
      assert.deepEqual(await paused(), [connectionId]);
    });

    it('is the one that failed before anything was read or written', async () => {
      engine.disturb = (connector) => {
        const describe = connector.describe!.bind(connector);
        connector.describe = async (entity, signal) => {
          if (entity === 'one') throw tooMany();
          return describe(entity, signal);
        };
        return connector;
      };
      await waiting((await engine.sync.start(source, { mapping_id })).job_id);
      assert.deepEqual(await paused(), [connectionId]);
    });
  });

  describe('what was learnt about it', () => {
    const now = 1_000_000;
    const run = () => ({ connectionId, withoutProgress: 1 }) as RunRow;

    /** The pause that is left, in seconds, when an attempt ends so. */
    async function afterwards(error: IntegrationError | undefined, from = connectionId): Promise<number | null> {
      const side = blaming(
        {
          async fail() {
            throw error;
          },
        },
        from,
      );
      const thrown = error && (await side.fail().catch((caught: IntegrationError) => caught));
      const end = { state: 'failed', nextAttemptAt: null, uncounted: false, failure: thrown } as const;
      await database().transaction((transaction) => noteAttempt(transaction, run(), [connectionId], end as End, now));
      const pause = (await pauses(database())).get(connectionId);
      return pause === undefined ? null : (pause.until - now) / 1000;
    }
    const asks = (seconds: number) =>
      new IntegrationError('rate_limit', 'PCP_TEST', 'Wait.', { retryAfterMs: seconds * 1000 });

    it('is not taken back by runs that were in flight', async () => {
      assert.equal(await afterwards(asks(600)), 600);
      assert.equal(await afterwards(asks(5)), 600);
      assert.equal(await afterwards(new IntegrationError('transient', 'PCP_TEST', 'Reset.')), 600);
      assert.equal(await afterwards(undefined), 600);
      for (const errorClass of ['config', 'guard', 'bug', 'data'] as const) {
        assert.equal(await afterwards(new IntegrationError(errorClass, 'PCP_TEST', 'Wrong.')), 600, errorClass);
      }
    });

    it('is forgotten with a run that ends well after the pause, and by none that fails for its own reasons', async () => {
      await pauseUntil(now - 1000);
      assert.equal(await afterwards(new IntegrationError('config', 'PCP_TEST', 'Wrong.')), -1);
      assert.equal(await afterwards(undefined), null);
    });

    it('is an hour at most', async () => {
      assert.equal(await afterwards(asks(30 * 86_400)), 3600);
    });

    it('comes from its own failures alone', async () => {
      assert.equal(await afterwards(asks(600), connectionId + 1), null);
    });
  });
});
