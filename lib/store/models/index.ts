import type { Sequelize } from 'sequelize';
import { checkpointModel } from './checkpoint';
import { connectionModel } from './connection';
import { deadLetterModel } from './dead-letter';
import { entityTypeModel } from './entity-type';
import { idempotencyKeyModel } from './idempotency-key';
import { mappingModel } from './mapping';
import { recordLinkModel } from './record-link';
import { streamLockModel } from './stream-lock';
import { syncLogModel } from './sync-log';
import { webhookModel } from './webhook';
import { webhookExecutionModel } from './webhook-execution';

/** The hub's own tables. */
export function defineModels(sequelize: Sequelize) {
  return {
    connections: connectionModel(sequelize),
    mappings: mappingModel(sequelize),
    syncLogs: syncLogModel(sequelize),
    streamLocks: streamLockModel(sequelize),
    checkpoints: checkpointModel(sequelize),
    recordLinks: recordLinkModel(sequelize),
    deadLetters: deadLetterModel(sequelize),
    entityTypes: entityTypeModel(sequelize),
    idempotencyKeys: idempotencyKeyModel(sequelize),
    webhooks: webhookModel(sequelize),
    webhookExecutions: webhookExecutionModel(sequelize),
  };
}

export type StoreModels = ReturnType<typeof defineModels>;
