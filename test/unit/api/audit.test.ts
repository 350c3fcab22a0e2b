import assert from 'node:assert/strict';
import type { AuditEntry, AuditEvent } from '../../../lib/model/audit';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';
import { webhook } from './sample-rows';
import { standInWebhooks } from './stand-in-webhooks';

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
    for (const wrong of ['outcome=written', 'attempt=', 'order=asc']) {
      assert.equal((await api.call('GET', `/audit?${wrong}`)).status, 400, wrong);
    }
  });

  const recorded = () =>
    api.calls
      .filter(({ name }) => name === 'audit.append')
      .flatMap(({ arguments: [events] }) => events as AuditEvent[]);

  it('has what was changed, and that a secret was, but not which', async () => {
    const connection = { name: 'old', connector_type: 'generic.database', config: { host: 'h', port: 1 } };
    await api.call('POST', '/connections', { ...connection, credentials: { password: 'canary-1' } });
    const changed = {
      ...connection,
      name: 'new',
      config: { host: 'h', port: 2 },
      credentials: { password: 'canary-2' },
    };
    await api.call('PUT', '/connections/1', changed);
    await api.call('PUT', '/connections/1', { ...changed, connector_type: 'no.such' });
    await api.call('DELETE', '/connections/1');
    await api.call('POST', '/sync/1', { full: true });
    await api.call('POST', '/webhooks/1/rotate-secret', {});
    const events = recorded();
    assert.ok(!/canary|whsec/.test(JSON.stringify(events)));
    const details = events.map((event) => event.details as Record<'before' | 'after', Record<string, unknown>>);
    const [, created, , updated, , , , removed] = details;
    assert.equal(created?.after.name, 'old');
    assert.deepEqual(events[0]?.details, { given: ['password'] });
    assert.ok(updated);
    const { before, after } = updated;
    assert.deepEqual(
      [before.name, after.name, before.config, after.config],
      ['old', 'new', connection.config, changed.config],
    );
    assert.ok(!('connector_type' in after), 'only what differs');
    assert.deepEqual(
      events.slice(4, 6).map(({ outcome }) => outcome),
      ['begun', 'refused'],
    );
    assert.equal(removed?.before.name, 'new');
    assert.deepEqual(events.map(({ connection_id }) => connection_id).slice(0, 8), [null, 1, 1, 1, 1, 1, 1, 1]);
    const started = events.find(({ action }) => action === 'startSync');
    assert.deepEqual([started?.details, started?.subject], [{ asked: { full: true } }, '/sync/1']);
    for (const pair of Map.groupBy(events, ({ attempt }) => attempt).values()) assert.equal(pair.length, 2);
  });

  it('has no keys that stand in addresses, neither the new nor the old ones', async () => {
    await api.close();
    const old = { ...webhook(), url: 'https://plant.example/hook?code=canary-old' };
    const { webhooks } = standInWebhooks();
    api = await startApi({ webhooks: { ...webhooks, get: async () => old } });
    const changed = { name: 'w', url: 'https://plant.example/hook?code=canary-new', event_type: '*' };
    await api.call('PUT', '/webhooks/1', changed);
    await api.call('DELETE', '/webhooks/1');
    const told = JSON.stringify(recorded());
    assert.ok(!told.includes('canary'), told);
    assert.match(told, /plant\.example\/hook\?code=/);
  });

  it('has nothing of what is sealed in the store', async () => {
    const letter = await api.call('GET', '/sync/dead-letters/1');
    await api.call('PUT', '/sync/dead-letters/1', { payload: letter.body.payload });
    assert.deepEqual(
      recorded().map(({ action, details }) => [action, details]),
      [
        ['editDeadLetter', {}],
        ['editDeadLetter', { status: 200 }],
      ],
    );
  });

  it('has of records, which may be about persons, nothing but the names of members', async () => {
    const record = { order_number: 'canary-1', quantity: '1' };
    await api.call('POST', '/entities/production_order/records', record);
    await api.call('PUT', '/entities/production_order/records/1', { ...record, quantity: '2' });
    await api.call('POST', '/webhooks/1/trigger', { data: { operator: 'canary-2' } });
    const events = recorded();
    assert.ok(!JSON.stringify(events).includes('canary'), JSON.stringify(events));
    const told = events.filter(({ outcome }) => outcome !== 'begun').map(({ details }) => details);
    assert.match(JSON.stringify(told[0]?.changed), /order_number/);
    assert.deepEqual(events.find(({ action }) => action === 'triggerWebhook')?.details, { asked: ['data'] });
  });

  it('is a condition: what cannot be put on record is not done', async () => {
    await api.close();
    const away = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'The store is away.');
    api = await startApi({ audit: { append: () => Promise.reject(away) } });
    const connection = { name: 'x', connector_type: 'generic.database', config: { host: 'h' } };
    assert.equal((await api.call('POST', '/connections', connection)).status, 503);
    assert.ok(api.calls.every(({ name }) => name !== 'connections.create'));
  });

  it('can be verified, and not be changed', async () => {
    assert.equal((await api.call('GET', '/audit/verification')).body.broken_at, null);
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await api.call(method, '/audit', {})).status, 405);
  });
});
