import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { IntegrationError } from '../../lib/model/errors';
import type { SyncLog } from '../../lib/model/sync';
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
});
