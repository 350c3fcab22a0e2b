import { bigInteger, flag, id, instant, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration } from './migration';

/** Whom to tell of events, what is to be told, and what became of it. */
export const webhooks: Migration = {
  name: '0013-webhooks',
  async up(context) {
    await createTable(context, 'integration_webhooks', {
      id: id(),
      name: text(255),
      description: longText(),
      url: text(2000),
      event_type: text(500),
      connection_id: integer(optional),
      method: text(10),
      headers: longText({ allowNull: false }),
      payload_template: longText(),
      signature: text(20),
      options: longText({ allowNull: false }),
      secret_key: longText(),
      is_active: flag(true),
      disabled_reason: text(20, optional),
      disabled_at: bigInteger('disabled_at', optional),
      failing_since: bigInteger('failing_since', optional),
      failures: integer(),
      paused_until: bigInteger('paused_until'),
      fence: bigInteger('fence'),
      sender: text(255, optional),
      lease_until: bigInteger('lease_until'),
      revision: integer({ defaultValue: 1 }),
      created_by: text(255, optional),
      created_at: instant(),
      updated_at: instant(),
    });
    await createIndex(context, 'integration_webhooks', ['name'], { unique: true });
    await createTable(context, 'integration_webhook_events', {
      id: text(40, { primaryKey: true }),
      event_type: text(50),
      occurred_at: bigInteger('occurred_at'),
      data: longText({ allowNull: false }),
    });
    await createIndex(context, 'integration_webhook_events', ['occurred_at']);
    const table = 'integration_webhook_executions';
    await createTable(context, table, {
      id: id(),
      webhook_id: integer({ defaultValue: undefined }),
      event_id: text(40),
      event_type: text(50),
      status: text(10),
      attempts: integer(),
      created_at: bigInteger('created_at'),
      executed_at: bigInteger('executed_at', optional),
      next_attempt_at: bigInteger('next_attempt_at', optional),
      response_status: integer(optional),
      response_body: longText(),
      error_code: text(100, optional),
      error_message: longText(),
      attempt_log: longText({ allowNull: false }),
    });
    await createIndex(context, table, ['status', 'webhook_id', 'next_attempt_at']);
    await createIndex(context, table, ['webhook_id', 'created_at']);
    await createIndex(context, table, ['event_id']);
  },
};
