import { longText } from '../columns';
import { addColumns, type Migration } from './migration';

/** What runs have to tell though nothing failed: phrases, as JSON. */
export const runWarnings: Migration = {
  name: '0029-run-warnings',
  async up(context) {
    await addColumns(context, 'integration_sync_logs', { warnings: longText() });
  },
};
