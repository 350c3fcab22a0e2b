import { longText } from '../columns';
import { addColumns, type Migration } from './migration';

/** What the error messages of runs and their attempts are made of, as JSON. */
export const phrases: Migration = {
  name: '0028-phrases',
  async up(context) {
    for (const table of ['integration_sync_logs', 'integration_sync_attempts']) {
      await addColumns(context, table, { error_said: longText() });
    }
  },
};
