import assert from 'node:assert/strict';
import type { AuditEntry } from '../../../lib/model/audit';
import { startApi, type TestApi } from './api-server';

const entry: AuditEntry = {
  id: 1,
  at: '2026-11-24T05:00:00.000Z',
  attempt: 'a1',
  actor: 'node:1',
  actor_name: 'Setpoint',
  origin: 'flow:2',
  action: 'tag.write',
  connection_id: 1,
  subject: 'setpoint',
  outcome: 'done',
  details: { held: 20 },
  previous_hash: '',
  hash: '0'.repeat(64),
};

describe('API: audit', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi({ audit: { list: async () => ({ items: [entry], next_cursor: null, total: 1 }) } });
  });
  afterEach(() => api.close());

  it('is listed by column and time', async () => {
    const query = 'connection_id=1&actor=node:1&action=tag.write&outcome=done&from=2026-11-01&limit=5';
    const reply = await api.call('GET', `/audit?${query}`);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.body.items?.[0]?.subject, 'setpoint');
    assert.deepEqual(api.calls.filter(({ name }) => name === 'audit.list').at(-1)?.arguments, [
      {
        connection_id: 1,
        actor: 'node:1',
        action: 'tag.write',
        outcome: 'done',
        from: '2026-11-01T00:00:00.000Z',
        limit: 5,
      },
    ]);
    for (const wrong of ['outcome=written', 'action=x', 'order=asc']) {
      assert.equal((await api.call('GET', `/audit?${wrong}`)).status, 400, wrong);
    }
  });

  it('can be verified, and not be changed', async () => {
    assert.equal((await api.call('GET', '/audit/verification')).body.broken_at, null);
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await api.call(method, '/audit', {})).status, 405);
  });
});
