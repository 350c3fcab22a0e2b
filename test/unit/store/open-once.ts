import { openStore } from '../../../lib/store/store';

/** A process of its own that opens a store and tells what it found. Started by migrate.test.ts. */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof openStore>[0];
  const store = await openStore(options);
  const rows = await store.database.query('SELECT name FROM integration_migrations');
  await store.close();
  process.stdout.write(JSON.stringify(rows.map(({ name }) => name)));
}

main().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exitCode = 1;
});
