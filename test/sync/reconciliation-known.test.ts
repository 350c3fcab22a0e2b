import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Difference } from '../../lib/model/reconciliation';
import type { Hub } from '../../lib/model/services';
import type { ReconciliationService } from '../../lib/sync/reconciliation/service';
import { BY, ComparedImport, comparisonsEnd, found, planted } from '../support/comparison';
import { jobWhen, openHub } from '../support/hub';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const [sqlite, postgres] = storeKinds;

/** As `createHub` opens it: looks for itself every few seconds. */
type OpenHub = Hub & { reconciliations: ReconciliationService };

describe('a comparison', () => {
  let place: StorePlace;
  let plant: ComparedImport;

  before(async function () {
    place = await sqlite!.place(this);
    plant = await ComparedImport.create(place);
  });

  after(async () => {
    await plant?.close();
    await place?.remove();
  });

  beforeEach(async () => {
    await plant.source.execute('DELETE FROM items');
    await plant.spoil('DELETE FROM TARGET');
    await plant.put({ code: 'A' }, { code: 'B' }, { code: 'C' });
    await plant.sync();
  });

  it('lists what changed between its two looks apart, and forgets what has gone', async () => {
    await plant.put({ code: 'A', note: 'new' }, { code: 'B', note: 'new' });
    const id = await plant.firstLook();
    const waiting = await plant.hub.reconciliations.get(id);
    assert.deepEqual([waiting.status, waiting.total, waiting.source?.count], ['in_progress', null, 3]);
    // Runs go on meanwhile: A is brought over, and B is changed once more.
    await plant.sync();
    await plant.put({ code: 'B', note: 'newer' });
    const result = await plant.secondLook(id);
    assert.deepEqual([result.total, result.known?.changing], [0, 1]);
    assert.deepEqual(knownOf(result), [['B', 'changing']]);
  });

  it('raises no false alarm about a source that changes all the time', async () => {
    const codes = Array.from({ length: 50 }, (_, number) => `S-${number}`);
    await plant.put(...codes.map((code) => ({ code })));
    await plant.sync();
    let [edits, isOver] = [0, false];
    const editing = (async () => {
      while (!isOver) {
        await plant.put({ code: codes[edits++ % codes.length]!, note: `edit ${edits}` });
        await nextTurn();
      }
    })();
    try {
      for (let round = 0; round < 3; round++) {
        const before = edits;
        const id = await plant.firstLook();
        await plant.sync();
        const result = await plant.secondLook(id);
        assert.equal(result.status, 'success', JSON.stringify(result.error));
        assert.deepEqual(found(result), []);
        assert.ok(edits > before);
      }
    } finally {
      isOver = true;
      await editing;
    }
    await plant.sync();
    assert.deepEqual(found(await plant.compare()), []);
  });

  it('counts what a run since the first look should have brought, though the source goes on', async () => {
    await plant.put({ code: 'A', note: 'new' }, { code: 'B', note: 'new' }, { code: 'C', note: 'new' });
    const id = await plant.firstLook();
    await plant.sync();
    // As if the run had brought nothing of A.
    await plant.spoil(`UPDATE TARGET SET note = 'fine' WHERE code = 'A'`);
    await plant.put({ code: 'A', note: 'newer' }, { code: 'B', note: 'newer' });
    const result = await plant.secondLook(id);
    assert.deepEqual(knownOf(result), [
      ['A', null],
      ['B', 'changing'],
    ]);
  });

  it('lists dead letters and what the mapping refuses apart', async () => {
    await plant.put({ code: 'A', quantity: 'many' });
    await plant.sync();
    const result = await plant.compare();
    assert.deepEqual([result.total, result.known?.rejected], [0, 1]);
    assert.deepEqual(knownOf(result), [['A', 'rejected']]);
  });

  it('is cancelled between its looks and asks for no more', async () => {
    await plant.put({ code: 'A', note: 'new' });
    const id = await plant.firstLook();
    await assert.rejects(plant.hub.reconciliations.start(plant.mapping.id, {}, BY), { code: 'PCP_RUN_ACTIVE' });
    await plant.hub.reconciliations.cancel(id, BY);
    const result = await plant.end(id);
    assert.deepEqual([result.status, result.state, result.total], ['error', 'cancelled', null]);
    await assert.rejects(plant.hub.reconciliations.repair(id, BY), { code: 'PCP_NOTHING_TO_REPAIR' });
    const { items } = await plant.hub.audit.list({});
    const operations = items.filter(({ outcome }) => outcome === 'begun').map(({ details }) => details.operation);
    assert.deepEqual(operations.slice(0, 4), ['repair', 'cancel_reconciliation', 'reconcile', 'reconcile']);
  });

  it('can be repaired once it is over, once', async () => {
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = 'B'`);
    const { id } = await plant.compare();
    const { job_id } = await plant.hub.reconciliations.repair(id, BY);
    const { counters } = await plant.repaired({ repair_job_id: job_id });
    assert.deepEqual(counters, { processed: 1, created: 0, updated: 1, unchanged: 0 });
    assert.deepEqual(found(await plant.compare()), []);
    await assert.rejects(plant.hub.reconciliations.repair(id, BY), { code: 'PCP_NOTHING_TO_REPAIR' });
  });

  it('begins anew when its process is killed in the middle, and finds the same', async () => {
    await plant.fill(20_000);
    await plant.sync();
    await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code IN ('K-7', 'K-19000')`);
    const { id, job_id } = await plant.hub.reconciliations.start(plant.mapping.id, { settle_seconds: 0 }, BY);
    for (let kills = 0; kills < 2; kills++) {
      const run = await jobWhen(plant.hub, job_id, ({ logs }) => logs[0]!.details.state !== 'queued');
      const { pid } = (await plant.hub.health()).runner;
      if (run.status === 'in_progress' && pid !== null) process.kill(pid, 'SIGKILL');
      await jobWhen(
        plant.hub,
        job_id,
        ({ status, logs }) => status !== 'in_progress' || logs[0]!.details.attempts > kills,
      );
    }
    const result = await plant.end(id);
    assert.equal(result.status, 'success', JSON.stringify(result.error));
    assert.deepEqual(
      found(result),
      planted([
        ['different', 'K-7'],
        ['different', 'K-19000'],
      ]),
    );
  });
});

