import assert from 'node:assert/strict';
import type { MappingInput } from '../../lib/model/services';
import { runToEnd } from '../support/hub';
import { ORDER_FIELDS, OrderImport } from '../support/order-import';
import { type StorePlace, storeKinds } from '../unit/store/stores';

for (const kind of storeKinds) {
  describe(`what somebody decided about dead letters in ${kind.name}`, () => {
    let place: StorePlace;
    let orders: OrderImport;

    beforeEach(async function () {
      place = await kind.place(this);
      orders = await OrderImport.create(place);
    });

    afterEach(async () => {
      await orders?.close();
      await place?.remove();
    });

    /** What failed for its type then fails for its value, unless that is 9. */
    const withLookup = (): MappingInput => {
      const field_mappings = ORDER_FIELDS.map((field) =>
        field.target === 'quantity' ? { ...field, lookup: { 9: '9' } } : field,
      );
      return orders.input({ field_mappings });
    };

    it('that were discarded do not come back while the record and its error stay the same', async () => {
      await orders.put('1', 'x');
      await orders.put('2', '2');
      await orders.run();
      const [first] = await orders.letters();
      await orders.hub.sync.discard(first!.id, 'A test order.');
      const long = new Date(Date.now() - 20 * 86_400_000);
      await orders.hub.database.execute('UPDATE integration_dead_letters SET last_at = ? WHERE id = ?', [
        long,
        first!.id,
      ]);
      const dry = await orders.run(true);
      const again = await orders.run();
      for (const { details, records_error } of [dry, again]) {
        assert.deepEqual([details.state, details.filtered, details.unchanged, records_error], ['succeeded', 1, 1, 0]);
      }
      assert.equal((await orders.letters()).length, 0);
      const kept = await orders.hub.sync.deadLetter(first!.id);
      assert.ok(new Date(kept.last_at) > long, 'the decision lasts as long as the record comes');
      await orders.put('1', 'y');
      assert.equal((await orders.run()).details.state, 'partial');
      const [changed] = await orders.letters();
      assert.equal(changed!.value, 'y');
      await orders.hub.sync.discard(changed!.id);
      await orders.hub.mappings.update(orders.mapping.id, withLookup());
      await orders.run();
      const other = (await orders.letters()).find(({ source_key }) => source_key === '["1"]');
      assert.equal(other?.code, 'PCP_VALUE_LOOKUP', 'another error is another reason');
    });

    it('do not stop a run when they were discarded', async () => {
      await orders.put('1', 'x');
      await orders.hub.mappings.update(orders.mapping.id, orders.input({ options: { on_error: 'stop' } }));
      assert.equal((await orders.run()).details.error_code, 'PCP_STOPPED_ON_ERROR');
      await orders.hub.sync.discard((await orders.letters())[0]!.id);
      await orders.put('2', '2');
      assert.deepEqual((await orders.run()).details.state, 'succeeded');
      assert.equal((await orders.order('2')).quantity, '2');
    });

    it('can be replayed when an equal one was discarded', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.hub.sync.discard(letter!.id);
      await orders.hub.database.execute(
        `INSERT INTO integration_dead_letters (mapping_id, mapping_version, sync_log_id, direction, source_key, source_key_hash,
           sealed_payload, sealed_reason, key_id, stage, error_class, code, state, group_hash, edited, attempts, first_at, last_at)
         SELECT mapping_id, mapping_version, sync_log_id, direction, source_key, source_key_hash, sealed_payload, sealed_reason,
           key_id, stage, error_class, code, 'open', group_hash, edited, attempts, first_at, last_at
         FROM integration_dead_letters`,
      );
      const log = await orders.replay({ ids: [(await orders.letters())[0]!.id], mode: 'stored' });
      assert.deepEqual([log.records_error, (await orders.letters()).length], [1, 1]);
    });

    it('keep their correction while the source gives what was corrected', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      const correct = () =>
        orders.hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
      const now = async () => {
        const { payload, edited, code, note } = await orders.hub.sync.deadLetter(letter!.id);
        return [(payload as { quantity: string }).quantity, edited, code, note];
      };
      await orders.replay({ ids: [letter!.id], mode: 'refetch' });
      await correct();
      await orders.run();
      assert.deepEqual(await now(), ['9', true, 'PCP_VALUE_TYPE', null]);
      await orders.put('1', 'x');
      await orders.hub.mappings.update(orders.mapping.id, withLookup());
      await orders.run();
      assert.deepEqual(await now(), ['9', true, 'PCP_VALUE_LOOKUP', null], 'another error of the same record');
      assert.equal((await orders.letters()).length, 1);
      assert.equal((await orders.replay({ ids: [letter!.id] })).records_error, 0);
      assert.equal((await orders.order('1')).quantity, '9');
    });

    it('tell why a record fails now, once, when it failed for another reason before', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [first] = await orders.letters();
      await orders.hub.mappings.update(orders.mapping.id, withLookup());
      await orders.put('1', '8');
      await orders.run();
      const open = (await orders.letters()).map(({ id, code, value, attempts }) => [id, code, value, attempts]);
      assert.deepEqual(open, [[first!.id, 'PCP_VALUE_LOOKUP', '8', 2]]);
    });

    it('name every wrong field of a record', async () => {
      await orders.put('1', 'x', 'NONE');
      await orders.run();
      const [letter] = await orders.letters();
      assert.equal(letter!.field, 'quantity');
      assert.match(letter!.message, /^quantity.*"x" is not a decimal number\. status.*"NONE"/);
      const group = letter!.group_hash;
      await orders.put('1', 'y');
      await orders.run();
      assert.equal((await orders.letters())[0]!.group_hash, group, 'they are of one group by their first field');
    });

    it('tell why their correction failed when the source still gives what was corrected', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      const payload = { ...(letter!.payload as object), quantity: '9', status: 'NONE' };
      await orders.hub.sync.editDeadLetter(letter!.id, payload);
      await orders.replay({ ids: [letter!.id] });
      await orders.run();
      const [met] = await orders.letters();
      assert.deepEqual(
        [met!.id, met!.payload, met!.code, met!.value],
        [letter!.id, payload, 'PCP_VALUE_LOOKUP', 'NONE'],
      );
      await orders.hub.sync.discard(letter!.id);
      await orders.run();
      assert.deepEqual(await orders.letters(), [], 'the record as it was read fails as it did when it was decided');
    });

    it('that were corrected and replayed do not come back while their source stays the same', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const correct = async () => {
        const [letter] = await orders.letters();
        await orders.hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
        assert.equal((await orders.replay({ ids: [letter!.id] })).records_error, 0);
      };
      await correct();
      const again = await orders.run();
      assert.deepEqual([again.details.state, again.details.filtered, again.records_error], ['succeeded', 1, 0]);
      assert.equal((await orders.order('1')).quantity, '9');
      await orders.put('1', '5');
      await orders.run();
      await orders.put('1', 'x');
      await orders.run();
      assert.equal((await orders.letters()).length, 1, 'the target has something newer than the correction');
      await correct();
      await orders.run();
      const fields = [...ORDER_FIELDS, { target: 'plant', constant: '1000' }];
      await orders.hub.mappings.update(orders.mapping.id, orders.input({ field_mappings: fields }));
      await orders.run();
      assert.equal((await orders.letters()).length, 1, 'another mapping makes another record of it');
    });

    it('that were corrected stay so for one of several records that came out of one', async () => {
      const field_mappings = ['order_number', 'quantity'].map((target) => ({ source: 'material', target }));
      const transformations: MappingInput['transformations'] = [
        { op: 'split', field: 'material', separator: ';' },
        { op: 'explode', field: 'material' },
      ];
      await orders.hub.mappings.update(orders.mapping.id, orders.input({ field_mappings, transformations }));
      await orders.put('1', '1', 'REL', '10;x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), material: '10;11' });
      await orders.replay({ ids: [letter!.id] });
      for (const run of [await orders.run(), await orders.run()]) {
        assert.deepEqual([run.details.unchanged, run.details.filtered, run.records_error], [1, 1, 0]);
      }
    });

    it('that were corrected are told once more when everything is', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
      await orders.replay({ ids: [letter!.id] });
      await runToEnd(orders.hub, orders.connectionId, { mapping_id: orders.mapping.id, full: true });
      const [again] = await orders.letters();
      await orders.hub.sync.editDeadLetter(again!.id, { ...(letter!.payload as object), quantity: '9' });
      await orders.replay({ ids: [again!.id] });
      await orders.hub.sync.decideTarget(orders.mapping.id, 'other');
      await orders.run();
      assert.equal((await orders.letters()).length, 1, 'the other target was given nothing yet');
    });

    it('are replayed by the run that left them', async () => {
      await orders.put('1', 'x');
      await orders.put('2', '2', 'NONE');
      const first = await orders.run();
      await orders.put('3', 'x');
      await orders.hub.sync.editDeadLetter((await orders.letters())[0]!.id, {
        id: '2',
        material: 'M-1',
        quantity: '2',
        status: 'REL',
      });
      assert.equal((await orders.replay({ sync_log_id: first.id })).records_processed, 2);
      const left = await orders.letters();
      assert.deepEqual(
        left.map(({ position, value }) => [position, value]),
        [['id=1', 'x']],
      );
      await assert.rejects(orders.hub.sync.replay({ sync_log_id: first.id }), { code: 'PCP_NOT_FOUND' });
    });

    it('lose their correction, and say so, when the source gives something newer', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
      await orders.put('1', 'y');
      await orders.run();
      const { payload, edited, note } = await orders.hub.sync.deadLetter(letter!.id);
      assert.deepEqual([(payload as { quantity: string }).quantity, edited], ['y', false]);
      assert.match(note ?? '', /correction was replaced/);
    });

    it('are corrected only as they were seen, when the caller says so', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      const corrected = { ...(letter!.payload as object), quantity: '9' };
      await orders.run();
      await assert.rejects(orders.hub.sync.editDeadLetter(letter!.id, corrected, letter!.last_at), {
        code: 'PCP_STALE_REVISION',
      });
      const { last_at } = await orders.hub.sync.deadLetter(letter!.id);
      assert.equal((await orders.hub.sync.editDeadLetter(letter!.id, corrected, last_at)).edited, true);
    });
  });
}
