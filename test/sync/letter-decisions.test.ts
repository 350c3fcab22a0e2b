import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldMapping } from '../../lib/model/mapping';
import type { Hub, MappingInput, MappingView, ReplaySelection } from '../../lib/model/services';
import type { DeadLetter } from '../../lib/model/sync';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import { jobEnd, openHub, runToEnd } from '../support/hub';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const FIELDS: FieldMapping[] = [
  { source: 'id', target: 'order_number', type: 'string' },
  { source: 'quantity', target: 'quantity', type: 'decimal' },
  { source: 'status', target: 'status', lookup: { REL: 'released' } },
];

for (const kind of storeKinds) {
  describe(`what somebody decided about dead letters in ${kind.name}`, function () {
    this.timeout(60_000);
    let place: StorePlace;
    let hub: Hub;
    let source: SqlDatabase;
    let connectionId: number;
    let mapping: MappingView;

    beforeEach(async function () {
      place = await kind.place(this);
      const { directory, url: storeUrl } = place.options;
      hub = await openHub(directory, { storeUrl });
      const storage = join(directory, 'erp', 'erp.db');
      await mkdir(join(directory, 'erp'));
      source = await openDatabase({ dialect: 'sqlite', storage });
      await source.execute('CREATE TABLE orders (id TEXT PRIMARY KEY, quantity TEXT, status TEXT, changed TEXT)');
      const input = { name: 'erp', connector_type: 'generic.database', config: { dialect: 'sqlite', storage } };
      connectionId = (await hub.connections.create(input)).id;
      mapping = await hub.mappings.create(orders());
    });

    afterEach(async () => {
      await hub?.close();
      await source?.close();
      await place?.remove();
    });

    const orders = (changes: Partial<MappingInput> = {}): MappingInput => ({
      connection_id: connectionId,
      name: 'orders',
      entity_type: 'production_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'production_order',
      field_mappings: FIELDS,
      options: { max_error_ratio: 1 },
      ...changes,
    });

    /** What failed for its type then fails for its value, unless that is 9. */
    const withLookup = (): MappingInput => {
      const [id, quantity, status] = FIELDS;
      return orders({ field_mappings: [id!, { ...quantity!, lookup: { 9: '9' } }, status!] });
    };

    const put = (id: string, quantity: string, status = 'REL') =>
      source.execute('INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)', [
        id,
        quantity,
        status,
        String(Math.random()),
      ]);

    const run = async () => (await runToEnd(hub, connectionId, { mapping_id: mapping.id })).logs[0]!;

    const replay = async (selection: ReplaySelection) => {
      const [job] = await hub.sync.replay(selection);
      return (await jobEnd(hub, job!.job_id)).logs[0]!;
    };

    const open = async (): Promise<DeadLetter[]> => (await hub.sync.deadLetters({ state: 'open' })).items;
    const order = (number: string) => hub.records.get('production_order', [number]);

    it('that were discarded do not come back while the record and its error stay the same', async () => {
      await put('1', 'x');
      await put('2', '2');
      await run();
      const [first] = await open();
      await hub.sync.discard(first!.id, 'A test order.');
      const long = new Date(Date.now() - 20 * 86_400_000);
      await hub.database.execute('UPDATE integration_dead_letters SET last_at = ? WHERE id = ?', [long, first!.id]);
      const dry = (await runToEnd(hub, connectionId, { mapping_id: mapping.id, dry_run: true })).logs[0]!;
      const again = await run();
      for (const { details, records_error } of [dry, again]) {
        assert.deepEqual([details.state, details.filtered, details.unchanged, records_error], ['succeeded', 1, 1, 0]);
      }
      assert.equal((await open()).length, 0);
      const kept = await hub.sync.deadLetter(first!.id);
      assert.ok(new Date(kept.last_at) > long, 'the decision lasts as long as the record comes');
      await put('1', 'y');
      assert.equal((await run()).details.state, 'partial');
      const [changed] = await open();
      assert.equal(changed!.value, 'y');
      await hub.sync.discard(changed!.id);
      await hub.mappings.update(mapping.id, withLookup());
      await run();
      const other = (await open()).find(({ source_key }) => source_key === '["1"]');
      assert.equal(other?.code, 'PCP_VALUE_LOOKUP', 'another error is another reason');
    });

    it('do not stop a run when they were discarded', async () => {
      await put('1', 'x');
      await hub.mappings.update(mapping.id, orders({ options: { on_error: 'stop' } }));
      assert.equal((await run()).details.error_code, 'PCP_STOPPED_ON_ERROR');
      await hub.sync.discard((await open())[0]!.id);
      await put('2', '2');
      assert.deepEqual((await run()).details.state, 'succeeded');
      assert.equal((await order('2')).quantity, '2');
    });

    it('can be replayed when an equal one was discarded', async () => {
      await put('1', 'x');
      await run();
      const [letter] = await open();
      await hub.sync.discard(letter!.id);
      await hub.database.execute(
        `INSERT INTO integration_dead_letters (mapping_id, mapping_version, sync_log_id, direction, source_key, source_key_hash,
           sealed_payload, sealed_reason, key_id, stage, error_class, code, state, group_hash, edited, attempts, first_at, last_at)
         SELECT mapping_id, mapping_version, sync_log_id, direction, source_key, source_key_hash, sealed_payload, sealed_reason,
           key_id, stage, error_class, code, 'open', group_hash, edited, attempts, first_at, last_at
         FROM integration_dead_letters`,
      );
      const log = await replay({ ids: [(await open())[0]!.id], mode: 'stored' });
      assert.deepEqual([log.records_error, (await open()).length], [1, 1]);
    });

    it('keep their correction while the source gives what was corrected', async () => {
      await put('1', 'x');
      await run();
      const [letter] = await open();
      const correct = () => hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
      const now = async () => {
        const { payload, edited, code, note } = await hub.sync.deadLetter(letter!.id);
        return [(payload as { quantity: string }).quantity, edited, code, note];
      };
      await replay({ ids: [letter!.id], mode: 'refetch' });
      await correct();
      await run();
      assert.deepEqual(await now(), ['9', true, 'PCP_VALUE_TYPE', null]);
      await put('1', 'x');
      await hub.mappings.update(mapping.id, withLookup());
      await run();
      assert.deepEqual(await now(), ['9', true, 'PCP_VALUE_LOOKUP', null], 'another error of the same record');
      assert.equal((await open()).length, 1);
      assert.equal((await replay({ ids: [letter!.id] })).records_error, 0);
      assert.equal((await order('1')).quantity, '9');
    });

    it('lose their correction, and say so, when the source gives something newer', async () => {
      await put('1', 'x');
      await run();
      const [letter] = await open();
      await hub.sync.editDeadLetter(letter!.id, { ...(letter!.payload as object), quantity: '9' });
      await put('1', 'y');
      await run();
      const { payload, edited, note } = await hub.sync.deadLetter(letter!.id);
      assert.deepEqual([(payload as { quantity: string }).quantity, edited], ['y', false]);
      assert.match(note ?? '', /correction was replaced/);
    });

    it('are corrected only as they were seen, when the caller says so', async () => {
      await put('1', 'x');
      await run();
      const [letter] = await open();
      const corrected = { ...(letter!.payload as object), quantity: '9' };
      await run();
      await assert.rejects(hub.sync.editDeadLetter(letter!.id, corrected, letter!.last_at), {
        code: 'PCP_STALE_REVISION',
      });
      const { last_at } = await hub.sync.deadLetter(letter!.id);
      assert.equal((await hub.sync.editDeadLetter(letter!.id, corrected, last_at)).edited, true);
    });
  });
}
