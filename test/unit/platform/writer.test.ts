import assert from 'node:assert/strict';
import type { Connector, WriteRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/platform/connector';
import { EntityTypeStore } from '../../../lib/platform/entity-types';
import { EntityRecordStore } from '../../../lib/platform/records';
import { HIDDEN, tableOf } from '../../../lib/platform/shape';
import type { SqlTransaction } from '../../../lib/protocols/sql/database';
import { recordHasher, recordText } from '../../../lib/sync/hash';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const signal = new AbortController().signal;
const platform = { id: 0, name: 'platform', connector_type: 'platform', config: {}, credentials: {} };

const write = (data: Record<string, unknown>, hash = JSON.stringify(data)): WriteRecord => ({
  data,
  hash,
  key: JSON.stringify([data.material]),
  sourceKey: `["${data.material}"]`,
});

for (const kind of storeKinds) {
  describe(`PlatformWriter on ${kind.name}`, () => {
    let test: TestStore;
    let connector: Connector;
    let records: EntityRecordStore;

    const open = (fields: string[], mappingId = 1, entity = 'material') =>
      connector.openWriter!({ entity, keyFields: ['material'], fields, resume: null, runId: 1, mappingId }, signal);

    beforeEach(async function () {
      test = await newStore(kind, this);
      const { database } = test.store;
      connector = create(platform, { store: database, log: () => undefined });
      records = new EntityRecordStore({ database, types: new EntityTypeStore(database) });
    });
    afterEach(() => test?.dispose());

    it('tells new, changed and unchanged records by the hash beside them', async () => {
      const writer = await open(['material', 'name']);
      const first = [write({ material: 'A', name: 'a' }), write({ material: 'B', name: 'b' })];
      assert.deepEqual(await writer.hashes!(first), [undefined, undefined]);
      assert.deepEqual(
        (await writer.write(first, signal)).map(({ outcome }) => outcome),
        ['created', 'created'],
      );
      const second = [
        write({ material: 'A', name: 'a' }),
        write({ material: 'B', name: 'x' }),
        write({ material: 'C', name: 'c' }),
      ];
      const known = await writer.hashes!(second);
      assert.deepEqual(known, [second[0]!.hash, first[1]!.hash, undefined]);
      const outcomes = (await writer.write(second.slice(1), signal)).map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, ['updated', 'created']);
    });

    it('tells by its text that a record is unchanged, whose hash nobody has computed yet', async () => {
      const fields = ['material', 'name'];
      const hashOf = recordHasher(fields);
      const computed: unknown[] = [];
      const planned = (data: Record<string, unknown>): WriteRecord => {
        let known: string | undefined;
        return Object.defineProperty({ ...write(data), text: recordText(fields)(data) }, 'hash', {
          get: () => {
            if (known === undefined) computed.push(data.material);
            known ??= hashOf(data);
            return known;
          },
          set: (hash: string) => {
            known = hash;
          },
        });
      };
      const writer = await open(fields);
      const first = [planned({ material: 'A', name: 'ação\n"1"' }), planned({ material: 'B', name: 'b' })];
      await writer.write(first, signal);
      // The other stores are asked for the hashes only.
      assert.equal(writer.comparesTexts, kind.name === 'SQLite');
      computed.length = 0;
      const refused = planned({ material: 'A\u0000', name: 'a' });
      const again = [refused, planned({ material: 'A', name: 'ação\n"1"' }), planned({ material: 'B', name: 'x' })];
      const known = await writer.hashes!(again);
      assert.deepEqual(known, [undefined, first[0]!.hash, first[1]!.hash]);
      assert.equal(again[1]!.hash, known[1]);
      assert.notEqual(again[2]!.hash, known[2]);
      assert.equal(writer.comparesTexts, kind.name === 'SQLite');
      if (kind.name === 'SQLite') assert.deepEqual(computed, ['B']);
    });

    it('leaves alone what other mappings write, and does not trust their hashes', async () => {
      const names = await open(['material', 'name'], 1);
      const weights = await open(['material', 'weight'], 2);
      const name = write({ material: 'A', name: 'a' });
      await names.write([name], signal);
      const weight = write({ material: 'A', weight: '1.5' });
      assert.deepEqual(await weights.hashes!([weight]), [null]);
      assert.deepEqual(
        (await weights.write([weight], signal)).map(({ outcome }) => outcome),
        ['updated'],
      );
      const record = await records.get('material', ['A']);
      assert.deepEqual([record.name, record.weight], ['a', '1.5']);
      assert.deepEqual(await names.hashes!([name]), [null]);
      assert.deepEqual(await weights.hashes!([weight]), [weight.hash]);
    });

    it('writes nothing where another mapping was last and the record holds what this one would write', async () => {
      const hashOf = ({ material, name, weight }: Record<string, unknown>) => JSON.stringify([material, name, weight]);
      const opened = (fields: string[], mappingId: number) =>
        connector.openWriter!(
          { entity: 'material', keyFields: ['material'], fields, resume: null, runId: 1, mappingId, hashOf },
          signal,
        );
      const names = await opened(['material', 'name'], 1);
      const weights = await opened(['material', 'weight'], 2);
      const of = (data: Record<string, unknown>) => write(data, hashOf(data));
      await names.write([of({ material: 'A', name: 'a' }), of({ material: 'B', name: 'b' })], signal);
      await weights.write([of({ material: 'A', weight: '1.5' }), of({ material: 'B', weight: '2' })], signal);
      const again = [of({ material: 'A', name: 'a' }), of({ material: 'B', name: 'other' })];
      assert.deepEqual(
        (await names.write(again, signal)).map(({ outcome }) => outcome),
        ['unchanged', 'updated'],
      );
    });

    it('takes a record changed over the API for changed', async () => {
      const writer = await open(['material', 'name']);
      const record = write({ material: 'A', name: 'a' });
      await writer.write([record], signal);
      await records.replace('material', ['A'], { name: 'by hand' });
      assert.deepEqual(await writer.hashes!([record]), [null]);
      await writer.write([record], signal);
      assert.equal((await records.get('material', ['A'])).name, 'a');
    });

    it('refuses single records with field, value and reason', async () => {
      const writer = await open(['material', 'name', 'weight', 'status', 'sell_start_date', 'make']);
      const batch = [
        write({ material: 'A', weight: 'heavy' }),
        write({ material: 'B', status: 'nonsense' }),
        write({ material: 'C', sell_start_date: '2026-02-30' }),
        write({ material: 'D', make: 'yes' }),
        write({ name: 'no key' }),
        write({ material: 'E'.repeat(121) }),
        write({ material: 'F', name: 'good', weight: null }),
      ];
      const results = await writer.write(batch, signal);
      const paths = results.map((result) => (result.outcome === 'failed' ? result.error.path : result.outcome));
      assert.deepEqual(paths, ['weight', 'status', 'sell_start_date', 'make', 'material', 'material', 'created']);
      for (const result of results) {
        if (result.outcome === 'failed') assert.equal(result.error.class, 'data');
      }
      assert.equal((await records.list('material', {})).total, 1);
    });

    it('refuses text that a store cannot keep, in the key as well, before it reaches the database', async () => {
      const writer = await open(['material', 'name', 'attributes']);
      const batch = [
        write({ material: 'a\0b' }),
        write({ material: '\ud800' }),
        write({ material: 'A', name: 'p\0q' }),
        write({ material: 'B', name: 'p\udc00' }),
        write({ material: 'C', name: 'kept', attributes: { text: '\0' } }),
      ];
      const results = await test.store.database.transaction(async (transaction) => {
        await writer.hashes!(batch, transaction);
        return writer.write(batch, signal, transaction);
      });
      const told = results.map((result) =>
        result.outcome === 'failed' ? [result.error.class, result.error.path, result.error.value] : result.outcome,
      );
      assert.deepEqual(told, [
        ['data', 'material', 'a\0b'],
        ['data', 'material', '\ud800'],
        ['data', 'name', 'p\0q'],
        ['data', 'name', 'p\udc00'],
        'created',
      ]);
      assert.deepEqual((await records.get('material', ['C'])).attributes, { text: '\0' });
    });

    it('finds out when a batch that it took for new is not', async () => {
      const writer = await open(['material', 'name']);
      const made = (from: number, name: string) =>
        Array.from({ length: 100 }, (_, n) => write({ material: `M${from + n}`, name }));
      const written = (batch: WriteRecord[]) =>
        test.store.database.transaction(async (transaction) => {
          await writer.hashes!(batch, transaction);
          const isQuick = writer.expectsNew === true;
          const quick = isQuick ? await writer.writeNew!(batch, transaction) : null;
          const results = quick ?? (await writer.write(batch, signal, transaction));
          return {
            isQuick,
            wasRefused: isQuick && quick === null,
            ...Object.groupBy(results, ({ outcome }) => outcome),
          };
        });
      const first = await written(made(0, 'old'));
      assert.deepEqual([first.isQuick, first.created?.length], [true, 100]);
      const second = await written(made(100, 'old'));
      assert.deepEqual([second.isQuick, second.created?.length], [true, 100]);
      const mixed = await written([
        ...made(200, 'new').slice(0, 30),
        ...made(150, 'new').slice(0, 20),
        ...made(0, 'old').slice(0, 10),
      ]);
      assert.deepEqual(
        [mixed.wasRefused, mixed.created?.length, mixed.updated?.length, mixed.unchanged?.length],
        [true, 30, 20, 10],
      );
      assert.equal((await records.list('material', {})).total, 230);
      assert.equal((await records.get('material', ['M150'])).name, 'new');
    });

    it('keeps values and hash of new records, whether their texts hold just what the columns take or not', async () => {
      const fields = ['name', 'material', 'changed_at', 'blocked'];
      const textOf = recordText(fields);
      const hashOf = recordHasher(fields);
      const planned = (material: string, more: object = {}): WriteRecord => {
        const data = { name: null, material, changed_at: '2026-11-24T05:00:00.000Z', blocked: true, ...more };
        return { ...write(data, hashOf(data)), text: textOf(data) };
      };
      const writer = await open(fields);
      await writer.hashes!([planned('0')], test.store.database);
      const batches = [
        [planned('A', { name: 'a "ç"' }), planned('B')],
        [planned('C', { changed_at: '2026-11-24T05:00:00Z' }), planned('D', { blocked: null })],
        [{ ...planned('E'), sourceKey: '["elsewhere"]' }, planned('F')],
      ];
      await test.store.database.transaction(async (transaction) => {
        for (const batch of batches) {
          const quick = await writer.writeNew!(batch, transaction);
          const results = quick ?? (await writer.write(batch, signal, transaction));
          assert.deepEqual(
            results.map(({ outcome }) => outcome),
            ['created', 'created'],
          );
        }
        assert.equal(await writer.writeNew!([planned('G'), planned('H', { changed_at: 'soon' })], transaction), null);
      });
      const all = batches.flat();
      const again = await open(fields);
      assert.deepEqual(
        await again.hashes!(all),
        all.map(({ hash }) => hash),
      );
      for (const { data } of all) {
        const { name, material, blocked, changed_at } = await records.get('material', [String(data.material)]);
        const instant = String(data.changed_at).replace(':00Z', ':00.000Z');
        assert.deepEqual({ name, material, changed_at, blocked }, { ...data, changed_at: instant });
      }
      const { database } = test.store;
      const kept = await database.query(
        `SELECT material, ${HIDDEN.sourceKey} AS source FROM ${database.tableName(tableOf('material'))} ORDER BY material`,
      );
      assert.deepEqual(
        kept.map(({ material, source }) => [material, source]),
        [
          ['A', null],
          ['B', null],
          ['C', null],
          ['D', null],
          ['E', '["elsewhere"]'],
          ['F', null],
        ],
      );
    });

    it('belongs to the transaction that it is given', async () => {
      const writer = await open(['material', 'name']);
      const batch = Array.from({ length: 300 }, (_, n) => write({ material: `M${n}`, name: 'n' }));
      const work = async (transaction: SqlTransaction) => {
        await writer.hashes!(batch, transaction);
        await writer.write(batch, signal, transaction);
        await writer.hashes!(batch, transaction);
        const again = await writer.write(batch, signal, transaction);
        assert.deepEqual(new Set(again.map(({ outcome }) => outcome)), new Set(['unchanged']));
        throw new Error('no commit');
      };
      await assert.rejects(test.store.database.transaction(work), /no commit/);
      assert.equal((await records.list('material', {})).total, 0);
    });

    it('finds keys of several parts, with signs that need care', async () => {
      const writer = await connector.openWriter!(
        {
          entity: 'stock',
          keyFields: ['material'],
          fields: ['material', 'batch', 'quantity'],
          resume: null,
          runId: 1,
          mappingId: 1,
        },
        signal,
      );
      const batch = ['a"b', 'a\\b', 'a,b', '{a}', "a'b", 'NULL', ' ', 'ç', 'a\tb', 'a'].map((material, n) =>
        write({ material, batch: n % 2 ? 'x' : null, quantity: '1' }),
      );
      await writer.write(batch, signal);
      assert.deepEqual(
        await writer.hashes!(batch),
        batch.map(({ hash }) => hash),
      );
      const elsewhere = batch.map(({ data }) => write({ ...data, batch: 'y' }));
      assert.ok((await writer.hashes!(elsewhere)).every((hash) => hash === undefined));
    });

    it('finds keys that are instants', async () => {
      const writer = await connector.openWriter!(
        {
          entity: 'downtime',
          keyFields: ['machine', 'started_at'],
          fields: ['machine', 'started_at', 'reason'],
          resume: null,
          runId: 1,
          mappingId: 1,
        },
        signal,
      );
      const stop = write({ machine: 'M', started_at: '2026-11-24T05:00:00.123Z', reason: 'r' });
      await writer.write([stop], signal);
      const sameInstant = write({ machine: 'M', started_at: '2026-11-24T06:00:00.123+01:00', reason: 'r' });
      assert.deepEqual(await writer.hashes!([sameInstant]), [stop.hash]);
    });

    it('refuses fields that the type lacks and a key that is not mapped', async () => {
      await assert.rejects(open(['material', 'nonsense']), { code: 'PCP_FIELD_UNKNOWN', class: 'config' });
      await assert.rejects(open(['name']), { code: 'PCP_KEY_UNMAPPED', class: 'config' });
      await assert.rejects(open(['material'], 1, 'nothing'), { code: 'PCP_ENTITY_UNKNOWN', class: 'config' });
    });

    it('looks records up by their key', async () => {
      await records.create('material', { material: 'A', name: 'a' });
      const keys = [{ material: 'A' }, { material: 'B' }];
      const [found, absent] = await connector.lookup!({ entity: 'material', keyFields: ['material'] }, keys, signal);
      assert.equal(found?.name, 'a');
      assert.equal(absent, null);
    });

    it('can tell nothing of a key that is none, and goes on with the others', async () => {
      await records.create('material', { material: 'A', name: 'a' });
      const keys = [{ material: 'x'.repeat(5000) }, { material: 'A' }, { material: 7 }];
      const found = await connector.lookup!({ entity: 'material', keyFields: ['material'] }, keys, signal);
      assert.deepEqual(
        found.map((record) => record?.name),
        [undefined, 'a', undefined],
      );
    });

    it('has not written last what somebody has changed since', async () => {
      const writer = await open(['material']);
      const record = write({ material: 'A' });
      await writer.write([record], signal);
      assert.equal(typeof (await writer.writtenAt!([record]))[0], 'number');
      await records.merge('material', ['A'], { name: 'by hand' });
      assert.deepEqual(await writer.writtenAt!([record]), [null]);
    });

    if (kind.name !== 'SQLite') {
      it('dates its writes by the clock of the store', async () => {
        const writer = await open(['material']);
        const record = write({ material: 'A' });
        const realNow = Date.now;
        Date.now = () => realNow() + 3_600_000;
        try {
          await writer.write([record], signal);
          const [at] = await writer.writtenAt!([record]);
          assert.ok(Math.abs(Number(at) - realNow()) < 600_000);
        } finally {
          Date.now = realNow;
        }
      });
    }
  });
}
