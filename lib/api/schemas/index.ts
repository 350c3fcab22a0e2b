import type { JsonSchema } from '../../model/entity';
import { alertSchemas } from './alert';
import { auditSchemas } from './audit';
import { commonSchemas } from './common';
import { connectionSchemas } from './connection';
import { connectorSchemas } from './connector';
import { entitySchemas } from './entity';
import { incomingWebhookSchemas } from './incoming-webhook';
import { mappingSchemas } from './mapping';
import { metricsSchemas } from './metrics';
import { previewSchemas } from './preview';
import { reconciliationSchemas } from './reconciliation';
import { scheduleSchemas } from './schedule';
import { streamSchemas } from './stream';
import { syncSchemas } from './sync';
import { webhookSchemas } from './webhook';

/** Everything that bodies and answers are made of: validates requests, and stands in the OpenAPI document. */
export const components: Record<string, JsonSchema> = {
  ...commonSchemas,
  ...connectionSchemas,
  ...connectorSchemas,
  ...entitySchemas,
  ...mappingSchemas,
  ...previewSchemas,
  ...reconciliationSchemas,
  ...scheduleSchemas,
  ...streamSchemas,
  ...syncSchemas,
  ...alertSchemas,
  ...metricsSchemas,
  ...auditSchemas,
  ...webhookSchemas,
  ...incomingWebhookSchemas,
};
