import assert from 'node:assert/strict';
import { EntityTypeStore } from '../../../lib/platform/entity-types';
import { EntityRecordStore } from '../../../lib/platform/records';
import { newStore, storeKinds, type TestStore } from '../store/stores';

for (const kind of storeKinds) {
  describe(`EntityRecordStore on ${kind.name}`, () => {
    let test: TestStore;
    let records: EntityRecordStore;
    let types: EntityTypeStore;

    before(async function () {
      test = await newStore(kind, this);
      const { database } = test.store;
      types = new EntityTypeStore(database);
      records = new EntityRecordStore({ database, types });
    });
    after(() => test?.dispose());

    it('keeps every kind of value exactly', async () => {
      const order = {
        order_number: '000012345678',
        material: 'Ção "x" \\ \n',
        quantity: '12345678901234567890.123456789',
        planned_start: '2024-02-29',
        actual_start_at: '2026-11-24T05:00:00.123+02:00',
        status: 'released',
        attributes: { nested: [1, 'a', null] },
      };
      const made = await records.create('production_order', order);
      const expected = { ...order, actual_start_at: '2026-11-24T03:00:00.123Z' };
      assert.deepEqual(made, { ...made, ...expected });
      assert.deepEqual(await records.get('production_order', ['000012345678']), made);
      assert.ok(!Object.keys(made).some((name) => name.startsWith('_')), 'hidden columns stay hidden');
      const exact = { id: '9007199254740993', share: '0.12345678901234567890' };
      const { attributes } = await records.create('production_order', { order_number: '2', attributes: exact });
      assert.deepEqual(attributes, exact);
      const material = await records.create('material', {
        material: 'M1',
        make: true,
        finished_good: false,
        days_to_manufacture: 3,
        safety_stock: '-0.50',
      });
      assert.deepEqual([material.make, material.finished_good, material.days_to_manufacture], [true, false, 3]);
      assert.match(String(material.safety_stock), /^-0\.50?$/);
    });

    it('says which field is wrong', async () => {
      const wrong: [Record<string, unknown>, string][] = [
        [{}, '/order_number'],
        [{ order_number: '' }, '/order_number'],
        [{ order_number: 'x', quantity: 'many' }, '/quantity'],
        [{ order_number: 'x', quantity: 1 }, '/quantity'],
        [{ order_number: 'x', planned_start: '2026-02-30' }, '/planned_start'],
        [{ order_number: 'x', status: 'nonsense' }, '/status'],
        [{ order_number: 'x', nonsense: 1 }, '/nonsense'],
        [{ order_number: 'x', _hash: 'x' }, '/_hash'],
        [{ order_number: 'x'.repeat(121) }, '/order_number'],
        [{ order_number: 'x', material: 'a\ud800' }, 'material'],
      ];
      for (const [record, path] of wrong) {
        await assert.rejects(
          records.create('production_order', record),
          { code: 'PCP_RECORD_INVALID', class: 'data', path },
          path,
        );
      }
      assert.equal((await records.list('production_order', { filter: { order_number: 'x' } })).total, 0);
    });

    it('says what is wrong with a field that may be null', async () => {
      const wrong: [Record<string, unknown>, RegExp][] = [
        [{ quantity: 'many' }, /must match format "decimal"/],
        [{ planned_start: '2026-02-30' }, /must match format "date"/],
        [{ status: 'nonsense' }, /must be equal to one of the allowed values: .*released/],
      ];
      for (const [fields, message] of wrong) {
        await assert.rejects(records.create('production_order', { order_number: 'x', ...fields }), { message });
      }
    });

    it('needs a key that can be addressed', async () => {
      const schema = { type: 'object', properties: { code: { type: 'string' }, at: { type: 'string', default: '' } } };
      await types.create({ type: 'note', title: 'Note', key: ['code', 'at'], schema });
      await assert.rejects(records.create('note', { code: '' }), { code: 'PCP_RECORD_INVALID', path: '/code' });
      assert.equal((await records.create('note', { code: 'a' })).at, '');
    });

    it('finds decimals by their value, exactly', async () => {
      const kept = { a: '1.10', b: '1.1', c: '-1.1', d: '0', e: '0.00', f: '10', g: '12345678901234567890.5' };
      for (const [material, safety_stock] of Object.entries(kept)) {
        await records.create('material', { material: `dec-${material}`, safety_stock });
      }
      await records.create('material', { material: 'dec-h' });
      const found = async (safety_stock: string) => {
        const { items } = await records.list('material', { filter: { safety_stock } });
        return items.flatMap(({ material }) => (String(material).startsWith('dec-') ? String(material).slice(4) : []));
      };
      assert.deepEqual(await found('1.1'), ['a', 'b']);
      assert.deepEqual(await found('001.100'), ['a', 'b']);
      assert.deepEqual(await found('-1.10'), ['c']);
      assert.deepEqual(await found('-0.0'), ['d', 'e']);
      assert.deepEqual(await found('10.0'), ['f']);
      assert.deepEqual(await found('1'), []);
      assert.deepEqual(await found('12345678901234567890.50'), ['g']);
      assert.deepEqual(await found('12345678901234567890.4'), []);
    });

    it('merges a record with the one that is there', async () => {
      await records.create('production_order', { order_number: 'M1', quantity: '5', status: 'released' });
      const { record, created } = await records.merge('production_order', ['M1'], { status: 'held', priority: null });
      assert.deepEqual([created, record.quantity, record.status], [false, '5', 'held']);
      await assert.rejects(records.merge('production_order', ['M1'], { status: 'none' }), {
        code: 'PCP_RECORD_INVALID',
      });
      assert.equal((await records.merge('production_order', ['M2'], { quantity: '1' })).created, true);
    });

    it('refuses a record twice, replaces it whole, and forgets its hash', async () => {
      await records.create('plant', { plant: '1000', name: 'A', city: 'Joinville' });
      await assert.rejects(records.create('plant', { plant: '1000' }), {
        code: 'PCP_RECORD_EXISTS',
        class: 'conflict',
      });
      const { database } = test.store;
      await database.execute("UPDATE pcp_plant SET _hash = 'h', _mapping_id = 1 WHERE plant = '1000'");
      const { record, created } = await records.replace('plant', ['1000'], { name: 'B' });
      assert.equal(created, false);
      assert.deepEqual([record.plant, record.name, record.city], ['1000', 'B', null]);
      const [row] = await database.query("SELECT _hash, _updated_at FROM pcp_plant WHERE plant = '1000'");
      assert.equal(row?._hash, null);
      assert.ok(Math.abs(Number(row?._updated_at) - Date.now()) < 60_000);
      assert.equal((await records.replace('plant', ['2000'], { name: 'C' })).created, true);
      await assert.rejects(records.replace('plant', ['2000'], { plant: '3000' }), { path: '/plant' });
    });

    it('finds keys of several parts, empty ones and instants', async () => {
      await records.create('stock', { material: 'M1', storage_location: '01', quantity: '5' });
      const found = await records.get('stock', ['M1', '', '01', '', '', '']);
      assert.equal(found.quantity, '5');
      assert.equal(found.batch, '');
      const stop = { machine: 'X', started_at: '2026-11-24T05:00:00.000Z', reason: 'r' };
      await records.create('downtime', stop);
      assert.equal((await records.get('downtime', ['', 'X', stop.started_at])).reason, 'r');
      await records.replace('downtime', ['', 'X', stop.started_at], { reason: 's' });
      assert.equal((await records.get('downtime', ['', 'X', stop.started_at])).started_at, stop.started_at);
      await assert.rejects(records.get('downtime', ['', 'X']), { code: 'PCP_NOT_FOUND' });
      await assert.rejects(records.get('downtime', ['', 'X', 'nonsense']), { code: 'PCP_NOT_FOUND' });
    });

    it('tells keys apart by case, accents and trailing blanks', async () => {
      for (const operator of ['a', 'A', 'á', 'ä', 'a ']) await records.create('operator', { operator });
      const { items } = await records.list('operator', {});
      assert.deepEqual(
        items.map(({ operator }) => operator),
        ['A', 'a', 'a ', 'á', 'ä'],
        'in the order of code points',
      );
    });

    it('counts a list once: the pages that follow tell the same total', async () => {
      for (const work_center of ['1', '2', '3', '4']) await records.create('work_center', { work_center });
      const first = await records.list('work_center', { limit: 2 });
      await records.delete('work_center', ['', '1']);
      const second = await records.list('work_center', { limit: 2, cursor: first.next_cursor! });
      assert.deepEqual([first.total, second.total, second.items.length], [4, 4, 2]);
      assert.equal((await records.list('work_center', {})).total, 3);
      const foreign = Buffer.from('["","2"]').toString('base64url');
      await assert.rejects(records.list('work_center', { cursor: foreign }), { code: 'PCP_CURSOR_INVALID' });
    });

    it('pages through everything once, filtered or not', async () => {
      for (let n = 0; n < 25; n++) {
        await records.create('shift', {
          shift: `S${n % 5}`,
          date: `2026-01-0${1 + Math.floor(n / 5)}`,
          working_day: n % 2 === 0,
        });
      }
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await records.list('shift', { limit: 4, ...(cursor && { cursor }) });
        assert.equal(page.total, 25);
        seen.push(...page.items.map(({ shift, date }) => `${shift} ${date}`));
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      assert.equal(new Set(seen).size, 25);
      assert.deepEqual(seen, [...seen].sort());
      assert.equal((await records.list('shift', { filter: { shift: 'S1' } })).total, 5);
      assert.equal((await records.list('shift', { filter: { working_day: 'true' } })).total, 13);
      await assert.rejects(records.list('shift', { filter: { nothing: 'x' } }), { code: 'PCP_FILTER_INVALID' });
      await assert.rejects(records.list('nothing', {}), { code: 'PCP_NOT_FOUND' });
    });

    it('deletes once', async () => {
      await records.create('machine', { machine: 'M1' });
      await records.delete('machine', ['', 'M1']);
      await assert.rejects(records.delete('machine', ['', 'M1']), { code: 'PCP_NOT_FOUND' });
    });
  });
}
