import { SeededRandom } from '../../demo/random';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { killTheRunner } from '../support/kills';
import { OrderExport } from '../support/order-export';
import { StrictApi } from '../support/strict-api';

/** Kills per target. */
const KILLS = Math.ceil(Number(process.env.PCP_TEST_KILLS ?? 8) / 4);
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);
const NEW_ORDERS = 200;

describe(`kill -9 of the runner in an export to an API (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, KILLS * 10_000));
  const random = new SeededRandom(SEED);
  let api: StrictApi;
  let hub: Hub;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    api = await StrictApi.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path, { section: { retry: { seconds: 0, attempts: 20 } } });
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await api?.stop();
  });

  for (const [target, what] of [
    ['keyed', 'each record has one effect where the target offers an idempotency key'],
    ['found', 'each record has one effect where the target offers a look-up'],
    ['blind', 'each write that may be lost is asked about where the target offers neither'],
  ] as const) {
    it(`${what}, after ${KILLS} kills`, async () => {
      const orders = await OrderExport.create(hub, api.port, target);
      await killTheRunner({
        hub,
        random,
        kills: KILLS,
        mappingId: orders.mappingId,
        connectionId: orders.connectionId,
        prepare: async () => {
          await orders.change(random, 20);
          await orders.add(NEW_ORDERS);
        },
        verify: async () => {
          const rows = await api.rows(target);
          if (target === 'blind') await orders.assertOnceOrAsked(rows);
          else await orders.assertOnce(rows);
        },
      });
    });
  }
});
