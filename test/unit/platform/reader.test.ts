import assert from 'node:assert/strict';
import type { Batch, Connector, ReadQuery } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/platform/connector';
import type { Filter } from '../../../lib/model/mapping';
import { EntityTypeStore } from '../../../lib/platform/entity-types';
import { EntityRecordStore } from '../../../lib/platform/records';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const platform = { id: 0, name: 'platform', connector_type: 'platform', config: {}, credentials: {} };

for (const kind of storeKinds) {
  describe(`platform reader on ${kind.name}`, () => {
    let test: TestStore;
    let connector: Connector;
    let records: EntityRecordStore;

    before(async function () {
      test = await newStore(kind, this);
      const { database } = test.store;
      connector = create(platform, { store: database, log: () => undefined });
      records = new EntityRecordStore({ database, types: new EntityTypeStore(database) });
      for (let n = 1; n <= 9; n++) {
        await records.create('material', {
          material: `M${n}`,
          name: n % 3 === 0 ? null : `name ${n % 3}`,
          weight: `${n}.50`,
          days_to_manufacture: n,
          make: n % 2 === 0,
          sell_start_date: `2026-01-0${n}`,
          changed_at: `2026-11-0${n}T00:00:00.000Z`,
        });
      }
    });
    after(() => test?.dispose());

    async function drain(query: Partial<ReadQuery>): Promise<Batch[]> {
      const batches: Batch[] = [];
      const whole = { entity: 'material', cursor: null, batchSize: 2, lookbackSeconds: 0, ...query };
      for await (const batch of connector.read!(whole, new AbortController().signal)) batches.push(batch);
      return batches;
    }
    const numbers = (batches: Batch[]) =>
      batches.flatMap(({ records: found }) => found.map(({ material }) => Number(String(material).slice(1)))).sort();

    it('counts what it will read', async () => {
      assert.equal((await drain({}))[0]?.total, 9);
      const filters: Filter[] = [{ field: 'make', operator: 'eq', value: true }];
      assert.equal((await drain({ filters }))[0]?.total, 4);
    });

    it('gives the fields wanted and the key, nothing hidden', async () => {
      const [batch] = await drain({ fields: ['name'] });
      assert.deepEqual(Object.keys(batch!.records[0]!).sort(), ['material', 'name']);
      const [changed] = await drain({ fields: ['name'], cursorField: '_updated_at' });
      assert.deepEqual(Object.keys(changed!.records[0]!).sort(), ['material', 'name']);
      assert.equal(batch!.positions!(0), 'M1');
    });

    it('leaves no record out that a filter may want', async () => {
      const cases: [Filter, number[]][] = [
        [{ field: 'name', operator: 'eq', value: 'name 1' }, [1, 4, 7]],
        [{ field: 'name', operator: 'is_null' }, [3, 6, 9]],
        [{ field: 'name', operator: 'not_null' }, [1, 2, 4, 5, 7, 8]],
        [{ field: 'material', operator: 'in', value: ['M1', 'M9'] }, [1, 9]],
        [{ field: 'days_to_manufacture', operator: 'ge', value: 8 }, [8, 9]],
        [{ field: 'days_to_manufacture', operator: 'between', value: [2, 3] }, [2, 3]],
        [{ field: 'sell_start_date', operator: 'lt', value: '2026-01-03' }, [1, 2]],
        [{ field: 'changed_at', operator: 'gt', value: '2026-11-07T21:00:00-03:00' }, [9]],
      ];
      for (const [filter, expected] of cases)
        assert.deepEqual(numbers(await drain({ filters: [filter] })), expected, JSON.stringify(filter));
      const judgedElsewhere: Filter[] = [
        { field: 'name', operator: 'lt', value: 'name 2' },
        { field: 'days_to_manufacture', operator: 'eq', value: '1' },
        { field: 'sell_start_date', operator: 'eq', value: '01/01/2026' },
        { field: 'nonsense', operator: 'eq', value: 1 },
        { expression: 'true' },
      ];
      for (const filter of judgedElsewhere)
        assert.equal(numbers(await drain({ filters: [filter] })).length, 9, JSON.stringify(filter));
      const decimal = numbers(await drain({ filters: [{ field: 'weight', operator: 'eq', value: '1.5' }] }));
      assert.ok(decimal.includes(1));
    });

    it('follows instants, dates, whole numbers and texts', async () => {
      for (const cursorField of ['_updated_at', 'changed_at', 'sell_start_date', 'days_to_manufacture', 'material']) {
        const first = await drain({ cursorField });
        assert.deepEqual(numbers(first), [1, 2, 3, 4, 5, 6, 7, 8, 9], cursorField);
        const middle = JSON.parse(JSON.stringify(first[1]!.cursorAfter));
        assert.deepEqual(
          numbers(await drain({ cursorField, cursor: middle })),
          [5, 6, 7, 8, 9],
          `${cursorField}, resumed`,
        );
        const next = await drain({ cursorField, cursor: first.at(-1)!.cursorAfter });
        const again = cursorField === 'material' ? [9] : [];
        assert.deepEqual(numbers(next), again, `${cursorField}, next pass`);
        assert.ok(next.at(-1)?.cursorAfter, 'an empty pass still gives a cursor');
      }
    });

    // A file has the clock of its only host.
    if (kind.name !== 'SQLite') {
      it('misses no change where the clock of this host is ahead of that of the store', async () => {
        const { now } = Date;
        Date.now = () => now() + 3_600_000;
        try {
          const [first] = await drain({ cursorField: '_updated_at', batchSize: 100 });
          await records.replace('material', ['M1'], (await records.get('material', ['M1'])) as never);
          const next = await drain({ cursorField: '_updated_at', cursor: first!.cursorAfter });
          assert.deepEqual(numbers(next), [1]);
        } finally {
          Date.now = now;
        }
      });
    }

    it('reads again what lies in the lookback', async () => {
      const first = await drain({ cursorField: '_updated_at' });
      const cursor = first.at(-1)!.cursorAfter;
      assert.deepEqual(numbers(await drain({ cursorField: '_updated_at', cursor, lookbackSeconds: 600 })), []);
      const wide = (await drain({ cursorField: '_updated_at', lookbackSeconds: 600 })).at(-1)!.cursorAfter;
      assert.equal(numbers(await drain({ cursorField: '_updated_at', cursor: wide })).length, 9);
    });

    it('refuses fields that do not grow', async () => {
      await assert.rejects(drain({ cursorField: 'weight' }), { code: 'PCP_CURSOR_FIELD', class: 'config' });
      await assert.rejects(drain({ cursorField: 'nonsense' }), { code: 'PCP_CURSOR_FIELD' });
    });
  });
}
