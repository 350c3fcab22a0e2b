import assert from 'node:assert/strict';
import type { Quota } from '../../../lib/protocols/http/request-gate';
import { SharedRequestLimits } from '../../../lib/sync/http/request-limits';
import { newStore, storeKinds, type TestStore } from '../store/stores';

for (const kind of storeKinds) {
  describe(`what an API says about its caller, on ${kind.name}`, () => {
    let place: TestStore;

    beforeEach(async function () {
      place = await newStore(kind, this);
    });

    afterEach(() => place?.dispose());

    async function told(work: (limits: ReturnType<SharedRequestLimits['of']>) => void) {
      const { database } = place.store;
      const shared = new SharedRequestLimits(database, (_level, message) => assert.fail(message));
      work(shared.of(1, { perSecond: undefined, atOnce: 1 }));
      await shared.close();
      const [row] = await database.query('SELECT * FROM integration_request_limits WHERE connection_id = 1');
      return row;
    }

    it('is kept with since when, and from what on, a quota goes down', async () => {
      const heard = async (quota: Quota) => {
        const row = await told((limits) => limits.quota(quota));
        return [row?.quota, row?.quota_first, row?.quota_remaining].map(Number);
      };
      const resetAt = new Date(Date.now() + 600_000).toISOString();
      assert.deepEqual(await heard({ limit: 100, remaining: 80, resetAt }), [100, 80, 80]);
      assert.deepEqual(await heard({ limit: 100, remaining: 70, resetAt }), [100, 80, 70]);
      // It was said before of how much.
      assert.deepEqual(await heard({ remaining: 60, resetAt }), [100, 80, 60]);
      assert.deepEqual(await heard({ limit: 100, remaining: 99, resetAt: new Date(0).toISOString() }), [100, 99, 99]);
      assert.deepEqual(await heard({ limit: 100, remaining: 90, resetAt }), [100, 90, 90]);
      assert.deepEqual(await heard({ limit: 5000, remaining: 80 }), [5000, 80, 80]);
    });

    it('is kept with the pause that it wants, the longest of them', async () => {
      const paused = async (...pauses: number[]) => {
        const row = await told((limits) => {
          for (const ms of pauses) limits.pause(ms);
        });
        return Number(row?.paused_until);
      };
      const first = await paused(600_000);
      assert.ok(first > Date.now());
      assert.equal(await paused(1000), first);
      assert.ok((await paused(900_000)) > first);
    });
  });
}
