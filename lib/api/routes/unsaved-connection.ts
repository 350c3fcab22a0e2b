import type { ConnectionOfRun, OpenConnection } from '../../model/connection';
import type { Call } from '../route';
import { asksOtherwise, checkSettings, givenSecrets, keptSecrets } from '../settings';
import { referred } from './shared';

/** Values of a connection that need not be saved, as a body gives them. */
export interface UnsavedConnection {
  name?: string;
  connector_type: string;
  config?: Record<string, unknown>;
  credentials?: Record<string, string | true>;
  timezone?: string | null;
  connection_id?: number;
  node_id?: string;
}

/** No saved connection has this id. */
const UNSAVED = -1;

/**
 * Opens values that need not be saved. Secrets that are not given come from the saved connection that they name, provided
 * that they would go to the same place.
 * @throws Problem 403 for statements and paths of one's own with saved secrets, unless one may also save them
 * @throws Problem 422 naming every value that is wrong, and the secrets that must be typed again
 */
export async function openUnsaved(call: Call, request: UnsavedConnection): Promise<ConnectionOfRun> {
  const { connector_type, config = {}, name = '', timezone = null } = request;
  const typed = givenSecrets(request.credentials);
  call.secrets.push(...Object.values(typed));
  const reused = await reusedSecrets(call, request, typed);
  call.secrets.push(...Object.values(reused));
  const credentials = { ...reused, ...typed };
  checkSettings(call.hub, { connector_type, config, credentials }, []);
  return { id: UNSAVED, name, connector_type, config, timezone, credentials: withoutEmpty(credentials) };
}

/** The same, to look through the connection at what is there: for those alone who could also save it and look then. */
export async function openUnsavedToRead(call: Call, request: UnsavedConnection): Promise<ConnectionOfRun> {
  await call.demand('integrations.write');
  return openUnsaved(call, request);
}

async function savedConnection(
  call: Call,
  { connection_id, node_id }: Pick<UnsavedConnection, 'connection_id' | 'node_id'>,
): Promise<OpenConnection | undefined> {
  if (connection_id !== undefined) {
    return referred('/connection_id', () => call.hub.connections.open(connection_id));
  }
  return node_id === undefined ? undefined : flowConnection(call, node_id);
}

/** A config node that was never deployed has no connection yet, and then no secrets either. */
async function flowConnection({ hub }: Call, nodeId: string): Promise<OpenConnection | undefined> {
  let cursor: string | undefined;
  do {
    const page = await hub.connections.list({
      managed_by: 'flow',
      limit: 1000,
      ...(cursor !== undefined && { cursor }),
    });
    const found = page.items.find((connection) => connection.node_id === nodeId);
    if (found !== undefined) return hub.connections.open(found.id);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}

/** Saved secrets that were not typed again; whoever typed all of them needs no saved connection. */
async function reusedSecrets(
  call: Call,
  request: UnsavedConnection,
  typed: Record<string, string>,
): Promise<Record<string, string>> {
  const { connector_type, config = {} } = request;
  const settings = call.hub.descriptors.find(({ type }) => type === connector_type)?.settings ?? {};
  const names = Object.keys(settings).filter((name) => settings[name]?.kind === 'secret');
  const saved = names.every((name) => Object.hasOwn(typed, name)) ? undefined : await savedConnection(call, request);
  if (saved === undefined) return {};
  const wanted = { connector_type, config, credentials: typed };
  const kept = keptSecrets(call.hub, saved, wanted);
  if (kept.length > 0 && asksOtherwise(call.hub, saved, wanted)) await call.demand('integrations.write');
  return Object.fromEntries(kept.map((name) => [name, saved.credentials[name] ?? '']));
}

function withoutEmpty(credentials: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== ''));
}
