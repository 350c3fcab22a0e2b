import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SeededRandom } from '../../demo/random';
import type { ConflictPolicy } from '../../lib/model/mapping';
import type { SyncLog } from '../../lib/model/sync';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

/** A table and the platform, edited on both sides between runs of one mapping that goes both ways. */
describe('two-way mappings', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let table: DatabaseSync;
  let connectionId: number;
  let mappingId: number;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    const storage = join(directory.path, 'erp.db');
    table = new DatabaseSync(storage);
    table.exec('CREATE TABLE items (code TEXT PRIMARY KEY, text TEXT, weight TEXT)');
    engine = await TestEngine.open(directory.path);
    ({ id: connectionId } = await engine.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage },
    }));
  });

  afterEach(async () => {
    table.close();
    await engine.close();
    await remove();
  });

  async function map(policy?: ConflictPolicy): Promise<void> {
    ({ id: mappingId } = await engine.mappings.create({
      connection_id: connectionId,
      name: 'items',
      entity_type: 'material',
      direction: 'bidirectional',
      source_entity: 'items',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'text', target: 'description' },
      ],
      ...(policy !== undefined && { options: { conflict_policy: policy } }),
    }));
  }

  async function run(): Promise<{ imported: SyncLog; exported: SyncLog }> {
    const { logs } = await engine.run(connectionId);
    const of = (direction: string) => logs.find((log) => log.direction === direction)!;
    for (const log of logs) assert.equal(log.status, 'success', log.error_message ?? '');
    return { imported: of('import'), exported: of('export') };
  }

  const here = (code: string) =>
    (table.prepare('SELECT text FROM items WHERE code = ?').get(code) as { text: string } | undefined)?.text;
  const there = async (code: string) => (await engine.records.get('material', [code])).description;
  const both = async (code: string) => [here(code), await there(code)];
  const editHere = (code: string, text: string) =>
    table.prepare('INSERT INTO items VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET text = excluded.text').run(code, text);
  const editThere = (code: string, text: string) =>
    engine.records.replace('material', [code], { material: code, description: text });
  const untouched = ({ imported, exported }: Awaited<ReturnType<typeof run>>) =>
    [imported, exported].every(({ details }) => details.created + details.updated + details.conflicts === 0);
  const openLetters = async () => (await engine.sync.deadLetters({ state: 'open', limit: 100 })).items;

  it('carry each edit to the other side, and leave both alone then', async () => {
    await map();
    for (const code of ['A', 'B', 'C']) editHere(code, 'base');
    await run();
    assert.ok(untouched(await run()));
    editHere('A', 'edited here');
    await editThere('B', 'edited there');
    await editThere('D', 'made there');
    await run();
    assert.deepEqual(await both('A'), ['edited here', 'edited here']);
    assert.deepEqual(await both('B'), ['edited there', 'edited there']);
    assert.deepEqual(await both('C'), ['base', 'base']);
    assert.deepEqual(await both('D'), ['made there', 'made there']);
    assert.ok(untouched(await run()));
    assert.ok(untouched(await run()));
  });

  it('run one direction after the other', async () => {
    await map();
    editHere('A', 'base');
    const { imported, exported } = await run();
    assert.ok(imported.ended_at! <= exported.ended_at!);
    assert.equal(exported.details.unchanged, 1);
  });

  it('write neither side when both changed, until a person decides', async () => {
    await map();
    for (const code of ['A', 'B']) editHere(code, 'base');
    await run();
    for (const code of ['A', 'B']) {
      editHere(code, `${code} here`);
      await editThere(code, `${code} there`);
    }
    for (let again = 0; again < 3; again++) {
      // Given up, a conflict comes again: the record alone does not say whether it still is one.
      if (again === 2) for (const { id } of await openLetters()) await engine.sync.discard(id);
      const { imported, exported } = await run();
      assert.deepEqual([imported.details.conflicts, exported.details.conflicts], [2, 2]);
      assert.equal(imported.details.state, 'partial');
      assert.deepEqual(await both('A'), ['A here', 'A there']);
      assert.equal((await openLetters()).length, 4, 'each side has one letter of each record');
    }
    const ofA = (await openLetters()).filter(({ source_key: key }) => key?.includes('A')).map(({ id }) => id);
    await assert.rejects(engine.sync.replay({ ids: ofA }), { code: 'PCP_REPLAY_BOTH_SIDES', class: 'conflict' });
    assert.equal((await openLetters()).length, 4);
    const letterOf = async (direction: string, code: string) =>
      (await openLetters()).find((letter) => letter.direction === direction && letter.source_key?.includes(code))!.id;
    for (const id of [await letterOf('import', 'A'), await letterOf('export', 'B')]) {
      const [job] = await engine.sync.replay({ ids: [id] });
      assert.equal((await engine.end(job!.job_id)).status, 'success');
    }
    assert.deepEqual(await both('A'), ['A here', 'A here']);
    assert.deepEqual(await both('B'), ['B there', 'B there']);
    assert.deepEqual(await openLetters(), [], 'the letters of the other side are closed too');
    assert.ok(untouched(await run()));
  });

  for (const [policy, winner] of [
    ['external_wins', 'here'],
    ['platform_wins', 'there'],
  ] as const) {
    it(`let ${policy === 'external_wins' ? 'the external side' : 'the platform'} win if the mapping says so`, async () => {
      await map(policy);
      editHere('A', 'base');
      await run();
      editHere('A', 'here');
      await editThere('A', 'there');
      await run();
      assert.deepEqual(await both('A'), [winner, winner]);
      assert.ok(untouched(await run()));
    });
  }

  it('take two sides that were filled before for agreed where they hold the same', async () => {
    await map();
    for (const code of ['A', 'B']) editHere(code, 'same');
    await editThere('A', 'same');
    await editThere('B', 'different');
    const { imported } = await run();
    assert.deepEqual([imported.details.unchanged, imported.details.conflicts], [1, 1]);
    editHere('A', 'edited here');
    await run();
    assert.deepEqual(await both('A'), ['edited here', 'edited here']);
    assert.deepEqual(await both('B'), ['same', 'different']);
  });

  it('work for own entity types as for those of the catalogue', async () => {
    const schema = { type: 'object', properties: { code: { type: 'string' }, text: { type: ['string', 'null'] } } };
    await new EntityTypeStore(engine.store.database).create({ type: 'item', title: 'Item', key: ['code'], schema });
    const { id } = await engine.mappings.create({
      connection_id: connectionId,
      name: 'own items',
      entity_type: 'item',
      direction: 'bidirectional',
      source_entity: 'items',
      target_entity: 'item',
      field_mappings: [
        { source: 'code', target: 'code' },
        { source: 'text', target: 'text', trim: true },
      ],
    });
    editHere('A', 'base');
    editHere('B', ' blank');
    const { logs } = await engine.run(connectionId, { mapping_id: id });
    assert.deepEqual(
      logs.map(({ status, records_error }) => [status, records_error]),
      [
        ['success', 1],
        ['success', 0],
      ],
    );
    assert.equal((await engine.records.get('item', ['A'])).text, 'base');
    assert.equal(here('B'), ' blank');
    assert.equal((await openLetters())[0]?.rule, 'round_trip');
  });

  it('lose no edit of one side, whatever the order of edits and runs', async () => {
    await map();
    const random = new SeededRandom(42);
    const codes = Array.from({ length: 20 }, (_, index) => `R${index}`);
    for (const code of codes) editHere(code, 'base');
    await run();
    for (let round = 0; round < 12; round++) {
      const expected = new Map<string, string>();
      for (const code of codes) {
        const text = `${code} round ${round}`;
        const side = random.integer(0, 3);
        if (side === 0) editHere(code, text);
        else if (side === 1) await editThere(code, text);
        else continue;
        expected.set(code, text);
      }
      if (random.integer(0, 1) === 0) await engine.run(connectionId, { mapping_id: mappingId, full: true });
      else await run();
      for (const [code, text] of expected)
        assert.deepEqual(await both(code), [text, text], `${code} of round ${round}`);
    }
    assert.ok(untouched(await run()));
  });

  it('send a record again for the side that was chosen, whatever it was sent before', async () => {
    await map();
    editHere('A', 'open');
    await run();
    await editThere('A', 'released');
    await run();
    // Back to what the export wrote before, while the other side went on.
    await editThere('A', 'open');
    editHere('A', 'closed');
    await run();
    const letter = (await openLetters()).find(({ direction }) => direction === 'export')!;
    const [job] = await engine.sync.replay({ ids: [letter.id] });
    await engine.end(job!.job_id);
    assert.deepEqual(await both('A'), ['open', 'open']);
    assert.deepEqual(await openLetters(), []);
    assert.ok(untouched(await run()));
  });

  it('fill a field that was mapped since, and ask only where both sides differ in it', async () => {
    await map();
    for (const code of ['A', 'B', 'C']) editHere(code, 'base');
    await run();
    table.exec("UPDATE items SET weight = '7' WHERE code = 'A'; UPDATE items SET weight = '8' WHERE code = 'C'");
    for (const [code, unit] of [
      ['B', '9'],
      ['C', '1'],
    ] as const) {
      await engine.records.replace('material', [code], { material: code, description: 'base', base_unit: unit });
    }
    const { revision: _, ...mapping } = await engine.mappings.get(mappingId);
    await engine.mappings.update(mappingId, {
      ...mapping,
      field_mappings: [...mapping.field_mappings, { source: 'weight', target: 'base_unit' }],
    });
    table.exec("UPDATE items SET weight = NULL WHERE code = 'B'");
    const { imported, exported } = await run();
    assert.deepEqual([imported.details.conflicts, exported.details.conflicts], [1, 1]);
    const weight = (code: string) => table.prepare('SELECT weight FROM items WHERE code = ?').get(code)?.weight;
    const unit = async (code: string) => (await engine.records.get('material', [code])).base_unit;
    assert.deepEqual([weight('A'), await unit('A')], ['7', '7']);
    assert.deepEqual([weight('B'), await unit('B')], ['9', '9']);
    assert.deepEqual([weight('C'), await unit('C')], ['8', '1']);
  });

  it('bring back what was deleted on one side when a full run is asked for', async () => {
    await map();
    for (const code of ['A', 'B']) editHere(code, 'base');
    await run();
    table.exec("DELETE FROM items WHERE code = 'A'");
    const { logs } = await engine.run(connectionId, { direction: 'export', full: true });
    assert.deepEqual([logs[0]!.details.created + logs[0]!.details.updated, logs[0]!.details.unchanged], [1, 1]);
    assert.equal(here('A'), 'base');
  });

  it('close the letters of both sides also where keys are numbers', async () => {
    table.exec('CREATE TABLE numbered (code INTEGER PRIMARY KEY, text TEXT)');
    await engine.mappings.create({
      connection_id: connectionId,
      name: 'numbered',
      entity_type: 'material',
      direction: 'bidirectional',
      source_entity: 'numbered',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material', type: 'string' },
        { source: 'text', target: 'description' },
      ],
    });
    table.exec("INSERT INTO numbered VALUES (7, 'base')");
    await run();
    table.exec("UPDATE numbered SET text = 'here'");
    await editThere('7', 'there');
    await run();
    const letter = (await openLetters()).find(({ direction }) => direction === 'export')!;
    const [job] = await engine.sync.replay({ ids: [letter.id] });
    await engine.end(job!.job_id);
    assert.deepEqual(await openLetters(), []);
  });
});
