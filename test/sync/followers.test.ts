import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub, MappingInput } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { jobEnd, openHub, runToEnd } from '../support/hub';
import { type StorePlace, storeKinds } from '../unit/store/stores';

for (const kind of storeKinds) {
  describe(`mappings that depend on others, on ${kind.name}`, () => {
    let place: StorePlace;
    let hub: Hub;
    let folder: string;
    let connectionId: number;
    const ids: Record<string, number> = {};

    before(async function () {
      place = await kind.place(this);
    });
    beforeEach(async () => {
      const { directory, url } = place.options;
      hub = await openHub(directory, { storeUrl: url });
      folder = join(directory, 'files');
      await mkdir(folder);
      const config = { root: folder };
      ({ id: connectionId } = await hub.connections.create({ name: 'erp', connector_type: 'generic.file', config }));
      // Made before what it depends on, so that nothing goes by the order of ids.
      await mapping('orders');
      await mapping('materials');
      await mapping('plants');
      await dependOn('materials', 'plants');
      await dependOn('orders', 'materials', 'plants');
    });
    afterEach(async () => {
      const { items } = await hub.connections.list({});
      for (const { id } of items) await hub.connections.delete(id, { cascade: true });
      await hub.close();
      await rm(folder, { recursive: true });
    });
    after(() => place?.remove());

    const input = (name: string, more: Partial<MappingInput> = {}): MappingInput => ({
      connection_id: connectionId,
      name,
      entity_type: 'material',
      direction: 'import',
      source_entity: `${name}.csv`,
      target_entity: 'material',
      field_mappings: [{ source: 'id', target: 'material' }],
      ...more,
    });

    async function mapping(name: string, more: Partial<MappingInput> = {}): Promise<void> {
      await writeFile(join(folder, `${name}.csv`), 'id\nM-1\n');
      ids[name] = (await hub.mappings.create(input(name, more))).id;
    }

    async function dependOn(name: string, ...others: string[]): Promise<void> {
      await hub.mappings.update(
        ids[name] as number,
        input(name, { depends_on: others.map((other) => ids[other] as number) }),
      );
    }

    const nameOf = ({ mapping_id }: SyncLog) => Object.keys(ids).find((name) => ids[name] === mapping_id);
    const told = (logs: readonly SyncLog[]) =>
      logs.map((log) =>
        [nameOf(log), log.details.state, log.details.trigger ?? '-', log.details.error_code ?? '-'].join(' '),
      );

    it('run after them in the same job, each once', async () => {
      const { status, logs } = await runToEnd(hub, connectionId, { trigger: 'api' });
      assert.equal(status, 'success');
      assert.deepEqual(told(logs), [
        'plants succeeded api -',
        'materials succeeded mapping -',
        'orders succeeded mapping -',
      ]);
      const ends = logs.map(({ ended_at }) => ended_at ?? '');
      assert.deepEqual(ends, [...ends].sort());
    });

    it('follow one that is started alone', async () => {
      const { logs } = await runToEnd(hub, connectionId, { mapping_id: ids.materials as number, trigger: 'node' });
      assert.deepEqual(told(logs), ['materials succeeded node -', 'orders succeeded mapping -']);
    });

    it('are skipped, for all to see, when one of them fails', async () => {
      await rm(join(folder, 'materials.csv'));
      const { status, logs } = await runToEnd(hub, connectionId);
      assert.equal(status, 'error');
      assert.deepEqual(told(logs), [
        'plants succeeded - -',
        'materials failed mapping PCP_FILE_NOT_FOUND',
        'orders skipped mapping PCP_SKIPPED_UPSTREAM',
      ]);
      await rm(join(folder, 'plants.csv'));
      const second = await runToEnd(hub, connectionId);
      assert.deepEqual(told(second.logs), [
        'plants failed - PCP_FILE_NOT_FOUND',
        'materials skipped mapping PCP_SKIPPED_UPSTREAM',
        'orders skipped mapping PCP_SKIPPED_UPSTREAM',
      ]);
    });

    it('follow what they are told to wait for', async () => {
      const outcomes = ['success', 'success_or_partial', 'completed'] as const;
      for (const outcome of outcomes) {
        await mapping(outcome, { depends_on: [ids.plants as number], options: { depends_on_outcome: outcome } });
      }
      const followed = async () => {
        const { logs } = await runToEnd(hub, connectionId, { mapping_id: ids.plants as number });
        const ran = logs.filter(({ details }) => details.state === 'succeeded').map(nameOf);
        return outcomes.filter((outcome) => ran.includes(outcome));
      };
      assert.deepEqual(await followed(), outcomes);
      await hub.mappings.update(ids.plants as number, input('plants', { options: { max_error_ratio: 1 } }));
      await writeFile(join(folder, 'plants.csv'), 'id\nM-2\n""\n');
      assert.deepEqual(await followed(), ['success_or_partial', 'completed']);
      await rm(join(folder, 'plants.csv'));
      assert.deepEqual(await followed(), ['completed']);
    });

    it('wait for all that they depend on in the job, and are started by whichever ends last', async () => {
      const many = ['a', 'b', 'c', 'd'];
      for (const name of many) await mapping(name);
      await dependOn('orders', ...many);
      await dependOn('materials');
      for (let round = 0; round < 3; round++) {
        const { logs } = await runToEnd(hub, connectionId);
        assert.deepEqual(told(logs.slice(-1)), ['orders succeeded mapping -']);
        assert.equal(logs.filter((log) => nameOf(log) === 'orders').length, 1);
      }
    });

    it('do not follow into a circle, and are told so', async () => {
      await assert.rejects(dependOn('plants', 'orders'), (error: Error & { code: string; path: string }) => {
        assert.equal(error.code, 'PCP_DEPENDENCY_CYCLE');
        assert.equal(error.path, '/depends_on');
        assert.match(error.message, /"plants" after "orders" after .*"plants"\./);
        return true;
      });
      await assert.rejects(dependOn('plants', 'plants'), { code: 'PCP_DEPENDENCY_CYCLE' });
      const nobody = input('x', { depends_on: [987_654] });
      await assert.rejects(hub.mappings.create(nobody), { code: 'PCP_DEPENDENCY_INVALID', path: '/depends_on' });
    });

    it('do not go on when the job was cancelled', async () => {
      const { job_id } = await hub.sync.start(connectionId, {});
      await hub.sync.cancel(job_id);
      const { logs } = await jobEnd(hub, job_id);
      // The first may have been over by then.
      const last = logs.at(-1)?.details.state;
      assert.ok(last === 'cancelled' || logs.length === 3, String(last));
    });
  });
}
