import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrationError } from '../../../lib/model/errors';
import { parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { ConnectionStore } from '../../../lib/store/connections';
import { newStore, storeKinds, type TestStore } from './stores';

const KEY = Buffer.alloc(32, 1).toString('base64');
const NEW_KEY = Buffer.alloc(32, 2).toString('base64');
const CANARY = 'canary-7f3e91d2';

function validate(type: string, config: Record<string, unknown>): void {
  if (type !== 'generic.file') throw new IntegrationError('config', 'PCP_CONNECTOR_UNKNOWN', `No connector ${type}.`);
  const unknown = Object.keys(config).find((name) => name !== 'root');
  if (unknown !== undefined) {
    throw new IntegrationError('config', 'PCP_CONFIG_INVALID', `Unknown setting ${unknown}.`, {
      path: `/config/${unknown}`,
    });
  }
}

for (const kind of storeKinds) {
  describe(`ConnectionStore on ${kind.name}`, () => {
    let test: TestStore;
    let connections: ConnectionStore;
    const input = { name: 'drop', connector_type: 'generic.file', config: { root: '/data' } };

    beforeEach(async function () {
      test = await newStore(kind, this);
      connections = new ConnectionStore({ store: test.store, vault: new Vault([parseKey(KEY, 'test')]), validate });
    });
    afterEach(() => test?.dispose());

    it('keeps what it is given and shows which secrets are set, never their values', async () => {
      const made = await connections.create({
        ...input,
        credentials: { password: CANARY, token: '' },
        created_by: 'ana',
      });
      assert.equal(made.revision, 1);
      assert.deepEqual(made.credentials, { password: true });
      assert.deepEqual(made.config, { root: '/data' });
      assert.equal(made.managed_by, 'api');
      assert.equal(made.created_by, 'ana');
      assert.match(made.created_at, /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.ok(!JSON.stringify(made).includes(CANARY));
      assert.deepEqual((await connections.open(made.id)).credentials, { password: CANARY });
    });

    it('writes no secret in the clear', async () => {
      const made = await connections.create({ ...input, credentials: { password: CANARY } });
      await connections.registerFlow('node1', { ...input, name: 'flow', credentials: { password: CANARY } });
      await connections.update(made.id, { ...input, credentials: { other: CANARY } });
      const forms = [CANARY, Buffer.from(CANARY).toString('base64'), Buffer.from(CANARY).toString('hex')];
      const rows = JSON.stringify(await test.store.database.query('SELECT * FROM integration_connections'));
      const contents = [rows];
      if (kind.name === 'SQLite') {
        const files = readdirSync(test.options.directory);
        assert.ok(files.includes('integrations.db'));
        for (const file of files) contents.push(readFileSync(join(test.options.directory, file), 'latin1'));
      }
      for (const form of forms) for (const content of contents) assert.ok(!content.includes(form), form);
    });

    it('changes only the secrets given, and drops one that is empty', async () => {
      const { id } = await connections.create({ ...input, credentials: { password: 'a', token: 'b' } });
      await connections.update(id, { ...input, credentials: { token: 'c' } });
      assert.deepEqual((await connections.open(id)).credentials, { password: 'a', token: 'c' });
      const last = await connections.update(id, { ...input, credentials: { token: '', password: '' } });
      assert.deepEqual(last.credentials, {});
      assert.equal(last.revision, 3);
      const [row] = await test.store.database.query('SELECT credentials FROM integration_connections');
      assert.equal(row?.credentials, null);
    });

    it('refuses a zone that does not exist and a schedule that is no cron expression', async () => {
      const refused = (change: object, code: string, path: string) =>
        assert.rejects(connections.create({ ...input, ...change }), { code, path });
      await refused({ timezone: 'Mars/X' }, 'PCP_TIMEZONE_UNKNOWN', '/timezone');
      for (const schedule of ['nonsense', '* * * *', '0 6 * * 1 2026 *', 'every day at six o clock', '@daily']) {
        await refused({ schedule }, 'PCP_SCHEDULE_INVALID', '/schedule');
      }
      const schedules = ['0 6 * * 1-5', '*/30 0 6 * * MON-FRI', '0 0 L * ?', '0 12 * JAN,JUL sun#2'];
      for (const schedule of schedules) {
        const made = await connections.create({ ...input, name: schedule, schedule, timezone: 'America/Sao_Paulo' });
        assert.equal(made.schedule, schedule);
      }
    });

    it('refuses settings that the connector does not know, before writing anything', async () => {
      await assert.rejects(connections.create({ ...input, config: { root: '/', password: CANARY } }), {
        code: 'PCP_CONFIG_INVALID',
      });
      await assert.rejects(connections.create({ ...input, connector_type: 'x.y' }), { code: 'PCP_CONNECTOR_UNKNOWN' });
      assert.equal((await connections.list({})).total, 0);
    });

    it('refuses a name twice and a stale revision', async () => {
      const first = await connections.create(input);
      await assert.rejects(connections.create(input), { code: 'PCP_NAME_TAKEN', class: 'conflict', path: '/name' });
      const other = await connections.create({ ...input, name: 'other' });
      await assert.rejects(connections.update(other.id, input), { code: 'PCP_NAME_TAKEN' });
      await connections.update(first.id, { ...input, description: 'x' }, 1);
      await assert.rejects(connections.update(first.id, { ...input, description: 'y' }, 1), {
        code: 'PCP_STALE_REVISION',
      });
      assert.equal((await connections.get(first.id)).description, 'x');
    });

    it('lets one of two writers win who saw the same revision', async () => {
      const { id } = await connections.create(input);
      const outcomes = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((description) => connections.update(id, { ...input, description }, 1)),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await connections.get(id)).revision, 2);
    });

    it('lists pages that an opaque cursor continues', async () => {
      for (let n = 1; n <= 5; n++) await connections.create({ ...input, name: `c${n}`, is_active: n !== 3 });
      const first = await connections.list({ limit: 2 });
      assert.deepEqual(
        first.items.map(({ name }) => name),
        ['c1', 'c2'],
      );
      assert.equal(first.total, 5);
      const second = await connections.list({ limit: 2, cursor: first.next_cursor! });
      assert.deepEqual(
        second.items.map(({ name }) => name),
        ['c3', 'c4'],
      );
      const last = await connections.list({ limit: 2, cursor: second.next_cursor! });
      assert.deepEqual(
        last.items.map(({ name }) => name),
        ['c5'],
      );
      assert.equal(last.next_cursor, null);
      assert.equal((await connections.list({ is_active: false })).items[0]?.name, 'c3');
      await assert.rejects(connections.list({ cursor: 'bm9uc2Vuc2U' }), { code: 'PCP_CURSOR_INVALID' });
      await assert.rejects(connections.list({ limit: 1001 }), { code: 'PCP_LIMIT_INVALID' });
    });

    it('names what is not there', async () => {
      await assert.rejects(connections.get(99), { code: 'PCP_NOT_FOUND' });
      await assert.rejects(connections.update(99, input), { code: 'PCP_NOT_FOUND' });
      await assert.rejects(connections.delete(99, { cascade: true }), { code: 'PCP_NOT_FOUND' });
      await assert.rejects(connections.open(99), { code: 'PCP_NOT_FOUND' });
    });

    it('opens the platform as connection 0', async () => {
      assert.equal((await connections.open(0)).connector_type, 'platform');
    });

    it('seals anew with the current key, and refuses a row moved to another connection', async () => {
      const a = await connections.create({ ...input, credentials: { password: 'a' } });
      const b = await connections.create({ ...input, name: 'b', credentials: { password: 'b' } });
      const keys = [parseKey(NEW_KEY, 'test'), parseKey(KEY, 'test')];
      const rotated = new ConnectionStore({ store: test.store, vault: new Vault(keys), validate });
      assert.equal(await rotated.rotateKeys(), 2);
      assert.equal(await rotated.rotateKeys(), 0);
      const current = new ConnectionStore({ store: test.store, vault: new Vault(keys.slice(0, 1)), validate });
      assert.deepEqual((await current.open(a.id)).credentials, { password: 'a' });
      await assert.rejects(connections.open(a.id), { code: 'PCP_VAULT_KEY_UNKNOWN' });
      assert.deepEqual((await connections.get(a.id)).credentials, {}, 'a view is still answered');
      await test.store.database.execute('UPDATE integration_connections SET credentials = ? WHERE id = ?', [
        (await test.store.models.connections.findByPk(a.id))?.credentials ?? null,
        b.id,
      ]);
      await assert.rejects(current.open(b.id), { code: 'PCP_VAULT_BROKEN' });
    });

    describe('of flows', () => {
      it('keep their id over redeploys and restarts, and their secrets in memory', async () => {
        const made = await connections.registerFlow('n1', { ...input, credentials: { password: CANARY } });
        assert.equal(made.managed_by, 'flow');
        assert.equal(made.node_id, 'n1');
        assert.deepEqual(made.credentials, { password: true });
        assert.deepEqual((await connections.open(made.id)).credentials, { password: CANARY });
        const same = await connections.registerFlow('n1', { ...input, credentials: { password: CANARY } });
        assert.deepEqual([same.id, same.revision], [made.id, 1], 'an unchanged redeploy writes nothing');
        const changed = await connections.registerFlow('n1', { ...input, config: { root: '/other' } });
        assert.deepEqual([changed.id, changed.revision], [made.id, 2]);
        const restarted = new ConnectionStore({
          store: test.store,
          vault: new Vault([parseKey(KEY, 'test')]),
          validate,
        });
        await assert.rejects(restarted.open(made.id), { code: 'PCP_FLOW_NOT_DEPLOYED', class: 'config' });
        await restarted.registerFlow('n1', { ...input, credentials: { password: 'new' } });
        assert.deepEqual((await restarted.open(made.id)).credentials, { password: 'new' });
      });

      it('become inactive when their node goes and active when it comes back', async () => {
        const { id } = await connections.registerFlow('n1', input);
        await connections.releaseFlow('n1');
        assert.equal((await connections.get(id)).is_active, false);
        await assert.rejects(connections.open(id), { code: 'PCP_FLOW_NOT_DEPLOYED' });
        await connections.releaseFlow('never-there');
        assert.equal((await connections.registerFlow('n1', input)).is_active, true);
      });

      it('are read-only for others while deployed', async () => {
        const { id } = await connections.registerFlow('n1', input);
        await assert.rejects(connections.update(id, input), { code: 'PCP_MANAGED_BY_FLOW' });
        await assert.rejects(connections.delete(id, { cascade: true }), /n1/);
        await connections.releaseFlow('n1');
        await connections.delete(id, { cascade: false });
        assert.equal((await connections.list({})).total, 0);
      });

      it('may share a name with others', async () => {
        await connections.create(input);
        const first = await connections.registerFlow('n1', input);
        const second = await connections.registerFlow('n2', input);
        assert.deepEqual([first.name, second.name], ['drop (n1)', 'drop (n2)']);
        assert.equal((await connections.registerFlow('n2', input)).revision, 1);
      });
    });
  });
}
