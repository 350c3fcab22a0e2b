import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { startApi, type TestApi } from './api-server';
import { health, job } from './sample-rows';
import { type Overrides, standInHub } from './stand-in-hub';

describe('API: synchronisation', () => {
  let api: TestApi;
  const start = async (overrides: Overrides = {}) => {
    api = await startApi(overrides);
    for (const name of ['one', 'two', 'three', 'four']) {
      await api.call('POST', '/connections', { name, connector_type: 'generic.database', config: { host: 'h' } });
    }
  };
  const restart = async (overrides: Overrides) => {
    await api.close();
    await start(overrides);
  };
  beforeEach(() => start());
  afterEach(() => api.close());
  const last = (name: string) => api.calls.findLast((call) => call.name === name)?.arguments;

  it('starts a job and tells where its status is', async () => {
    const started = await api.call('POST', '/sync/3', {
      mapping_id: 7,
      direction: 'import',
      full: true,
      dry_run: false,
    });
    assert.equal(started.status, 202);
    assert.equal(started.body.job_id, 'job-1');
    assert.equal(started.headers.location, '/integrations/sync/status/job-1');
    const request = { mapping_id: 7, direction: 'import', full: true, dry_run: false, trigger: 'api' };
    assert.deepEqual(last('sync.start'), [3, request]);
    assert.equal((await api.call('POST', '/sync/3')).status, 202);
    assert.deepEqual(last('sync.start'), [3, { trigger: 'api' }]);
    const status = await api.call('GET', '/sync/status/job-1');
    assert.equal(status.status, 200);
    assert.equal((await api.call('GET', '/sync/status/none')).status, 404);
    assert.equal((await api.call('POST', '/sync/status/job-1/cancel')).status, 202);
  });

  it('asks for a run behind the one that is active', async () => {
    await api.call('POST', '/sync/3?overlap=queue', { full: true });
    assert.deepEqual(last('sync.start'), [3, { full: true, overlap: 'queue', trigger: 'api' }]);
    await api.call('POST', '/sync/3');
    assert.deepEqual(last('sync.start'), [3, { trigger: 'api' }]);
    assert.equal((await api.call('POST', '/sync/3?overlap=queue_all')).status, 400);
    assert.equal((await api.call('POST', '/sync/3', { overlap: 'queue' })).status, 422);
  });

  it('refuses a request that is not one', async () => {
    for (const body of [{ mapping_id: '7' }, { direction: 'both' }, { created_by: 'x' }, { full: 1 }]) {
      assert.equal((await api.call('POST', '/sync/3', body)).status, 422, JSON.stringify(body));
    }
    assert.equal((await api.call('POST', '/sync/abc')).status, 404);
    assert.equal((await api.call('GET', '/sync/3')).status, 405);
  });

  it('tells states that do not allow it from values that are wrong', async () => {
    const cases: [IntegrationError, number][] = [
      [new IntegrationError('conflict', 'PCP_RUN_ACTIVE', 'Run 5 is active.'), 409],
      [new IntegrationError('config', 'PCP_CONNECTION_INACTIVE', 'It is not active.'), 409],
      [new IntegrationError('config', 'PCP_NO_MAPPING', 'It has no mapping.'), 422],
      [new IntegrationError('config', 'PCP_MAPPING_INACTIVE', 'It is not active.'), 409],
      [new IntegrationError('transient', 'PCP_STORE_BUSY', 'The store is busy.', { retryAfterMs: 2500 }), 503],
    ];
    for (const [error, status] of cases) {
      await restart({
        sync: {
          start: async () => {
            throw error;
          },
        },
      });
      const reply = await api.call('POST', '/sync/3');
      assert.equal(reply.status, status, error.code);
      assert.equal(reply.body.code, error.code);
      if (status === 503) assert.equal(reply.headers['retry-after'], '3');
    }
  });

  it('tells a connection that is missing from a mapping that is', async () => {
    await restart({
      sync: {
        start: async () => {
          throw new IntegrationError('data', 'PCP_NOT_FOUND', 'There is no mapping 7.');
        },
      },
    });
    const mapping = await api.call('POST', '/sync/3', { mapping_id: 7 });
    assert.equal(mapping.status, 422);
    assert.equal(mapping.body.errors?.[0]?.pointer, '/mapping_id');
    assert.equal((await api.call('POST', '/sync/99', { mapping_id: 7 })).status, 404);
  });

  it('lists runs by column and time', async () => {
    const reply = await api.call(
      'GET',
      '/sync/logs?connection_id=1&status=error&error_class=data&from=2026-11-01&to=2026-11-24T05:00:00%2B02:00',
    );
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(last('sync.logs'), [
      {
        ...{ connection_id: 1, status: 'error', error_class: 'data' },
        ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-11-24T03:00:00.000Z' },
      },
    ]);
    for (const query of ['from=yesterday', 'from=2026-02-30', 'status=failed', 'connection_id=x', 'order=asc']) {
      assert.equal((await api.call('GET', `/sync/logs?${query}`)).status, 400, query);
    }
    assert.equal((await api.call('GET', '/sync/logs/1')).status, 200);
    assert.equal((await api.call('GET', '/sync/logs/2')).status, 404);
  });

  it('blames the query for a cursor that is not one', async () => {
    await restart({
      sync: {
        logs: async () => {
          throw new IntegrationError('data', 'PCP_CURSOR_INVALID', 'Not a cursor of this list.', { path: '/cursor' });
        },
      },
    });
    const reply = await api.call('GET', '/sync/logs?cursor=abc');
    assert.equal(reply.status, 400);
    assert.equal(reply.body.errors?.[0]?.parameter, 'cursor');
  });

  it('shows, corrects, replays and discards dead letters', async () => {
    const list = await api.call('GET', '/sync/dead-letters?state=open&mapping_id=7&group=g1&limit=5');
    assert.equal(list.status, 200, list.text);
    assert.deepEqual(last('sync.deadLetters'), [{ mapping_id: 7, state: 'open', group: 'g1', limit: 5 }]);
    assert.equal((await api.call('GET', '/sync/dead-letters?state=gone')).status, 400);
    const narrow = 'code=PCP_VALUE_TYPE&error_class=data&field=start&from=2026-11-01&to=2026-11-02';
    assert.equal((await api.call('GET', `/sync/dead-letters?${narrow}`)).status, 200);
    assert.deepEqual(last('sync.deadLetters'), [
      {
        ...{ code: 'PCP_VALUE_TYPE', error_class: 'data', field: 'start' },
        ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-11-02T00:00:00.000Z' },
      },
    ]);
    const groups = await api.call('GET', '/sync/dead-letters/groups?connection_id=1');
    assert.equal(groups.body.items?.[0]?.count, 2);
    assert.equal((await api.call('GET', '/sync/dead-letters/1')).status, 200);
    assert.equal((await api.call('GET', '/sync/dead-letters/2')).status, 404);
    const { etag } = (await api.call('GET', '/sync/dead-letters/1')).headers;
    const correction = { payload: { start: '2026-02-27' } };
    const stale = await api.call('PUT', '/sync/dead-letters/1', correction, { 'If-Match': '"old"' });
    assert.equal(stale.status, 412);
    const edited = await api.call('PUT', '/sync/dead-letters/1', correction, { 'If-Match': String(etag) });
    assert.notEqual(edited.headers.etag, etag);
    const seen = (await api.call('GET', '/sync/dead-letters/1')).body.last_at;
    assert.equal(last('sync.editDeadLetter')?.[2], seen, 'it must be the same when it is written');
    assert.deepEqual(edited.body.payload, { start: '2026-02-27' });
    assert.equal((await api.call('PUT', '/sync/dead-letters/1', { payload: 'x' })).status, 422);
    const replay = await api.call('POST', '/sync/dead-letters/replay', { ids: [1] });
    assert.equal(replay.status, 202);
    assert.equal(replay.headers.location, '/integrations/sync/status/job-1');
    await api.call('POST', '/sync/dead-letters/replay', { mapping_id: 7, mode: 'refetch' });
    assert.deepEqual(last('sync.replay'), [{ mapping_id: 7, mode: 'refetch' }]);
    const wrong = [{}, { ids: [] }, { ids: ['1'] }, { all: true }, { mode: 'stored' }, { ids: [1], mode: 'auto' }];
    for (const body of wrong) {
      assert.equal((await api.call('POST', '/sync/dead-letters/replay', body)).status, 422, JSON.stringify(body));
    }
    const nothing = await api.call('POST', '/sync/dead-letters/replay', {});
    const oneOf = { pointer: '', detail: 'needs one of ids, group, mapping_id, sync_log_id' };
    assert.deepEqual(nothing.body.errors, [oneOf]);
    assert.equal((await api.call('POST', '/sync/dead-letters/replay')).status, 400);
    assert.equal((await api.call('POST', '/sync/dead-letters/1/discard', { note: 'Test.' })).body.note, 'Test.');
    assert.equal((await api.call('POST', '/sync/dead-letters/1/discard')).body.note, null);
  });

  it('says when nothing is left to replay', async () => {
    const missing = async () => {
      throw new IntegrationError('data', 'PCP_NOT_FOUND', 'No open dead letter matches the selection.');
    };
    for (const replay of [async () => [], missing]) {
      await restart({ sync: { replay } });
      const reply = await api.call('POST', '/sync/dead-letters/replay', { group: 'g1' });
      assert.equal(reply.status, 409);
      assert.equal(reply.body.code, 'PCP_NOTHING_TO_REPLAY');
    }
  });

  it('remembers an answer by its Idempotency-Key', async () => {
    let starts = 0;
    let fail = true;
    await restart({
      sync: {
        start: async (id) => {
          starts += 1;
          if (fail) throw new IntegrationError('conflict', 'PCP_RUN_ACTIVE', 'A run is active.');
          return { ...job(id), job_id: `job-${starts}` };
        },
      },
    });
    const key = { 'Idempotency-Key': 'b2b9b1c0-1' };
    assert.equal((await api.call('POST', '/sync/3', {}, key)).status, 409);
    fail = false;
    const first = await api.call('POST', '/sync/3', {}, key);
    const again = await api.call('POST', '/sync/3', {}, key);
    assert.equal(again.status, 202);
    assert.equal(again.text, first.text);
    assert.equal(again.headers.location, first.headers.location);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(starts, 2);
    const other = await api.call('POST', '/sync/3', { full: true }, key);
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'PCP_IDEMPOTENCY_MISMATCH');
    assert.equal((await api.call('POST', '/sync/4', {}, key)).body.job_id, 'job-3');
    assert.equal((await api.call('POST', '/sync/3', {}, { 'Idempotency-Key': 'a b' })).status, 400);
    assert.equal((await api.call('POST', '/sync/3', {}, { 'Idempotency-Key': 'x'.repeat(256) })).status, 400);
  });

  it('refuses the repeat of a request that still runs', async () => {
    let enter = () => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await restart({
      sync: {
        start: async (id) => {
          enter();
          await gate;
          return job(id);
        },
      },
    });
    const key = { 'Idempotency-Key': 'k' };
    const first = api.call('POST', '/sync/3', {}, key);
    await entered;
    const second = await api.call('POST', '/sync/3', {}, key);
    assert.equal(second.status, 409);
    assert.equal(second.body.code, 'PCP_IDEMPOTENCY_IN_PROGRESS');
    release();
    assert.equal((await first).status, 202);
  });
});

