import assert from 'node:assert/strict';
import { SeededRandom } from '../../demo/random';
import type { Hub } from '../../lib/model/services';
import { openStore, type Store } from '../../lib/store/store';
import { openHub, temporaryDirectory } from '../support/hub';
import { killTheRunner } from '../support/kills';
import { OrderExport } from '../support/order-export';
import { StrictApi } from '../support/strict-api';

/** Kills per target. */
const KILLS = Math.ceil(Number(process.env.PCP_TEST_KILLS ?? 8) / 4);
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);
const NEW_ORDERS = 200;
/** Where nothing can be found out, no answer may get lost but by a kill, however slow the machine is. */
const LONGEST_MS = 600_000;

describe(`kill -9 of the runner in an export to an API (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, KILLS * 10_000));
  const random = new SeededRandom(SEED);
  let api: StrictApi;
  let hub: Hub;
  let store: Store;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    api = await StrictApi.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path, { section: { retry: { seconds: 0, attempts: 20 } } });
    store = await openStore({ directory: directory.path });
  });
  afterEach(async () => {
    await store?.close();
    await hub?.close();
    await remove?.();
    await api?.stop();
  });

  /** @param halted called before each kill, when the runner stands still */
  async function torture(
    orders: OrderExport,
    verify: () => Promise<void>,
    halted?: () => Promise<void>,
  ): Promise<void> {
    const prepare = async () => {
      await orders.change(random, 20);
      await orders.add(NEW_ORDERS);
    };
    const { mappingId, connectionId } = orders;
    const hooks = { prepare, verify, ...(halted !== undefined && { halted }) };
    await killTheRunner({ hub, random, kills: KILLS, mappingId, connectionId, ...hooks });
  }

  for (const [target, offers] of [
    ['keyed', 'an idempotency key'],
    ['found', 'a look-up'],
  ] as const) {
    it(`each record has one effect where the target offers ${offers}, after ${KILLS} kills`, async () => {
      const orders = await OrderExport.create(hub, api.port, target);
      await torture(orders, async () => orders.assertOnce(await api.rows(target)));
    });
  }

  it(`each write that may be lost is asked about, and no other, where it offers neither, after ${KILLS} kills`, async () => {
    const orders = await OrderExport.create(hub, api.port, 'blind', LONGEST_MS);
    const lost = new Set<string>();
    const verify = async () => {
      assert.deepEqual(await orders.assertOnceOrAsked(await api.rows('blind')), [...lost].sort());
    };
    await torture(orders, verify, async () => {
      for (const number of await orders.inHand(store.database)) lost.add(number);
    });
  });
});
