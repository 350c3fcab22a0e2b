import { bigInteger, text } from '../columns';
import { createTable, type Migration } from './migration';

/** How many deliveries of each incoming webhook were taken for earlier ones. */
export const webhookRepeats: Migration = {
  name: '0024-webhook-repeats',
  async up(context) {
    await createTable(context, 'integration_webhook_repeats', {
      webhook: text(64, { primaryKey: true }),
      repeated: bigInteger('repeated'),
    });
  },
};
