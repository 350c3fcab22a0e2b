import { optional, text } from '../columns';
import { addColumns, type Migration } from './migration';

/** Instances that share a store have a spool each: whose records a live run forwards. */
export const runsOfSpools: Migration = {
  name: '0011-runs-of-spools',
  async up(context) {
    await addColumns(context, 'integration_sync_logs', { spool: text(36, optional) });
  },
};
