import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';
import { report } from './sample-rows';

const CANARY = 'canary-7f3a-secret';
const input = {
  name: 'ERP',
  connector_type: 'generic.database',
  config: { host: 'db.example', port: 5432, username: 'pcp' },
  credentials: { password: CANARY },
};

describe('API: connections', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  it('creates, lists, reads, changes and deletes', async () => {
    const created = await api.call('POST', '/connections', input);
    assert.equal(created.status, 201);
    assert.equal(created.headers.location, '/integrations/connections/1');
    assert.match(String(created.headers.etag), /^"1\.[\w-]{22}"$/);
    const list = await api.call('GET', '/connections?limit=10&name=ERP');
    assert.equal(list.body.total, 1);
    const read = await api.call('GET', '/connections/1');
    assert.match(String(read.headers.etag), /^"1\./);
    const changed = await api.call('PUT', '/connections/1', { ...input, name: 'ERP 2' }, { 'If-Match': '"1"' });
    assert.equal(changed.body.name, 'ERP 2');
    assert.match(String(changed.headers.etag), /^"2\./);
    assert.equal((await api.call('DELETE', '/connections/1')).status, 204);
    assert.equal((await api.call('GET', '/connections/1')).status, 404);
  });

  it('tells what changed by itself, which is no reason to refuse a change', async () => {
    await api.call('POST', '/connections', input);
    const { etag } = (await api.call('GET', '/connections/1')).headers;
    const known = () => api.call('GET', '/connections/1', undefined, { 'If-None-Match': String(etag) });
    assert.equal((await known()).status, 304);
    Object.assign(api.connections.get(1)!, { last_sync_at: '2026-11-27T12:00:00.000Z' });
    const read = await known();
    assert.deepEqual([read.status, read.body?.last_sync_at], [200, '2026-11-27T12:00:00.000Z']);
    const change = (tag: string) => api.call('PUT', '/connections/1', input, { 'If-Match': tag });
    assert.equal((await change(`"7", ${etag}`)).status, 200);
    for (const stale of [String(etag), '"1"', '"7", "1"']) assert.equal((await change(stale)).status, 412, stale);
    const remove = (tag: string) => api.call('DELETE', '/connections/1', undefined, { 'If-Match': tag });
    assert.equal((await remove(String(etag))).status, 412);
    const { etag: now } = (await api.call('GET', '/connections/1')).headers;
    Object.assign(api.connections.get(1)!, { last_sync_at: null });
    assert.equal((await remove(String(now))).status, 204);
  });

  it('never gives a secret away', async () => {
    const created = await api.call('POST', '/connections', input);
    assert.deepEqual(created.body.credentials, { password: true });
    const texts = [created, await api.call('GET', '/connections/1'), await api.call('GET', '/connections')];
    for (const { text } of texts) assert.ok(!text.includes(CANARY));
    assert.deepEqual(api.secrets.get(1), { password: CANARY });
  });

  it('takes back what it gave: read, change, write', async () => {
    await api.call('POST', '/connections', input);
    const { body } = await api.call('GET', '/connections/1');
    const written = await api.call('PUT', '/connections/1', { ...body, description: 'changed' });
    assert.equal(written.status, 200);
    assert.deepEqual(api.secrets.get(1), { password: CANARY });
  });

  it('keeps a saved secret for the same place only', async () => {
    await api.call('POST', '/connections', input);
    const { credentials: _, ...rest } = input;
    const put = (changes: object, more: object = {}) =>
      api.call('PUT', '/connections/1', { ...rest, config: { ...rest.config, ...changes }, ...more });
    for (const change of [{ host: 'evil.example' }, { port: 6666 }, { ssl: true }]) {
      for (const credentials of [undefined, { password: true }]) {
        const reply = await put(change, { credentials });
        assert.equal(reply.status, 422, JSON.stringify(change));
        assert.equal(reply.body.code, 'PCP_SECRET_NEEDED');
        assert.equal(reply.body.errors?.[0]?.pointer, '/credentials/password');
      }
    }
    assert.equal((await put({ username: 'other' })).status, 200);
    assert.equal((await api.call('PUT', '/connections/1', { ...rest, config: undefined })).status, 200);
    assert.deepEqual(api.secrets.get(1), { password: CANARY });
    assert.equal((await put({ host: 'new.example' }, { credentials: { password: 'typed' } })).status, 200);
    assert.deepEqual(api.secrets.get(1), { password: 'typed' });
  });

  it('does not let a client set what the hub sets', async () => {
    for (const extra of [{ id: 77 }, { managed_by: 'flow' }, { created_by: 'root' }, { revision: 5 }, { x: 1 }]) {
      const reply = await api.call('POST', '/connections', { ...input, ...extra });
      assert.equal(reply.status, 422);
      assert.deepEqual(reply.body.errors?.[0], { pointer: `/${Object.keys(extra)[0]}`, detail: 'is not known here' });
    }
    await api.call('POST', '/connections', input);
    await api.call('PUT', '/connections/1', { ...input, id: 77, managed_by: 'flow', created_by: 'root' });
    const update = api.calls.find(({ name }) => name === 'connections.update');
    assert.deepEqual(Object.keys(update?.arguments[1] as object).sort(), Object.keys(input).sort());
  });

  it('names every wrong value', async () => {
    const reply = await api.call('POST', '/connections', {
      name: ' ',
      connector_type: 'generic.database',
      is_active: 'yes',
    });
    assert.equal(reply.status, 422);
    assert.deepEqual(reply.body.errors?.map(({ pointer }) => pointer).sort(), ['/is_active', '/name']);
    const settings = await api.call('POST', '/connections', { ...input, config: { port: 70000, hots: 'x' } });
    assert.equal(settings.status, 422);
    assert.deepEqual(settings.body.errors?.map(({ pointer }) => pointer).sort(), [
      '/config/host',
      '/config/hots',
      '/config/port',
    ]);
    const conditional = await api.call('POST', '/connections', { ...input, config: { host: 'h', ssl: true } });
    assert.equal(conditional.status, 422);
    assert.equal(conditional.body.errors?.[0]?.pointer, '/config/client');
    const unknown = await api.call('POST', '/connections', { ...input, connector_type: 'erp.none' });
    assert.equal(unknown.body.errors?.[0]?.pointer, '/connector_type');
  });

  it('refuses a name that is taken, a stale revision, and a connection of a flow', async () => {
    await api.call('POST', '/connections', input);
    const twice = await api.call('POST', '/connections', input);
    assert.equal(twice.status, 409);
    assert.equal(twice.body.code, 'PCP_NAME_TAKEN');
    for (const tag of ['"9"', 'W/"1"', '"x"', '"8", "9"', 'nonsense']) {
      assert.equal((await api.call('PUT', '/connections/1', input, { 'If-Match': tag })).status, 412, tag);
      assert.equal((await api.call('DELETE', '/connections/1', undefined, { 'If-Match': tag })).status, 412, tag);
    }
    assert.equal((await api.call('PUT', '/connections/1', input, { 'If-Match': '"8", "1"' })).status, 200);
    assert.equal((await api.call('PUT', '/connections/1', input, { 'If-Match': '*' })).status, 200);
    const row = api.connections.get(1);
    assert.ok(row);
    api.connections.set(1, { ...row, managed_by: 'flow', node_id: 'n1' });
    const flow = await api.call('PUT', '/connections/1', input);
    assert.equal(flow.status, 409);
    assert.match(String(flow.body.detail), /n1/);
  });

  it('deletes with mappings only by cascade', async () => {
    await api.call('POST', '/connections', input);
    await api.call('POST', '/mappings', {
      ...{ connection_id: 1, name: 'm', entity_type: 'production_order', direction: 'import', source_entity: 'o' },
      ...{ target_entity: 'production_order', field_mappings: [{ source: 'a', target: 'plant' }] },
    });
    assert.equal((await api.call('DELETE', '/connections/1')).status, 409);
    assert.equal((await api.call('DELETE', '/connections/1?cascade=maybe')).status, 400);
    assert.equal((await api.call('DELETE', '/connections/1?cascade=true')).status, 204);
  });

  it('answers 304 to a reader that has the state', async () => {
    await api.call('POST', '/connections', input);
    const { etag } = (await api.call('GET', '/connections/1')).headers;
    const read = (tag: string) => api.send('GET', '/integrations/connections/1', { headers: { 'If-None-Match': tag } });
    const fresh = await read(`W/${etag}`);
    assert.equal(fresh.status, 304);
    assert.equal(fresh.text, '');
    assert.equal((await read('"0"')).status, 200);
  });

  it('lists what the other side has, and describes one of it', async () => {
    await api.call('POST', '/connections', input);
    const entities = await api.call('GET', '/connections/1/entities');
    assert.equal(entities.body.items?.[0]?.name, 'orders');
    const one = await api.call('GET', '/connections/1/entities/public.orders%2F2026');
    assert.equal(one.status, 200);
    const none = await api.call('GET', '/connections/1/entities/none');
    assert.equal(none.status, 404);
    assert.equal(none.body.errors, undefined);
    assert.equal((await api.call('GET', '/connections/9/entities')).status, 404);
  });

  it('pages a long discovery', async () => {
    await api.close();
    const names = ['c', 'a', 'b', 'e', 'd'];
    api = await startApi({
      runner: {
        discover: async () => names.map((name) => ({ name, kind: 'table', key: [], readable: true, writable: false })),
      },
    });
    await api.call('POST', '/connections', input);
    const seen: unknown[] = [];
    let path = '/connections/1/entities?limit=2';
    for (let page = 0; page < 5 && path !== ''; page++) {
      const { body } = await api.call('GET', path);
      seen.push(...(body.items ?? []).map(({ name }) => name));
      assert.equal(body.total, 5);
      path = body.next_cursor === null ? '' : `/connections/1/entities?limit=2&cursor=${body.next_cursor}`;
    }
    assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);
    const wrong = await api.call('GET', '/connections/1/entities?cursor=%25');
    assert.equal(wrong.status, 400);
    assert.equal(wrong.body.errors?.[0]?.parameter, 'cursor');
  });

  it('says that the other side failed', async () => {
    await api.close();
    const fail = async () => {
      throw new IntegrationError('transient', 'PCP_CONNECT_REFUSED', `Nothing listens; password=${CANARY}`);
    };
    api = await startApi({ runner: { discover: fail } });
    await api.call('POST', '/connections', input);
    const reply = await api.call('GET', '/connections/1/entities');
    assert.equal(reply.status, 502);
    assert.equal(reply.body.code, 'PCP_CONNECT_REFUSED');
    assert.ok(!reply.text.includes(CANARY));
  });

  it('blames the address for a path that leads out of the folder', async () => {
    await api.close();
    const describe = async () => {
      throw new IntegrationError('permission', 'PCP_PATH_OUTSIDE_ROOT', '"../x" is outside of the folder.');
    };
    api = await startApi({ runner: { describe } });
    await api.call('POST', '/connections', input);
    assert.equal((await api.call('GET', '/connections/1/entities/..%2Fx')).status, 422);
  });
});

