import assert from 'node:assert/strict';
import type { MappingInput } from '../../lib/model/services';
import type { ReconciliationService } from '../../lib/sync/reconciliation/service';
import { BY, ComparedImport, comparisonsEnd, found, planted } from '../support/comparison';
import { jobEnd, jobWhen } from '../support/hub';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const [sqlite] = storeKinds;

describe('the repair of a comparison', () => {
  let place: StorePlace;
  let plant: ComparedImport;

  beforeEach(async function () {
    place = await sqlite!.place(this);
  });

  afterEach(async () => {
    await plant?.close();
    await place?.remove();
  });

  async function open(changes: Partial<MappingInput> = {}): Promise<void> {
    plant = await ComparedImport.create(place, changes);
    await plant.put({ code: 'A' }, { code: 'B' }, { code: 'C' });
    await plant.sync();
  }

  /** As the scheduler does. */
  async function due(at: number): Promise<void> {
    const service = plant.hub.reconciliations as ReconciliationService;
    await service.startDue(plant.mapping.id, at, async () => true);
  }

  it('is looked at when it has gone over, with what it leaves alone', async () => {
    await open();
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    await plant.source.execute(`DELETE FROM items WHERE code = 'C'`);
    const before = await plant.compare();
    assert.deepEqual(
      found(before),
      planted([
        ['different', 'A'],
        ['only_target', 'C'],
      ]),
    );
    await plant.repaired({ repair_job_id: (await plant.hub.reconciliations.repair(before.id, BY)).job_id });
    const after = await comparisonsEnd(plant.hub);
    assert.deepEqual([after?.repair_of, after?.action, after?.repairable], [before.id, 'report', 0]);
    assert.deepEqual(found(after!), planted([['only_target', 'C']]));
    assert.deepEqual([after?.source?.count, after?.target?.count], [2, 3]);
    await assert.rejects(plant.hub.reconciliations.repair(before.id, BY), { code: 'PCP_NOTHING_TO_REPAIR' });
  });

  it('that did not help is no change between two looks', async () => {
    await open();
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    const { id } = await plant.compare();
    await plant.hub.database.execute(
      `CREATE TRIGGER spoil AFTER UPDATE ON pcp_stock_item WHEN new.note <> 'again'
       BEGIN UPDATE pcp_stock_item SET note = 'again' WHERE code = new.code; END`,
    );
    await plant.repaired({ repair_job_id: (await plant.hub.reconciliations.repair(id, BY)).job_id });
    assert.deepEqual(found((await comparisonsEnd(plant.hub))!), planted([['different', 'A']]));
  });

  it('keeps what it waits with, whatever is compared meanwhile', async () => {
    await open();
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    const { id } = await plant.compare();
    // A run that waits goes before it.
    const { job_id: before } = await plant.hub.sync.start(plant.connectionId, { mapping_id: plant.mapping.id });
    await jobEnd(plant.hub, before);
    await plant.hub.database.execute(
      `UPDATE integration_sync_logs SET state = 'waiting_quota', ended_at = NULL, next_attempt_at = ? WHERE job_id = ?`,
      [Date.now() + 86_400_000, before],
    );
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    const { job_id } = await plant.hub.reconciliations.repair(id, BY);
    await plant.firstLook();
    await plant.hub.sync.cancel(before);
    const { counters } = await plant.repaired({ repair_job_id: job_id });
    assert.deepEqual(counters, { processed: 1, created: 0, updated: 1, unchanged: 0 });
  });

  it('that has nothing in hand any more says so', async () => {
    await open();
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    const { id } = await plant.compare();
    const waiting = await plant.hub.sync.start(plant.connectionId, { mapping_id: plant.mapping.id });
    await jobEnd(plant.hub, waiting.job_id);
    await plant.hub.database.execute(
      `UPDATE integration_sync_logs SET state = 'waiting_quota', ended_at = NULL, next_attempt_at = ? WHERE job_id = ?`,
      [Date.now() + 86_400_000, waiting.job_id],
    );
    const { job_id } = await plant.hub.reconciliations.repair(id, BY);
    await plant.hub.database.execute('DELETE FROM integration_reconciliation_keys');
    await plant.hub.sync.cancel(waiting.job_id);
    const { logs } = await jobEnd(plant.hub, job_id);
    assert.deepEqual([logs[0]!.details.state, logs[0]!.details.error_code], ['failed', 'PCP_NOTHING_TO_REPAIR']);
  });

  it('of a comparison that was due waits for the end of a blackout', async () => {
    await open({
      schedule_options: {
        blackouts: [
          { from: '00:00', to: '12:00' },
          { from: '12:00', to: '00:00' },
        ],
      },
      options: { max_error_ratio: 1, reconciliation: { action: 'repair', settle_seconds: 0 } },
    });
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'A'`);
    await due(1);
    const compared = await comparisonsEnd(plant.hub);
    assert.equal(compared?.total, 1, JSON.stringify(compared?.error));
    const { logs } = await jobWhen(plant.hub, String(compared.repair_job_id), () => true);
    assert.deepEqual([logs[0]!.details.state, logs[0]!.details.error_code], ['waiting_quota', 'PCP_BLACKOUT']);
  });
});

describe('a comparison that is due', () => {
  it('tells by its run why it did not take place', async function () {
    const place = await sqlite!.place(this);
    const plant = await ComparedImport.create(place);
    try {
      const service = plant.hub.reconciliations as ReconciliationService;
      await plant.put({ code: 'A' });
      await plant.firstLook();
      await service.startDue(plant.mapping.id, 1, async () => true);
      await plant.hub.database.execute('UPDATE integration_connections SET is_active = 0');
      await service.startDue(plant.mapping.id, 2, async () => true);
      await service.startDue(plant.mapping.id, 3, async () => false);
      const { items } = await plant.hub.reconciliations.list({});
      assert.deepEqual(
        items.map(({ state, error, due_at }) => [state, error?.code, due_at && Date.parse(due_at)]),
        [
          ['failed', 'PCP_CONNECTION_INACTIVE', 2],
          ['skipped', 'PCP_SKIPPED_OVERLAP', 1],
          ['waiting_retry', undefined, null],
        ],
      );
    } finally {
      await plant.close();
      await place.remove();
    }
  });
});