describe('a comparison of a mapping that makes its keys', () => {
  it('finds what the mapping refuses under the key that it would have', async function () {
    const place = await sqlite!.place(this);
    const plant = await ComparedImport.create(place, {
      field_mappings: [
        { source: 'code', target: 'code', lookup: { 7: 'I-7', 8: 'I-8', 9: 'I-9' } },
        { source: 'quantity', target: 'quantity', type: 'decimal' },
      ],
    });
    try {
      await plant.put({ code: '7' }, { code: '8' }, { code: '9' });
      await plant.sync();
      assert.deepEqual(found(await plant.compare()), []);
      await plant.put({ code: '7', quantity: 'many' });
      // Nothing can be told of whose record this was.
      await plant.source.execute(`UPDATE items SET code = 'x' WHERE code = '9'`);
      const result = await plant.compare();
      assert.deepEqual([result.total, result.known?.rejected], [0, 3]);
    } finally {
      await plant.close();
      await place.remove();
    }
  });
});

function knownOf({ sample }: { sample: Difference[] }): [string, string | null][] {
  return sample.map(({ key, known }) => [key.join(), known]);
}

describe('a comparison of a mapping that goes both ways', () => {
  it('is repaired in both directions: the side follows that did not change', async function () {
    const place = await sqlite!.place(this);
    const plant = await ComparedImport.create(place, {
      direction: 'bidirectional',
      field_mappings: [
        { source: 'code', target: 'code' },
        { source: 'note', target: 'note' },
      ],
    });
    try {
      await plant.source.execute('CREATE UNIQUE INDEX items_code ON items (code)');
      await plant.put({ code: 'A' }, { code: 'B' }, { code: 'C' });
      await plant.sync();
      assert.deepEqual(found(await plant.compare()), []);
      await plant.spoil(`UPDATE TARGET SET note = 'edited there' WHERE code = 'A'`);
      await plant.source.execute(`UPDATE items SET note = 'edited here' WHERE code = 'B'`);
      const result = await plant.compare({ action: 'repair' });
      assert.deepEqual(
        found(result),
        planted([
          ['different', 'A'],
          ['different', 'B'],
        ]),
      );
      await plant.repaired(result);
      const here = await plant.source.query('SELECT note FROM items ORDER BY code');
      const there = (await plant.target()).sort((a, b) => (String(a.code) < String(b.code) ? -1 : 1));
      const both = ['edited there', 'edited here', 'fine'];
      assert.deepEqual([here.map(({ note }) => note), there.map(({ note }) => note)], [both, both]);
      assert.deepEqual(found(await plant.compare()), []);
    } finally {
      await plant.close();
      await place.remove();
    }
  });
});

