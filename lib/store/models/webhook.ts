import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { Webhook } from '../../model/webhook';
import { bigInteger, flag, id, instant, integer, json, longText, optional, text } from '../columns';

export type WebhookRow = Omit<
  Webhook,
  'disabled_at' | 'failing_since' | 'paused_until' | 'created_at' | 'updated_at'
> & {
  /** Keys and secret headers, sealed for this row. */
  secret_key: string | null;
  /** Epoch milliseconds, as the other times of the sender. */
  disabled_at: number | null;
  failing_since: number | null;
  /** Attempts that failed since the last one that succeeded. */
  failures: number;
  /** Nothing is sent before. */
  paused_until: number;
  /** Grows with every process that takes the sending over. */
  fence: number;
  /** Which process sends. */
  sender: string | null;
  lease_until: number;
  revision: number;
  created_at: Date;
  updated_at: Date;
};

export type WebhookModel = ModelStatic<Model<WebhookRow, Partial<WebhookRow>> & WebhookRow>;

export const WEBHOOKS = 'integration_webhooks';

export function webhookModel(sequelize: Sequelize): WebhookModel {
  return sequelize.define(
    'IntegrationWebhook',
    {
      id: id(),
      name: text(255, { unique: true }),
      description: longText(),
      url: text(2000),
      event_type: text(500),
      connection_id: integer(optional),
      method: text(10),
      headers: json('headers'),
      payload_template: longText(),
      template_language: text(10, { defaultValue: 'jsonata' }),
      signature: text(20),
      options: json('options'),
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
    },
    { tableName: WEBHOOKS, timestamps: false },
  ) as WebhookModel;
}
