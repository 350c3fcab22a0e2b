import assert from 'node:assert/strict';
import { startApi, type TestApi } from './api-server';

const connection = { name: 'ERP', connector_type: 'generic.database', config: { host: 'db.example' } };
const mapping = {
  connection_id: 1,
  name: 'Orders',
  entity_type: 'production_order',
  direction: 'import',
  source_entity: 'orders',
  target_entity: 'production_order',
  field_mappings: [{ source: 'AUFNR', target: 'order_number' }],
};

describe('API: schedules', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const hours = (runs: unknown) => (runs as string[]).map((run) => new Date(run).toISOString().slice(11, 16));

  it('connections and mappings say when they run next', async () => {
    const created = await api.call('POST', '/connections', {
      ...connection,
      schedule: '0 6 * * *',
      timezone: 'America/Sao_Paulo',
    });
    assert.equal(created.status, 201, created.text);
    const { id } = created.body;
    assert.deepEqual(hours(created.body.next_runs), ['09:00', '09:00', '09:00']);
    const own = await api.call('POST', '/mappings', {
      ...mapping,
      connection_id: id,
      schedule: '30 12 * * *',
      schedule_options: { timezone: 'Asia/Kathmandu', overlap: 'queue_one' },
    });
    assert.deepEqual(hours(own.body.next_runs), ['06:45', '06:45', '06:45']);
    const { body } = await api.call('GET', `/connections/${id}`);
    const paused = await api.call('PUT', `/connections/${id}`, { ...body, is_active: false });
    assert.equal(paused.status, 200, paused.text);
    assert.deepEqual(paused.body.next_runs, []);
    const { items } = (await api.call('GET', '/mappings')).body;
    assert.deepEqual((items ?? []).at(-1)?.next_runs, []);
  });

  it('options are refused by their place', async () => {
    const wrong: [object, string][] = [
      [{ overlap: 'allow_all' }, '/schedule_options/overlap'],
      [{ jitter_seconds: 7200 }, '/schedule_options/jitter_seconds'],
      [{ retries: 3 }, '/schedule_options/retries'],
      [{ blackouts: [{ from: '6:00', to: '07:00' }] }, '/schedule_options/blackouts/0/from'],
      [{ blackouts: [{ from: '06:00', to: '07:00', days: ['fr'] }] }, '/schedule_options/blackouts/0/days/0'],
    ];
    for (const [schedule_options, pointer] of wrong) {
      const answer = await api.call('POST', '/connections', { ...connection, schedule_options });
      assert.equal(answer.status, 422, pointer);
      assert.equal(answer.body.errors?.[0]?.pointer, pointer);
    }
  });

  it('what is typed is told its due times, or what is wrong with it, in the language asked for', async () => {
    const next = (query: Record<string, string>, language = 'en-US') =>
      api.call('GET', `/schedules/next?${new URLSearchParams(query)}`, undefined, { 'Accept-Language': language });
    const right = await next({ schedule: '15 10 * * *', timezone: 'Asia/Kathmandu' });
    assert.deepEqual(hours(right.body.next_runs), ['04:30', '04:30', '04:30']);
    const wrong = await next({ schedule: '61 * * * *' }, 'pt-BR');
    assert.equal(wrong.status, 422);
    assert.equal(wrong.body.code, 'PCP_SCHEDULE_INVALID');
    assert.equal(wrong.body.title, 'A agenda não é uma expressão cron');
    const zone = await next({ schedule: '0 6 * * *', timezone: 'Mars/X' });
    assert.equal(zone.body.code, 'PCP_TIMEZONE_UNKNOWN');
    assert.equal((await next({})).status, 422);
  });
});
