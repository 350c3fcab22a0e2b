import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEntry } from '../../lib/model/audit';
import { NodeRed } from './node-red-process';

/** bcrypt of "secret". */
const SECRET = '$2b$08$FwW/er7pj80avmngXWd4du5zm34nXkx8..HseojBX9klfCptSF0MW';

describe('who may use the API', () => {
  let folder: string;
  let nodeRed: NodeRed;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-access-'));
    const user = (username: string, permissions: string | string[]) => ({ username, password: SECRET, permissions });
    const users = [
      user('admin', '*'),
      user('reader', 'read'),
      user('tester', ['integrations.test', 'integrations.read']),
    ];
    writeFileSync(join(folder, 'plant.flow'), '[]');
    nodeRed = await NodeRed.start({
      settings: {
        adminAuth: { type: 'credentials', users },
        flowFile: join(folder, 'plant.flow'),
        integrations: { directory: join(folder, 'hub') },
      },
      environment: { PCP_TEST_FOLDER: folder },
    });
  });
  after(async () => {
    await nodeRed.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function token(username: string): Promise<Record<string, string>> {
    const body = { client_id: 'node-red-editor', grant_type: 'password', scope: '', username, password: 'secret' };
    const { access_token } = await nodeRed.json<{ access_token: string }>('POST', '/auth/token', body);
    return { authorization: `Bearer ${access_token}` };
  }

  const status = async (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    (await nodeRed.request(method, path, body, headers)).status;

  const test = { connector_type: 'generic.file', config: { root: '$' + '{PCP_TEST_FOLDER}' } };

  it('nobody without signing in', async () => {
    assert.equal(await status('GET', '/integrations/connectors', {}), 401);
    assert.equal(await status('POST', '/integrations/connections/test', {}, test), 401);
  });

  it('the status page is sent to its own folder for everybody, and lets no other code in', async () => {
    const answer = await fetch(`${nodeRed.url}/integrations/ui`, { redirect: 'manual' });
    assert.deepEqual([answer.status, answer.headers.get('location')], [308, 'ui/']);
    const page = await fetch(`${nodeRed.url}/integrations/ui/`);
    assert.match(String(page.headers.get('content-security-policy')), /default-src 'none'; script-src 'self';/);
    const again = await fetch(page.url, { headers: { 'if-none-match': String(page.headers.get('etag')) } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${page.url}../uix`)).status, 404);
  });

  it('a reader reads and changes nothing', async () => {
    const reader = await token('reader');
    assert.equal(await status('GET', '/integrations/connections', reader), 200);
    const body = { name: 'x', connector_type: 'generic.file', config: { root: folder } };
    assert.equal(await status('POST', '/integrations/connections', reader, body), 403);
    assert.equal(await status('POST', '/integrations/connections/test', reader, test), 403);
  });

  it('environment variables in a test are for those who may deploy flows', async () => {
    const admin = await nodeRed.json<{ ok: boolean }>(
      'POST',
      '/integrations/connections/test',
      test,
      await token('admin'),
    );
    assert.equal(admin.ok, true);
    const tester = await token('tester');
    const plain = { ...test, config: { root: folder } };
    assert.equal(await status('POST', '/integrations/connections/test', tester, plain), 200);
    for (const place of ['test', 'tags', 'values', 'entities', 'entities/x', 'browse'])
      assert.equal(await status('POST', `/integrations/connections/${place}`, tester, test), 403);
  });

  it('looking through unsaved values is for those who may save them', async () => {
    const admin = await token('admin');
    writeFileSync(join(folder, 'orders.csv'), 'Order\n1\n');
    const mapping = {
      ...{ name: 'orders', direction: 'import', entity_type: 'production_order', target_entity: 'production_order' },
      ...{ source_entity: 'orders.csv', field_mappings: [{ source: 'Order', target: 'order_number' }] },
    };
    const { totals } = await nodeRed.json<{ totals: { create: number } }>(
      'POST',
      '/integrations/mappings/preview',
      { mapping, connection: test },
      admin,
    );
    assert.equal(totals.create, 1);
    const tester = await token('tester');
    const connection = { ...test, config: { root: folder } };
    assert.equal(await status('POST', '/integrations/connections/entities', admin, test), 200);
    assert.equal(await status('POST', '/integrations/connections/entities', tester, connection), 403);
    assert.equal(await status('POST', '/integrations/mappings/preview', tester, { mapping, connection }), 403);
  });

  it('what is done is on record, with who did it and from where, and no secret', async () => {
    const admin = await token('admin');
    const config = { dialect: 'postgres', host: 'h', database: 'd', username: 'u' };
    const input = { name: 'erp', connector_type: 'generic.database', config };
    const secret = { credentials: { password: 'canary-7193' } };
    const made = { ...input, ...secret };
    const { id } = await nodeRed.json<{ id: number }>('POST', '/integrations/connections', made, admin);
    const changed = { ...input, name: 'ERP', ...secret };
    await nodeRed.json('PUT', `/integrations/connections/${id}`, changed, admin);
    assert.equal(await status('DELETE', `/integrations/connections/${id}`, await token('reader')), 403);
    await nodeRed.json('DELETE', `/integrations/connections/${id}`, undefined, admin);
    const text = await (
      await nodeRed.request('GET', `/integrations/audit?connection_id=${id}`, undefined, admin)
    ).text();
    assert.ok(!text.includes('canary'), text);
    const { items } = JSON.parse(text) as { items: AuditEntry[] };
    assert.deepEqual(
      items.reverse().map(({ action, outcome, actor, origin }) => [action, outcome, actor, origin].join(' ')),
      [
        'createConnection done user:admin address:127.0.0.1',
        'updateConnection begun user:admin address:127.0.0.1',
        'updateConnection done user:admin address:127.0.0.1',
        'deleteConnection refused user:reader address:127.0.0.1',
        'deleteConnection begun user:admin address:127.0.0.1',
        'deleteConnection done user:admin address:127.0.0.1',
      ],
    );
    const [, , updated] = items.map(({ details }) => details as Record<string, { name: string }>);
    assert.deepEqual([updated?.before?.name, updated?.after?.name], ['erp', 'ERP']);
    const found = await nodeRed.json<{ broken_at: number | null }>(
      'GET',
      '/integrations/audit/verification',
      undefined,
      admin,
    );
    assert.equal(found.broken_at, null);
  });

  it("connections touch no file of Node-RED's, nor of the hub's, wherever they are", async () => {
    const admin = await token('admin');
    const files = [
      join(nodeRed.userDir, 'settings.js'),
      join(folder, 'plant.flow'),
      join(folder, 'hub', 'integrations.db'),
    ];
    for (const storage of files) {
      assert.ok(existsSync(storage), storage);
      const body = { connector_type: 'generic.database', config: { dialect: 'sqlite', storage } };
      const { steps } = await nodeRed.json<{ steps: { error?: { code: string } }[] }>(
        'POST',
        '/integrations/connections/test',
        body,
        admin,
      );
      assert.equal(steps.at(-1)?.error?.code, 'PCP_FILE_PROTECTED', storage);
    }
  });
});
