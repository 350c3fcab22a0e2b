import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { DeliveryAttempt, WebhookExecution } from '../../model/webhook';
import { bigInteger, id, integer, json, longText, optional, text } from '../columns';

/** Times in epoch milliseconds. */
export type WebhookExecutionRow = Omit<
  WebhookExecution,
  'attempts' | 'created_at' | 'executed_at' | 'next_attempt_at'
> & {
  /** Since it was last asked for. */
  attempts: number;
  created_at: number;
  executed_at: number | null;
  next_attempt_at: number | null;
  attempt_log: DeliveryAttempt[];
};

export type WebhookExecutionModel = ModelStatic<
  Model<WebhookExecutionRow, Partial<WebhookExecutionRow>> & WebhookExecutionRow
>;

export const WEBHOOK_EXECUTIONS = 'integration_webhook_executions';

export function webhookExecutionModel(sequelize: Sequelize): WebhookExecutionModel {
  return sequelize.define(
    'IntegrationWebhookExecution',
    {
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
      attempt_log: json('attempt_log'),
    },
    { tableName: WEBHOOK_EXECUTIONS, timestamps: false },
  ) as WebhookExecutionModel;
}
