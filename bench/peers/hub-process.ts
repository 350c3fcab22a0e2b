/** A process of its own with a hub over a store that others share, until it is killed or its parent ends. */
import { createHub } from '../../lib/hub';
import { readSettings } from '../../lib/settings';

const [directory = '', storeUrl = ''] = process.argv.slice(2);

createHub(readSettings({ integrations: { storeUrl } }, directory, {})).then(
  () => process.send?.('open'),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
process.on('disconnect', () => process.exit());
