import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { disposeOfReadFile, quarantineFile } from '../../../lib/connectors/generic/file/disposal';
import { RootFolder } from '../../../lib/connectors/generic/file/root-folder';
import { parseSettings, resolveEntity } from '../../../lib/connectors/generic/file/settings';
import { IntegrationError } from '../../../lib/model/errors';
import { filesBelow, temporaryRoot } from './support';

/** A folder into which somebody writes in the last moment before a file is moved. */
class BusyFolder extends RootFolder {
  constructor(
    path: string,
    private readonly inBetween: () => void,
  ) {
    super(path);
  }

  override move(...parameters: Parameters<RootFolder['move']>): Promise<string> {
    this.inBetween();
    return super.move(...parameters);
  }
}

describe('a file that gets the name of one that was read, in the moment that it is put away', () => {
  const root = temporaryRoot();

  const readFile = (path: string) => {
    const { size, mtimeMs } = statSync(root.put(path, 'read'));
    return { path, size, mtimeMs };
  };
  const busy = () => new BusyFolder(root.path, () => root.put('in/a.csv', 'not read yet'));
  const settingsOf = (after_read: string) =>
    parseSettings({
      id: 1,
      name: 'files',
      connector_type: 'generic.file',
      config: { root: root.path, entities: { in: { path: 'in/*.csv', after_read } } },
      credentials: {},
    });
  const stays = () => {
    assert.deepEqual(filesBelow(root.path), ['in/a.csv']);
    assert.equal(readFileSync(join(root.path, 'in/a.csv'), 'utf8'), 'not read yet');
  };

  for (const afterRead of ['move', 'delete']) {
    it(`stays where it is (after_read ${afterRead})`, async () => {
      const file = readFile('in/a.csv');
      const settings = settingsOf(afterRead);
      await disposeOfReadFile(busy(), file, resolveEntity('in', settings), settings);
      stays();
    });
  }

  it('stays where it is when the one that was read was broken', async () => {
    const file = readFile('in/a.csv');
    await quarantineFile(busy(), file, settingsOf('move'), new IntegrationError('data', 'PCP_CSV', 'Broken.'), 0);
    stays();
  });
});

describe('a file that is put back', () => {
  const root = temporaryRoot();

  it('replaces no newer one of its name', async () => {
    root.put('a.csv', 'newer');
    root.put('done/a.csv', 'older');
    await new RootFolder(root.path).putBack('done/a.csv', 'a.csv');
    assert.equal(readFileSync(join(root.path, 'a.csv'), 'utf8'), 'newer');
  });
});
