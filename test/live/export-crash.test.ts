import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../../demo/random';
import type { SyncLog } from '../../lib/model/sync';
import { openStore } from '../../lib/store/store';
import { openHub, temporaryDirectory } from '../support/hub';
import { OrderExport } from '../support/order-export';
import { StrictApi } from '../support/strict-api';
import { NodeRed } from './node-red-process';

/** Kills per target. */
const KILLS = Math.ceil(Number(process.env.PCP_TEST_KILLS ?? 8) / 40);
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);
const NEW_ORDERS = 200;
/** Where nothing can be found out, no answer may get lost but by a kill, however slow the machine is. */
const LONGEST_MS = 600_000;

describe(`kill -9 of Node-RED in an export to an API (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, KILLS * 30_000));
  const random = new SeededRandom(SEED);
  let api: StrictApi;
  let directory: string;
  let remove: () => Promise<void>;
  let nodeRed: NodeRed | undefined;

  beforeEach(async () => {
    api = await StrictApi.start();
    ({ path: directory, remove } = await temporaryDirectory());
  });
  afterEach(async () => {
    await nodeRed?.remove();
    nodeRed = undefined;
    await remove?.();
    await api?.stop();
  });

  /** Starts in the user directory of the one before, if there was one. */
  async function start(): Promise<NodeRed> {
    nodeRed = await NodeRed.start({
      ...(nodeRed ? { userDir: nodeRed.userDir } : { flows: [] }),
      environment: { INTEGRATIONS_DIRECTORY: directory },
    });
    return nodeRed;
  }

  /**
   * Exports all that is new, killing Node-RED up to so often.
   * @param lost gets the orders that were in hand then, or had been given up
   * @returns how often it was killed
   */
  async function torture(orders: OrderExport, most: number, lost: Set<string>): Promise<number> {
    const { connectionId, mappingId } = orders;
    let running = await start();
    const newest = async () =>
      (await running.json<{ items: SyncLog[] }>('GET', `/integrations/sync/logs?mapping_id=${mappingId}`)).items[0];
    await running.json('POST', `/integrations/sync/${connectionId}`, { mapping_id: mappingId });
    let kills = 0;
    let seen = 0;
    // Every third kill comes at once; the others after something more was committed.
    let isEarly = random.next() < 0.3;
    for (;;) {
      const log = await newest();
      if (log?.status === 'success') break;
      assert.notEqual(log?.status, 'error', JSON.stringify(log));
      const processed = log?.records_processed ?? 0;
      if (kills === most || !(isEarly || processed > seen)) continue;
      seen = processed;
      isEarly = random.next() < 0.3;
      await delay(random.next() * 200);
      const { runner } = await running.json<{ runner: { pid: number } }>('GET', '/integrations/health');
      const exit = once(running.process, 'exit');
      running.process.kill('SIGKILL');
      await exit;
      kills++;
      // It lives on until it sees that it is alone, and gives up the requests that are under way.
      while (existsSync(`/proc/${runner.pid}`)) await delay(10);
      const store = await openStore({ directory });
      for (const number of await orders.inHand(store.database)) lost.add(number);
      for (const number of await orders.undecided(store.database)) lost.add(number);
      await store.close();
      running = await start();
    }
    await running.stop();
    return kills;
  }

  for (const [target, what] of [
    ['keyed', 'each record has one effect where the target offers an idempotency key'],
    ['found', 'each record has one effect where the target offers a look-up'],
    ['blind', 'each write that may be lost is asked about, and no other, where the target offers neither'],
  ] as const) {
    it(`${what}, after ${KILLS} kills`, async () => {
      let hub = await openHub(directory);
      try {
        const orders = await OrderExport.create(hub, api.port, target, target === 'blind' ? LONGEST_MS : undefined);
        const lost = new Set<string>();
        for (let kills = 0; kills < KILLS; ) {
          await orders.add(NEW_ORDERS);
          await hub.close();
          kills += await torture(orders, KILLS - kills, lost);
          hub = await openHub(directory);
          orders.hub = hub;
          const rows = await api.rows(target);
          if (target === 'blind') assert.deepEqual(await orders.assertOnceOrAsked(rows), [...lost].sort());
          else await orders.assertOnce(rows);
        }
      } finally {
        await hub.close();
      }
    });
  }
});
