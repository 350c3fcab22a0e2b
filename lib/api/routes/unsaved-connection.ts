import type { ConnectionOfRun, OpenConnection } from '../../model/connection';
import { Problem } from '../problem';
import type { Call } from '../route';
import { checkSettings, givenSecrets, movesSecrets } from '../settings';
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
 * @throws Problem 422 naming every value that is wrong, and the secrets that must be typed again
 */
export async function openUnsaved(call: Call, request: UnsavedConnection): Promise<ConnectionOfRun> {
  const { connector_type, config = {}, name = '', timezone = null } = request;
  const typed = givenSecrets(request.credentials);
  call.secrets.push(...Object.values(typed));
  const kept = await keptSecrets(call, request, typed);
  call.secrets.push(...Object.values(kept));
  const credentials = { ...kept, ...typed };
  checkSettings(call.hub, { connector_type, config, credentials }, {});
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

/**
 * Saved secrets that were not typed again.
 * @throws Problem 422 when the settings would send them somewhere else than where they belong
 */
async function keptSecrets(
  call: Call,
  request: UnsavedConnection,
  typed: Record<string, string>,
): Promise<Record<string, string>> {
  const { connector_type, config = {} } = request;
  const settings = call.hub.descriptors.find(({ type }) => type === connector_type)?.settings ?? {};
  const wanted = Object.keys(settings).filter(
    (name) => settings[name]?.kind === 'secret' && !Object.hasOwn(typed, name),
  );
  const saved = wanted.length === 0 ? undefined : await savedConnection(call, request);
  const kept = Object.entries(saved?.credentials ?? {}).filter(([name]) => wanted.includes(name));
  if (saved === undefined || kept.length === 0) return {};
  const moved = movesSecrets(call.hub, saved, { connector_type, config });
  if (moved === undefined) return Object.fromEntries(kept);
  throw new Problem(
    422,
    'PCP_SECRET_NEEDED',
    `The saved secrets belong to the saved settings, and "${moved}" differs: type the secrets again.`,
    {
      errors: kept.map(([name]) => ({
        pointer: `/credentials/${name}`,
        detail: `is needed, since "${moved}" differs`,
      })),
    },
  );
}

function withoutEmpty(credentials: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== ''));
}
