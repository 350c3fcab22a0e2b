import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub, MappingInput } from '../../lib/model/services';
import { jobEnd, jobWhen, openHub, runToEnd, temporaryDirectory } from '../support/hub';

const RECORDS = 20_000;

/** What may happen to a run from outside: stopped, cancelled, started twice, a flow redeployed, hostile expressions. */
describe('runs that are disturbed', () => {
  let directory: string;
  let remove: () => Promise<void>;
  const hubs = new Set<Hub>();

  async function hub(): Promise<Hub> {
    const opened = await openHub(directory);
    hubs.add(opened);
    return opened;
  }

  beforeEach(async () => {
    const temporary = await temporaryDirectory();
    directory = temporary.path;
    remove = temporary.remove;
    await mkdir(join(directory, 'in'));
    const lines = Array.from({ length: RECORDS }, (_, index) => `${100_000 + index},M-${index % 7},${index}.5`);
    await writeFile(join(directory, 'in', 'orders.csv'), `number,material,quantity\n${lines.join('\n')}\n`);
  });

  afterEach(async () => {
    await Promise.all([...hubs].map((opened) => opened.close()));
    hubs.clear();
    await remove();
  });

  const connectionInput = () => ({
    name: 'files',
    connector_type: 'generic.file',
    config: {
      root: join(directory, 'in'),
      settle_seconds: 0,
      entities: { orders: { path: 'orders.csv', format: 'csv' } },
    },
  });

  const mappingInput = (connectionId: number, changes: Partial<MappingInput> = {}): MappingInput => ({
    connection_id: connectionId,
    name: 'orders',
    entity_type: 'production_order',
    direction: 'import',
    source_entity: 'orders',
    target_entity: 'production_order',
    field_mappings: [
      { source: 'number', target: 'order_number' },
      { source: 'material', target: 'material' },
      { source: 'quantity', target: 'quantity', type: 'decimal' },
    ],
    options: { batch_size: 200 },
    ...changes,
  });

  async function prepared(opened: Hub): Promise<number> {
    const connection = await opened.connections.create(connectionInput());
    await opened.mappings.create(mappingInput(connection.id));
    return connection.id;
  }

  const someProgress = ({ progress }: { progress: { processed: number } }) => progress.processed > 0;

  it('goes on where it was when Node-RED is stopped in the middle', async () => {
    const first = await hub();
    const { job_id } = await first.sync.start(await prepared(first), {});
    await jobWhen(first, job_id, someProgress);
    await first.close();
    hubs.delete(first);

    const second = await hub();
    const left = await second.sync.status(job_id);
    const job = await jobEnd(second, job_id);
    assert.equal(job.status, 'success');
    assert.equal(job.logs[0]!.details.created, RECORDS);
    assert.equal(job.logs[0]!.records_processed, RECORDS);
    assert.ok(left.progress.processed > 0, 'what was committed before counts');
    assert.equal((await second.records.list('production_order', { limit: 1 })).total, RECORDS);
  });

  it('can be cancelled, keeps what it committed, and does the rest in the next run', async () => {
    const opened = await hub();
    const connectionId = await prepared(opened);
    const { job_id } = await opened.sync.start(connectionId, {});
    await jobWhen(opened, job_id, someProgress);
    await opened.sync.cancel(job_id);
    const cancelled = await jobEnd(opened, job_id);
    assert.equal(cancelled.status, 'error');
    assert.equal(cancelled.logs[0]!.error_class, 'cancelled');
    const { total } = await opened.records.list('production_order', { limit: 1 });
    assert.equal(total, cancelled.logs[0]!.details.created);
    assert.ok(total < RECORDS);
    await opened.sync.cancel(job_id);

    const next = await runToEnd(opened, connectionId);
    assert.equal(next.logs[0]!.details.created, RECORDS - total);
    assert.equal(next.logs[0]!.details.unchanged, total);
  });

  it('ends when its mapping is deleted, and leaves nothing that waits for ever', async () => {
    const opened = await hub();
    const connectionId = await prepared(opened);
    const { job_id } = await opened.sync.start(connectionId, {});
    await jobWhen(opened, job_id, someProgress);
    await opened.connections.delete(connectionId, { cascade: true });
    const { status, logs } = await jobEnd(opened, job_id);
    assert.deepEqual([status, logs[0]!.error_class], ['error', 'cancelled']);
    assert.match(logs[0]!.error_message ?? '', /mapping was deleted/i);
    assert.ok(logs[0]!.ended_at);
    const { runs } = await opened.health();
    assert.deepEqual(runs, { queued: 0, running: 0, waiting: 0 });
  });

  it('is started once when two flows start it at the same moment', async () => {
    const opened = await hub();
    const connectionId = await prepared(opened);
    const starts = await Promise.allSettled([opened.sync.start(connectionId, {}), opened.sync.start(connectionId, {})]);
    const refused = starts.filter((start) => start.status === 'rejected');
    assert.equal(refused.length, 1);
    assert.equal(refused[0]!.reason.code, 'PCP_RUN_ACTIVE');
    assert.match(refused[0]!.reason.message, /sync log \d+/);
    const [started] = starts.filter((start) => start.status === 'fulfilled');
    assert.equal((await jobEnd(opened, started!.value.job_id)).logs[0]!.details.created, RECORDS);
  });

  it('is executed by one of two Node-REDs that share the store', async () => {
    const first = await hub();
    const second = await hub();
    const { job_id } = await first.sync.start(await prepared(first), {});
    const [one, other] = await Promise.all([jobEnd(first, job_id), jobEnd(second, job_id)]);
    assert.deepEqual(one.logs[0]!.details.created, RECORDS);
    assert.equal(one.logs[0]!.details.attempts, 1);
    assert.deepEqual(one.logs, other.logs);
  });

  it('survives a redeploy of the flow that owns its connection, and keeps ids', async () => {
    const opened = await hub();
    const connection = await opened.connections.registerFlow('node-1', connectionInput());
    const mapping = await opened.mappings.registerFlow('node-2', mappingInput(connection.id));
    const { job_id } = await opened.sync.start(connection.id, {});
    await jobWhen(opened, job_id, someProgress);
    assert.equal((await opened.connections.registerFlow('node-1', connectionInput())).id, connection.id);
    assert.equal((await opened.mappings.registerFlow('node-2', mappingInput(connection.id))).id, mapping.id);
    const job = await jobEnd(opened, job_id);
    assert.equal(job.status, 'success');
    assert.equal(job.logs[0]!.details.created, RECORDS);
    await assert.rejects(opened.connections.update(connection.id, connectionInput()), { code: 'PCP_MANAGED_BY_FLOW' });
    await opened.mappings.releaseFlow('node-2', 'It has no fields.');
    await assert.rejects(opened.sync.start(connection.id, { mapping_id: mapping.id }), {
      code: 'PCP_MAPPING_INACTIVE',
      message: /It has no fields/,
    });
  });

  it('waits for the flow that owns its connection, instead of failing', async () => {
    const first = await hub();
    const connection = await first.connections.registerFlow('node-1', connectionInput());
    await first.mappings.registerFlow('node-2', mappingInput(connection.id));
    const { job_id } = await first.sync.start(connection.id, {});
    await jobWhen(first, job_id, someProgress);
    await first.close();
    hubs.delete(first);
    const second = await hub();
    await jobWhen(second, job_id, ({ logs }) => logs[0]!.details.state === 'waiting_retry');
    const waiting = await second.sync.log((await second.sync.status(job_id)).logs[0]!.id);
    assert.equal(waiting.details.error_code, 'PCP_FLOW_NOT_DEPLOYED');
    assert.equal(waiting.status, 'in_progress');
    await second.connections.registerFlow('node-1', connectionInput());
    assert.equal((await jobEnd(second, job_id)).logs[0]!.details.created, RECORDS);
  });

  const bombs: [name: string, expression: string][] = [
    ['endless recursion', '($f := function($n) { $f($n + 1) + 1 }; $f(1))'],
    ['an endless tail call', '($f := function($n) { $f($n + 1) }; $f(1))'],
    ['a range', '$sum([1..99999999])'],
    ['a doubling string', '$reduce([1..60], function($s) { $s & $s }, "xxxxxxxxxxxxxxxx")'],
    ['a regular expression', '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)'],
    ['padding', '$pad("x", 900000000)'],
  ];
  for (const [name, expression] of bombs) {
    it(`ends ${name} in an expression with a clear error, and lives on`, async () => {
      const opened = await hub();
      const connection = await opened.connections.create(connectionInput());
      const mapping = mappingInput(connection.id, {
        field_mappings: [
          { source: 'number', target: 'order_number' },
          { target: 'label', expression },
        ],
      });
      const { pid } = (await opened.health()).runner;
      const result = await opened.runner.preview({ mapping, records: [{ number: '1' }] });
      assert.equal(result.totals.error, 1);
      assert.match(result.records[0]!.errors[0]!.code, /^PCP_EXPRESSION/);
      assert.equal((await opened.health()).runner.restarts, 0);
      if (pid !== null) assert.equal((await opened.health()).runner.pid, pid);
    });
  }
});
