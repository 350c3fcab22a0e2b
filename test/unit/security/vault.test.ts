import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_FILE, loadKeys, parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';

const FIRST = Buffer.alloc(32, 1).toString('base64');
const SECOND = Buffer.alloc(32, 2).toString('hex');
const SECRETS = { password: 'çanário-1', token: '' };

function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  bytes[0] = bytes[0]! ^ 1;
  return bytes.toString('base64');
}

describe('Vault', () => {
  const vault = new Vault([parseKey(FIRST, 'test')]);

  it('opens what it sealed, and only for the same context', () => {
    const sealed = vault.encrypt(SECRETS, 'connection:1');
    assert.deepEqual(vault.decrypt(sealed, 'connection:1'), SECRETS);
    assert.throws(() => vault.decrypt(sealed, 'connection:2'), { code: 'PCP_VAULT_BROKEN', class: 'config' });
    assert.ok(!sealed.includes('canário'));
  });

  it('refuses every part that was changed', () => {
    const sealed = JSON.parse(vault.encrypt(SECRETS, 'c')) as Record<string, string>;
    for (const part of ['iv', 'tag', 'data']) {
      const changed = JSON.stringify({ ...sealed, [part]: flipped(sealed[part]!) });
      assert.throws(() => vault.decrypt(changed, 'c'), { code: 'PCP_VAULT_BROKEN' }, part);
    }
    assert.throws(() => vault.decrypt(JSON.stringify({ ...sealed, tag: sealed.tag!.slice(0, 8) }), 'c'), {
      code: 'PCP_VAULT_BROKEN',
    });
    assert.throws(() => vault.decrypt('null', 'c'), { code: 'PCP_VAULT_BROKEN' });
    assert.throws(() => vault.decrypt('not json', 'c'), { code: 'PCP_VAULT_BROKEN' });
  });

  it('never uses a nonce twice', () => {
    const nonces = new Set<string>();
    for (let n = 0; n < 2000; n++) nonces.add((JSON.parse(vault.encrypt(SECRETS, 'c')) as { iv: string }).iv);
    assert.equal(nonces.size, 2000);
  });

  it('opens with earlier keys, seals with the current one, and says which are outdated', () => {
    const old = vault.encrypt(SECRETS, 'c');
    const rotated = new Vault([parseKey(SECOND, 'test'), parseKey(FIRST, 'test')]);
    assert.deepEqual(rotated.decrypt(old, 'c'), SECRETS);
    assert.equal(rotated.isOutdated(old, 'c'), true);
    const fresh = rotated.encrypt(rotated.decrypt(old, 'c'), 'c');
    assert.equal(rotated.isOutdated(fresh, 'c'), false);
    assert.throws(() => vault.decrypt(fresh, 'c'), { code: 'PCP_VAULT_KEY_UNKNOWN' });
  });
});

describe('keys', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('come from the environment, the current one first', () => {
    const keys = loadKeys({ environment: `${SECOND}, ${FIRST}`, directory });
    assert.equal(keys.length, 2);
    assert.deepEqual(keys[0]!.key, Buffer.alloc(32, 2));
    assert.equal(existsSync(join(directory, KEY_FILE)), false);
  });

  it('come from a file that is made once, 0600', () => {
    const made = loadKeys({ environment: undefined, directory: join(directory, 'deep', 'er') });
    const path = join(directory, 'deep', 'er', KEY_FILE);
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
    const text = readFileSync(path, 'utf8');
    assert.deepEqual(loadKeys({ environment: '', directory: join(directory, 'deep', 'er') }), made);
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.deepEqual(readdirSync(join(directory, 'deep', 'er')), [KEY_FILE], 'no temporary file is left');
  });

  it('are refused in a file that others may read', function () {
    if (process.platform === 'win32') this.skip();
    loadKeys({ directory });
    chmodSync(join(directory, KEY_FILE), 0o640);
    assert.throws(() => loadKeys({ directory }), { code: 'PCP_KEY_FILE_MODE', class: 'config' });
  });

  it('are refused when too short, naming the place and not the key', () => {
    const short = Buffer.alloc(16, 7).toString('base64');
    assert.throws(
      () => loadKeys({ environment: short, directory }),
      (error: Error & { code: string }) =>
        error.code === 'PCP_KEY_INVALID' &&
        error.message.includes('INTEGRATIONS_KEY') &&
        !error.message.includes(short),
    );
    writeFileSync(join(directory, KEY_FILE), '\n', { mode: 0o600 });
    assert.throws(() => loadKeys({ directory }), { code: 'PCP_KEY_INVALID' });
  });
});
