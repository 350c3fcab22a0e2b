import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtectedFiles, sqliteFiles } from '../../../lib/security/protected-files';

describe('protected files', () => {
  let base: string;
  let hub: string;

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'pcp-protected-')));
    hub = join(base, 'hub');
    mkdirSync(hub);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  for (const name of [
    'integrations.db',
    'integrations.db-wal',
    'integrations.db-shm',
    'integrations.key',
    'Integrations.KEY',
    'integrations.key::$DATA',
    'settings.js',
    'settings.js.',
    'flows.json',
    'flows_plant.json',
    'flows_cred.json',
    '.flows.json.backup',
    'flows_cred.json.$$$',
    'package.json',
    '.config.runtime.json',
    '.config.users.json.backup',
    'node_modules',
    'node_modules/x/index.csv',
    'nodes/mine.js',
    'projects/p/orders.csv',
    'integrations.pki/own/private/private_key.pem',
  ]) {
    it(`holds ${name}, there or not`, async () => {
      assert.equal(await new ProtectedFiles({ directories: [hub], paths: [] }).hasPath(join(hub, name)), true);
    });
  }

  for (const name of [
    'drop/orders.csv',
    'drop/flows.json',
    'drop/node_modules/a.csv',
    'drop/integrations.db',
    'orders.csv',
    'legacy-erp.db',
    '../settings.js',
    '../hub2/settings.js',
    '',
  ]) {
    it(`leaves "${name}" alone`, async () => {
      assert.equal(await new ProtectedFiles({ directories: [hub], paths: [] }).hasPath(join(hub, name)), false);
    });
  }

  it('knows the directory through a link, and a store that is elsewhere', async () => {
    symlinkSync(hub, join(base, 'link'));
    const files = new ProtectedFiles({
      directories: [join(base, 'link')],
      paths: [...sqliteFiles(join(base, 'elsewhere.db')), join(base, 'projects')],
    });
    assert.equal(await files.hasPath(join(hub, 'settings.js')), true);
    assert.equal(await files.hasPath(join(base, 'elsewhere.db-wal')), true);
    assert.equal(await files.hasPath(join(base, 'other.db')), false);
    assert.equal(await files.hasPath(join(base, 'projects', 'plant', 'flow.json')), true);
    assert.equal(await files.hasPath(join(base, 'projects2', 'flow.json')), false);
  });

  it('holds the environment of processes', async () => {
    assert.equal(await new ProtectedFiles({ directories: [hub], paths: [] }).hasPath('/proc/1/environ'), true);
  });

  it('knows the key, the store and the settings under any name', async () => {
    const files = new ProtectedFiles({ directories: [hub], paths: sqliteFiles(join(base, 'elsewhere.db')) });
    for (const file of [join(hub, 'integrations.key'), join(hub, 'settings.js'), join(base, 'elsewhere.db')]) {
      writeFileSync(file, 'x');
      linkSync(file, `${file}.link.csv`);
      assert.equal(await files.hasFile(statSync(`${file}.link.csv`)), true, file);
    }
    writeFileSync(join(base, 'other.csv'), 'x');
    assert.equal(await files.hasFile(statSync(join(base, 'other.csv'))), false);
  });
});
