import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DifferenceKind } from '../../lib/model/reconciliation';
import { ComparedImport, found, planted } from '../support/comparison';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const CODES = 40;
const code = (number: number): string => `I-${String(number).padStart(3, '0')}`;

for (const kind of storeKinds) {
  describe(`comparing a source with the platform (${kind.name})`, () => {
    let place: StorePlace;
    let plant: ComparedImport;

    before(async function () {
      place = await kind.place(this);
      plant = await ComparedImport.create(place);
    });

    after(async () => {
      await plant?.close();
      await place?.remove();
    });

    beforeEach(async () => {
      await plant.source.execute('DELETE FROM items');
      await plant.spoil('DELETE FROM TARGET');
      await plant.put(...Array.from({ length: CODES }, (_, number) => ({ code: code(number) })));
      await plant.sync();
    });

    it('finds nothing where there is nothing, whatever the spelling', async () => {
      await plant.put({ code: code(3), quantity: '1.5000', counted_at: '2026-11-01 12:00:00+02:00', note: 'fine ' });
      const result = await plant.compare();
      assert.deepEqual([result.status, result.total, found(result)], ['success', 0, []]);
      assert.deepEqual([result.source?.count, result.target?.count], [CODES, CODES]);
      assert.equal(result.source?.checksum, result.target?.checksum);
      assert.equal(result.drift_ratio, 0);
    });

    it('finds exactly what was planted', async () => {
      const spoiling = fc.uniqueArray(
        fc.record({
          number: fc.integer({ min: 0, max: CODES - 1 }),
          kind: fc.constantFrom<DifferenceKind[]>('only_source', 'only_target', 'different', 'duplicate_key'),
          field: fc.constantFrom('quantity', 'note'),
        }),
        { selector: ({ number }) => number, maxLength: 12 },
      );
      await fc.assert(
        fc.asyncProperty(spoiling, async (spoilt) => {
          await plant.put(...Array.from({ length: CODES }, (_, number) => ({ code: code(number) })));
          await plant.spoil('DELETE FROM TARGET');
          await plant.sync();
          for (const { number, kind: how, field } of spoilt) {
            const one = [code(number)];
            if (how === 'only_source') await plant.spoil('DELETE FROM TARGET WHERE code = ?', one);
            if (how === 'only_target') await plant.source.execute('DELETE FROM items WHERE code = ?', one);
            if (how === 'different') await plant.spoil(`UPDATE TARGET SET ${field} = '7' WHERE code = ?`, one);
            if (how === 'duplicate_key')
              await plant.source.execute(`INSERT INTO items VALUES (?, '9', '2026-11-02T10:00:00Z', 'twice')`, one);
          }
          const result = await plant.compare();
          assert.equal(result.status, 'success', JSON.stringify(result.error));
          assert.deepEqual(found(result), planted(spoilt.map(({ number, kind: how }) => [how, code(number)])));
          assert.equal(result.total, spoilt.length);
        }),
        { numRuns: 12 },
      );
    });

    it('says what either side holds', async () => {
      await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = ?`, [code(5)]);
      const { sample, differences, repairable } = await plant.compare();
      assert.deepEqual(sample, [
        {
          ...{ kind: 'different', key: [code(5)], known: null },
          fields: [{ field: 'note', source: 'fine', target: 'spoilt' }],
        },
      ]);
      assert.deepEqual([differences?.different, repairable], [1, 1]);
    });

    it('brings both sides together once, and deletes nothing', async () => {
      await plant.spoil(`UPDATE TARGET SET note = 'spoilt' WHERE code = ?`, [code(5)]);
      await plant.spoil('DELETE FROM TARGET WHERE code = ?', [code(6)]);
      await plant.source.execute('DELETE FROM items WHERE code = ?', [code(7)]);
      const result = await plant.compare({ action: 'repair' });
      assert.equal(result.total, 3);
      assert.equal(result.repairable, 2);
      const { counters } = await plant.repaired(result);
      assert.deepEqual(counters, { processed: 2, created: 1, updated: 1, unchanged: 0 });
      const notes = new Map((await plant.target()).map(({ code: key, note }) => [key, note]));
      assert.deepEqual([notes.get(code(5)), notes.get(code(6)), notes.get(code(7))], ['fine', 'fine', 'fine']);
      assert.deepEqual(found(await plant.compare()), planted([['only_target', code(7)]]));
    });
  });
}
