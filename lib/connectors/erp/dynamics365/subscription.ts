import { IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';
import type { Entity } from '../../../protocols/odata/entity';
import type { EntitySet } from '../../../protocols/odata/model';
import { readList } from '../../../protocols/odata/paging';
import { ODataService } from '../../../protocols/odata/service';
import { parametersOf } from '../odata/call';

/** Stands in the place of the function, in the call of a node. */
export const SUBSCRIBE = 'subscribe';
const SET = 'subscriptions';
const PAGE_SIZE = 100;

type Data = Record<string, unknown>;

/**
 * Lets Business Central report changes of a set to an address. It does so for three days; the same call again makes it three
 * days more, from then on.
 * @param service of a company
 * @throws config PCP_SETTING_MISSING, PCP_OPERATION_UNKNOWN, PCP_ENTITY_UNKNOWN
 */
export async function subscribe(service: ODataService, call: Data, signal: AbortSignal): Promise<Data> {
  const { path, prefix, secrets = [] } = service.options;
  const { notification_url: address, client_state: state } = parametersOf(call);
  const name = String(call.entity_set ?? '');
  if (typeof address !== 'string' || address === '')
    throw missing('notification_url', phrase`the address of a pcp-webhook-in node`);
  if (name === '') throw missing('entity_set', phrase`the set whose changes are reported`);
  if (path.startsWith('/ODataV4')) throw noApi();
  const { name: set } = await service.entitySet(name, signal);
  const wanted = {
    notificationUrl: address,
    resource: `${path}/${prefix}${set}`,
    ...(state !== undefined && { clientState: state }),
  };
  // Subscriptions are above the companies.
  const above = new ODataService(service.client, { path, secrets });
  const subscriptions = await above.entitySet(SET, signal);
  const there = await find(above, subscriptions, wanted, signal);
  const made =
    there === undefined
      ? await above.create(subscriptions, wanted, signal)
      : await above.update(subscriptions, wanted, signal, { key: there.data, version: there.version ?? '*' });
  const { subscriptionId, expirationDateTime } = { ...there?.data, ...made?.data };
  return { subscription_id: subscriptionId, expires_at: expirationDateTime, renewed: there !== undefined };
}

/** What the company, the set and the address have in common with a subscription that is there. */
async function find(
  service: ODataService,
  set: EntitySet,
  wanted: { notificationUrl: string; resource: string },
  signal: AbortSignal,
): Promise<Entity | undefined> {
  for await (const { entities } of readList(service, set, { pageSize: PAGE_SIZE }, undefined, signal)) {
    const found = entities.find(
      ({ data }) =>
        data.notificationUrl === wanted.notificationUrl &&
        String(data.resource).toLowerCase() === wanted.resource.toLowerCase(),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function missing(path: string, what: Phrase): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_MISSING', phrase`"${path}" is missing: ${what}.`, {
    path,
    hint: 'Give it in the node or the message.',
  });
}

function noApi(): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_OPERATION_UNKNOWN',
    phrase`Pages that are published as web services report no changes.`,
    {
      path: 'service',
      hint: 'Subscribe to a set of the standard API or of an API of your own.',
    },
  );
}
