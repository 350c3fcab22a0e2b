import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { IntegrationError } from '../../lib/model/errors';
import type { Hub } from '../../lib/model/services';
import { RequestGate } from '../../lib/protocols/http/request-gate';
import { SharedRequestLimits } from '../../lib/sync/http/request-limits';
import { jobWhen, openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const live = new AbortController().signal;
const DAY_MS = 86_400_000;
const ID = 9_401;

for (const kind of storeKinds) {
  describe(`requests of a day, on ${kind.name}`, () => {
    let place: TestStore;
    beforeEach(async function () {
      place = await newStore(kind, this);
    });
    afterEach(() => place?.dispose());

    const processOf = (perDay: number) => {
      const shared = new SharedRequestLimits(place.store.database, () => undefined);
      const gate = new RequestGate(shared.of(ID, { perSecond: undefined, atOnce: 100, perDay }));
      return { shared, gate };
    };
    /** Sends until it is refused. */
    const spend = async (gate: RequestGate, isUnattended: boolean, most = Number.POSITIVE_INFINITY) => {
      let sent = 0;
      for (; sent < most; sent++) {
        try {
          const pass = gate.enterNow(isUnattended) ?? (await gate.enter(live, isUnattended));
          pass.answered();
          pass.leave();
        } catch (error) {
          const { class: errorClass, code, retryAfterMs = 0 } = error as IntegrationError;
          assert.deepEqual([errorClass, code], ['rate_limit', 'PCP_HTTP_BUDGET']);
          assert.ok(retryAfterMs > 0 && retryAfterMs <= DAY_MS);
          break;
        }
      }
      return sent;
    };
    const row = async () =>
      (await place.store.database.query('SELECT * FROM integration_request_limits WHERE connection_id = ?', [ID]))[0];

    it('are shared by all processes, the last tenth only by what is waited for', async () => {
      const [one, other] = [processOf(200), processOf(200)];
      const parts = await Promise.all([spend(one.gate, true), spend(other.gate, true)]);
      assert.equal(parts[0]! + parts[1]!, 180);
      assert.equal(await spend(other.gate, true), 0);
      const urgent = await Promise.all([spend(one.gate, false), spend(other.gate, false)]);
      assert.equal(urgent[0]! + urgent[1]!, 20);
      await Promise.all([one.shared.close(), other.shared.close()]);
      const { quota, quota_remaining, quota_reset_at } = (await row()) ?? {};
      assert.deepEqual([Number(quota), Number(quota_remaining)], [200, 0]);
      assert.equal(Math.round(Number(quota_reset_at) / 60_000) % (24 * 60), 0, 'the day ends at midnight');
    });

    it('begin anew with each day, and what a process took and did not spend is there for others', async () => {
      const one = processOf(1000);
      assert.equal(await spend(one.gate, true, 60), 60);
      assert.ok(Number((await row())?.budget_used) > 60, 'some at once');
      await one.shared.close();
      assert.equal(Number((await row())?.budget_used), 60);
      const yesterday = 'UPDATE integration_request_limits SET budget_day = budget_day - 1, budget_used = 1000';
      await place.store.database.execute(yesterday);
      const other = processOf(1000);
      assert.equal(await spend(other.gate, false), 1000);
      await other.shared.close();
    });

    it('are told where the other side allows more, and not where it allows less', async () => {
      const { shared, gate } = processOf(100);
      await spend(gate, false, 60);
      gate.quota({ limit: 1000, remaining: 900 });
      await shared.close();
      assert.equal(Number((await row())?.quota), 100);
      const other = processOf(100);
      await spend(other.gate, false, 1);
      other.gate.quota({ limit: 1000, remaining: 20, resetAt: new Date(Date.now() + DAY_MS).toISOString() });
      await other.shared.close();
      assert.deepEqual([Number((await row())?.quota), Number((await row())?.quota_remaining)], [1000, 20]);
    });
  });
}

describe('a quota that is nearly used up', () => {
  const api = new TestApi();
  let hub: Hub;
  let remove: () => Promise<void>;
  before(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    await api.start();
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await api.stop();
    await remove?.();
  });

  it('is left to what people start: other runs wait for its end, and the connection goes on', async () => {
    const entities = { materials: { path: '/materials', items: '/data', key: ['id'], paging: { type: 'none' } } };
    const { id } = await hub.connections.create({
      ...{ name: 'api', connector_type: 'generic.rest', config: { base_url: api.url, entities } },
    });
    await hub.mappings.create({
      ...{ connection_id: id, name: 'materials', entity_type: 'material', direction: 'import' },
      ...{ source_entity: 'materials', target_entity: 'material' },
      field_mappings: [{ source: 'id', target: 'material' }],
    });
    const headers = { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '50', 'x-ratelimit-reset': '3000' };
    api.handler = () => ({
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"data":[{"id":"M1"}]}',
    });
    assert.equal((await runToEnd(hub, id, { trigger: 'schedule' })).status, 'success', 'nothing is known of it yet');
    const { job_id } = await hub.sync.start(id, { trigger: 'schedule' });
    const waiting = await jobWhen(hub, job_id, ({ logs }) => logs[0]?.details.state === 'waiting_quota');
    assert.equal(waiting.logs[0]?.details.error_code, 'PCP_HTTP_RESERVED');
    assert.equal((await hub.sync.paused([await hub.connections.get(id)])).size, 0);
    await hub.sync.cancel(job_id);
    assert.equal((await runToEnd(hub, id, { trigger: 'api' })).status, 'success');
    assert.deepEqual(await alertsAbout(id), [
      ['critical', 95, { limit: 1000, remaining: 50 }],
      ['warning', 95, { limit: 1000, remaining: 50 }],
    ]);
  });

  /** What people are told, once both rules have looked at what the answers said. */
  async function alertsAbout(connectionId: number): Promise<unknown[]> {
    const { items: rules } = await hub.alerts.rules.list({ kind: 'api_limit' });
    for (;;) {
      // To change a rule makes it look at once.
      for (const { id } of rules) await hub.alerts.rules.update(id, { kind: 'api_limit', for_seconds: 0 });
      const { items } = await hub.alerts.list({ connection_id: connectionId, state: 'open' });
      if (items.length === rules.length) {
        return items
          .map(({ severity, value, details: { limit, remaining } }) => [severity, value, { limit, remaining }])
          .sort();
      }
      await delay(100);
    }
  }
});
