import type { Route } from '../route';
import { alertRoutes } from './alerts';
import { auditRoutes } from './audit';
import { certificateRoutes } from './certificates';
import { connectionTestRoutes } from './connection-tests';
import { connectionRoutes } from './connections';
import { connectorRoutes } from './connectors';
import { deadLetterRoutes } from './dead-letters';
import { discoveryRoutes } from './discovery';
import { entityRoutes } from './entities';
import { incomingWebhookRoutes } from './incoming-webhooks';
import { mappingRoutes } from './mappings';
import { metricsRoutes } from './metrics';
import { reconciliationRoutes } from './reconciliations';
import { recordRoutes } from './records';
import { scheduleRoutes } from './schedules';
import { serviceRoutes } from './service';
import { syncRoutes } from './sync';
import { tagImportRoutes } from './tag-import';
import { webhookExecutionRoutes } from './webhook-executions';
import { webhookRoutes } from './webhooks';

/** Every operation of the API. */
export const routes: readonly Route[] = [
  ...connectionRoutes,
  ...connectionTestRoutes,
  ...discoveryRoutes,
  ...tagImportRoutes,
  ...certificateRoutes,
  ...mappingRoutes,
  ...syncRoutes,
  ...reconciliationRoutes,
  ...scheduleRoutes,
  ...deadLetterRoutes,
  ...connectorRoutes,
  ...entityRoutes,
  ...recordRoutes,
  ...webhookRoutes,
  ...webhookExecutionRoutes,
  ...incomingWebhookRoutes,
  ...alertRoutes,
  ...metricsRoutes,
  ...auditRoutes,
  ...serviceRoutes,
];
