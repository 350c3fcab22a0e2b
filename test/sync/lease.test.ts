import assert from 'node:assert/strict';
import { StoreClock } from '../../lib/sync/clock';
import { ensureStream, LEASE_MS, Lease } from '../../lib/sync/runs/lease';
import { insertRun } from '../../lib/sync/runs/run-rows';
import { withVirtualTime } from '../support/virtual-time';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const HOURS_2 = 2 * 3_600_000;

for (const kind of storeKinds) {
  describe(`leases when the clock of the host is set: ${kind.name}`, () => {
    let opened: TestStore;
    const realNow = Date.now;
    const leases: Lease[] = [];

    beforeEach(async function () {
      opened = await newStore(kind, this);
    });
    afterEach(async () => {
      Date.now = realNow;
      for (const lease of leases.splice(0)) lease.stop();
      await opened?.dispose();
    });

    const setClock = (byMs: number): void => {
      Date.now = () => realNow() + byMs;
    };

    async function acquire(runId: number): Promise<Lease | null> {
      const { database } = opened.store;
      const lease = await Lease.acquire(
        database,
        '1:import',
        runId,
        async () => true,
        async () => undefined,
      );
      if (lease !== null) leases.push(lease);
      return lease;
    }

    /** As if the owner had stopped giving signs of life. */
    const age = (ms: number) =>
      opened.store.database.execute('UPDATE integration_stream_locks SET lease_until = lease_until - ?', [ms]);

    it('nobody takes a lease that lives', async () => {
      assert.ok(await acquire(1));
      setClock(HOURS_2);
      assert.equal(await acquire(2), null);
      setClock(-HOURS_2);
      assert.equal(await acquire(3), null);
    });

    it('one that was taken by a host whose clock is behind lives as long as any other', async () => {
      setClock(-HOURS_2);
      assert.ok(await acquire(1));
      setClock(0);
      assert.equal(await acquire(2), null);
      await age(LEASE_MS - 15_000);
      assert.equal(await acquire(2), null);
      await age(15_000 + 1);
      const next = await acquire(2);
      assert.equal(next?.fence, 2);
    });

    it('rises above what its run has seen, whatever became of the row of its stream', async () => {
      const { database } = opened.store;
      const run = { jobId: 'j', connectionId: 1, mappingId: 1, mappingVersion: 1, direction: 'import' } as const;
      const runId = await insertRun(database, { ...run, kind: 'sync', full: false, dryRun: false, createdBy: null }, 0);
      await database.execute('UPDATE integration_sync_logs SET fence = 7');
      assert.equal((await acquire(runId))?.fence, 8);
    });

    it('is not renewed once it was stopped, not even by a heartbeat that was on its way', async () => {
      const { database } = opened.store;
      await ensureStream(database, '1:import');
      const beats: (() => void)[] = [];
      const realTimeout = globalThis.setTimeout;
      let answered: () => void = () => undefined;
      globalThis.setTimeout = ((callback: () => void, ms: number) => {
        if (ms !== LEASE_MS / 4) return realTimeout(callback, ms);
        beats.push(callback);
        return realTimeout(() => undefined, 0);
      }) as typeof setTimeout;
      try {
        const slow = Object.create(database, {
          execute: {
            value: () => new Promise((_, reject) => (answered = () => reject(new Error('The store is away.')))),
          },
        }) as typeof database;
        const lease = await Lease.acquire(
          slow,
          '1:import',
          1,
          async () => true,
          async () => undefined,
        );
        beats.pop()!();
        lease!.stop();
        answered();
        await new Promise(setImmediate);
        assert.deepEqual(beats, []);
      } finally {
        globalThis.setTimeout = realTimeout;
      }
    });

    if (kind.name === 'SQLite') return;
    it('the time of the store is right again as soon as it is measured', async () => {
      const clock = await StoreClock.of(opened.store.database);
      setClock(HOURS_2);
      assert.ok(clock.now() - realNow() > HOURS_2 - 10_000);
      await clock.measure();
      assert.ok(Math.abs(clock.now() - realNow()) < 10_000);
    });
  });
}

describe('a lease whose store hangs', () => {
  let opened: TestStore;

  beforeEach(async function () {
    opened = await newStore(storeKinds[0]!, this);
  });
  afterEach(() => opened?.dispose());
  withVirtualTime();

  it('is given up by itself before another worker can have it', async () => {
    const { database } = opened.store;
    await ensureStream(database, '1:import');
    const hanging = Object.create(database, { execute: { value: () => new Promise(() => undefined) } });
    const work = async () => true;
    const beat = async () => undefined;
    const { lost } = (await Lease.acquire(hanging as typeof database, '1:import', 1, work, beat))!;
    await new Promise((resolve) => lost.signal.addEventListener('abort', resolve));
    assert.equal((lost.signal.reason as { code: string }).code, 'PCP_LEASE_ENDING');
  });
});
