import { longText, optional, text } from '../columns';
import { addColumns, type Migration } from './migration';

/** How a webhook's template is written; why a delivery to one of ours was given up. */
export const webhookAccess: Migration = {
  name: '0018-webhook-access',
  async up(context) {
    await addColumns(context, 'integration_webhooks', {
      template_language: text(10, { defaultValue: 'jsonata' }),
    });
    await addColumns(context, 'integration_webhook_inbox', {
      error_code: text(100, optional),
      error_message: longText(),
    });
  },
};
