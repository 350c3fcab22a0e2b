import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePattern } from '../../../lib/connectors/generic/file/glob';
import { RootFolder } from '../../../lib/connectors/generic/file/root-folder';
import { fileConnector, filesBelow, never, readBatches, temporaryRoot, writeRecords } from './support';

describe('root folder', () => {
  const root = temporaryRoot();
  let outside = '';

  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'pcp-outside-'));
    mkdirSync(join(outside, 'sub'));
    for (const name of ['secret.csv', 'sub/secret.csv']) {
      execFileSync(process.execPath, [
        '-e',
        `require('fs').writeFileSync(${JSON.stringify(join(outside, name))}, 'a\\nsecret\\n')`,
      ]);
    }
  });
  afterEach(() => rmSync(outside, { recursive: true }));

  const hostile = () => [
    '../x.csv',
    'a/../../x.csv',
    '..',
    './../x.csv',
    join(outside, 'secret.csv'),
    'a\0.csv',
    'a\n.csv',
    `${'x'.repeat(2000)}.csv`,
    'link/secret.csv',
    'link/sub/*.csv',
    'file-link.csv',
  ];

  it('reads nothing outside, whatever the path', async () => {
    symlinkSync(outside, join(root.path, 'link'));
    symlinkSync(join(outside, 'secret.csv'), join(root.path, 'file-link.csv'));
    for (const path of hostile()) {
      const { batches, error } = await readBatches(fileConnector(root.path), path);
      assert.deepEqual(batches, [], path);
      assert.ok(
        ['PCP_PATH_OUTSIDE_ROOT', 'PCP_ENTITY_UNKNOWN'].includes(error?.code ?? ''),
        `${path}: ${error?.message}`,
      );
    }
    assert.deepEqual((await readBatches(fileConnector(root.path), '**/*.csv')).batches, []);
  });

  it('writes nothing outside, whatever the path', async () => {
    symlinkSync(outside, join(root.path, 'link'));
    symlinkSync(join(outside, 'secret.csv'), join(root.path, 'file-link.csv'));
    const before = filesBelow(outside);
    for (const mode of ['replace', 'append']) {
      for (const path of hostile()) {
        const connector = fileConnector(root.path, { entities: { out: { path, format: 'csv', write: { mode } } } });
        const target = { entity: 'out', keyFields: ['a'], fields: ['a'], resume: null, runId: 1, mappingId: 1 };
        await connector.openWriter!(target, never)
          .then(async (writer) => {
            await writer.write(writeRecords([{ a: 'owned' }]), never);
            await writer.finish();
          })
          .catch(() => undefined);
      }
    }
    assert.deepEqual(filesBelow(outside), before);
    for (const name of before) assert.equal(readFileSync(join(outside, name), 'utf8'), 'a\nsecret\n');
  });

  it('notices a folder that is swapped for a link while files are opened', async () => {
    root.put('in/secret.csv', 'a\ninside\n');
    const folder = new RootFolder(root.path);
    let swapped = false;
    const swap = () => {
      if (swapped) {
        unlinkSync(join(root.path, 'in'));
        renameSync(join(root.path, 'kept'), join(root.path, 'in'));
      } else {
        renameSync(join(root.path, 'in'), join(root.path, 'kept'));
        symlinkSync(outside, join(root.path, 'in'));
      }
      swapped = !swapped;
    };
    let opened = 0;
    for (let attempt = 0; attempt < 400; attempt++) {
      const opening = folder.openForReading('in/secret.csv');
      if (attempt % 2 === 0) setImmediate(swap);
      else swap();
      try {
        const { handle } = await opening;
        assert.equal(await handle.readFile('utf8'), 'a\ninside\n');
        await handle.close();
        opened++;
      } catch (thrown) {
        assert.match(String((thrown as { code?: string }).code), /^PCP_(PATH_OUTSIDE_ROOT|FILE_NOT_FOUND)$/);
      }
      await new Promise(setImmediate);
    }
    assert.ok(opened > 0, 'some opens succeed');
  });

  for (const swapsBack of [false, true]) {
    it(`notices a folder that is a link only while the file is opened${swapsBack ? ', and never again' : ''}`, async () => {
      root.put('in/secret.csv', 'a\ninside\n');
      const original = fsPromises.open;
      fsPromises.open = async (...open: Parameters<typeof original>) => {
        fsPromises.open = original;
        renameSync(join(root.path, 'in'), join(root.path, 'kept'));
        symlinkSync(outside, join(root.path, 'in'));
        const handle = await original(...open);
        if (swapsBack) {
          unlinkSync(join(root.path, 'in'));
          renameSync(join(root.path, 'kept'), join(root.path, 'in'));
        }
        return handle;
      };
      try {
        const opening = new RootFolder(root.path).openForReading('in/secret.csv');
        await assert.rejects(opening, { class: 'permission', code: 'PCP_PATH_OUTSIDE_ROOT' });
      } finally {
        fsPromises.open = original;
      }
    });
  }

  it('moves and removes nothing outside', async () => {
    symlinkSync(outside, join(root.path, 'link'));
    root.put('a.csv', '');
    const folder = new RootFolder(root.path);
    const refused = { code: 'PCP_PATH_OUTSIDE_ROOT' };
    await assert.rejects(folder.remove('link/secret.csv'), refused);
    await assert.rejects(folder.move('link/secret.csv', 'b.csv', { keepExisting: true }), refused);
    await assert.rejects(folder.move('a.csv', 'link/b.csv', { keepExisting: false }), refused);
    await assert.rejects(folder.stat('link/secret.csv'), refused);
    assert.deepEqual(filesBelow(outside), ['secret.csv', 'sub/secret.csv']);
  });

  it('refuses pipes and folders without hanging', async () => {
    execFileSync('mkfifo', [join(root.path, 'pipe.csv')]);
    mkdirSync(join(root.path, 'folder.csv'));
    const folder = new RootFolder(root.path);
    for (const name of ['pipe.csv', 'folder.csv']) {
      await assert.rejects(folder.openForReading(name), { code: /PCP_FILE_KIND|PCP_FILE_FAILED/ }, name);
    }
  });

  it('finds files by pattern, in order', async () => {
    for (const name of [
      'b.csv',
      'a.csv',
      'in/c1.csv',
      'in/c2.txt',
      'in/deep/d.csv',
      'in/done/e.csv',
      'x[1].csv',
      '.h.csv',
    ]) {
      root.put(name, '');
    }
    const find = async (pattern: string) =>
      (await new RootFolder(root.path).list(parsePattern(pattern), new Set(['done']), never)).map(({ path }) => path);
    assert.deepEqual(await find('*.csv'), ['a.csv', 'b.csv', 'x[1].csv']);
    assert.deepEqual(await find('**/*.csv'), ['a.csv', 'b.csv', 'in/c1.csv', 'in/deep/d.csv', 'x[1].csv']);
    assert.deepEqual(await find('in/c?.{csv,txt}'), ['in/c1.csv', 'in/c2.txt']);
    assert.deepEqual(await find('in/done/*.csv'), ['in/done/e.csv']);
    assert.deepEqual(await find('x[1].csv'), ['x[1].csv']);
    assert.deepEqual(await find('*/c1.csv'), ['in/c1.csv']);
    assert.deepEqual(await find('in/**'), ['in/c1.csv', 'in/c2.txt', 'in/deep/d.csv']);
    assert.throws(() => parsePattern('{a,b}'.repeat(9)), RangeError);
  });
});
