import assert from 'node:assert/strict';
import { createIdempotencyStore, type IdempotencyStore, idempotencyKeys } from '../../../lib/api/idempotency';
import type { SqlDatabase } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { migrate } from '../../../lib/store/migrate';
import { migrations } from '../../../lib/store/migrations';

const HOUR = 3_600_000;
const answer = { status: 201, headers: { Location: '/integrations/connections/1' }, body: '{"id":1}' };

describe('API: idempotency keys in the store', () => {
  let database: SqlDatabase;
  const vault = new Vault([parseKey('ab'.repeat(32), 'test')]);
  let now: number;
  let store: IdempotencyStore;
  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', storage: ':memory:' });
    await migrate(database, migrations);
    now = Date.UTC(2026, 10, 24);
    store = createIdempotencyStore(
      async () => ({ database, vault }),
      () => now,
    );
  });
  afterEach(() => database.close());

  it('keeps an answer for 24 hours', async () => {
    assert.deepEqual(await store.claim('k', 'h'), { outcome: 'new' });
    assert.deepEqual(await store.claim('k', 'h'), { outcome: 'in_progress' });
    await store.complete('k', answer);
    now += 23 * HOUR;
    assert.deepEqual(await store.claim('k', 'h'), { outcome: 'replay', answer });
    assert.deepEqual(await store.claim('k', 'other'), { outcome: 'mismatch' });
    now += 2 * HOUR;
    assert.deepEqual(await store.claim('k', 'other'), { outcome: 'new' });
  });

  it('seals the body, which may hold what is sealed elsewhere', async () => {
    await store.claim('k', 'h');
    await store.complete('k', answer);
    const [row] = await database.query('SELECT body FROM integration_idempotency_keys');
    assert.ok(!String(row?.body).includes('"id"'));
  });

  it('gives an answer that an earlier version kept in clear', async () => {
    await store.claim('k', 'h');
    await store.complete('k', answer);
    await database.execute('UPDATE integration_idempotency_keys SET body = ?', [answer.body]);
    assert.deepEqual(await store.claim('k', 'h'), { outcome: 'replay', answer });
  });

  it('keeps an answer without a body', async () => {
    await store.claim('k', 'h');
    await store.complete('k', { status: 204, headers: {}, body: null });
    assert.deepEqual(await store.claim('k', 'h'), {
      outcome: 'replay',
      answer: { status: 204, headers: {}, body: null },
    });
  });

  it('lets one of many have the key', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('k', 'h')));
    assert.equal(claims.filter(({ outcome }) => outcome === 'new').length, 1);
    assert.equal(claims.filter(({ outcome }) => outcome === 'in_progress').length, 19);
  });

  it('frees the key of a failure, but not that of an answer', async () => {
    await store.claim('k', 'h');
    await store.release('k');
    assert.deepEqual(await store.claim('k', 'h2'), { outcome: 'new' });
    await store.complete('k', answer);
    await store.release('k');
    assert.equal((await store.claim('k', 'h2')).outcome, 'replay');
  });

  it('takes over from a process that died', async () => {
    await store.claim('k', 'h');
    now += 4 * 60_000;
    assert.equal((await store.claim('k', 'h')).outcome, 'in_progress');
    now += 2 * 60_000;
    assert.equal((await store.claim('k', 'h')).outcome, 'new');
  });

  it('does not keep old rows', async () => {
    await store.claim('old', 'h');
    await store.complete('old', answer);
    now += 26 * HOUR;
    await store.claim('new', 'h');
    const rows = await database.query('SELECT * FROM integration_idempotency_keys');
    assert.deepEqual(
      rows.map(({ key }) => key),
      ['new'],
    );
  });

  it('tells requests apart by user, method, path and key, and keeps nothing of the secrets in them', () => {
    const request = { header: 'abc', user: 'ann', method: 'POST', path: '/connections', body: { password: 'canary' } };
    const { key, requestHash } = idempotencyKeys(request);
    assert.match(key, /^[0-9a-f]{64}$/);
    for (const change of [{ header: 'abd' }, { user: 'bob' }, { user: undefined }, { method: 'PUT' }, { path: '/x' }]) {
      assert.notEqual(idempotencyKeys({ ...request, ...change }).key, key);
    }
    assert.equal(idempotencyKeys({ ...request, body: { password: 'other' } }).key, key);
    assert.notEqual(idempotencyKeys({ ...request, body: { password: 'other' } }).requestHash, requestHash);
    assert.notEqual(idempotencyKeys({ ...request, header: 'abd' }).requestHash, requestHash);
  });
});