describe('API: connection tests', () => {
  let api: TestApi;
  let tested: { config: Record<string, unknown>; credentials: Record<string, string> }[];
  beforeEach(async () => {
    tested = [];
    api = await startApi({
      runner: {
        test: async (connection) => {
          tested.push(connection);
          if (connection.config.host === 'down.example') {
            throw new IntegrationError('auth', 'PCP_AUTH', `refused the password ${connection.credentials.password}`);
          }
          return report();
        },
      },
    });
    await api.call('POST', '/connections', input);
  });
  afterEach(() => api.close());

  it('tests what is saved, by GET and by POST', async () => {
    for (const method of ['GET', 'POST']) {
      const reply = await api.call(method, '/connections/1/test');
      assert.equal(reply.status, 200);
      assert.equal(reply.body.ok, true);
    }
    assert.deepEqual(
      tested.map(({ credentials }) => credentials.password),
      [CANARY, CANARY],
    );
    assert.equal((await api.call('POST', '/connections/9/test')).status, 404);
  });

  it('reports a failure of the other side as a result, without the secret', async () => {
    const reply = await api.call('POST', '/connections/test', { ...input, config: { host: 'down.example' } });
    assert.equal(reply.status, 200);
    assert.equal(reply.body.ok, false);
    assert.match(reply.text, /PCP_AUTH/);
    assert.ok(!reply.text.includes(CANARY));
  });

  it('checks unsaved values field by field before it connects', async () => {
    const reply = await api.call('POST', '/connections/test', {
      connector_type: 'generic.database',
      config: { port: 0 },
    });
    assert.equal(reply.status, 422);
    assert.deepEqual(reply.body.errors?.map(({ pointer }) => pointer).sort(), ['/config/host', '/config/port']);
    assert.equal(tested.length, 0);
  });

  it('reuses saved secrets for the same place only', async () => {
    const { connector_type, config } = input;
    const test = (changes: object, more: object = {}) =>
      api.call('POST', '/connections/test', {
        connector_type,
        config: { ...config, ...changes },
        connection_id: 1,
        ...more,
      });
    assert.equal((await test({})).status, 200);
    assert.equal((await test({ username: 'other', views: { v: 'select 1' } })).status, 200);
    assert.equal((await test({ ssl: false })).status, 200, 'the default spelled out is no change');
    assert.deepEqual(
      tested.map(({ credentials }) => credentials.password),
      [CANARY, CANARY, CANARY],
    );
    for (const change of [{ host: 'evil.example' }, { port: 6666 }, { ssl: true }]) {
      const reply = await test(change);
      assert.equal(reply.status, 422, JSON.stringify(change));
      assert.equal(reply.body.code, 'PCP_SECRET_NEEDED');
      assert.equal(reply.body.errors?.[0]?.pointer, '/credentials/password');
    }
    const typed = await test({ host: 'evil.example' }, { credentials: { password: 'typed' } });
    assert.equal(typed.status, 200);
    assert.equal(tested.at(-1)?.credentials.password, 'typed');
    const kept = await test({ host: 'evil.example' }, { credentials: { password: true } });
    assert.equal(kept.status, 422);
    assert.equal(tested.length, 4);
    assert.equal((await test({}, { connection_id: 99 })).status, 422);
  });

  it('finds the secrets of a config node', async () => {
    const row = api.connections.get(1);
    assert.ok(row);
    api.connections.set(1, { ...row, managed_by: 'flow', node_id: 'n1' });
    const { connector_type, config } = input;
    const reply = await api.call('POST', '/connections/test', { connector_type, config, node_id: 'n1' });
    assert.equal(reply.status, 200);
    assert.equal(tested.at(-1)?.credentials.password, CANARY);
    await api.call('POST', '/connections/test', { connector_type, config, node_id: 'never-deployed' });
    assert.deepEqual(tested.at(-1)?.credentials, {});
  });

  it('runs four tests at once and refuses the fifth', async () => {
    await api.close();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let running = 0;
    let allRun = () => {};
    const four = new Promise<void>((resolve) => {
      allRun = resolve;
    });
    api = await startApi({
      runner: {
        test: async () => {
          running += 1;
          if (running === 4) allRun();
          await gate;
          return report();
        },
      },
    });
    await api.call('POST', '/connections', input);
    const waiting = Array.from({ length: 4 }, () => api.call('POST', '/connections/1/test'));
    await four;
    const fifth = await api.call('POST', '/connections/1/test');
    assert.equal(fifth.status, 429);
    assert.equal(fifth.headers['retry-after'], '5');
    release();
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.equal((await api.call('POST', '/connections/1/test')).status, 200);
  });

  it('does not wait for ever', async () => {
    await api.close();
    const hang = (_connection: unknown, signal?: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () =>
          reject(new IntegrationError('cancelled', 'PCP_CANCELLED', 'Cancelled.')),
        );
      });
    api = await startApi({ runner: { discover: hang } }, { externalTimeoutMs: 20 });
    await api.call('POST', '/connections', input);
    const reply = await api.call('GET', '/connections/1/entities');
    assert.equal(reply.status, 504);
    assert.equal(reply.body.code, 'PCP_TIMEOUT');
  });

  it('stops the test when the client goes away', async () => {
    await api.close();
    let started: (signal: AbortSignal) => void = () => {};
    const begun = new Promise<AbortSignal>((resolve) => {
      started = resolve;
    });
    api = await startApi({
      runner: {
        test: (_connection, signal) =>
          new Promise((_, reject) => {
            assert.ok(signal);
            signal.addEventListener('abort', () => reject(signal.reason));
            started(signal);
          }),
      },
    });
    await api.call('POST', '/connections', input);
    const gone = new AbortController();
    const pending = fetch(`http://127.0.0.1:${api.port}/integrations/connections/1/test`, {
      method: 'POST',
      signal: gone.signal,
    }).catch((error: Error) => error.name);
    const signal = await begun;
    gone.abort();
    assert.equal(await pending, 'AbortError');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    assert.ok(signal.aborted);
  });
});
