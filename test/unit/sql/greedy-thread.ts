import { openDatabase } from '../../../lib/protocols/sql/open';

/** Some 400 MB. */
const LONG_TEXTS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400)
  SELECT hex(zeroblob(500000)) AS text FROM n`;

/** A process of its own whose thread asks for more memory than there is, in the middle of a transaction. Started by sqlite.test.ts. */
async function main(): Promise<void> {
  const database = await openDatabase({ dialect: 'sqlite', storage: process.argv[2] as string, ownThread: true });
  await database.execute('CREATE TABLE part (id TEXT)');
  await database.transaction(async (transaction) => {
    await transaction.execute("INSERT INTO part (id) VALUES ('a')");
    await transaction.query(LONG_TEXTS).catch(() => undefined);
    await transaction.execute("INSERT INTO part (id) VALUES ('b')");
  });
}

void main();
