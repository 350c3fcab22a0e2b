import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

const FIELDS: MappingInput['field_mappings'] = [
  { source: 'k', target: 'k' },
  { source: 'v', target: 'v' },
];

/** What must not get lost between files and the platform. */
describe('files of several mappings', () => {
  let hub: Hub;
  let base: string;
  let remove: () => Promise<void>;
  let serial = 0;

  before(async () => {
    const directory = await temporaryDirectory();
    ({ remove } = directory);
    base = directory.path;
    hub = await openHub(base);
  });
  after(async () => {
    await hub?.close();
    await remove?.();
  });

  /** A folder with its connection, and a type of records of its own. */
  async function scene(entity: Record<string, unknown>, files: Record<string, string> = {}) {
    const name = `s${++serial}`;
    const root = join(base, name);
    await mkdir(root);
    for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text);
    const settings = (changes: Record<string, unknown>) => ({
      name,
      connector_type: 'generic.file',
      config: { root, settle_seconds: 0, entities: { e: { ...entity, ...changes }, other: entity } },
    });
    const { id } = await hub.connections.create(settings({}));
    const decimal = { type: ['string', 'null'], format: 'decimal' };
    const properties = { k: { type: 'string' }, v: decimal };
    await hub.entityTypes.create({ type: name, title: name, key: ['k'], schema: { type: 'object', properties } });
    let mappings = 0;
    const mapping = (direction: MappingInput['direction'], changes: Partial<MappingInput> = {}): MappingInput => ({
      connection_id: id,
      name: `${name}-${++mappings}`,
      entity_type: name,
      direction,
      source_entity: 'e',
      target_entity: name,
      field_mappings: FIELDS,
      ...changes,
    });
    const change = (changes: Record<string, unknown>) => hub.connections.update(id, settings(changes));
    return { id, name, root, mapping, change };
  }

  it('two exports that append to one file at once lose nothing', async () => {
    const { id, name, root, mapping } = await scene({ path: 'o.csv', write: { mode: 'append' } });
    const keys = ['a', 'b'].flatMap((part) => Array.from({ length: 5 }, (_, index) => part + index));
    for (const k of keys) await hub.records.create(name, { k });
    const halves: Partial<MappingInput>[] = [
      { filters: [{ field: 'k', operator: 'like', value: 'a%' }] },
      { filters: [{ field: 'k', operator: 'like', value: 'b%' }], source_entity: 'other' },
    ];
    for (const half of halves) await hub.mappings.create(mapping('export', half));
    const { logs } = await runToEnd(hub, id);
    assert.deepEqual(
      logs.map(({ details }) => [details.state, details.created]),
      [
        ['succeeded', 5],
        ['succeeded', 5],
      ],
    );
    const lines = (await readFile(join(root, 'o.csv'), 'utf8')).trim().split('\r\n');
    assert.deepEqual(lines.sort(), ['k,v', ...keys.map((k) => `${k},`)].sort());
    assert.deepEqual(await readdir(root), ['o.csv']);
  });

  it('a two-way mapping is refused whose export would replace what its import reads', async () => {
    const source = 'k,v,more\r\nx,1,keep me\r\n';
    const { id, root, mapping, change } = await scene({ path: '*.csv', write: { path: 'a.csv' } }, { 'a.csv': source });
    const both = mapping('bidirectional');
    const refused = { class: 'config', code: 'PCP_SOURCE_REPLACED', path: '/source_entity' };
    await assert.rejects(hub.mappings.create(both), refused);
    await change({ write: { path: 'out/a.csv' } });
    await hub.mappings.create(both);
    assert.equal((await runToEnd(hub, id)).status, 'success');
    await change({});
    await assert.rejects(hub.sync.start(id, {}), refused);
    assert.equal(await readFile(join(root, 'a.csv'), 'utf8'), source);
  });

  it('two mappings that read what is moved or deleted afterwards are refused', async () => {
    const { id, mapping, change } = await scene({ path: 'in/*.csv', after_read: 'move' });
    const refused = { class: 'config', code: 'PCP_SOURCE_SHARED', path: '/source_entity' };
    const first = mapping('import');
    const saved = await hub.mappings.create(first);
    await hub.mappings.update(saved.id, { ...first, description: 'the same' });
    const second = mapping('import', { source_entity: 'other' });
    await assert.rejects(hub.mappings.create(second), refused);
    await hub.mappings.create({ ...second, is_active: false });
    await hub.mappings.create(mapping('export', { source_entity: 'out.csv' }));
    await change({ after_read: 'keep' });
    await assert.rejects(hub.mappings.create({ ...second, name: 'third' }), refused);
    await change({ path: 'elsewhere/*.csv' });
    await hub.mappings.create({ ...second, name: 'third' });
    await change({});
    await assert.rejects(hub.sync.start(id, {}), refused);
  });

  it('a run of which no record is good, all for one reason, leaves its file alone', async () => {
    const bad = 'k,v\nx,one\ny,two\n';
    const { id, root, mapping } = await scene({ path: 'a.csv', after_read: 'delete' }, { 'a.csv': bad });
    const saved = await hub.mappings.create(mapping('import'));
    const [log] = (await runToEnd(hub, id)).logs;
    assert.deepEqual([log?.status, log?.error_class, log?.details.error_code], ['error', 'guard', 'PCP_ALL_FAILED']);
    assert.equal((await hub.sync.deadLetters({ mapping_id: saved.id })).total, 2);
    assert.deepEqual(await readdir(root), ['a.csv']);
    await writeFile(join(root, 'a.csv'), `${bad}z,3\n`);
    assert.equal((await runToEnd(hub, id)).logs[0]?.details.state, 'partial');
    assert.deepEqual(await readdir(root), []);
    await writeFile(join(root, 'a.csv'), bad);
    await hub.mappings.update(saved.id, { ...mapping('import'), name: saved.name, options: { max_error_ratio: 1 } });
    assert.equal((await runToEnd(hub, id)).logs[0]?.details.state, 'partial');
  });

  it('a column that was renamed empties no record', async () => {
    const { id, name, root, mapping } = await scene({ path: 'a.csv', after_read: 'delete' }, { 'a.csv': 'k,v\nx,1\n' });
    await hub.mappings.create(mapping('import'));
    assert.equal((await runToEnd(hub, id)).status, 'success');
    await writeFile(join(root, 'a.csv'), 'k,vv\nx,2\n');
    const [log] = (await runToEnd(hub, id)).logs;
    assert.deepEqual([log?.error_class, log?.details.error_code], ['config', 'PCP_COLUMN_UNKNOWN']);
    assert.equal((await hub.records.get(name, ['x']))?.v, '1');
    assert.deepEqual(await readdir(root), ['a.csv']);
  });
});
