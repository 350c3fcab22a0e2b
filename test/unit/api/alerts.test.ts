import assert from 'node:assert/strict';
import { startApi, type TestApi } from './api-server';

describe('API: alerts', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const asked = (name: string) => api.calls.filter((call) => call.name === name).at(-1)?.arguments;

  it('are listed by column and time, in words of the language asked for', async () => {
    const query = 'state=open&kind=dead_letters&severity=warning&rule_id=3&mapping_id=7&from=2026-11-01&limit=5';
    const english = await api.call('GET', `/alerts?${query}`);
    assert.equal(english.status, 200, english.text);
    assert.deepEqual(asked('alerts.list'), [
      {
        ...{ state: 'open', kind: 'dead_letters', severity: 'warning', rule_id: 3, mapping_id: 7 },
        ...{ from: '2026-11-01T00:00:00.000Z', limit: 5 },
      },
    ]);
    const [item] = english.body.items ?? [];
    assert.equal(item?.message, '"Orders" (ERP): 4 records wait for a correction or a decision.');
    const portuguese = await api.call('GET', '/alerts/12', undefined, { 'Accept-Language': 'pt-BR' });
    assert.equal(portuguese.body.title, 'Há registros rejeitados em aberto');
    assert.equal(portuguese.body.message, '"Orders" (ERP): 4 registros esperam por uma correção ou decisão.');
    for (const wrong of ['state=on', 'kind=x', 'severity=low', 'order=asc']) {
      assert.equal((await api.call('GET', `/alerts?${wrong}`)).status, 400, wrong);
    }
  });

  it('are acknowledged, with a note or without', async () => {
    const reply = await api.call('POST', '/alerts/12/acknowledge', { note: 'called the supplier' });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual([reply.body.state, reply.body.note], ['acknowledged', 'called the supplier']);
    assert.equal((await api.call('POST', '/alerts/12/acknowledge')).status, 200);
    assert.deepEqual(asked('alerts.acknowledge'), [12, null, undefined]);
    assert.equal((await api.call('POST', '/alerts/13/acknowledge')).status, 404);
    assert.equal((await api.call('POST', '/alerts/12/acknowledge', { who: 'me' })).status, 422);
  });

  it('have rules, which are created, changed as they were seen, and refused to be deleted', async () => {
    const list = await api.call('GET', '/alerts/rules?is_active=true', undefined, { 'Accept-Language': 'pt-BR' });
    assert.equal(list.body.items?.[0]?.title, 'Execuções falham');
    const input = { kind: 'data_delay', name: 'Orders', mapping_id: 7, threshold: 900, repeat_seconds: null };
    const created = await api.call('POST', '/alerts/rules', input);
    assert.equal(created.status, 201, created.text);
    assert.deepEqual([created.headers.location, created.body.title], ['/integrations/alerts/rules/9', 'Orders']);
    const stale = await api.call('PUT', '/alerts/rules/1', { kind: 'sync_failure' }, { 'If-Match': '"7"' });
    assert.equal(stale.status, 412);
    const off = await api.call('PUT', '/alerts/rules/1', { kind: 'sync_failure', is_active: false });
    assert.deepEqual([off.body.is_active, String(off.headers.etag).slice(0, 3)], [false, '"2.']);
    assert.equal((await api.call('DELETE', '/alerts/rules/1')).status, 409);
    for (const wrong of [{}, { kind: 'x' }, { kind: 'data_delay', threshold: -1 }, { kind: 'data_delay', id: 3 }]) {
      assert.equal((await api.call('POST', '/alerts/rules', wrong)).status, 422, JSON.stringify(wrong));
    }
  });
});

describe('API: metrics', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  it('are text for Prometheus', async () => {
    const reply = await api.call('GET', '/metrics');
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(reply.text, 'integration_breaker_state{connection="1"} 0\n');
    assert.equal((await api.call('HEAD', '/metrics')).text, '');
  });

  it('are summed up for a period', async () => {
    const reply = await api.call('GET', '/metrics/summary?by=mapping&period=hour&connection_id=3&from=2026-11-24');
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(api.calls.at(-1)?.arguments, [
      { connection_id: 3, by: 'mapping', period: 'hour', from: '2026-11-24T00:00:00.000Z' },
    ]);
    for (const wrong of ['by=entity', 'period=week', 'x=1']) {
      assert.equal((await api.call('GET', `/metrics/summary?${wrong}`)).status, 400, wrong);
    }
  });
});
