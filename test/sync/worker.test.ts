import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writer } from '../../lib/connectors/contract';
import { IntegrationError } from '../../lib/model/errors';
import type { JobStatus } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { beginAttempt } from '../../lib/sync/runs/attempts';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

const MATERIALS = 6;

/** A worker in this process, whose connectors and store can be made to fail at a chosen moment. */
describe('worker', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let engine: TestEngine;
  let connectionId: number;

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    await mkdir(join(directory, 'out'));
    engine = await TestEngine.open(directory);
    const config = { root: join(directory, 'out'), entities: { all: { path: 'all.csv', write: { mode: 'append' } } } };
    ({ id: connectionId } = await engine.connections.create({ name: 'files', connector_type: 'generic.file', config }));
    await engine.mappings.create({
      connection_id: connectionId,
      name: 'materials',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'all',
      target_entity: 'material',
      field_mappings: [{ source: 'id', target: 'material' }],
      options: { batch_size: 2 },
    });
    for (let index = 0; index < MATERIALS; index++) await engine.records.create('material', { material: `M-${index}` });
  });

  afterEach(async () => {
    await engine.close();
    await remove();
  });

  it('runs of a stream wait for each other, also while the first of them waits', async () => {
    const { items } = await engine.mappings.list({});
    const streams = items.map((mapping) => ({ mapping, direction: 'export' as const }));
    const job = { streams, overlap: 'queue_all' as const };
    await engine.sync.starter.startUnattended([job, job], async () => true);
    const { database } = engine.store;
    const states = async () => (await engine.sync.logs({})).items.map(({ details }) => details.state).reverse();
    await database.execute(
      "UPDATE integration_sync_logs SET state = 'waiting_retry', next_attempt_at = ? WHERE id = 1",
      [Date.now() + 3_600_000],
    );
    await engine.look();
    assert.deepEqual(await states(), ['waiting_retry', 'queued']);
    await database.execute('UPDATE integration_sync_logs SET next_attempt_at = NULL WHERE id = 1');
    for (const { job_id } of (await engine.sync.logs({})).items.reverse()) await engine.end(job_id);
    assert.deepEqual(await states(), ['succeeded', 'succeeded']);
    assert.deepEqual(await exported(), everything);
  });

  const run = (): Promise<JobStatus> => engine.run(connectionId);
  const exported = async () => (await readFile(join(directory, 'out', 'all.csv'), 'utf8')).trimEnd().split('\r\n');
  const everything = ['id', ...Array.from({ length: MATERIALS }, (_, index) => `M-${index}`)];

  /** Fails the n-th batch that is written, and all after it. */
  const failWritesFrom = (batch: number, error: IntegrationError): void => {
    let batches = 0;
    engine.disturb = (connector, type) => {
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

      engine.disturb = (connector) => connector;
      const next = await run();
      assert.equal(next.logs[0]!.details.created, MATERIALS - 2);
      assert.equal(next.logs[0]!.details.unchanged, 2);
      assert.deepEqual(await exported(), everything);
    });
  }

  it('takes back in the next run what it could not take back when the run ended', async () => {
    failWritesFrom(2, new IntegrationError('transient', 'PCP_TEST', 'The disk is away.'));
    const failing = engine.disturb;
    let opened = 0;
    engine.disturb = (connector, type) => {
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
    engine.disturb = (connector) => connector;
    assert.equal((await run()).status, 'success');
    assert.deepEqual(await exported(), everything);
  });

  it('never takes back what a later run has left, when nothing could be taken back before', async () => {
    failWritesFrom(2, new IntegrationError('transient', 'PCP_TEST', 'The disk is away.'));
    const failing = engine.disturb;
    let opened = 0;
    engine.disturb = (connector, type) => {
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
    engine.disturb = (connector) => connector;
    for (let again = 0; again < 2; again++) {
      assert.equal((await run()).status, 'success');
      assert.deepEqual(await exported(), ['id', ...everything.slice(3)], 'what somebody removed is not written again');
    }
  });

  it('does not count pauses that the other side asked for', async () => {
    let pauses = 5;
    engine.disturb = (connector, type) => {
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
    assert.equal((await engine.sync.log(job.logs[0]!.id)).details.history?.length, 1);
    assert.deepEqual(await exported(), everything);
  });

  it('tells what became of each attempt of a run', async () => {
    const failures = ['PCP_INTERRUPTED', 'PCP_TEST'];
    engine.disturb = (connector, type) => {
      if (type !== 'generic.file') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        const code = failures.shift();
        if (code !== undefined) throw new IntegrationError('transient', code, 'The share is away.');
        const [log] = (await engine.sync.logs({ status: 'in_progress' })).items;
        assert.equal(log?.error_message, null, 'of an attempt that runs nothing is known yet');
        return openWriter(...parameters);
      };
      return connector;
    };
    const [{ id }] = (await run()).logs as [SyncLog];
    const { details } = await engine.sync.log(id);
    assert.deepEqual(
      details.history?.map(({ state, error_class, error_code, error_message }) => {
        return [state, error_class, error_code, error_message];
      }),
      [
        ['queued', null, null, null],
        ['waiting_retry', 'transient', 'PCP_TEST', 'The share is away.'],
        ['succeeded', null, null, null],
      ],
    );
    const times = details.history.flatMap(({ started_at, ended_at }) => [started_at, ended_at]);
    assert.deepEqual(times, [...times].sort());
    const [listed] = (await engine.sync.logs({ connection_id: connectionId })).items;
    assert.deepEqual(listed?.details.history, details.history);
  });

  it('counts the runs that another worker took over', async () => {
    const { database } = engine.store;
    let batches = 0;
    engine.disturb = (connector, type) => {
      if (type !== 'generic.file') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        const writer: Writer = await openWriter(...parameters);
        const write = writer.write.bind(writer);
        writer.write = async (...records) => {
          if (++batches === 2) {
            const sql = 'UPDATE integration_stream_locks SET fence = fence + 1, owner_run = NULL, lease_until = 1';
            await database.execute(sql);
          }
          return write(...records);
        };
        return writer;
      };
      return connector;
    };
    assert.equal((await run()).status, 'success');
    await engine.tally.flush();
    const rows = await database.query(
      "SELECT object_id, value FROM integration_tallies WHERE name = 'lease_lost_total'",
    );
    assert.deepEqual(
      rows.map(({ object_id, value }) => [object_id, value]),
      [[1, 1]],
    );
    assert.deepEqual(await exported(), everything);
  });

  it('shows no end of an attempt whose worker died', async () => {
    const { job_id } = await engine.sync.start(connectionId, {});
    const [{ id }] = (await engine.sync.status(job_id)).logs as [SyncLog];
    const { database } = engine.store;
    await database.execute(`UPDATE integration_sync_logs SET state = 'running', fence = 1 WHERE id = ?`, [id]);
    await database.transaction((transaction) => beginAttempt(transaction, id, 1, 0));
    await database.execute('UPDATE integration_stream_locks SET fence = 1, owner_run = ?, lease_until = 1', [id]);
    await engine.end(job_id);
    const { history } = (await engine.sync.log(id)).details;
    assert.deepEqual(
      history?.map(({ ended_at, state }) => [ended_at !== null, state]),
      [
        [false, null],
        [true, 'succeeded'],
      ],
    );
  });

  it('tells of a run when it begins, from time to time, and when it has ended, not with each commit', async () => {
    for (let index = 0; index < 200; index++) await engine.records.create('material', { material: `N-${index}` });
    const { job_id } = await engine.sync.start(connectionId, {});
    const told: JobStatus[] = [];
    const ended = new Promise<void>((resolve) => {
      engine.sync.watch(job_id, (status) => {
        told.push(status);
        if (status.status === 'success') resolve();
      });
    });
    const started = performance.now();
    assert.equal((await engine.end(job_id)).logs[0]!.details.created, MATERIALS + 200);
    await ended;
    const most = 3 + Math.ceil((performance.now() - started) / 200);
    assert.ok(told.length >= 2 && told.length <= most, `${told.length} times in 103 commits`);
  });

  it('says once that the store fails and once that it works again, and then goes on at once', async () => {
    let isAway = false;
    const failing = new Proxy(engine.store.database, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'transaction' && isAway) {
          return () => Promise.reject(new IntegrationError('transient', 'PCP_DISK_FULL', 'The disk is full.'));
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await engine.startWorker(failing);
    engine.disturb = (connector) => {
      isAway = true;
      return connector;
    };
    const { job_id } = await engine.sync.start(connectionId, {});
    while (engine.said.length < 2) {
      await engine.look();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (let looks = 0; looks < 3; looks++) await engine.look();
    assert.match(engine.said[0] ?? '', /^error Run 1 stopped \(PCP_DISK_FULL.+could not be saved/);
    assert.match(engine.said[1] ?? '', /^warn The store: PCP_DISK_FULL: The disk is full/);
    engine.disturb = (connector) => connector;
    isAway = false;
    assert.equal((await engine.end(job_id)).status, 'success');
    const [after, ...more] = engine.said.slice(2).filter((line) => !line.startsWith('debug '));
    assert.match(after ?? '', /^info The store: works again after \d+ s\.$/);
    assert.deepEqual(more, []);
    assert.deepEqual(await exported(), everything);
  });

  it('gives a run back when the store fails between its claim and its start', async () => {
    let failures = 1;
    const failing = new Proxy(engine.store.database, {
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
    await engine.startWorker(failing);
    assert.equal((await run()).status, 'success');
    assert.ok(failures <= 0, 'the store did fail');
    assert.deepEqual(await exported(), everything);
  });
});
