import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/database/connector';
import { openDatabase } from '../../../lib/protocols/sql/open';

const live = new AbortController().signal;

describe("generic.database in Node-RED's user directory", () => {
  let base: string;
  let user: string;

  before(async () => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'pcp-protected-db-')));
    user = join(base, 'user');
    mkdirSync(join(user, 'drop'), { recursive: true });
    for (const storage of [join(user, 'integrations.db'), join(user, 'legacy.db'), join(base, 'store.db')]) {
      const database = await openDatabase({ dialect: 'sqlite', storage, wal: false });
      await database.execute('CREATE TABLE part (code TEXT PRIMARY KEY)');
      await database.execute("INSERT INTO part VALUES ('A')");
      await database.close();
    }
    linkSync(join(user, 'integrations.db'), join(user, 'drop', 'hard.db'));
    symlinkSync(join(user, 'integrations.db'), join(user, 'drop', 'soft.db'));
  });
  after(() => rmSync(base, { recursive: true }));

  const connector = (storage: string, views: Record<string, unknown> = {}): Connector =>
    create(
      {
        id: 1,
        name: 'db',
        connector_type: 'generic.database',
        config: { dialect: 'sqlite', storage, views },
        credentials: {},
      },
      { protectedPlaces: { directories: [user], paths: [join(base, 'store.db')] }, log: () => undefined },
    );

  async function read(opened: Connector, entity: string): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    try {
      for await (const batch of opened.read!({ entity, cursor: null, batchSize: 10 }, live))
        records.push(...batch.records.map((record) => ({ ...record })));
      return records;
    } finally {
      await opened.close();
    }
  }

  for (const name of [
    'user/integrations.db',
    'user/drop/../integrations.db',
    'user/drop/hard.db',
    'user/drop/soft.db',
    'store.db',
  ]) {
    it(`does not open ${name}`, async () => {
      const storage = `${base}/${name}`;
      await assert.rejects(read(connector(storage), 'part'), { class: 'config', code: 'PCP_FILE_PROTECTED' });
      const report = await connector(storage).test(live);
      assert.equal(report.steps.at(-1)?.error?.code, 'PCP_FILE_PROTECTED');
    });
  }

  it('takes no URI for a file', async () => {
    for (const storage of [`file:${user}/integrations.db`, `file:${user}/integrations.db?mode=ro`]) {
      await assert.rejects(read(connector(storage), 'part'), { code: 'PCP_FILE_NOT_FOUND' }, storage);
    }
    // A file whose own name looks like a URI is that file, and not what the URI names.
    const here = process.cwd();
    const folder = join(base, 'cwd');
    mkdirSync(join(folder, `file:${user}`), { recursive: true });
    linkSync(join(user, 'legacy.db'), join(folder, `file:${user}`, 'integrations.db'));
    process.chdir(folder);
    try {
      const opened = connector(`file:${user}/integrations.db`, { files: 'SELECT file FROM pragma_database_list' });
      const [row] = await read(opened, 'files');
      assert.equal(row?.file, join(folder, `file:${user}`, 'integrations.db'));
    } finally {
      process.chdir(here);
    }
  });

  it('opens other databases there, whose views reach nothing else', async () => {
    const storage = join(user, 'legacy.db');
    assert.deepEqual(await read(connector(storage), 'part'), [{ code: 'A' }]);
    const attach = `ATTACH '${user}/integrations.db' AS hub`;
    for (const sql of [
      "SELECT load_extension('./evil') AS x",
      `SELECT 1 AS x; ${attach}`,
      `SELECT 1 AS x) AS y; ${attach}; --`,
      `WITH x AS (${attach}) SELECT 1 AS x`,
      'WITH x AS (SELECT 1) DELETE FROM part',
    ]) {
      const opened = connector(storage, { bad: sql, attached: 'SELECT name FROM pragma_database_list' });
      await read(opened, 'bad').catch(() => []);
      assert.deepEqual(await read(opened, 'attached'), [{ name: 'main' }], sql);
    }
    await assert.rejects(read(connector(storage, { bad: "SELECT load_extension('./evil') AS x" }), 'bad'), {
      message: /not authorized/,
    });
    assert.deepEqual(await read(connector(storage), 'part'), [{ code: 'A' }]);
  });
});
