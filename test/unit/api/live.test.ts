import assert from 'node:assert/strict';
import type { LiveStatus } from '../../../lib/model/stream';
import { jobStatus } from '../../../lib/sync/runs/job-status';
import { toRun } from '../../../lib/sync/runs/run-rows';
import { startApi, type TestApi } from './api-server';

const mapping = {
  connection_id: 1,
  name: 'Line 1',
  entity_type: 'measurement',
  direction: 'import',
  source_entity: 'values',
  target_entity: 'measurement',
  sync_mode: 'live',
  field_mappings: [{ source: 'tag', target: 'tag' }],
  options: { live: { when_full: 'drop_oldest', silence_after_seconds: 60 } },
};
const status: LiveStatus = {
  state: 'connected',
  since: '2026-11-27T12:40:00.000Z',
  error: null,
  received: 5,
  records_per_second: 0.5,
  last_record_at: '2026-11-27T12:41:00.000Z',
  stuck_tags: [],
  backlog: { records: 0, bytes: 0, oldest_at: null },
  dropped: 0,
  alarms: [{ kind: 'silent', count: 1, since: '2026-11-27T12:41:00.000Z' }],
};

describe('API: live values', () => {
  let api: TestApi;
  afterEach(() => api.close());

  it('show in the mapping, and can be written back with it', async () => {
    api = await startApi({ live: { status: () => status } });
    const created = await api.call('POST', '/mappings', mapping);
    assert.equal(created.status, 201, created.text);
    assert.deepEqual(created.body.live, status);
    const path = String(created.headers.location).replace('/integrations', '');
    const read = await api.call('GET', path);
    assert.deepEqual(read.body.live, status);
    assert.deepEqual((await api.call('GET', '/mappings')).body.items?.[0]?.live, status);
    const changed = await api.call('PUT', path, read.body);
    assert.equal(changed.status, 200, changed.text);
  });

  it('are no part of other mappings', async () => {
    api = await startApi({ live: { status: () => status } });
    const { body } = await api.call('POST', '/mappings', { ...mapping, sync_mode: 'full' });
    assert.equal('live' in body, false);
  });

  it('show in the job of the run that is open', async () => {
    const row = {
      id: 3,
      job_id: 'a',
      connection_id: 1,
      mapping_id: 7,
      direction: 'import',
      kind: 'live',
      state: 'running',
      error_said: null,
    };
    const job = jobStatus([
      toRun({ ...row, started_at: new Date(0), ended_at: null, writer_state: null, attempts: 1, updated_at: 0 }),
    ]);
    api = await startApi({
      live: { status: (id) => (id === 7 ? status : null) },
      sync: { status: async () => job },
    });
    assert.deepEqual((await api.call('GET', '/sync/status/a')).body.live, status);
  });

  it('refuse options that make no sense', async () => {
    api = await startApi();
    const wrong = await api.call('POST', '/mappings', { ...mapping, options: { live: { when_full: 'explode' } } });
    assert.equal(wrong.status, 422);
    assert.equal(wrong.body.errors?.[0]?.pointer, '/options/live/when_full');
  });

  it('are found by browsing, with saved values and with unsaved ones', async () => {
    api = await startApi();
    const values = { connector_type: 'generic.database', config: { host: 'h' } };
    await api.call('POST', '/connections', { name: 'line', ...values });
    const found = await api.call('GET', '/connections/1/browse?parent=Line');
    assert.equal(found.status, 200, found.text);
    assert.equal(found.body.items?.[0]?.address, 'Line/speed');
    const unsaved = await api.call('POST', '/connections/browse', values);
    assert.equal(unsaved.body.items?.[0]?.address, '/speed');
    assert.equal((await api.call('GET', '/connections/99/browse')).status, 404);
  });

  it('are read now, with saved values and with unsaved ones, so many at once', async () => {
    const at = '2026-11-27T12:41:00.000Z';
    const readTags = async (_connection: unknown, tags: readonly string[]) =>
      tags.map((tag) => ({ tag, value: 7, quality: 'good' as const, source_timestamp: at, received_at: at }));
    api = await startApi({ live: { readTags } });
    const values = { connector_type: 'generic.database', config: { host: 'h' } };
    await api.call('POST', '/connections', { name: 'line', ...values });
    const asked = (tags: string) => `values?tags=${encodeURIComponent(tags)}`;
    const read = await api.call('GET', `/connections/1/${asked('["a, b","c"]')}`);
    assert.deepEqual(
      read.body.items?.map(({ tag, value }) => [tag, value]),
      [
        ['a, b', 7],
        ['c', 7],
      ],
    );
    assert.equal((await api.call('POST', `/connections/${asked('["c"]')}`, values)).body.items?.[0]?.tag, 'c');
    for (const wrong of ['c', '{}', '[1]', JSON.stringify(Array(101).fill('c'))]) {
      const { status, body } = await api.call('GET', `/connections/1/${asked(wrong)}`);
      assert.deepEqual([status, body.code], [400, 'PCP_QUERY_INVALID'], wrong);
    }
  });

  it('trusts the certificate of a server by its thumbprint, and takes that back', async () => {
    api = await startApi();
    const thumbprint = 'ab'.repeat(20);
    const listed = await api.call('GET', '/certificates');
    assert.equal(listed.body.items?.[0]?.thumbprint, thumbprint, listed.text);
    assert.equal((await api.call('POST', `/certificates/${thumbprint}/trust`, {})).body.state, 'trusted');
    assert.equal((await api.call('POST', `/certificates/${thumbprint}/reject`, {})).body.state, 'rejected');
    const unknown = await api.call('POST', `/certificates/${'cd'.repeat(20)}/trust`, {});
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'PCP_OPCUA_THUMBPRINT']);
    assert.equal((await api.call('POST', '/certificates/..%2Fkey/trust', {})).status, 404);
  });
});
