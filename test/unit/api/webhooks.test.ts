import assert from 'node:assert/strict';
import { EVENT_TYPES } from '../../../lib/model/events';
import { startApi, type TestApi } from './api-server';

describe('API: webhooks', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  const input = { name: 'maintenance', url: 'https://maintenance.plant.example/', event_type: 'run.failed, alert.*' };

  it('are created with their secret, read and changed without it, and deleted', async () => {
    const created = await api.call('POST', '/webhooks', input);
    assert.equal(created.status, 201);
    assert.equal(created.headers.location, '/integrations/webhooks/1');
    assert.equal(created.body.secret, 'whsec_new');
    assert.equal((await api.call('GET', '/webhooks')).body.total, 1);
    const read = await api.call('GET', '/webhooks/1');
    assert.match(String(read.headers.etag), /^"1\./);
    assert.equal(read.body.secret, undefined);
    const changed = await api.call('PUT', '/webhooks/1', { ...read.body, is_active: false }, { 'If-Match': '"1"' });
    assert.deepEqual([changed.status, changed.body.is_active, changed.body.secret], [200, false, null]);
    assert.equal((await api.call('PUT', '/webhooks/1', changed.body)).status, 200);
    assert.equal((await api.call('PUT', '/webhooks/1', input, { 'If-Match': '"7"' })).status, 412);
    assert.equal((await api.call('DELETE', '/webhooks/1')).status, 204);
    assert.equal((await api.call('GET', '/webhooks/9')).status, 404);
  });

  it('are refused with what is wrong in them', async () => {
    const wrong: [string, Record<string, unknown>][] = [
      ['/event_type', { event_type: 'run.failed; drop' }],
      ['/event_type', { event_type: 'run' }],
      ['/method', { method: 'TRACE' }],
      ['/headers/X-A', { headers: { 'X-A': 1 } }],
      ['/signature', { signature: 'md5' }],
      ['/secret', { secret: 'short' }],
      ['/options/timeout_ms', { options: { timeout_ms: 60_000 } }],
      ['/options/retries', { options: { retries: 3 } }],
      ['/sender', { sender: 'me' }],
    ];
    for (const [pointer, more] of wrong) {
      const { status, body } = await api.call('POST', '/webhooks', { ...input, ...more });
      assert.equal(status, 422, pointer);
      assert.ok(
        body.errors?.some((error) => error.pointer === pointer),
        JSON.stringify(body.errors),
      );
    }
  });

  it('are tried with a sample of each event, which is as events are', async () => {
    for (const event_type of EVENT_TYPES) {
      const { body } = await api.call('POST', '/webhooks/preview', { payload_template: null, event_type });
      const { event } = body as { event: { type: string } };
      assert.deepEqual(
        [event.type, body.content_type, JSON.parse(String(body.body))],
        [event_type, 'application/json', event],
      );
    }
    assert.equal((await api.call('POST', '/webhooks/preview', { event_type: 'run.failed' })).status, 422);
  });

  it('are triggered, rotated and redelivered, and tell what became of it', async () => {
    const triggered = await api.call('POST', '/webhooks/1/trigger', { data: { hello: 'you' } });
    assert.deepEqual([triggered.status, triggered.headers.location], [202, '/integrations/webhooks/1/executions/1']);
    assert.equal((await api.call('POST', '/webhooks/1/trigger')).status, 202);
    const waited = await api.call('POST', '/webhooks/1/trigger?wait=true', {});
    assert.deepEqual([waited.status, waited.body.response_status], [200, 503], 'of its first attempt');
    assert.equal((await api.call('POST', '/webhooks/1/trigger', { event_type: 'run.exploded' })).status, 422);
    assert.equal((await api.call('GET', '/webhooks/1/executions?status=pending&from=2026-11-24')).body.total, 1);
    assert.equal((await api.call('GET', '/webhooks/1/executions?status=lost')).status, 400);
    assert.equal((await api.call('GET', '/webhooks/1/executions/1')).body.event_id, 'msg_1');
    assert.equal((await api.call('POST', '/webhooks/1/executions/1/redeliver')).status, 202);
    assert.deepEqual((await api.call('POST', '/webhooks/1/redeliver', { since: '2026-11-24T05:00:00Z' })).body, {
      count: 3,
    });
    assert.equal((await api.call('POST', '/webhooks/1/redeliver', {})).status, 422);
    const rotated = await api.call('POST', '/webhooks/1/rotate-secret', { overlap_hours: 2 });
    assert.equal(rotated.body.secret, 'whsec_new');
    const call = api.calls.find(({ name }) => name === 'webhooks.rotateSecret');
    assert.deepEqual(call?.arguments, [1, { overlap_hours: 2 }]);
  });

  it('that come in are listed, handed on once more and let go of', async () => {
    assert.equal((await api.call('GET', '/incoming-webhooks')).body.items?.[0]?.name, 'Orders');
    const listed = await api.call('GET', '/incoming-webhooks/deliveries?webhook=a1b2&state=failed&from=2026-11-24');
    assert.equal(listed.body.total, 1);
    assert.equal((await api.call('GET', '/incoming-webhooks/deliveries?state=lost')).status, 400);
    assert.equal((await api.call('POST', '/incoming-webhooks/deliveries/1/redeliver')).status, 202);
    assert.equal((await api.call('POST', '/incoming-webhooks/deliveries/7/redeliver')).status, 404);
    const since = { since: '2026-11-24T05:00:00Z' };
    assert.deepEqual((await api.call('POST', '/incoming-webhooks/redeliver', since)).body, { count: 2 });
    assert.equal((await api.call('POST', '/incoming-webhooks/redeliver', {})).status, 422);
    assert.deepEqual((await api.call('POST', '/incoming-webhooks/discard', { webhook: 'a1b2' })).body, { count: 3 });
    assert.equal((await api.call('POST', '/incoming-webhooks/discard', {})).status, 422);
  });
});
