import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openDatabase } from '../../lib/protocols/sql/open';
import { openHub, temporaryDirectory } from '../support/hub';
import { postgresServer } from '../support/postgres';

const RECORDS = 2500;

/** Sources that can be asked for single records, and those that cannot. */
const KINDS = ['generic.database', 'generic.file'] as const;

for (const kind of KINDS) {
  describe(`preview from ${kind}`, () => {
    let hub: Hub;
    let remove: () => Promise<void>;
    let mapping: MappingInput;

    before(async () => {
      const directory = await temporaryDirectory();
      remove = directory.remove;
      const drop = join(directory.path, 'drop');
      await mkdir(drop);
      const rows = Array.from({ length: RECORDS }, (_, n) => [`p${n}`, n % 100 === 7 ? 'skip' : `Plant ${n}`]);
      const storage = join(drop, 'plants.db');
      if (kind === 'generic.file') {
        await writeFile(join(drop, 'plants.csv'), ['plant,name', ...rows.map((row) => row.join())].join('\n'));
      } else {
        const database = await openDatabase({ dialect: 'sqlite', storage });
        await database.execute('CREATE TABLE plants (plant text PRIMARY KEY, name text)');
        const sql = `SELECT value ->> 0, value ->> 1 FROM json_each(?)`;
        await database.execute(`INSERT INTO plants ${sql}`, [JSON.stringify(rows)]);
        await database.close();
      }
      hub = await openHub(join(directory.path, 'hub'));
      const files = { root: drop, settle_seconds: 0, entities: { plants: { path: 'plants.csv' } } };
      const { id } = await hub.connections.create({
        name: 'source',
        connector_type: kind,
        config: kind === 'generic.file' ? files : { dialect: 'sqlite', storage },
      });
      mapping = {
        connection_id: id,
        name: 'plants',
        entity_type: 'plant',
        direction: 'import',
        source_entity: 'plants',
        target_entity: 'plant',
        field_mappings: [
          { source: 'plant', target: 'plant' },
          { source: 'name', target: 'name' },
        ],
        filters: [{ field: 'name', operator: 'ne', value: 'skip' }],
      };
      await hub.records.create('plant', { plant: 'p0', name: 'Plant 0' });
      await hub.records.create('plant', { plant: 'p1', name: 'Other', city: 'Joinville' });
    });
    after(async () => {
      await hub.close();
      await remove();
    });

    it('tells what each record would change', async () => {
      const { records, complete } = await hub.runner.preview({ mapping, limit: 3 });
      assert.deepEqual(
        records.map(({ action, diff }) => ({ action, diff })),
        [
          { action: 'unchanged', diff: [] },
          { action: 'update', diff: [{ field: 'name', old: 'Other', new: 'Plant 1' }] },
          { action: 'create', diff: [] },
        ],
      );
      assert.equal(complete, true);
    });

    it('shows the records that are asked for, and says which are not there', async () => {
      const keys = [{ plant: 'p2400' }, { plant: 'nowhere' }, { plant: 'p7' }];
      const { records, totals } = await hub.runner.preview({ mapping, keys });
      assert.deepEqual(
        records.map(({ before, action, errors }) => [before.plant, action, errors[0]?.code]),
        [
          ['p2400', 'create', undefined],
          ['p7', 'filtered', undefined],
          ['nowhere', 'error', 'PCP_NOT_FOUND'],
        ],
      );
      assert.deepEqual([totals.create, totals.filtered, totals.error], [1, 1, 1]);
    });

    it('counts the whole source, and writes nothing', async () => {
      const { records, totals, complete } = await hub.runner.preview({ mapping, mode: 'full_plan', limit: 5 });
      assert.equal(records.length, 5);
      assert.deepEqual(totals, { create: RECORDS - 27, update: 1, unchanged: 1, write: 0, filtered: 25, error: 0 });
      assert.equal(complete, true);
      assert.equal((await hub.records.list('plant', {})).total, 2);
    });

    it('stops when nobody waits for it any more', async () => {
      const gone = new AbortController();
      const previewed = hub.runner.preview({ mapping, mode: 'full_plan' }, gone.signal);
      gone.abort();
      await assert.rejects(previewed);
    });
  });
}

describe('preview of an export to a database', () => {
  let hub: Hub;
  let remove: () => Promise<void>;

  afterEach(async () => {
    await hub?.close();
    await remove?.();
  });

  it('compares by the types of the columns', async function () {
    const server = await postgresServer(this);
    const options = await server.createDatabase();
    await server.execute(
      `CREATE TABLE part (code varchar(20) PRIMARY KEY, weight numeric(10,3), size bigint, made boolean, changed timestamptz);
       INSERT INTO part VALUES ('1', 1.5, 7, true, '2026-11-24T05:00:00Z'), ('2', 1.501, 7, true, '2026-11-24T05:00:00Z')`,
      options.database,
    );
    const temporary = await temporaryDirectory();
    remove = temporary.remove;
    hub = await openHub(temporary.path);
    const { dialect, host, port, database, username, password = '' } = options;
    const connection = await hub.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect, host, port, database, username },
      credentials: { password },
    });
    const mapping = await hub.mappings.create({
      connection_id: connection.id,
      name: 'parts',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'part',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'weight', target: 'weight' },
        { source: 'size', target: 'days_to_manufacture' },
        { source: 'made', target: 'make' },
        { source: 'changed', target: 'sell_end_date', type: 'string' },
      ],
    });
    const record = { weight: '1.5', days_to_manufacture: 7, make: true, sell_end_date: '2026-11-24T05:00:00.000Z' };
    const records = ['1', '2'].map((material) => ({ ...record, material }));
    const preview = await hub.runner.preview({ mapping, records });
    assert.deepEqual(
      preview.records.map(({ action }) => action),
      ['unchanged', 'update'],
    );
    assert.deepEqual(preview.records[1]?.diff, [{ field: 'weight', old: '1.501', new: '1.5' }]);
  });
});
