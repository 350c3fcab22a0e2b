import { bigInteger, id, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration } from './migration';

/** What other systems delivered: sealed until it is handed on, its key for longer. */
export const webhookInbox: Migration = {
  name: '0012-webhook-inbox',
  async up(context) {
    const table = 'integration_webhook_inbox';
    await createTable(context, table, {
      id: id(),
      webhook: text(64),
      message_key: text(64),
      received_at: bigInteger('received_at'),
      state: text(10),
      holder: text(36, optional),
      lease_until: bigInteger('lease_until'),
      attempts: integer(),
      delivery: longText(),
    });
    await createIndex(context, table, ['webhook', 'message_key'], { unique: true });
    await createIndex(context, table, ['webhook', 'state', 'id']);
    await createIndex(context, table, ['received_at']);
  },
};