describe('API: the hub itself', () => {
  it('tells its health, also when the store is lost', async () => {
    const api = await startApi();
    assert.equal((await api.call('GET', '/health')).body.status, 'ok');
    await api.close();
    const store = { dialect: 'sqlite', ok: false, error: 'disk full' };
    const broken = await startApi({ health: async () => ({ ...health(), status: 'degraded', store }) });
    const reply = await broken.call('GET', '/health');
    assert.equal(reply.status, 503);
    assert.equal(reply.body.status, 'degraded');
    await broken.close();
  });

  it('answers 503 while it cannot start, and works once it can', async () => {
    let ready = false;
    const { hub } = standInHub();
    const start = async () => {
      if (ready) return hub;
      throw new IntegrationError('config', 'PCP_STORE_NEWER', 'The store is newer than this package.');
    };
    const api = await startApi({}, { hub: start });
    const refused = await api.call('GET', '/connections');
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'PCP_STORE_NEWER');
    assert.ok(refused.headers['retry-after']);
    ready = true;
    assert.equal((await api.call('GET', '/connections')).status, 200);
    await api.close();
  });

  it('gives nothing of its inside away', async () => {
    const faults: unknown[] = [];
    const fail = async () => {
      throw new TypeError('cannot read /home/secret/path of undefined');
    };
    const api = await startApi(
      { connections: { list: fail } },
      { onError: (error, instance) => faults.push(error, instance) },
    );
    const reply = await api.call('GET', '/connections');
    assert.equal(reply.status, 500);
    assert.equal(reply.body.code, 'PCP_INTERNAL');
    assert.ok(!/secret|stack|TypeError|\.js/.test(reply.text));
    assert.equal(reply.body.instance, faults[1]);
    assert.ok(faults[0] instanceof TypeError);
    await api.close();
  });

  it('says that the store is away when a driver says so', async () => {
    const parent = Object.assign(new Error('database or disk is full'), { errcode: 13 });
    const errors = [
      Object.assign(new Error('full'), { name: 'SequelizeDatabaseError', parent }),
      Object.assign(new Error('refused'), { name: 'SequelizeConnectionRefusedError' }),
    ];
    for (const error of errors) {
      const api = await startApi({
        mappings: {
          list: async () => {
            throw error;
          },
        },
      });
      const reply = await api.call('GET', '/mappings');
      assert.equal(reply.status, 503, error.name);
      assert.equal(reply.body.code, 'PCP_STORE_UNAVAILABLE');
      await api.close();
    }
  });
});
