import { createExpressionEvaluator } from '../../mapping/expressions/evaluator';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { WebhookDeliveries } from '../../model/webhook';
import { checkTemplate, TEMPLATE } from './definition';
import { Dispatcher, type DispatcherOptions } from './dispatcher';
import { Executions } from './executions';
import { contentOf } from './message';

export interface DeliveriesOptions extends Omit<DispatcherOptions, 'executions' | 'expressions'> {
  /** Limit of the heap in which templates are evaluated, in MiB. */
  expressionHeapMb: number;
}

/** What webhooks are told, as the API sees it; sends what is due. */
export class Deliveries implements WebhookDeliveries {
  private readonly executions: Executions;
  private readonly dispatcher: Dispatcher;
  private readonly expressions: ReturnType<typeof createExpressionEvaluator>;

  constructor(private readonly options: DeliveriesOptions) {
    this.executions = new Executions(options.database);
    this.expressions = createExpressionEvaluator({ heapMb: options.expressionHeapMb });
    const { executions, expressions } = this;
    this.dispatcher = new Dispatcher({ ...options, executions, expressions });
  }

  /** Something may be due. */
  look(): Promise<void> {
    return this.dispatcher.look();
  }

  async list(
    webhookId: number,
    filter: Parameters<WebhookDeliveries['list']>[1],
  ): ReturnType<WebhookDeliveries['list']> {
    await this.options.webhook(webhookId);
    return this.executions.list(webhookId, filter);
  }

  async get(webhookId: number, id: number): ReturnType<WebhookDeliveries['get']> {
    return this.executions.get(webhookId, id);
  }

  async trigger(
    webhookId: number,
    { event_type: type = 'webhook.test', data = {} }: Parameters<WebhookDeliveries['trigger']>[1],
  ): ReturnType<WebhookDeliveries['trigger']> {
    await this.resume(webhookId);
    const execution = await this.executions.add(webhookId, type, data, this.options.clock.now());
    void this.look();
    return execution;
  }

  async preview({
    event,
    content_type,
    ...template
  }: Parameters<WebhookDeliveries['preview']>[0]): ReturnType<WebhookDeliveries['preview']> {
    checkTemplate(template.payload_template, template.template_language);
    return contentOf(template, event, content_type, this.expressions).catch((thrown: unknown) => {
      throw IntegrationError.fromJSON({ ...IntegrationError.from(thrown).toJSON(), path: TEMPLATE });
    });
  }

  async redeliver(webhookId: number, id: number): ReturnType<WebhookDeliveries['redeliver']> {
    await this.executions.get(webhookId, id);
    await this.resume(webhookId);
    await this.executions.redeliver(webhookId, id, this.options.clock.now());
    void this.look();
    return this.executions.get(webhookId, id);
  }

  async redeliverFailed(webhookId: number, since: string, isUnsent: boolean): Promise<number> {
    await this.resume(webhookId);
    const { executions, options } = this;
    const count = await executions.redeliverFailed(webhookId, Date.parse(since), isUnsent, options.clock.now());
    void this.look();
    return count;
  }

  async close(): Promise<void> {
    await this.dispatcher.stop();
    await this.expressions.close();
  }

  /** Somebody wants to see something arrive: a pause after failures is over. */
  private async resume(webhookId: number): Promise<void> {
    const { is_active, name } = await this.options.webhook(webhookId);
    if (!is_active) {
      throw new IntegrationError('conflict', 'PCP_WEBHOOK_INACTIVE', phrase`Webhook "${name}" is not active.`, {
        hint: 'Set is_active.',
      });
    }
    await this.options.database.execute('UPDATE integration_webhooks SET paused_until = 0 WHERE id = ?', [webhookId]);
  }
}
