import { bigInteger, optional } from '../columns';
import { addColumns, type Migration } from './migration';

/** Since when a quota has gone down, and from what on. */
export const quotaUse: Migration = {
  name: '0025-quota-use',
  async up(context) {
    await addColumns(context, 'integration_request_limits', {
      // Epoch milliseconds.
      quota_since: bigInteger('quota_since', optional),
      quota_first: bigInteger('quota_first', optional),
    });
  },
};
