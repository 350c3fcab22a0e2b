import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Counter } from '../support/counter';
import { temporaryDirectory } from '../support/hub';
import { LiveHub } from '../support/live-hub';

describe('live mappings', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let counter: Counter;
  let hub: LiveHub;

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    counter = await Counter.start();
    hub = new LiveHub(directory);
    await hub.open();
  });

  afterEach(async () => {
    await hub.close();
    await counter.stop();
    await remove();
  });

  async function until<T>(
    look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  ): Promise<T> {
    for (;;) {
      const found = await look();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const arrived = async () => (await hub.records.list('measurement', { limit: 1 })).total;
  const counted = (count: number) => until(async () => counter.acknowledged + 1 >= count && (await arrived()) >= count);

  it('arrive once each, by one run that stays open, and are told of in their status', async () => {
    const mappingId = await hub.follow(counter.port);
    counter.run(1_000);
    await counted(500);
    counter.pause();
    await until(async () => (await arrived()) === counter.counted);
    const { items } = await hub.sync.logs({ mapping_id: mappingId });
    assert.equal(items.length, 1);
    assert.equal(items[0]?.status, 'in_progress');
    assert.equal(items[0]?.details.kind, 'live');
    assert.equal(items[0]?.records_processed, counter.counted);
    const status = await until(() => {
      const now = hub.client.status(mappingId);
      return now?.backlog.records === 0 && now.received >= counter.counted && now;
    });
    assert.equal(status.state, 'connected');
    assert.equal(status.dropped, 0);
    assert.ok(status.last_record_at);
    const [record] = (await hub.records.list('measurement', { limit: 1 })).items;
    assert.equal(record?.quality, 'good');
    assert.equal(typeof record?.value_number, 'number');
  });

  it('keep a value per tag in order where the key is the tag alone', async () => {
    await hub.follow(counter.port, { key_fields: ['tag'], target_entity: 'last_value', entity_type: 'last_value' });
    const { EntityTypeStore } = await import('../../lib/platform/entity-types.js');
    await new EntityTypeStore(hub.store!.database).create({
      type: 'last_value',
      title: 'Last value',
      key: ['tag'],
      schema: { type: 'object', properties: { tag: { type: 'string' }, value_number: { type: 'number' } } },
    });
    const [mapping] = (await hub.mappings.list({})).items;
    await hub.mappings.update(mapping!.id, {
      ...mapping!,
      field_mappings: [
        { source: 'tag', target: 'tag' },
        { source: '_number', target: 'value_number' },
      ],
    });
    counter.run(2_000);
    await until(() => counter.acknowledged >= 3_000);
    counter.pause();
    await until(async () => {
      const { items } = await hub.records.list('last_value', {});
      return (
        counter.acknowledged === counter.counted - 1 &&
        items.length === 5 &&
        Math.max(...items.map(({ value_number }) => Number(value_number))) === counter.counted - 1
      );
    });
    const { items } = await hub.records.list('last_value', {});
    for (const { tag, value_number } of items) {
      assert.ok(Number(value_number) > counter.counted - 6, `${tag}: ${value_number} of ${counter.counted}`);
    }
    assert.equal((await hub.sync.deadLetters({})).total, 0);
  });

  it('put what their target refuses aside, go on, and make way for its replay', async () => {
    counter.spoiled = 7;
    const mappingId = await hub.follow(counter.port);
    counter.run(1_000);
    await until(async () => (await hub.sync.deadLetters({})).total === 1 && counter.acknowledged > 500);
    await until(async () => (await arrived()) > 500);
    const { id, payload } = (await hub.sync.deadLetters({})).items[0]!;
    assert.equal((payload as { n: number }).n, 7);
    const [job] = await hub.sync.replay({ ids: [id] });
    // No runner is here to work it off: the stream lets go of the mapping all the same.
    await until(async () => {
      const { items } = await hub.sync.logs({ mapping_id: mappingId });
      return items.some(({ status, details }) => status === 'success' && details.kind === 'live');
    });
    await hub.sync.cancel(job!.job_id);
    const before = await arrived();
    await until(async () => (await arrived()) > before);
  });

  it('raise alarms for silence, stuck values and losses, with counts and since when, until they are over', async () => {
    const options = { live: { silence_after_seconds: 1, stuck_after_seconds: 1, max_records: 1_000 } };
    const mappingId = await hub.follow(counter.port, { options });
    counter.run(100);
    await counted(10);
    counter.pause();
    const alarms = () => hub.client.status(mappingId)?.alarms ?? [];
    // The tags fell silent one after the other.
    await until(() => alarms().some(({ kind, count }) => kind === 'stuck' && count === 5) && alarms().length === 2);
    const [silent, stuck] = alarms();
    assert.deepEqual([silent?.kind, silent?.count, stuck?.kind], ['silent', 1, 'stuck']);
    assert.ok(Date.parse(silent!.since) <= Date.now() - 1_000);
    const { states, alarms: all } = hub.client.health;
    assert.deepEqual(states, { silent: 1 });
    assert.deepEqual(all[0], { mapping_id: mappingId, ...silent });
    counter.run(1_000);
    await until(() => alarms().length === 0);
    process.kill(hub.client.state.pid as number, 'SIGKILL');
    await until(() => hub.client.status(mappingId) === null);
    await until(() => hub.client.status(mappingId)?.state === 'connected');
  });

  it('go on by themselves, soon, when their runs ended in failure', async () => {
    const mappingId = await hub.follow(counter.port);
    counter.run(1_000);
    for (const failures of [1, 2]) {
      await counted(counter.acknowledged + 100);
      const [log] = (await hub.sync.logs({ mapping_id: mappingId })).items;
      await hub.sync.cancel(log!.job_id);
      await until(async () => (await hub.sync.logs({ status: 'error' })).total === failures);
    }
    await counted(counter.acknowledged + 100);
  });

  for (const [what, change] of [
    ['made a full one', { sync_mode: 'full' }],
    ['switched off', { is_active: false }],
  ] as const) {
    it(`leave no run open when their mapping is ${what} while their process is away`, async () => {
      const mappingId = await hub.follow(counter.port);
      counter.run(1_000);
      await counted(100);
      process.kill(hub.client.state.pid as number, 'SIGKILL');
      await hub.client.close();
      const mapping = await hub.mappings.get(mappingId);
      await hub.mappings.update(mappingId, { ...mapping, ...change });
      await until(async () => (await hub.sync.logs({ status: 'in_progress' })).total === 0);
      const [log] = (await hub.sync.logs({})).items;
      assert.equal(log?.details.state, 'cancelled');
      assert.equal(log?.details.error_code, 'PCP_STREAM_GONE');
      assert.ok(Number(log?.records_processed) >= 100);
      await hub.mappings.update(mappingId, { ...mapping, is_active: true, sync_mode: 'full' });
      await hub.sync.start(mapping.connection_id, { mapping_id: mappingId });
    });
  }

  it('reach a flow although one of them cannot be sent to it', async () => {
    const nested = '['.repeat(4500) + ']'.repeat(4500);
    const server = createServer((socket) => socket.write(`[{"n":1},{"n":2,"nested":${nested}},{"n":3}]\n`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const connection = { id: 9, name: 'line', connector_type: 'iot.test', config: { port }, credentials: {} };
    for await (const batch of hub.client.subscribe(connection, { entity: 'values' })) {
      if (batch.kind !== 'records') continue;
      assert.deepEqual(
        batch.records.map(({ n, _error }) => [n, (_error as { code: string } | undefined)?.code]),
        [
          [1, undefined],
          [2, 'PCP_RECORD_UNREADABLE'],
          [3, undefined],
        ],
      );
      break;
    }
    server.close();
  });

  it('end with their mapping, whose definition is kept sealed meanwhile', async () => {
    const mappingId = await hub.follow(counter.port);
    counter.run(1_000);
    await counted(100);
    const sealed = readFileSync(join(directory, 'integrations.streams'), 'utf8');
    assert.doesNotMatch(sealed, /open-sesame|127\.0\.0\.1|values/);
    const mapping = await hub.mappings.get(mappingId);
    await hub.mappings.update(mappingId, { ...mapping, is_active: false });
    await until(async () => (await hub.sync.logs({ status: 'success' })).total === 1);
    const { acknowledged } = counter;
    assert.ok(acknowledged < counter.counted);
    await hub.mappings.delete(mappingId);
    await until(() => hub.client.status(mappingId) === null);
  });
});
