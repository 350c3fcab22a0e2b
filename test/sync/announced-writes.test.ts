import assert from 'node:assert/strict';
import { mock } from 'node:test';
import timers from 'node:timers/promises';
import { SeededRandom } from '../../demo/random';
import type { SyncLog } from '../../lib/model/sync';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';
import { type Fate, InsertingApi } from '../support/inserting-api';

const RECORDS = 60;

describe('writes to a target that inserts whatever it gets', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let connectionId: number;

  async function open(api: InsertingApi): Promise<void> {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    engine = await TestEngine.open(directory.path, { 'test.api': api.connector() });
    ({ id: connectionId } = await engine.connections.create({ name: 'api', connector_type: 'test.api', config: {} }));
    await engine.mappings.create({
      connection_id: connectionId,
      name: 'materials',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'items',
      target_entity: 'material',
      field_mappings: [
        { source: 'id', target: 'material' },
        { source: 'text', target: 'description' },
      ],
      options: { max_error_ratio: 1 },
    });
    for (let index = 0; index < RECORDS; index++) {
      await engine.records.create('material', { material: `M-${index}`, description: 'as it was' });
    }
  }

  afterEach(async () => {
    await engine.close();
    await remove();
  });

  /** Runs until one succeeds, as a schedule would. */
  async function runs(most: number): Promise<SyncLog[]> {
    const logs: SyncLog[] = [];
    while (logs.length < most) {
      const [log] = (await engine.run(connectionId)).logs;
      logs.push(log as SyncLog);
      if (log?.status === 'success') break;
    }
    return logs;
  }

  const change = (index: number, description: string) =>
    engine.records.replace('material', [`M-${index}`], { material: `M-${index}`, description });
  const ids = (api: InsertingApi) => api.rows.map(({ data }) => data.id).sort();
  const everyId = Array.from({ length: RECORDS }, (_, index) => `M-${index}`).sort();

  function fates(seed: number, of: Fate[]): () => Fate {
    const random = new SeededRandom(seed);
    return () => (random.integer(1, 5) === 1 ? random.pick(of) : 'answered');
  }

  for (const [name, offers] of [
    ['an idempotency key', { idempotencyKey: true, lookup: 'none' }],
    ['a look-up', { idempotencyKey: false, lookup: 'strong' }],
    ['both', { idempotencyKey: true, lookup: 'strong' }],
  ] as const) {
    for (const seed of [1, 2, 3]) {
      it(`have one effect each where it offers ${name}, whatever gets lost (${seed})`, async () => {
        const api = new InsertingApi(offers);
        api.fate = fates(seed, ['answer lost', 'request lost', 'not sent', 'connection lost']);
        await open(api);
        const logs = await runs(50);
        assert.equal(logs.at(-1)?.error_message, null);
        assert.deepEqual(ids(api), everyId);
        await change(7, 'changed');
        await runs(50);
        assert.deepEqual(ids(api), everyId);
        assert.equal(api.rows.find(({ data }) => data.id === 'M-7')?.data.text, 'changed');
        assert.equal((await engine.sync.deadLetters({})).total, 0);
      });
    }
  }

  it('find what was created, and send it again only where it changed since, if the target shows a part of it', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'strong' });
    api.shown = ({ id }) => ({ id });
    api.fate = ({ data }) => (data.id === 'M-3' ? 'answer lost' : 'answered');
    await open(api);
    const [log] = (await engine.run(connectionId)).logs;
    assert.deepEqual([log?.status, log?.details.created], ['success', RECORDS]);
    assert.equal(api.requests.length, RECORDS);
    // An update may have been lost on its way: what is not shown may be as it was.
    let sent = 0;
    api.fate = () => (sent++ === 0 ? 'request lost' : 'answered');
    await change(3, 'changed');
    await runs(5);
    assert.equal(api.rows.find(({ data }) => data.id === 'M-3')?.data.text, 'changed');
  });

  it('are waited for where a change may still be on its way: it would undo what is sent after it', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'strong' });
    api.settleMs = 3_600_000;
    await open(api);
    await runs(1);
    await change(3, 'changed');
    let sent = 0;
    api.fate = () => (sent++ === 0 ? 'request lost' : 'answered');
    // It arrives just after the first look.
    api.shown = (row) => {
      const seen = { ...row };
      row.text = 'changed';
      return seen;
    };
    const wait = timers.setTimeout;
    const waiting = mock.method(timers, 'setTimeout', () => wait(1));
    const [log] = await runs(1);
    waiting.mock.restore();
    assert.deepEqual([log?.status, log?.details.updated], ['success', 1]);
    assert.equal(api.requests.length, RECORDS);
  });

  it('find what was created when the source has changed since', async () => {
    const api = new InsertingApi({ idempotencyKey: true, lookup: 'strong' });
    api.fate = ({ data }) => (data.id === 'M-3' ? 'connection lost' : 'answered');
    await open(api);
    assert.equal((await engine.run(connectionId)).status, 'error');
    // It did arrive, but nobody knows.
    api.rows.push({ id: 'row-late', data: { id: 'M-3', text: 'as it was' } });
    await change(3, 'changed since');
    api.fate = () => 'answered';
    assert.equal((await engine.run(connectionId)).status, 'success');
    assert.deepEqual(ids(api), everyId);
    assert.equal(api.rows.find(({ id }) => id === 'row-late')?.data.text, 'changed since');
  });

  describe('whose record does not come again', () => {
    /** Something happens to one record, which is gone from the platform then. */
    async function leave(api: InsertingApi, fate: Fate = 'connection lost'): Promise<void> {
      api.fate = ({ data }) => (data.id === 'M-3' ? fate : 'answered');
      api.isThere = false;
      await open(api);
      assert.equal((await engine.run(connectionId)).status, 'error');
      assert.ok((await pending()).includes('["M-3"]'));
      await engine.records.delete('material', ['M-3']);
      api.fate = () => 'answered';
      api.isThere = true;
    }
    async function pending(): Promise<unknown[]> {
      const rows = await engine.store.database.query(
        `SELECT source_key FROM integration_record_links WHERE pending_op IN ('create', 'update')`,
      );
      return rows.map(({ source_key }) => source_key);
    }
    const comesBack = (description: string) => engine.records.create('material', { material: 'M-3', description });

    it('are looked up all the same, and found under the name that the target gave them', async () => {
      const api = new InsertingApi({ idempotencyKey: false, lookup: 'strong' });
      await leave(api);
      api.rows.push({ id: 'row-late', data: { id: 'M-3', text: 'as it was' } });
      const [log] = (await engine.run(connectionId)).logs;
      assert.deepEqual([log?.details.state, await pending()], ['succeeded', []]);
      await comesBack('back again');
      assert.equal((await engine.run(connectionId)).status, 'success');
      assert.deepEqual(ids(api), everyId);
      assert.equal(api.rows.find(({ id }) => id === 'row-late')?.data.text, 'back again');
    });

    it('are looked up all the same, and forgotten where they never arrived', async () => {
      const api = new InsertingApi({ idempotencyKey: false, lookup: 'strong' });
      await leave(api);
      const [log] = (await engine.run(connectionId)).logs;
      assert.deepEqual([log?.details.state, await pending()], ['succeeded', []]);
      assert.equal(ids(api).includes('M-3'), false);
      await comesBack('as it was');
      assert.equal((await engine.run(connectionId)).status, 'success');
      assert.deepEqual(ids(api), everyId);
    });

    it('are kept in mind as long as they may still arrive, and found when they did', async () => {
      const api = new InsertingApi({ idempotencyKey: false, lookup: 'strong' });
      api.settleMs = 3_600_000;
      await leave(api, 'request lost');
      const [log] = (await engine.run(connectionId)).logs;
      assert.deepEqual([log?.details.state, await pending()], ['succeeded', ['["M-3"]']]);
      api.rows.push({ id: 'row-late', data: { id: 'M-3', text: 'as it was' } });
      await comesBack('back again');
      assert.equal((await engine.run(connectionId)).status, 'success');
      assert.deepEqual(ids(api), everyId);
    });

    it('are asked about, once, where the target cannot be asked', async () => {
      const api = new InsertingApi({ idempotencyKey: true, lookup: 'none' });
      await leave(api);
      const [log] = (await engine.run(connectionId)).logs;
      assert.deepEqual([log?.details.state, log?.records_error, await pending()], ['partial', 1, []]);
      const [letter, ...more] = (await engine.sync.deadLetters({ state: 'open' })).items;
      assert.equal(more.length, 0);
      assert.deepEqual([letter?.code, letter?.source_key], ['PCP_UNKNOWN_OUTCOME_GONE', '["M-3"]']);
      const [next] = (await engine.run(connectionId)).logs;
      assert.deepEqual([next?.details.state, next?.details.unchanged], ['succeeded', RECORDS - 1]);
      await engine.sync.discard(letter!.id, 'Put right.');
      await comesBack('as it was');
      await engine.run(connectionId);
      const [anew] = (await engine.sync.deadLetters({ state: 'open' })).items;
      assert.deepEqual([anew?.code, anew?.payload_error], ['PCP_UNKNOWN_OUTCOME', null]);
    });
  });

  it('are never sent twice by themselves where it offers neither', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'none' });
    api.fate = fates(4, ['answer lost', 'request lost']);
    await open(api);
    const [log] = await runs(1);
    const letters = await engine.sync.deadLetters({ limit: 100 });
    assert.ok(letters.total > 3);
    assert.equal(log?.records_error, letters.total);
    for (const letter of letters.items) assert.equal(letter.error_class, 'unknown_outcome');

    api.fate = () => 'answered';
    const sent = api.requests.length;
    await engine.run(connectionId);
    await engine.run(connectionId, { full: false });
    assert.equal(api.requests.length, sent, 'nothing is sent again');
    assert.equal(
      (await engine.sync.deadLetters({ state: 'open' })).total,
      letters.total,
      'each is one letter, and stays open',
    );
    assert.equal(new Set(ids(api)).size, api.rows.length, 'nothing is doubled');
  });

  it('are sent again when a person says so, and left when a person says that they are there', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'none' });
    api.fate = ({ data }) => (data.id === 'M-1' ? 'request lost' : data.id === 'M-2' ? 'answer lost' : 'answered');
    await open(api);
    await runs(1);
    api.fate = () => 'answered';
    const { items } = await engine.sync.deadLetters({ state: 'open' });
    const letterOf = (id: string) => items.find(({ source_key }) => source_key?.includes(id))!.id;
    await engine.sync.discard(letterOf('M-2'), 'It is there.');
    const [replayed] = await engine.sync.replay({ ids: [letterOf('M-1')] });
    await engine.end(replayed!.job_id);
    assert.deepEqual(ids(api), everyId);

    const [log] = (await engine.run(connectionId)).logs;
    assert.deepEqual([log?.details.unchanged, log?.records_error], [RECORDS, 0]);
    assert.equal((await engine.sync.deadLetters({ state: 'open' })).total, 0);
    assert.deepEqual(ids(api), everyId);
  });

  it('reach a target that remembers keys also when a value comes back', async () => {
    const api = new InsertingApi({ idempotencyKey: true, lookup: 'none' });
    await open(api);
    for (const text of ['one', 'two', 'one', 'two']) {
      await change(1, text);
      await engine.run(connectionId);
      assert.equal(api.rows.find(({ data }) => data.id === 'M-1')?.data.text, text);
    }
  });

  it('make no second record of one whose key at the target is not known', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'none' });
    api.fate = ({ data }) => (data.id === 'M-2' ? 'answer lost' : 'answered');
    await open(api);
    await runs(1);
    api.fate = () => 'answered';
    const { items } = await engine.sync.deadLetters({ state: 'open' });
    await engine.sync.discard(items[0]!.id, 'It is there.');
    await change(2, 'changed');
    await engine.run(connectionId);
    assert.deepEqual(ids(api), everyId);
    const [letter] = (await engine.sync.deadLetters({ state: 'open' })).items;
    assert.equal(letter?.code, 'PCP_TARGET_KEY_UNKNOWN');
  });

  it('are sent once for one decision, even if the replay is tried again', async () => {
    const api = new InsertingApi({ idempotencyKey: false, lookup: 'none' });
    const two = ['M-1', 'M-2'];
    api.fate = ({ data }) => (two.includes(String(data.id)) ? 'request lost' : 'answered');
    await open(api);
    await runs(1);
    const { items } = await engine.sync.deadLetters({ state: 'open' });
    let failures = 0;
    const sent: unknown[] = [];
    api.fate = ({ data }) => {
      sent.push(data.id);
      if (data.id === 'M-1') return 'answer lost';
      return failures++ < 5 ? 'not sent' : 'answered';
    };
    const [job] = await engine.sync.replay({ ids: items.map(({ id }) => id) });
    await engine.end(job!.job_id);
    assert.equal(sent.filter((id) => id === 'M-1').length, 1);
    assert.deepEqual(ids(api), everyId);
  });

  it('stop where the target answers for fewer records than it was sent', async () => {
    const api = new InsertingApi({ idempotencyKey: true, lookup: 'none' });
    await open(api);
    engine.disturb = (connector, type) => {
      if (type !== 'test.api') return connector;
      const openWriter = connector.openWriter!.bind(connector);
      connector.openWriter = async (...parameters) => {
        const writer = await openWriter(...parameters);
        return { ...writer, write: async (...records) => (await writer.write(...records)).slice(1) };
      };
      return connector;
    };
    const [log] = (await engine.run(connectionId)).logs;
    assert.deepEqual([log?.error_class, log?.details.error_code], ['bug', 'PCP_WRITE_UNSETTLED']);
  });
});