describe('comparisons of two instances over one store', () => {
  it('start once at each due time', async function () {
    const place = await postgres!.place(this);
    const schedule = '* * * * * *';
    const plant = await ComparedImport.create(place, { options: { reconciliation: { schedule, settle_seconds: 0 } } });
    const other = await openHub(place.options.directory, { storeUrl: place.options.url });
    try {
      let list = await other.reconciliations.list({});
      while (list.items.filter(({ ended_at }) => ended_at !== null).length < 4) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        list = await other.reconciliations.list({ limit: 100 });
      }
      const due = list.items.map(({ due_at }) => due_at);
      assert.equal(new Set(due).size, due.length);
      assert.ok(list.items.every(({ trigger }) => trigger === 'schedule'));
    } finally {
      await other.close();
      await plant.close();
      await place.remove();
    }
  });
});

for (const kind of storeKinds) {
  describe(`comparisons after dead letters, over ${kind.name}`, () => {
    let place: StorePlace;
    let plant: ComparedImport;

    before(async function () {
      place = await kind.place(this);
      plant = await ComparedImport.create(place, {
        options: { max_error_ratio: 1, reconciliation: { after_dead_letters: 2, settle_seconds: 0 } },
      });
    });

    after(async () => {
      await plant?.close();
      await place?.remove();
    });

    const start = (hub: Hub) => (hub as OpenHub).reconciliations.startAfterLetters();
    const started = async () => (await plant.hub.reconciliations.list({})).items.map(({ trigger }) => trigger);

    it('begin when so many are new, whoever looks', async () => {
      const { directory, url } = place.options;
      // SQLite belongs to one process.
      const other = url === undefined ? null : await openHub(directory, { storeUrl: url });
      const both = () => Promise.all([plant.hub, plant.hub, other ?? plant.hub, other ?? plant.hub].map(start));
      try {
        await plant.put({ code: 'A' }, { code: 'B', quantity: 'two' });
        await plant.sync();
        await both();
        assert.deepEqual(await started(), [], 'one is not enough');
        await plant.put({ code: 'C', quantity: 'three' });
        await plant.sync();
        await both();
        assert.deepEqual(await started(), ['dead_letters']);
        const result = await comparisonsEnd(plant.hub);
        assert.deepEqual(knownOf(result!).sort(), [
          ['B', 'rejected'],
          ['C', 'rejected'],
        ]);
        await both();
        assert.deepEqual(await started(), ['dead_letters'], 'those have been counted');
      } finally {
        await other?.close();
      }
    });

    it('wait for the end of a blackout, and for one that is going on', async () => {
      const { name, connector_type, config } = await plant.hub.connections.get(plant.connectionId);
      const input = { name, connector_type, config };
      const schedule_options = { blackouts: [{ from: '00:00', to: '24:00' }] };
      await plant.hub.connections.update(plant.connectionId, { ...input, schedule_options });
      await plant.put({ code: 'D', quantity: 'four' }, { code: 'E', quantity: 'five' });
      await plant.sync();
      await start(plant.hub);
      assert.deepEqual(await started(), ['dead_letters']);
      const id = await plant.firstLook();
      await plant.put({ code: 'F', quantity: 'six' }, { code: 'G', quantity: 'seven' });
      await plant.sync();
      await plant.hub.connections.update(plant.connectionId, { ...input, schedule_options: {} });
      await start(plant.hub);
      assert.deepEqual(await started(), ['api', 'dead_letters']);
      await plant.secondLook(id);
      await start(plant.hub);
      assert.deepEqual(await started(), ['dead_letters', 'api', 'dead_letters']);
    });
  });
}
