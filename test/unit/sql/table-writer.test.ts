import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector, WriteRecord } from '../../../lib/connectors/contract';
import type { SqlDatabase } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import { connectorOf, PEERS } from './peers';

const live = new AbortController().signal;

for (const { name, server } of PEERS) {
  describe(`generic.database writes page after page: ${name}`, () => {
    let directory: string;
    let database: SqlDatabase;
    let connector: Connector;

    before(async function () {
      directory = await mkdtemp(join(tmpdir(), 'pcp-table-writer-'));
      const file = { dialect: 'sqlite', storage: join(directory, 'a.db'), wal: true } as const;
      const options = server ? await (await server(this)).createDatabase() : file;
      database = await openDatabase(options);
      connector = connectorOf(options);
    });

    after(async () => {
      await connector?.close();
      await database?.close();
      await rm(directory, { recursive: true });
    });

    it('and takes no row for new that is there, after pages of which all were new', async () => {
      await database.execute('CREATE TABLE part (id int NOT NULL PRIMARY KEY, code varchar(40) NOT NULL UNIQUE)');
      const target = {
        entity: 'part',
        keyFields: ['id'],
        fields: ['id', 'code'],
        resume: null,
        runId: 1,
        mappingId: 1,
      };
      const writer = await connector.openWriter!(target, live);
      const page = async (...ids: number[]) => {
        const records = ids.map((id): WriteRecord => {
          const key = JSON.stringify([id]);
          return { data: { id, code: `c${id % 1000}` }, key, hash: key, sourceKey: key };
        });
        return (await writer.write(records, live)).map(({ outcome }) => outcome);
      };
      assert.deepEqual(await page(1, 2), ['created', 'created']);
      assert.deepEqual(await page(3, 4), ['created', 'created']);
      assert.deepEqual(await page(5, 2, 6), ['created', 'updated', 'created']);
      assert.deepEqual(await page(7, 8), ['created', 'created']);
      assert.deepEqual(await page(9, 1005, 10), ['created', 'failed', 'created']);
      const rows = await database.query('SELECT id FROM part ORDER BY id');
      assert.equal(rows.map(({ id }) => Number(id)).join(), '1,2,3,4,5,6,7,8,9,10');
    });

    it('and finds a row by its key however that is spelt', async () => {
      const uuid = name === 'PostgreSQL' ? 'uuid' : 'varchar(36)';
      await database.execute(
        `CREATE TABLE step (no decimal(10, 2) NOT NULL, part ${uuid} NOT NULL, PRIMARY KEY (no, part))`,
      );
      const keyFields = ['no', 'part'];
      const target = { entity: 'step', keyFields, fields: keyFields, resume: null, runId: 1, mappingId: 1 };
      const data = { no: '7', part: '6f9619ff-8b86-d011-b42d-00c04fc964ff' };
      if (name === 'PostgreSQL') data.part = data.part.toUpperCase();
      const record: WriteRecord = { data, key: '[]', hash: '', sourceKey: '[]' };
      const write = async () =>
        (await (await connector.openWriter!(target, live)).write([record], live)).map(({ outcome }) => outcome);
      assert.deepEqual([await write(), await write()], [['created'], ['updated']]);
      const [found] = await connector.lookup!({ entity: 'step', keyFields }, [data], live);
      assert.equal(Number(found?.no), 7);
    });
  });
}
