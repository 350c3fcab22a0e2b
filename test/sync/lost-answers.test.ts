import assert from 'node:assert/strict';
import { SeededRandom } from '../../demo/random';
import type { Hub } from '../../lib/model/services';
import { CuttingProxy } from '../support/cutting-proxy';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { OrderExport } from '../support/order-export';
import { StrictApi } from '../support/strict-api';

const TIMEOUT_MS = 250;
/** Cuts per target; the whole proof takes 1000. */
const CUTS = Number(process.env.PCP_TEST_CUTS ?? 30);
const SEED = Number(process.env.PCP_TEST_SEED ?? Date.now() % 100_000);
const NEW_ORDERS = 60;

describe(`answers cut at ${CUTS} random moments (seed ${SEED})`, function () {
  this.timeout(Math.max(180_000, CUTS * 2000));
  const random = new SeededRandom(SEED);
  let api: StrictApi;
  let proxy: CuttingProxy;
  let hub: Hub;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    api = await StrictApi.start();
    proxy = await CuttingProxy.start(api.port, random);
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await proxy?.stop();
    await api?.stop();
  });

  /** Until one run ends well: a machine that stands still for longer than a request may take loses answers as well. */
  async function inPeace({ connectionId, mappingId }: OrderExport): Promise<void> {
    proxy.share = 0;
    api.fateShare = 0;
    for (let status = ''; status !== 'success'; ) {
      await hub.sync.endPause(connectionId);
      ({ status } = await runToEnd(hub, connectionId, { mapping_id: mappingId }));
    }
  }

  /** Exports new and changed orders while exchanges are cut or answered with failures, until there were enough; then in peace. */
  async function torture(orders: OrderExport): Promise<void> {
    const round = async (cuts: number, fates: number): Promise<void> => {
      await orders.add(NEW_ORDERS);
      proxy.share = cuts;
      api.fateShare = fates;
      await runToEnd(hub, orders.connectionId, { mapping_id: orders.mappingId });
      // What is changed while nobody knows what became of it cannot go under its key any more, and would be asked about.
      await inPeace(orders);
      await orders.change(random, 10);
    };
    while (proxy.cuts < CUTS) await round(random.pick([0.1, 0.2, 0.4]), 0);
    while ((await api.fates()) < CUTS / 10) await round(0, 0.1);
    await inPeace(orders);
  }

  for (const [target, name] of [
    ['keyed', 'an idempotency key'],
    ['found', 'a look-up'],
  ] as const) {
    it(`each record has one effect where the target offers ${name}`, async () => {
      const orders = await OrderExport.create(hub, proxy.port, target, TIMEOUT_MS);
      await torture(orders);
      await orders.assertOnce(await api.rows(target));
    });
  }

  it('each lost answer is one visible unknown_outcome where the target offers neither, and nothing is sent twice', async () => {
    const orders = await OrderExport.create(hub, proxy.port, 'blind', TIMEOUT_MS);
    await torture(orders);
    const asked = await orders.assertOnceOrAsked(await api.rows('blind'));
    const lost = proxy.lastWrites + (await api.fates());
    assert.ok(asked.length <= lost, `${asked.length} questions for ${lost} lost answers at most`);
    await runToEnd(hub, orders.connectionId, { mapping_id: orders.mappingId, full: true });
    assert.deepEqual(
      [...proxy.posts].filter(([, count]) => count > 1),
      [],
      'nothing is sent twice',
    );
  });
});
