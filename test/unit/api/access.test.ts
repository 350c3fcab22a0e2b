import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { readAccessSettings } from '../../../lib/api/access-settings';
import { checkDeliberate } from '../../../lib/api/guard';
import { createApi } from '../../../lib/api/router';
import { routes } from '../../../lib/api/routes';
import type { AuditEvent } from '../../../lib/model/audit';
import { memoryIdempotency, startApi, type TestApi } from './api-server';
import { webhook } from './sample-rows';
import { standInHub } from './stand-in-hub';
import { standInWebhooks } from './stand-in-webhooks';

const HEALTH = '/integrations/health';

describe('API: who may ask, without adminAuth', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const status = async (headers: Record<string, string>, method = 'GET', path = HEALTH) =>
    (await api.send(method, path, { headers })).status;

  it('serves this machine under its own names', async () => {
    for (const host of ['localhost', 'LOCALHOST:1880', '127.0.0.1:1880', '127.9.9.9', '[::1]:1880']) {
      assert.equal(await status({ Host: host }), 200, host);
    }
  });

  it('refuses other names for this machine (DNS rebinding)', async () => {
    const hosts = [
      'evil.example',
      'evil.example:1880',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '192.168.0.9',
    ];
    for (const host of [...hosts, '127.0.0.1@evil.example', 'localhost:1880:1', 'localhost:x', '0.0.0.0', '[::]']) {
      const reply = await api.send('GET', HEALTH, { headers: { Host: host } });
      assert.equal(reply.status, 403, host);
      assert.equal(reply.body.code, 'PCP_LOCAL_ONLY');
      assert.match(String(reply.body.hint), /adminAuth.*allowedHosts/);
    }
  });

  it('refuses what a proxy on this machine forwards', async () => {
    for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Host']) {
      assert.equal(await status({ Host: 'localhost', [name]: '10.0.0.1' }), 403, name);
    }
  });

  it('refuses other machines, even when they name this one', async () => {
    const request = {
      headers: { host: 'localhost' },
      url: HEALTH,
      method: 'GET',
      socket: { remoteAddress: '10.0.0.7' },
    };
    const reply = await answerTo(request);
    assert.equal(reply.status, 403);
    const mapped = await answerTo({ ...request, socket: { remoteAddress: '::ffff:127.0.0.1' } });
    assert.equal(mapped.status, 200);
    const tricky = await answerTo({ ...request, socket: { remoteAddress: '::ffff:10.0.0.1' } });
    assert.equal(tricky.status, 403);
    for (const { path } of routes) {
      const url = `/integrations${path.replaceAll(/\{\w+\}/g, '1')}`;
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        assert.equal((await answerTo({ ...request, url, method })).status, 403, `${method} ${url}`);
      }
    }
  });

  it('refuses pages of other sites, also for reads and preflights', async () => {
    for (const site of ['cross-site', 'same-site', 'nonsense'])
      assert.equal(await status({ 'Sec-Fetch-Site': site }), 403);
    for (const site of ['same-origin', 'none']) assert.equal(await status({ 'Sec-Fetch-Site': site }), 200);
    const own = `http://127.0.0.1:${api.port}`;
    assert.equal(await status({ Origin: own }), 200);
    for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${api.port + 1}`, 'http://localhost', 'x']) {
      assert.equal(await status({ Origin: origin }), 403, origin);
      assert.equal(await status({ Origin: origin, 'Sec-Fetch-Site': 'same-origin' }), 403, origin);
      const preflight = await api.send('OPTIONS', HEALTH, { headers: { Origin: origin } });
      assert.equal(preflight.status, 403);
      assert.ok(!Object.keys(preflight.headers).some((name) => name.startsWith('access-control')));
    }
  });

  it('refuses what a form or a script of another site can send', async () => {
    const types = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', 'text/json'];
    for (const type of [
      ...types,
      'application/json-patch+json',
      'application/jsonx',
      'application/json; charset=utf-16',
      '',
    ]) {
      const reply = await api.send('POST', '/integrations/connections', {
        headers: { 'Content-Type': type },
        body: '{}',
      });
      assert.equal(reply.status, 415, type);
      assert.equal(reply.body.code, 'PCP_NOT_JSON');
    }
    const none = await api.send('POST', '/integrations/connections', { body: '{"name":"x"}' });
    assert.equal(none.status, 415);
    assert.equal(api.calls.length, 0);
  });

  it('refuses a token in the address', async () => {
    const reply = await api.send('GET', `${HEALTH}?access_token=abc`);
    assert.equal(reply.status, 403);
    assert.equal(reply.body.code, 'PCP_TOKEN_IN_URL');
    assert.ok(!reply.text.includes('abc'));
  });

  it('opens for named hosts and origins', async () => {
    await api.close();
    api = await startApi({}, { allowedHosts: ['Gateway.plant'], allowedOrigins: ['https://pcp.example'] });
    assert.equal(await status({ Host: 'gateway.plant:1880' }), 200);
    assert.equal(await status({ Host: 'gateway.plant', 'X-Forwarded-For': '10.0.0.1' }), 200);
    assert.equal(await status({ Host: 'other.plant' }), 403);
    assert.equal(await status({ Origin: 'https://pcp.example', 'Sec-Fetch-Site': 'cross-site' }), 200);
    assert.equal(await status({ Origin: 'https://pcp.example.evil' }), 403);
  });

  it('reads what it is opened for from the settings, and from the environment first', () => {
    assert.deepEqual(readAccessSettings({}, {}), { allowedHosts: [], allowedOrigins: [] });
    const settings = { integrations: { api: { allowedHosts: ['a'], allowedOrigins: ['https://b'] } } };
    assert.deepEqual(readAccessSettings(settings, {}), { allowedHosts: ['a'], allowedOrigins: ['https://b'] });
    const environment = { INTEGRATIONS_API_ALLOWED_HOSTS: 'x, y' };
    assert.deepEqual(readAccessSettings(settings, environment).allowedHosts, ['x', 'y']);
    assert.throws(() => readAccessSettings({ integrations: { api: { allowedHosts: 'a' } } }, {}), /api\.allowedHosts/);
    assert.throws(() => readAccessSettings({ integrations: { api: [] } }, {}), /integrations\.api/);
  });

  it('needs more than a link for a read that connects, when the browser does not say where it comes from', () => {
    const guard = { authenticated: false, allowedHosts: ['gateway'], allowedOrigins: [] };
    const from = (headers: Record<string, string>, remoteAddress = '10.0.0.7') =>
      ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;
    assert.throws(() => checkDeliberate(from({}), guard), /header/);
    checkDeliberate(from({ 'x-requested-with': 'fetch' }), guard);
    checkDeliberate(from({}, '127.0.0.1'), guard);
    checkDeliberate(from({}), { ...guard, authenticated: true });
  });

  it('listens to no foreign interface in its answer: another address of this machine is refused', async function () {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((candidate) => candidate?.family === 'IPv4' && !candidate.internal)?.address;
    if (address === undefined) return this.skip();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: api.port, localAddress: '127.0.0.1' }, () => {
        socket.end(`GET ${HEALTH} HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`);
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 403 /);
  });
});

describe('API: permissions', () => {
  /** As Node-RED's own check answers: plain text, 401 also when only the permission is missing. */
  const grants: Record<string, string[]> = {
    reader: ['integrations.read'],
    writer: ['integrations.read', 'integrations.write'],
    admin: ['integrations.read', 'integrations.write', 'integrations.sync', 'integrations.test', 'integrations.audit'],
    stranger: ['flows.read'],
  };
  const needsPermission =
    (permission: string) => (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => {
      const name = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1];
      const refuse = () => {
        response.statusCode = 401;
        response.setHeader('WWW-Authenticate', 'Bearer realm="Users"');
        response.end('Unauthorized');
      };
      if (name === undefined || grants[name] === undefined) return refuse();
      Object.assign(request, { user: { username: name } });
      if (grants[name].includes(permission)) next();
      else refuse();
    };
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi({}, { authenticated: true, needsPermission });
  });
  afterEach(() => api.close());

  it('checks every operation against every user', async () => {
    for (const route of routes) {
      const type = route.path.startsWith('/connectors') ? 'generic.database' : 'production_order';
      const path = route.path
        .replace('{job_id}', 'job-1')
        .replace('{type}', type)
        .replace('{thumbprint}', 'ab'.repeat(20))
        .replace(/\{\w+\}/g, '1');
      for (const [user, granted] of Object.entries<string[]>({ ...grants, '': [], nobody: [] })) {
        const headers: Record<string, string> = user === '' ? {} : { Authorization: `Bearer ${user}` };
        const reply = await api.send(route.method, `/integrations${path}`, { headers });
        const allowed = granted.includes(route.permission);
        const place = `${route.method} ${path} by "${user}"`;
        if (allowed) assert.ok(reply.status !== 401 && reply.status !== 403, `${place}: ${reply.text}`);
        else assert.equal(reply.status, grants[user] === undefined ? 401 : 403, place);
        if (!allowed) assert.equal(reply.headers['content-type'], 'application/problem+json');
      }
    }
  });

  it('keeps the challenge, and names the permission that is missing', async () => {
    const none = await api.call('GET', '/health');
    assert.equal(none.status, 401);
    assert.match(String(none.headers['www-authenticate']), /^Bearer/);
    const reader = await api.call('POST', '/connections', {}, { Authorization: 'Bearer reader' });
    assert.equal(reader.status, 403);
    assert.match(String(reader.body.detail), /integrations\.write/);
  });

  it('serves other machines and names once adminAuth is on, but no other sites', async () => {
    const headers = { Authorization: 'Bearer reader', Host: 'gateway.plant:1880' };
    assert.equal((await api.send('GET', HEALTH, { headers })).status, 200);
    assert.equal(
      (await api.send('GET', HEALTH, { headers: { ...headers, Origin: 'http://evil.example' } })).status,
      403,
    );
  });

  it('puts on record who changed what, and where from, and once what nobody let him do', async () => {
    const body = { name: 'x', connector_type: 'generic.database', config: { host: 'h' } };
    await api.call('POST', '/connections', body, { Authorization: 'Bearer writer' });
    for (let time = 0; time < 3; time++)
      await api.call('POST', '/connections', body, { Authorization: 'Bearer reader' });
    await api.call('DELETE', '/connections/1?cascade=true', undefined, { Authorization: 'Bearer admin' });
    await api.call('GET', '/connections', undefined, { Authorization: 'Bearer reader' });
    await api.call('POST', '/connections/test', body, { Authorization: 'Bearer admin' });
    const events = api.calls.filter(({ name }) => name === 'audit.append').flatMap(({ arguments: [some] }) => some);
    assert.deepEqual(
      (events as AuditEvent[]).map(({ action, actor, outcome, subject }) => [action, actor.name, outcome, subject]),
      [
        ['createConnection', 'writer', 'begun', '/connections'],
        ['createConnection', 'writer', 'done', '/connections'],
        ['createConnection', 'reader', 'refused', '/connections'],
        ['deleteConnection', 'admin', 'begun', '/connections/1'],
        ['deleteConnection', 'admin', 'done', '/connections/1'],
      ],
    );
    const [{ actor } = {}] = events as AuditEvent[];
    assert.deepEqual(actor, { id: 'user:writer', name: 'writer', origin: 'address:127.0.0.1' });
    const created = api.calls.find(({ name }) => name === 'connections.create');
    assert.equal((created?.arguments[0] as { created_by?: string } | undefined)?.created_by, 'writer');
  });

  it('shows keys that stand in addresses of webhooks to those who may change them', async () => {
    await api.close();
    const { webhooks } = standInWebhooks();
    const hook = { ...webhook(), url: 'https://plant.example/hook?code=canary' };
    const list = async () => ({ items: [hook], next_cursor: null, total: 1 });
    const changes = { webhooks: { ...webhooks, get: async () => hook, list } };
    api = await startApi(changes, { authenticated: true, needsPermission });
    for (const path of ['/webhooks', '/webhooks/1']) {
      const told = async (user: string) => {
        const reply = await api.send('GET', `/integrations${path}`, { headers: { Authorization: `Bearer ${user}` } });
        assert.equal(reply.status, 200, reply.text);
        return reply.text;
      };
      assert.ok((await told('admin')).includes('canary'));
      assert.ok(!(await told('reader')).includes('canary'));
    }
  });

  it('cannot be made without a permission check when adminAuth is on', () => {
    const { hub } = standInHub();
    assert.throws(() => createApi({ hub, idempotency: memoryIdempotency(), authenticated: true }), /needsPermission/);
  });
});

/** Runs the middleware on a request from an address that a test cannot really have. */
function answerTo(request: object): Promise<{ status: number }> {
  const { hub } = standInHub();
  const api = createApi({ hub, idempotency: memoryIdempotency(), authenticated: false });
  return new Promise((resolve, reject) => {
    const response = {
      ...{ once: () => response, headersSent: false, destroyed: false, end: () => response },
      appendHeader: () => response,
      writeHead: (status: number) => resolve({ status }),
    };
    const complete = { ...request, complete: true };
    api(complete as unknown as IncomingMessage, response as unknown as ServerResponse, reject);
  });
}
