import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openStore, type Store } from '../../lib/store/store';
import { openHub, temporaryDirectory } from '../support/hub';
import { ORDER_FIELDS } from '../support/order-import';
import { postgresUrl } from '../support/postgres';

const MAPPINGS = 10;
/** Due times of each mapping in each part of the test; ten minutes are 600. */
const SECONDS = Number(process.env.PCP_TEST_SECONDS ?? 3);

describe('hubs that share a store and its schedules', function () {
  this.timeout(180_000 + SECONDS * 10_000);
  let storeUrl: string;
  let store: Store;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  const children: ChildProcess[] = [];

  before(async function () {
    // It is not dropped: the runners of killed hubs take a moment to end.
    storeUrl = await postgresUrl(this);
    directory = await temporaryDirectory();
    store = await openStore({ directory: directory.path, url: storeUrl });
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await store?.close();
    await directory?.remove();
  });

  async function startHub(): Promise<ChildProcess> {
    const child = fork(join(__dirname, 'hub-process.js'), [directory.path, storeUrl]);
    children.push(child);
    await once(child, 'message');
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Due times that were fired, by mapping. */
  async function fired(): Promise<number[][]> {
    const rows = await store.database.query(
      'SELECT mapping_id, due_at, state FROM integration_sync_logs ORDER BY due_at',
    );
    assert.ok(rows.every(({ state }) => state !== 'skipped'));
    return [...Map.groupBy(rows, (row) => row.mapping_id).values()].map((of) => of.map((row) => Number(row.due_at)));
  }

  /** Until each mapping was fired some times more. */
  async function moreDueTimes(): Promise<void> {
    const before = Math.max(0, ...(await fired()).flat(), (await store.database.now()).getTime());
    for (;;) {
      const last = (await fired()).map((times) => times.at(-1) ?? 0);
      if (last.length === MAPPINGS && Math.min(...last) >= before + SECONDS * 1000) return;
      await delay(100);
    }
  }

  it('fire each due time once, one or all of them killed in between', async () => {
    const hub = await openHub(directory.path, { storeUrl });
    const { id } = await hub.connections.create({
      name: 'files',
      connector_type: 'generic.file',
      config: { root: directory.path, entities: {} },
    });
    for (let n = 0; n < MAPPINGS; n++) {
      await hub.mappings.create({
        connection_id: id,
        name: `orders ${n}`,
        entity_type: 'production_order',
        direction: 'import',
        source_entity: `orders-${n}.csv`,
        target_entity: 'production_order',
        field_mappings: ORDER_FIELDS,
        schedule: '* * * * * *',
        schedule_options: { overlap: 'queue_all', misfire: 'run_all' },
      });
    }
    await hub.close();
    const [first, second] = await Promise.all([startHub(), startHub()]);
    await moreDueTimes();
    await kill(first);
    await moreDueTimes();
    await kill(second);
    await Promise.all([startHub(), startHub()]);
    await moreDueTimes();
    const times = await fired();
    for (const dues of times) {
      const first = dues[0] as number;
      assert.deepEqual(
        dues,
        dues.map((_, index) => first + index * 1000),
      );
    }
  });
});
