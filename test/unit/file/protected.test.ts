import assert from 'node:assert/strict';
import { existsSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/file/connector';
import { RootFolder } from '../../../lib/connectors/generic/file/root-folder';
import { ProtectedFiles } from '../../../lib/security/protected-files';
import { filesBelow, never, readBatches, readRecords, temporaryRoot, writeRecords } from './support';

const PROTECTED = { class: 'config', code: 'PCP_FILE_PROTECTED' };

describe("generic.file in Node-RED's user directory", () => {
  const user = temporaryRoot();

  const connector = (root: string, entities: Record<string, unknown> = {}): Connector =>
    create(
      {
        id: 1,
        name: 'files',
        connector_type: 'generic.file',
        config: { root, settle_seconds: 0, entities },
        credentials: {},
      },
      { protectedPlaces: { directories: [user.path], paths: [] }, log: () => undefined },
    );

  const names = [
    'integrations.key',
    'integrations.db',
    'integrations.spool.db',
    'integrations.streams',
    'settings.js',
    'flows.json',
    'node_modules/a/orders.csv',
  ];

  beforeEach(() => {
    for (const name of names) user.put(name, 'a\nsecret\n');
    user.put('orders.csv', 'a\n1\n');
    user.put('drop/orders.csv', 'a\n2\n');
  });

  it('reads nothing that is protected', async () => {
    for (const path of names) {
      for (const [root, below] of [
        [user.path, path],
        [dirname(user.path), join(user.path.slice(dirname(user.path).length + 1), path)],
      ] as const) {
        const { batches, error } = await readBatches(connector(root, { it: { path: below, format: 'csv' } }), 'it');
        assert.deepEqual(batches, []);
        assert.equal(error?.code, 'PCP_FILE_PROTECTED', below);
        assert.ok(error?.hint);
      }
    }
    const report = await connector(join(user.path, 'node_modules', 'a')).test(never);
    assert.equal(report.steps.at(-1)?.error?.code, 'PCP_FILE_PROTECTED');
  });

  it('reads no other name of the key', async () => {
    linkSync(join(user.path, 'integrations.key'), join(user.path, 'drop', 'linked.csv'));
    const { batches, error } = await readBatches(connector(join(user.path, 'drop')), 'linked.csv');
    assert.deepEqual(batches, []);
    assert.equal(error?.code, 'PCP_FILE_PROTECTED');
  });

  it('writes nothing that is protected, new or not', async () => {
    const before = filesBelow(user.path);
    for (const mode of ['replace', 'append']) {
      for (const path of [...names, 'flows_other.json', 'node_modules/evil/index.csv', 'nodes/evil.js']) {
        const own = connector(user.path, { out: { path, format: 'csv', write: { mode } } });
        const target = { entity: 'out', keyFields: ['a'], fields: ['a'], resume: null, runId: 1, mappingId: 1 };
        const writing = own.openWriter!(target, never).then(async (writer) => {
          await writer.write(writeRecords([{ a: 'owned' }]), never);
          await writer.finish();
        });
        await assert.rejects(writing, PROTECTED, `${mode} ${path}`);
        await own.close();
      }
    }
    for (const name of names) assert.equal(readFileSync(join(user.path, name), 'utf8'), 'a\nsecret\n');
    assert.deepEqual(filesBelow(user.path), before);
    assert.ok(!existsSync(join(user.path, 'nodes')));
  });

  it('moves, removes and looks at nothing that is protected', async () => {
    const folder = new RootFolder(user.path, new ProtectedFiles({ directories: [user.path], paths: [] }));
    symlinkSync('node_modules', join(user.path, 'modules'));
    for (const name of [...names, 'modules/a/orders.csv']) {
      await assert.rejects(folder.move(name, 'drop/x.csv', { keepExisting: true }), PROTECTED, name);
      await assert.rejects(folder.move('orders.csv', name, { keepExisting: false }), PROTECTED, name);
      await assert.rejects(folder.remove(name), PROTECTED, name);
      await assert.rejects(folder.stat(name), PROTECTED, name);
    }
    for (const name of names) assert.equal(readFileSync(join(user.path, name), 'utf8'), 'a\nsecret\n');
  });

  it('leaves them out of lists, and reads the folders below', async () => {
    assert.deepEqual(await readRecords(connector(user.path), '*.json').catch(() => []), []);
    assert.deepEqual(await readRecords(connector(user.path), '**/*.csv'), [{ a: '2' }, { a: '1' }]);
    assert.deepEqual(await readRecords(connector(join(user.path, 'drop')), '*.csv'), [{ a: '2' }]);
    const discovered = await connector(user.path).discover!(never);
    assert.ok(!JSON.stringify(discovered).includes('node_modules'), JSON.stringify(discovered));
  });
});
