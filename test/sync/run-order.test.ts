import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mapping } from '../../lib/model/mapping';
import type { MappingInput } from '../../lib/model/services';
import { BLACKOUT, insertRun, newRun } from '../../lib/sync/runs/run-rows';
import type { UnattendedJob } from '../../lib/sync/runs/start';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

const HOUR = 3_600_000;

describe('which run of a stream goes first', () => {
  let remove: () => Promise<void>;
  let engine: TestEngine;
  let connectionId: number;
  let materials: Mapping;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    await mkdir(join(directory.path, 'out'));
    engine = await TestEngine.open(directory.path);
    const config = { root: join(directory.path, 'out') };
    ({ id: connectionId } = await engine.connections.create({ name: 'files', connector_type: 'generic.file', config }));
    materials = await engine.mappings.create(input('materials'));
  });

  afterEach(async () => {
    await engine.close();
    await remove();
  });

  const input = (name: string): MappingInput => ({
    connection_id: connectionId,
    name,
    entity_type: 'material',
    direction: 'export',
    source_entity: `${name}.csv`,
    target_entity: 'material',
    field_mappings: [{ source: 'id', target: 'material' }],
  });
  const told = async () =>
    (await engine.sync.logs({})).items
      .map(({ details: { state, kind, error_code } }) => [kind, state, error_code ?? '-'].join(' '))
      .reverse();
  const schedule = (more: Partial<UnattendedJob> = {}) => {
    const streams = [{ mapping: materials, direction: 'export' as const }];
    return engine.sync.starter.startUnattended([{ streams, overlap: 'skip', ...more }], async () => true);
  };
  const dueInBlackout = (until: number) =>
    schedule({
      beginning: {
        state: 'waiting_quota',
        failure: { class: 'rate_limit', code: BLACKOUT, message: 'It was due in a blackout.' },
        nextAttemptAt: until,
      },
    });
  const endBlackout = () => engine.store.database.execute('UPDATE integration_sync_logs SET next_attempt_at = 1');
  const deadLetter = () =>
    engine.store.database.execute(
      `INSERT INTO integration_dead_letters (sync_log_id, mapping_id, mapping_version, direction, source_key, source_key_hash, error_class, code,
         stage, message, payload, group_hash, state, attempts, edited, first_at, last_at)
       VALUES (1, ?, 1, 'export', '["1"]', 'h', 'data', 'PCP_TEST', 'write', 'no', '{}', 'g', 'open', 1, ?, ?, ?)`,
      [materials.id, false, new Date(), new Date()],
    );

  it('however many wait', async () => {
    await engine.store.database.transaction(async (transaction) => {
      for (let count = 0; count < 600; count++) {
        const failure = { class: 'transient' as const, code: 'PCP_TEST', message: 'It was away.' };
        const later = { state: 'waiting_quota' as const, failure, nextAttemptAt: Date.now() + HOUR };
        await insertRun(transaction, newRun(materials, 'export', 'job'), Date.now(), later);
      }
    });
    const other = await engine.mappings.create(input('others'));
    assert.equal((await engine.run(connectionId, { mapping_id: other.id })).status, 'success');
  });

  it('none of a mapping that was switched off while it waited', async () => {
    const { job_id: job } = await engine.sync.start(connectionId, {});
    await engine.mappings.update(materials.id, { ...input('materials'), is_active: false });
    assert.equal((await engine.end(job)).status, 'error');
    assert.deepEqual(await told(), ['sync cancelled PCP_MAPPING_INACTIVE']);
  });

  it('one that is started by hand, or replays, passes one that waits for the end of a blackout', async () => {
    await dueInBlackout(Date.now() + HOUR);
    await engine.run(connectionId);
    await deadLetter();
    const [replay] = await engine.sync.replay({});
    await engine.end(replay!.job_id);
    await schedule();
    await engine.look();
    const [waiting, ...passed] = await told();
    assert.equal(waiting, 'sync waiting_quota PCP_BLACKOUT');
    assert.deepEqual(
      passed.map((run) => run.split(' ')[0]),
      ['sync', 'replay', 'sync'],
    );
    assert.ok(!passed.some((run) => /queued|skipped/.test(run)), passed.join(', '));
  });

  it('those that run already are left out when all mappings of a connection are started', async () => {
    const other = await engine.mappings.create(input('others'));
    await engine.sync.start(connectionId, { mapping_id: materials.id });
    const { logs } = await engine.sync.start(connectionId, {});
    assert.deepEqual(
      logs.map(({ mapping_id }) => mapping_id),
      [other.id],
    );
    for (const which of [{}, { mapping_id: materials.id }]) {
      await assert.rejects(engine.sync.start(connectionId, which), { code: 'PCP_RUN_ACTIVE' });
    }
  });

  it('those that are to wait behind what runs do, as many as may', async () => {
    const queue = { mapping_id: materials.id, overlap: 'queue' } as const;
    const jobs: string[] = [];
    for (let count = 0; count <= 100; count++) jobs.push((await engine.sync.start(connectionId, queue)).job_id);
    await assert.rejects(engine.sync.start(connectionId, queue), { code: 'PCP_RUN_ACTIVE' });
    await assert.rejects(engine.sync.start(connectionId, { overlap: 'refuse' }), { code: 'PCP_RUN_ACTIVE' });
    await engine.end(jobs[0]!);
    const { logs } = await engine.sync.start(connectionId, { overlap: 'queue' });
    assert.deepEqual([logs.length, logs[0]?.mapping_id], [1, materials.id]);
    assert.equal((await engine.end(jobs[1]!)).status, 'success');
  });

  it('one that was due in a blackout is there once, and has its turn when that is over', async () => {
    await dueInBlackout(Date.now() + HOUR);
    await dueInBlackout(Date.now() + HOUR);
    const waitingTwice = ['sync waiting_quota PCP_BLACKOUT', 'sync skipped PCP_SKIPPED_OVERLAP'];
    assert.deepEqual(await told(), waitingTwice);
    await endBlackout();
    await assert.rejects(engine.sync.start(connectionId, {}), { code: 'PCP_RUN_ACTIVE' });
    const [, first] = (await engine.sync.logs({})).items;
    await engine.end(first!.job_id);
    assert.deepEqual(await told(), ['sync succeeded -', waitingTwice[1]]);
  });

  it('one that has begun, also while it waits', async () => {
    await dueInBlackout(Date.now() + HOUR);
    const { job_id: begun } = await engine.sync.start(connectionId, {});
    await engine.store.database.execute(
      "UPDATE integration_sync_logs SET state = 'waiting_retry', fence = 1, next_attempt_at = ? WHERE job_id = ?",
      [Date.now() + HOUR, begun],
    );
    await engine.store.database.execute('UPDATE integration_sync_logs SET next_attempt_at = 1 WHERE fence = 0');
    await engine.look();
    assert.deepEqual(await told(), ['sync waiting_quota PCP_BLACKOUT', 'sync waiting_retry -']);
  });

  it('a schedule that ends what runs leaves replays alone', async () => {
    await deadLetter();
    await engine.sync.replay({});
    await schedule({ overlap: 'cancel_running' });
    await schedule({ overlap: 'cancel_running' });
    assert.deepEqual(await told(), ['replay queued -', 'sync cancelled PCP_CANCELLED', 'sync queued -']);
  });

  it('none of a job that was cancelled, also when it joined the job at that moment', async () => {
    const { job_id: job } = await engine.sync.start(connectionId, {});
    const other = await engine.mappings.create(input('others'));
    const { database } = engine.store;
    const transaction = database.transaction.bind(database);
    database.transaction = async (work) => {
      database.transaction = transaction;
      await database.execute("UPDATE integration_sync_logs SET state = 'succeeded', status = 'success'");
      await transaction((inside) => insertRun(inside, newRun(other, 'export', job), Date.now()));
      return transaction(work);
    };
    await engine.sync.cancel(job);
    assert.deepEqual(await told(), ['sync succeeded -', 'sync cancelled PCP_CANCELLED']);
  });
});
