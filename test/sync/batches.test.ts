import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { postgresUrl } from '../support/postgres';

const STORES: { name: string; section(test: Mocha.Context): Promise<{ storeUrl?: string }> }[] = [
  { name: 'PostgreSQL', section: async (test) => ({ storeUrl: await postgresUrl(test) }) },
  { name: 'the embedded store', section: async () => ({}) },
];

/** What goes wrong in one page of a batch must not take the others along. */
for (const { name, section } of STORES) {
  describe(`batches of many pages in ${name}`, () => {
    let hub: Hub;
    let directory: string;
    let remove: () => Promise<void>;

    before(async function () {
      ({ path: directory, remove } = await temporaryDirectory());
      hub = await openHub(directory, { section: await section(this) });
    });

    after(async () => {
      await hub?.close();
      await remove?.();
    });

    async function importLines(name: string, lines: string[], options: { max_errors?: number } = {}) {
      await writeFile(join(directory, `${name}.csv`), `number,quantity\n${lines.join('\n')}\n`);
      const connection = await hub.connections.create({
        name,
        connector_type: 'generic.file',
        config: { root: directory, settle_seconds: 0, entities: { orders: { path: `${name}.csv`, format: 'csv' } } },
      });
      await hub.mappings.create({
        connection_id: connection.id,
        name,
        entity_type: 'production_order',
        direction: 'import',
        source_entity: 'orders',
        target_entity: 'production_order',
        field_mappings: [
          { source: 'number', target: 'order_number' },
          { source: 'quantity', target: 'quantity', type: 'decimal' },
        ],
        options,
      });
      const job = await runToEnd(hub, connection.id);
      const letters = await hub.sync.deadLetters({ connection_id: connection.id, limit: 1 });
      return { log: job.logs[0]!, letters: letters.total };
    }

    const row = (name: string, index: number): string => `${name}-${String(index).padStart(5, '0')},${index}`;
    const rows = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => row(name, index));
    const stored = async (name: string): Promise<number> => {
      let count = 0;
      let cursor: string | null | undefined;
      do {
        const page = await hub.records.list('production_order', { limit: 1000, ...(cursor != null && { cursor }) });
        count += page.items.filter((record) => String(record.order_number).startsWith(`${name}-`)).length;
        cursor = page.next_cursor;
      } while (cursor !== null);
      return count;
    };

    it('keep every record that stands before the fault of a broken file', async () => {
      const lines = rows('torn', 1751);
      const { log } = await importLines('torn', [...lines, 'one field only', ...rows('late', 10)]);
      assert.equal(log.error_class, 'data');
      assert.match(log.error_message ?? '', /torn\.csv:1753/);
      assert.deepEqual([log.records_processed, log.details.created, await stored('torn')], [1751, 1751, 1751]);
      assert.equal(await stored('late'), 0);
    });

    it('keep every refused record, in whichever page it was', async () => {
      const lines = rows('bad', 2000).map((line, index) => (index % 400 === 399 ? `bad-${index},many` : line));
      const { log, letters } = await importLines('bad', lines);
      assert.deepEqual([log.details.state, log.records_error, letters], ['partial', 5, 5]);
      assert.deepEqual([log.details.created, await stored('bad')], [1995, 1995]);
    });

    it('keep what led to it when a run is stopped for its errors', async () => {
      const lines = rows('stop', 2000).map((line, index) => (index % 400 === 399 ? `stop-${index},many` : line));
      const { log, letters } = await importLines('stop', lines, { max_errors: 2 });
      assert.deepEqual([log.error_class, letters], ['guard', 3]);
      const kept = await stored('stop');
      assert.equal(kept, log.details.created);
      assert.ok(kept < 1200, `${kept} records, but the run was to stop at the 1200th`);
    });

    it('find out which records are new, also after pages of which all were', async () => {
      const { log: before } = await importLines('there', rows('mixed', 1300).slice(1200));
      assert.equal(before.details.created, 100);
      const { log } = await importLines('mixed', rows('mixed', 3000));
      assert.deepEqual([log.details.created, log.details.unchanged, await stored('mixed')], [2900, 100, 3000]);
    });

    it('keep the first of two records with one key, in whichever page the second one is', async () => {
      const lines = rows('twice', 2000);
      for (const [first, second] of [
        [1, 501],
        [2, 1502],
        [510, 990],
      ] as const)
        lines[second] = `${row('twice', first)}0`;
      lines[1999] = row('twice', 1400);
      const { log, letters } = await importLines('twice', lines);
      assert.deepEqual([log.details.created, log.details.unchanged, letters], [1996, 1, 3]);
      assert.equal(await stored('twice'), 1996);
    });
  });
}
