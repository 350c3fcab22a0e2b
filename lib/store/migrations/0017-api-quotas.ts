import { bigInteger, optional } from '../columns';
import { addColumns, type Migration } from './migration';

/** What the other side last said about our quota. */
export const apiQuotas: Migration = {
  name: '0017-api-quotas',
  async up(context) {
    await addColumns(context, 'integration_request_limits', {
      quota: bigInteger('quota', optional),
      quota_remaining: bigInteger('quota_remaining', optional),
      // Epoch milliseconds: when the window ends, if that was said, and when it was heard.
      quota_reset_at: bigInteger('quota_reset_at', optional),
      quota_heard_at: bigInteger('quota_heard_at', optional),
    });
  },
};
