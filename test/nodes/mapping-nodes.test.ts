import assert from 'node:assert/strict';
import type { Mapped } from '../../lib/mapping/contract';
import { IntegrationError } from '../../lib/model/errors';
import type { JobStatus } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { catcher, mappingFlow, out, TAB, TYPES } from './flows';
import { failureOf, helper, type Message, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

const failed = (index: number): Mapped => ({
  outcome: 'failed',
  index,
  stage: 'transform',
  field: 'quantity',
  rule: 'decimal',
  value: 'many',
  error: new IntegrationError('data', 'PCP_VALUE_DECIMAL', '"many" is not a decimal.'),
});

describe('pcp-map', () => {
  const context = withNodeRed(() => new StandInHub());
  const flow = mappingFlow({ id: 'node', type: 'pcp-map', mapping: 'mapping', direction: '' });

  it('sends mapped records on, failed ones with their reason aside, and keeps other properties on both', async () => {
    await helper.load(TYPES, flow);
    context.hub.mapRecords = () => [
      { outcome: 'mapped', index: 0, data: { x: 1 } },
      failed(1),
      { outcome: 'filtered', index: 2 },
    ];
    const good = received(helper.getNode('out'));
    const bad = received(helper.getNode('second'));
    helper.getNode('node').receive({ payload: [{ a: 1 }, { a: 2 }, { a: 3 }], topic: 't' });
    const [mapped, failures] = await Promise.all([good, bad]);
    assert.deepEqual(mapped.payload, [{ x: 1 }]);
    assert.deepEqual(mapped.result, { mapped: 1, filtered: 1, failed: 1 });
    assert.deepEqual(failures.payload, [
      {
        index: 1,
        code: 'PCP_VALUE_DECIMAL',
        class: 'data',
        message: '"many" is not a decimal.',
        field: 'quantity',
        rule: 'decimal',
        value: 'many',
        record: { a: 2 },
      },
    ]);
    assert.deepEqual([mapped.topic, failures.topic], ['t', 't']);
  });

  it('gives an array for one record that became several', async () => {
    await helper.load(TYPES, flow);
    context.hub.mapRecords = () => [1, 2].map((x) => ({ outcome: 'mapped', index: 0, data: { x } }));
    const good = received(helper.getNode('out'));
    helper.getNode('node').receive({ payload: { a: 1 } });
    assert.deepEqual((await good).payload, [{ x: 1 }, { x: 2 }]);
  });

  it('refuses a direction that is none', async () => {
    await helper.load(TYPES, flow);
    const caught = await failureOf(helper.getNode('caught'), () =>
      helper.getNode('node').receive({ payload: {}, direction: 'up' }),
    );
    assert.equal(caught.error.code, 'PCP_DIRECTION_INVALID');
  });
});

describe('pcp-sync', () => {
  const context = withNodeRed(() => new StandInHub());
  const node = {
    id: 'node',
    type: 'pcp-sync',
    connection: '',
    mapping: 'mapping',
    direction: '',
    full: false,
    dryRun: true,
    whenActive: 'error',
  };
  const log = (change: Partial<SyncLog>): SyncLog =>
    ({ records_success: 2, records_error: 0, status: 'success', details: {}, ...change }) as SyncLog;
  const ended = (status: JobStatus['status'], change: Partial<SyncLog> = {}): Partial<JobStatus> => ({
    status,
    logs: [log({ status, ...change })],
  });

  async function begin(): Promise<void> {
    const progressed = received(helper.getNode('second'));
    helper.getNode('node').receive({ topic: 't', own: 1 });
    await progressed;
  }

  it('starts the mapping as configured, shows progress and sends the end', async () => {
    await helper.load(TYPES, mappingFlow(node));
    await begin();
    assert.deepEqual(context.hub.started[0], {
      connection: 1,
      request: { mapping_id: 2, full: false, dry_run: true, created_by: 'node:node', trigger: 'node' },
    });
    const progressed = received(helper.getNode('second'));
    context.hub.progress({ progress: { processed: 500, total: 1000, percent: 50, records_per_second: 100 } });
    assert.equal(((await progressed).payload as JobStatus).progress.processed, 500);
    let more = 0;
    helper.getNode('second').on('input', () => more++);
    for (let processed = 501; processed < 1000; processed++) {
      context.hub.progress({ progress: { processed, total: 1000, percent: 50, records_per_second: 100 } });
    }
    const end = received(helper.getNode('out'));
    context.hub.progress(ended('success'));
    const msg = await end;
    assert.equal(more, 0, 'one message about hundreds of commits, not one for each');
    assert.deepEqual([(msg.payload as JobStatus).status, msg.topic, msg.own], ['success', 't', 1]);
    assert.equal(context.hub.watching, 0, 'nobody watches a job that has ended');
  });

  it('sends the result of a failed job and raises its error', async () => {
    await helper.load(TYPES, mappingFlow(node));
    await begin();
    const end = received(helper.getNode('out'));
    const details = { error_code: 'PCP_AUTH', hint: 'Enter the password.' } as SyncLog['details'];
    const caught = await failureOf(helper.getNode('caught'), () =>
      context.hub.progress(ended('error', { error_class: 'auth', error_message: 'Refused.', details })),
    );
    assert.deepEqual([caught.error.code, caught.error.message], ['PCP_AUTH', 'PCP_AUTH: Refused. Enter the password.']);
    assert.equal(((await end).payload as JobStatus).status, 'error');
  });

  it('cancels what it runs', async () => {
    await helper.load(TYPES, mappingFlow(node));
    await begin();
    helper.getNode('node').receive({ topic: 'cancel' });
    while (context.hub.cancelled.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(context.hub.cancelled, ['job-1']);
  });

  it('says that the mapping runs already', async () => {
    await helper.load(TYPES, mappingFlow(node));
    context.hub.startFailure = new IntegrationError('conflict', 'PCP_RUN_ACTIVE', 'It runs already.');
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('node').receive({}));
    assert.equal(caught.error.code, 'PCP_RUN_ACTIVE');
  });

  it('follows the run that is active when told so', async () => {
    await helper.load(TYPES, mappingFlow({ ...node, whenActive: 'follow' }));
    context.hub.startFailure = new IntegrationError('conflict', 'PCP_RUN_ACTIVE', 'It runs already.');
    await begin();
    const end = received(helper.getNode('out'));
    context.hub.progress(ended('success'));
    assert.equal(((await end).payload as JobStatus).job_id, 'job-1');
  });

  it('asks for a run behind the one that is active when told so', async () => {
    await helper.load(TYPES, mappingFlow({ ...node, whenActive: 'queue' }));
    await begin();
    assert.equal(context.hub.started[0]?.request.overlap, 'queue');
  });

  it('leaves the run alone when it is closed', async () => {
    await helper.load(TYPES, mappingFlow(node));
    await begin();
    await helper.unload();
    assert.deepEqual([context.hub.cancelled, context.hub.watching], [[], 0]);
  });
});

describe('pcp-entity', () => {
  const context = withNodeRed(() => new StandInHub());
  const flow = (operation: string) => [
    TAB,
    {
      id: 'node',
      type: 'pcp-entity',
      z: 'tab',
      name: '',
      operation,
      entity: 'thing',
      filter: '',
      limit: '',
      wires: [['out']],
    },
    out('out'),
    catcher,
    out('caught'),
  ];

  async function send(message: Record<string, unknown>): Promise<Message> {
    const answer = received(helper.getNode('out'));
    helper.getNode('node').receive(message);
    return answer;
  }

  it('takes parts of a key that a record may lack', async () => {
    await helper.load(TYPES, flow('upsert'));
    await send({ entity: 'stock', payload: { material: 'M1', quantity: 5 } });
    assert.deepEqual([...context.hub.stored.keys()], ['M1,']);
    for (const key of ['M1,', ['M1', ''], ['M1', null]]) {
      const { payload } = await send({ entity: 'stock', operation: 'get', key, payload: null });
      assert.deepEqual(payload, { material: 'M1', quantity: 5 }, JSON.stringify(key));
    }
    context.hub.stored.set('A,1', { number: 'A,1' });
    const { payload } = await send({ operation: 'get', key: 'A,1', payload: null });
    assert.deepEqual(payload, { number: 'A,1' }, 'a key of one part is not cut');
  });

  it('creates, updates, and goes on after a refused record of an array', async () => {
    await helper.load(TYPES, flow('upsert'));
    context.hub.stored.set('2', {});
    const msg = await send({
      payload: [{ number: 1 }, { number: 2 }, { number: 3, bad: true }, { other: 4 }],
      topic: 't',
    });
    assert.deepEqual(msg.result, { created: 1, updated: 1, deleted: 0, failed: 2 });
    const errors = msg.errors as { index: number; code: string }[];
    assert.deepEqual(
      errors.map(({ index, code }) => [index, code]),
      [
        [2, 'PCP_RECORD_INVALID'],
        [3, 'PCP_KEY_MISSING'],
      ],
    );
    assert.equal(msg.topic, 't');
  });

  it('raises an error for a single refused record', async () => {
    await helper.load(TYPES, flow('upsert'));
    const caught = await failureOf(helper.getNode('caught'), () =>
      helper.getNode('node').receive({ payload: { number: 1, bad: true } }),
    );
    assert.equal(caught.error.code, 'PCP_RECORD_INVALID');
  });

  it('gets by msg.key, reads and deletes', async () => {
    await helper.load(TYPES, flow('get'));
    context.hub.stored.set('1', { number: 1 });
    assert.deepEqual((await send({ key: '1' })).payload, { number: 1 });
    assert.deepEqual((await send({ operation: 'read' })).payload, [{ number: 1 }]);
    assert.deepEqual((await send({ operation: 'delete', payload: { number: 1 } })).result, { deleted: 1, failed: 0 });
    assert.equal(context.hub.stored.size, 0);
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('node').receive({ key: '1' }));
    assert.equal(caught.error.code, 'PCP_NOT_FOUND');
  });
});
