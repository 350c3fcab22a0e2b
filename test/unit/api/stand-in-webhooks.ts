import { IntegrationError } from '../../../lib/model/errors';
import type { Hub, Page } from '../../../lib/model/services';
import type { WebhookWithSecret } from '../../../lib/model/webhook';
import { execution, keptDelivery, NOW, webhook } from './sample-rows';

export function find<K, T>(map: Map<K, T>, key: K, what: string): T {
  const found = map.get(key);
  if (found === undefined) throw new IntegrationError('data', 'PCP_NOT_FOUND', `There is no ${what} ${key}.`);
  return found;
}

export function checkRevision(row: { revision: number }, revision: number | undefined): void {
  if (revision === undefined || revision === row.revision) return;
  throw new IntegrationError('conflict', 'PCP_STALE_REVISION', `It has revision ${row.revision} by now.`);
}

export function page<T>(items: T[]): Page<T> {
  return { items, next_cursor: null, total: items.length };
}

/** Webhooks both ways, each with one row. */
export function standInWebhooks(): Pick<Hub, 'webhooks' | 'deliveries' | 'webhookInbox'> {
  return {
    webhookInbox: {
      keep: async () => true,
      attach: () => () => undefined,
      states: async () => [{ webhook: 'a1b2', name: 'Orders', waiting: 0, failed: 1, repeated: 0, oldest_at: NOW }],
      list: async () => page([keptDelivery()]),
      redeliver: async (id) => find(new Map([[1, keptDelivery()]]), id, 'delivery'),
      redeliverFailed: async () => 2,
      discard: async () => 3,
    },
    webhooks: {
      list: async () => page([webhook()]),
      get: async (id) => find(new Map([[1, webhook()]]), id, 'webhook'),
      create: async (input) => ({ ...webhook(), ...input, secret: 'whsec_new' }) as WebhookWithSecret,
      update: async (_id, input, revision) => {
        checkRevision({ revision: 1 }, revision);
        return { ...webhook(), ...input, secret: null } as WebhookWithSecret;
      },
      delete: async () => undefined,
      rotateSecret: async () => ({ ...webhook(), secret: 'whsec_new' }),
    },
    deliveries: {
      list: async () => page([execution()]),
      get: async (_webhookId, id) => find(new Map([[1, execution()]]), id, 'execution'),
      trigger: async () => execution(),
      preview: async ({ event }) => ({ type: 'application/json', body: JSON.stringify(event) }),
      redeliver: async () => execution(),
      redeliverFailed: async () => 3,
    },
  };
}
