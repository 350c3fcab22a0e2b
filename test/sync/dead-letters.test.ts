import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldMapping } from '../../lib/model/mapping';
import type { MappingInput } from '../../lib/model/services';
import type { HubSettings } from '../../lib/settings';
import { runToEnd } from '../support/hub';
import { ORDER_FIELDS, OrderImport } from '../support/order-import';
import { type StorePlace, storeKinds } from '../unit/store/stores';

const KEY = 'a1'.repeat(32);
const NEW_KEY = 'b2'.repeat(32);
const CANARY = 'canary-Maria-da-Silva';

for (const kind of storeKinds.filter(({ name }) => name !== 'MariaDB')) {
  describe(`dead letters in ${kind.name}`, () => {
    let place: StorePlace;
    let orders: OrderImport;
    let said: string[];

    beforeEach(async function () {
      place = await kind.place(this);
      said = [];
      orders = await OrderImport.create(place, settings(KEY));
    });

    afterEach(async () => {
      await orders?.close();
      await place?.remove();
    });

    const settings = (key: string): Partial<HubSettings> => ({
      key,
      log: (level, message) => said.push(`${level} ${message}`),
    });

    /** Resolves when it is so; the test's own time limit bounds it. */
    const until = async (holds: () => Promise<boolean>): Promise<void> => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
    };

    /** Everything that is written anywhere. */
    async function everythingStored(): Promise<string> {
      const texts: string[] = [];
      for (const { table } of await orders.hub.database.listTables()) {
        const rows = await orders.hub.database.query(`SELECT * FROM ${orders.hub.database.tableName(table)}`);
        texts.push(JSON.stringify(rows));
      }
      const { directory } = place.options;
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (entry.isFile()) texts.push(await readFile(join(directory, entry.name), 'latin1'));
      }
      return texts.join('\n');
    }

    it('show to those who may see it what nobody finds in the store', async () => {
      await orders.put('1', CANARY, 'REL', `${CANARY}-material`);
      assert.equal((await orders.run()).details.state, 'partial');
      await orders.put('2', CANARY, `${CANARY}-status`);
      await orders.hub.mappings.update(orders.mapping.id, orders.input({ options: { max_errors: 1 } }));
      const stopped = await orders.run();
      assert.equal(stopped.details.error_code, 'PCP_TOO_MANY_ERRORS');
      assert.match(stopped.error_message ?? '', /PCP_VALUE_TYPE in "quantity"/);
      const inLog = /^warn Run \d+ of mapping \d+ "orders": failed, PCP_TOO_MANY_ERRORS: .*\. \w/;
      await until(async () => said.some((line) => inLog.test(line)));
      const letters = await orders.letters();
      assert.equal(letters.length, 2);
      for (const letter of letters) {
        assert.equal(letter.value, CANARY);
        assert.match(letter.message, new RegExp(CANARY));
        assert.equal((letter.payload as { quantity: string }).quantity, CANARY);
        assert.equal(letter.payload_error, null);
      }
      const [group] = await orders.hub.sync.deadLetterGroups({});
      assert.match(group!.message, new RegExp(CANARY));
      assert.equal(group!.count, 2);
      const corrected = { ...(letters[0]!.payload as object), material: `${CANARY}-corrected` };
      await orders.hub.sync.editDeadLetter(letters[0]!.id, corrected);
      await orders.replay({ ids: [letters[0]!.id] });
      const text = `${await everythingStored()}\n${said.join('\n')}`;
      const at = text.indexOf('canary');
      assert.equal(at, -1, text.slice(Math.max(0, at - 200), at + 50));
    });

    it('give the runner their key where nobody else sees it', async function () {
      if (!existsSync('/proc/self/environ')) this.skip();
      await orders.put('1', 'x');
      await orders.run();
      const { pid } = (await orders.hub.health()).runner;
      const seen = await Promise.all(['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'latin1')));
      assert.ok(seen[1]!.includes('process.js'));
      const forms = [KEY, Buffer.from(KEY, 'hex').toString('base64'), Buffer.from(KEY, 'hex').toString('latin1')];
      for (const form of forms) assert.ok(!seen.join('\n').includes(form));
    });

    it('open for no other record', async () => {
      await orders.put('1', 'x');
      await orders.put('2', 'y');
      await orders.run();
      const [second, first] = await orders.letters();
      await orders.hub.database.execute(
        `UPDATE integration_dead_letters SET sealed_payload = (SELECT sealed_payload FROM
           (SELECT sealed_payload FROM integration_dead_letters WHERE id = ?) other) WHERE id = ?`,
        [second!.id, first!.id],
      );
      const moved = await orders.hub.sync.deadLetter(first!.id);
      assert.deepEqual([moved.payload, moved.payload_error], [null, 'PCP_VAULT_BROKEN']);
      assert.equal(moved.value, 'x');
      assert.deepEqual((await orders.hub.sync.deadLetter(second!.id)).payload, second!.payload);
    });

    it('tell their reason when the key is lost, and can be read anew', async () => {
      await orders.put('1', 'x');
      await orders.run();
      await orders.reopen(settings(NEW_KEY));
      const [letter] = await orders.letters();
      assert.deepEqual(
        [letter!.payload, letter!.payload_error, letter!.value, letter!.code, letter!.field, letter!.source_key],
        [null, 'PCP_VAULT_KEY_UNKNOWN', null, 'PCP_VALUE_TYPE', 'quantity', '["1"]'],
      );
      assert.match(letter!.message, /not among the keys given/);
      assert.equal((await orders.replay({ ids: [letter!.id], mode: 'stored' })).records_error, 1);
      const untouched = await orders.hub.sync.deadLetter(letter!.id);
      assert.deepEqual([untouched.state, untouched.code, untouched.attempts], ['open', 'PCP_VALUE_TYPE', 2]);
      await orders.reopen(settings(`${NEW_KEY},${KEY}`));
      assert.equal((await orders.hub.sync.deadLetter(letter!.id)).value, 'x');
      await orders.reopen(settings(NEW_KEY));
      await orders.put('1', '5');
      assert.equal((await orders.replay({ ids: [letter!.id] })).details.refetched, 1);
      assert.equal((await orders.order('1')).quantity, '5');
    });

    it('are sealed with the current key once an earlier one or none had sealed them', async () => {
      await orders.put('1', 'x');
      await orders.put('2', 'y');
      await orders.run();
      const [second, first] = await orders.letters();
      await orders.hub.database.execute(
        `UPDATE integration_dead_letters SET sealed_payload = NULL, sealed_reason = NULL, key_id = NULL,
           payload = ?, message = ?, ${orders.hub.database.quote('value')} = ? WHERE id = ?`,
        [JSON.stringify(first!.payload), first!.message, '"x"', first!.id],
      );
      const { said: _phrase, ...reason } = first!;
      const inClear = { ...reason, position: null };
      assert.deepEqual(await orders.hub.sync.deadLetter(first!.id), inClear, 'what is in clear can be read');
      await orders.source.execute('DELETE FROM orders');
      await orders.reopen(settings(`${NEW_KEY},${KEY}`));
      await orders.run();
      await until(async () => said.includes('info 2 dead letters were sealed with the current key.'));
      await orders.reopen(settings(NEW_KEY));
      const [newer, older] = await orders.letters();
      assert.deepEqual([newer!.payload, older!.payload], [second!.payload, first!.payload]);
      assert.deepEqual([newer!.message, older!.message], [second!.message, first!.message]);
    });

    it('are read anew from their source, unless somebody corrected them', async () => {
      for (const id of ['1', '2']) await orders.put(id, 'x');
      await orders.run();
      await orders.put('1', '7');
      const [second, first] = await orders.letters();
      assert.equal(first!.replay_mode, 'refetch');
      const corrected = await orders.hub.sync.editDeadLetter(second!.id, {
        ...(second!.payload as object),
        quantity: '9',
      });
      assert.deepEqual([corrected.replay_mode, corrected.edited], ['stored', true]);
      const log = await orders.replay({ mapping_id: orders.mapping.id });
      assert.deepEqual([log.details.replay_mode, log.details.refetched, log.records_success], ['auto', 1, 2]);
      assert.equal((await orders.order('1')).quantity, '7');
      assert.equal((await orders.order('2')).quantity, '9');
      assert.equal((await orders.letters()).length, 0);
    });

    it('are read as asked, and keep what was read when it fails again', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.put('1', 'y');
      const kept = async (mode: 'stored' | 'refetch') => {
        const log = await orders.replay({ ids: [letter!.id], mode });
        assert.deepEqual([log.details.replay_mode, log.details.refetched], [mode, mode === 'refetch' ? 1 : 0]);
        const { value, payload, replay_mode } = await orders.hub.sync.deadLetter(letter!.id);
        assert.equal(replay_mode, 'refetch');
        return [value, (payload as { quantity: string }).quantity];
      };
      assert.deepEqual(await kept('stored'), ['x', 'x']);
      assert.deepEqual(await kept('refetch'), ['y', 'y']);
    });

    it('stay open, with their record, when the source does not hold it any more', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.source.execute('DELETE FROM orders');
      assert.equal((await orders.replay({ ids: [letter!.id] })).records_error, 1);
      const gone = await orders.hub.sync.deadLetter(letter!.id);
      assert.deepEqual([gone.state, gone.code, gone.stage], ['open', 'PCP_RECORD_GONE', 'read']);
      assert.deepEqual(gone.payload, letter!.payload);
      assert.match(gone.message, /"id":"1"/);
    });

    it('are taken as stored when the mapping has come to read another source', async () => {
      await orders.put('1', 'x');
      await orders.run();
      const [letter] = await orders.letters();
      await orders.source.execute(
        'CREATE TABLE others (id TEXT PRIMARY KEY, material TEXT, quantity TEXT, status TEXT)',
      );
      await orders.source.execute(`INSERT INTO others VALUES ('1', 'M-9', '5', 'REL')`);
      await orders.hub.mappings.update(orders.mapping.id, orders.input({ source_entity: 'others' }));
      const log = await orders.replay({ ids: [letter!.id] });
      assert.deepEqual([log.details.refetched, log.records_error], [0, 1]);
      await orders.replay({ ids: [letter!.id], mode: 'refetch' });
      assert.equal((await orders.hub.sync.deadLetter(letter!.id)).code, 'PCP_NOT_REFETCHABLE');
    });

    it('of an export are read anew from the platform', async () => {
      await orders.source.execute('CREATE TABLE sent (id TEXT PRIMARY KEY, quantity TEXT)');
      const sent = await orders.hub.mappings.create(
        orders.input({
          name: 'sent',
          direction: 'export',
          source_entity: 'sent',
          field_mappings: [
            { source: 'id', target: 'order_number' },
            { source: 'quantity', target: 'quantity', type: 'decimal', required: true },
          ],
        }),
      );
      await orders.put('1', '5');
      await orders.run();
      const { quantity, ...without } = await orders.order('1');
      await orders.hub.records.replace('production_order', ['1'], without);
      await runToEnd(orders.hub, orders.connectionId, { mapping_id: sent.id });
      const [letter] = await orders.letters();
      assert.equal(letter!.code, 'PCP_VALUE_REQUIRED');
      await orders.hub.records.replace('production_order', ['1'], { ...without, quantity });
      assert.equal((await orders.replay({ ids: [letter!.id] })).details.refetched, 1);
      assert.equal((await orders.source.query('SELECT * FROM sent'))[0]?.quantity, '5');
    });

    for (const direction of ['import', 'export'] as const) {
      it(`of an ${direction} never bring back what the target was given something newer for`, async () => {
        const key: FieldMapping =
          direction === 'import'
            ? { target: 'order_number', expression: `'P-' & id` }
            : {
                target: 'order_number',
                source: 'id',
                expression: `'P-' & id`,
                export_expression: `'P-' & order_number`,
              };
        const status = (lookup: Record<string, string>): FieldMapping[] => [
          key,
          { source: 'status', target: 'status', lookup },
        ];
        await orders.source.execute('CREATE TABLE sent (id TEXT PRIMARY KEY, status TEXT)');
        const input = (lookup: Record<string, string>): MappingInput =>
          orders.input({
            direction,
            source_entity: direction === 'import' ? 'orders' : 'sent',
            field_mappings: status(lookup),
          });
        const set = async (value: 'released' | 'completed'): Promise<void> => {
          if (direction === 'import') await orders.put('1', '1', value === 'released' ? 'REL' : 'TECO');
          else await orders.hub.records.replace('production_order', ['1'], { order_number: '1', status: value });
        };
        const now = async (): Promise<unknown> =>
          direction === 'import'
            ? (await orders.order('P-1')).status
            : (await orders.source.query('SELECT status FROM sent'))[0]?.status;
        await orders.hub.mappings.update(orders.mapping.id, input({ REL: 'released' }));
        await set('completed');
        await orders.run();
        const [letter] = await orders.letters();
        assert.equal(letter!.code, 'PCP_VALUE_LOOKUP');
        await set('released');
        await orders.run();
        const before = await now();
        await orders.hub.mappings.update(orders.mapping.id, input({ REL: 'released', TECO: 'completed' }));
        await orders.hub.database.execute(`UPDATE integration_dead_letters SET state = 'open' WHERE id = ?`, [
          letter!.id,
        ]);
        const log = await orders.replay({ ids: [letter!.id], mode: 'stored' });
        assert.deepEqual([log.details.unchanged, log.records_error], [1, 0]);
        assert.equal((await orders.hub.sync.deadLetter(letter!.id)).state, 'superseded');
        assert.equal(await now(), before);
      });
    }

    /** The older one was decided, and is open once more. */
    const twoVersions = async () => {
      await orders.put('1', '1', 'TECO');
      await orders.run();
      const [older] = await orders.letters();
      await orders.hub.sync.discard(older!.id);
      await orders.put('1', 'x', 'REL');
      await orders.run();
      await orders.hub.database.execute(`UPDATE integration_dead_letters SET state = 'open' WHERE id = ?`, [older!.id]);
      return orders.letters();
    };

    it('of one record are replayed in its newest version', async () => {
      const [newer, older] = await twoVersions();
      await orders.hub.sync.editDeadLetter(newer!.id, { ...(newer!.payload as object), quantity: '2' });
      const lookup = { REL: 'released', TECO: 'completed' };
      await orders.hub.mappings.update(
        orders.mapping.id,
        orders.input({ field_mappings: [...ORDER_FIELDS.slice(0, 3), { source: 'status', target: 'status', lookup }] }),
      );
      const log = await orders.replay({ mapping_id: orders.mapping.id, mode: 'stored' });
      assert.equal(log.records_error, 0);
      const { quantity, status } = await orders.order('1');
      assert.deepEqual([quantity, status], ['2', 'released']);
      assert.equal((await orders.hub.sync.deadLetter(newer!.id)).state, 'resolved');
      assert.equal((await orders.hub.sync.deadLetter(older!.id)).state, 'superseded');
    });

    it('give way to a newer version of their record that waits as well, unless they are read anew', async () => {
      const [newer, older] = await twoVersions();
      await orders.replay({ ids: [older!.id], mode: 'stored' });
      assert.equal((await orders.hub.sync.deadLetter(older!.id)).state, 'superseded');
      assert.equal((await orders.hub.sync.deadLetter(newer!.id)).state, 'open');
      await orders.hub.database.execute(`UPDATE integration_dead_letters SET state = 'open' WHERE id = ?`, [older!.id]);
      await orders.put('1', '3');
      await orders.replay({ ids: [older!.id] });
      assert.equal((await orders.order('1')).quantity, '3');
      assert.equal((await orders.hub.sync.deadLetter(older!.id)).state, 'resolved');
      assert.equal((await orders.hub.sync.deadLetter(newer!.id)).state, 'superseded');
    });

    it('stop a run that would open more than the store takes', async () => {
      await orders.reopen({ ...settings(KEY), deadLetters: { limit: 2, openDays: 180, closedDays: 30 } });
      for (const id of ['1', '2']) await orders.put(id, 'x');
      assert.equal((await orders.run()).details.state, 'partial');
      assert.equal((await orders.run()).details.state, 'partial', 'the same ones again are not more');
      await orders.put('3', 'x');
      await orders.put('4', '4');
      const full = await orders.run();
      assert.deepEqual([full.error_class, full.details.error_code], ['guard', 'PCP_DEAD_LETTERS_FULL']);
      assert.equal((await orders.letters()).length, 2);
      await assert.rejects(orders.order('4'), { code: 'PCP_NOT_FOUND' });
      await orders.hub.sync.discard((await orders.letters())[0]!.id);
      await orders.put('2', '2');
      assert.equal((await orders.run()).details.created, 2);
    });
  });
}
