import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { STORE_FILE as REAL_STORE_FILE } from '../../lib/store/store';
import { STORE_FILE } from '../../nodes/hub-access';

const NODES = join(dirname(dirname(__dirname)), 'nodes');
const FILES = [
  'plugin/plugin.js',
  'pcp-connection/pcp-connection.js',
  'pcp-mapping/pcp-mapping.js',
  'connector-node/connector-node.js',
  'pcp-entity/pcp-entity.js',
  'pcp-map/pcp-map.js',
  'pcp-sync/pcp-sync.js',
  'pcp-sync-log/pcp-sync-log.js',
  'pcp-webhook-in/pcp-webhook-in.js',
  'pcp-alert/pcp-alert.js',
].map((file) => join(NODES, file));

describe('loading the nodes', () => {
  it('loads none of the heavy packages', () => {
    const code = `for (const file of ${JSON.stringify(FILES)}) require(file); console.log(JSON.stringify(Object.keys(require.cache)));`;
    const loaded = JSON.parse(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })) as string[];
    assert.ok(FILES.every((file) => existsSync(file)));
    assert.deepEqual(
      loaded.filter((file) => file.includes('node_modules')),
      [],
    );
  });

  it('knows where the store lies without loading it', () => {
    assert.equal(STORE_FILE, REAL_STORE_FILE);
  });
});
