import { openHub } from '../support/hub';

/** A process of its own with a hub over a store that others share, until it is killed. */
async function main(): Promise<void> {
  const [directory = '', storeUrl] = process.argv.slice(2);
  await openHub(directory, { storeUrl });
  process.on('disconnect', () => process.exit(0));
  process.send?.('open');
}

main().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
