import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PreviewRequest } from '../../../lib/model/processes';
import { startApi, type TestApi } from './api-server';

const CANARY = 'canary-51c0-secret';
const config = { host: 'db.example', port: 5432, username: 'pcp' };
const saved = { name: 'ERP', connector_type: 'generic.database', config, credentials: { password: CANARY } };
const values = { connector_type: 'generic.database', config };
const mapping = {
  name: 'Orders',
  entity_type: 'production_order',
  direction: 'import',
  source_entity: 'orders',
  target_entity: 'production_order',
  field_mappings: [{ source: 'a', target: 'order_number' }],
};
const LOOKS = ['/connections/entities', '/connections/entities/public.orders%2F2026'];

describe('API: lists and previews of what is not saved', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
    await api.call('POST', '/connections', saved);
  });
  afterEach(() => api.close());

  const handed = (name: string) => api.calls.filter((call) => call.name === `runner.${name}`).at(-1)?.arguments ?? [];
  const passwordOf = (connection: unknown) =>
    (connection as { credentials: Record<string, string> }).credentials.password;

  it('lists and describes what the values reach, page by page', async () => {
    const list = await api.call('POST', '/connections/entities?limit=1', {
      ...values,
      credentials: { password: 'typed' },
    });
    assert.equal(list.body.items?.[0]?.name, 'orders');
    assert.equal(passwordOf(handed('discover')[0]), 'typed');
    const one = await api.call('POST', '/connections/entities/public.orders%2F2026', values);
    assert.equal(one.status, 200);
    assert.equal((await api.call('POST', '/connections/entities/none', values)).status, 404);
  });

  it('imports tags only into connections that have them', async () => {
    const refused = await api.call('POST', '/connections/tags', { connection: values, content: 'name' });
    assert.equal(refused.body.code, 'PCP_NOT_SUPPORTED', refused.text);
    const wrong = await api.call('POST', '/connections/tags', { connection: { ...values, config: {} }, content: 'x' });
    assert.equal(wrong.body.errors?.[0]?.pointer, '/connection/config/host');
  });

  it('sends saved secrets nowhere but to where they belong', async () => {
    for (const path of LOOKS) {
      const kept = await api.call('POST', path, { ...values, connection_id: 1, credentials: { password: true } });
      assert.equal(kept.status, 200, kept.text);
      for (const change of [{ host: 'evil.example' }, { port: 6666 }, { ssl: true }]) {
        const body = { ...values, config: { ...config, ...change }, connection_id: 1 };
        const moved = await api.call('POST', path, body);
        assert.equal(moved.body.code, 'PCP_SECRET_NEEDED', path);
        assert.equal(moved.body.errors?.[0]?.pointer, '/credentials/password');
        const previewed = await api.call('POST', '/mappings/preview', { mapping, connection: body });
        assert.equal(previewed.body.code, 'PCP_SECRET_NEEDED');
        assert.equal(previewed.body.errors?.[0]?.pointer, '/connection/credentials/password');
      }
    }
    const given = [...api.calls].filter(({ name }) => name.startsWith('runner.'));
    assert.equal(given.length, LOOKS.length);
    for (const { arguments: parameters } of given) assert.equal(passwordOf(parameters[0]), CANARY);
  });

  it('does without the saved connection when all secrets are typed or removed', async () => {
    for (const password of ['typed', '']) {
      const body = { ...values, config: { host: 'other.example' }, connection_id: 99, credentials: { password } };
      assert.equal((await api.call('POST', '/connections/entities', body)).status, 200);
      assert.equal(passwordOf(handed('discover')[0]), password || undefined);
    }
  });

  it('previews an unsaved mapping over saved connections', async () => {
    const reply = await api.call('POST', '/mappings/preview', { mapping: { ...mapping, connection_id: 1 }, limit: 3 });
    assert.equal(reply.status, 200, reply.text);
    const request = handed('preview')[0] as PreviewRequest;
    assert.deepEqual([request.mapping.connection_id, request.limit, request.connections], [1, 3, []]);
    const none = await api.call('POST', '/mappings/preview', { mapping });
    assert.deepEqual(none.body.errors, [{ pointer: '/mapping/connection_id', detail: 'is required' }]);
  });

  it('previews between two unsaved connections, each with its zone', async () => {
    const reply = await api.call('POST', '/mappings/preview', {
      mapping: { ...mapping, connection_id: 1 },
      connection: { ...values, connection_id: 1, timezone: 'America/Sao_Paulo' },
      peer_connection: { ...values, credentials: { password: 'other' } },
    });
    assert.equal(reply.status, 200, reply.text);
    const { mapping: sent, connections = [] } = handed('preview')[0] as PreviewRequest;
    assert.deepEqual(
      connections.map(({ id, timezone }) => [id, timezone]),
      [
        [sent.connection_id, 'America/Sao_Paulo'],
        [sent.peer_connection_id, null],
      ],
    );
    assert.deepEqual(connections.map(passwordOf), [CANARY, 'other']);
    assert.ok(connections.every(({ id }) => id < 0));
  });

  it('names a wrong value by its place in the whole body', async () => {
    const connection = { ...values, config: { host: 'h', port: 0 } };
    const port = await api.call('POST', '/mappings/preview', { mapping, connection });
    assert.equal(port.body.errors?.[0]?.pointer, '/connection/config/port');
    const conditional = { ...values, config: { host: 'h', ssl: true } };
    const client = await api.call('POST', '/mappings/preview', { mapping, connection: conditional });
    assert.equal(client.body.errors?.[0]?.pointer, '/connection/config/client');
  });

  it('runs statements of ones own with saved secrets only for those who may save them', async () => {
    await api.close();
    const granted = ['integrations.read', 'integrations.test', 'integrations.write'];
    const needsPermission =
      (permission: string) => (request: IncomingMessage, response: ServerResponse, next: () => void) => {
        Object.assign(request, { user: { username: 'tester' } });
        if (granted.includes(permission)) next();
        else response.end('Unauthorized');
      };
    api = await startApi({}, { authenticated: true, needsPermission });
    await api.call('POST', '/connections', saved);
    const test = (more: object, credentials?: object) =>
      api.call('POST', '/connections/test', {
        ...values,
        config: { ...config, ...more },
        connection_id: 1,
        ...(credentials && { credentials }),
      });
    const views = { mine: 'SELECT 1 AS one' };
    assert.equal((await test({ views })).status, 200);
    granted.pop();
    assert.equal((await test({ views })).status, 403);
    assert.equal((await test({})).status, 200);
    assert.equal((await test({ views }, { password: 'typed' })).status, 200);
  });

  it('lets only those look through unsaved values who may save them', async () => {
    await api.close();
    const granted = ['integrations.read', 'integrations.test'];
    const needsPermission =
      (permission: string) => (request: IncomingMessage, response: ServerResponse, next: () => void) => {
        Object.assign(request, { user: { username: 'tester' } });
        if (granted.includes(permission)) next();
        else response.end('Unauthorized');
      };
    api = await startApi({}, { authenticated: true, needsPermission });
    assert.equal((await api.call('POST', '/connections/test', values)).status, 200);
    assert.equal(
      (await api.call('POST', '/mappings/preview', { mapping: { ...mapping, connection_id: 1 } })).status,
      200,
    );
    const looks: [string, object][] = [
      ...LOOKS.map((path): [string, object] => [path, values]),
      ['/mappings/preview', { mapping, connection: values }],
      ['/mappings/preview', { mapping: { ...mapping, connection_id: 1 }, peer_connection: values }],
    ];
    for (const [path, body] of looks) {
      const reply = await api.call('POST', path, body);
      assert.equal(reply.status, 403, path);
      assert.match(String(reply.body.detail), /integrations\.write/);
    }
    granted.push('integrations.write');
    for (const [path, body] of looks) assert.equal((await api.call('POST', path, body)).status, 200, path);
  });
});
