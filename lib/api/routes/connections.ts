import type { ConnectionInput, ConnectionView } from '../../model/services';
import { expectedRevision, requireMatch, revisionTag, rowTag } from '../conditional';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Call, type Route, ref } from '../route';
import { connectorType, managedBy } from '../schemas/common';
import { connectionReadOnly } from '../schemas/connection';
import { checkSettings, givenSecrets, keptSecrets } from '../settings';
import { withNextRuns } from './schedules';
import { given, idOf, idParameter, ok, row, without } from './shared';

const path = '/connections';
const tag = 'connections';
const params = { id: idParameter('connection') };

export const connectionRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listConnections',
    tag,
    summary: 'Lists connections',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      connector_type: { description: 'Of this connector.', schema: connectorType },
      is_active: { description: 'In use or not.', schema: { type: 'boolean' } },
      managed_by: { description: 'Made here or by a flow.', schema: managedBy },
      name: { description: 'With this name.', schema: { type: 'string', maxLength: 255 } },
    },
    responses: { 200: { description: 'A page of connections, by id.', schema: pageSchema(ref('Connection')) } },
    problems: [],
    handle: async (call) => {
      const { items, ...page } = await call.hub.connections.list({
        ...given(call, ['connector_type', 'is_active', 'managed_by', 'name']),
        ...pageRequest(call),
      });
      return ok({ items: await shown(call, items), ...page });
    },
  },
  {
    method: 'POST',
    path,
    operation: 'createConnection',
    tag,
    summary: 'Creates a connection',
    permission: 'integrations.write',
    body: { schema: ref('ConnectionCreate'), required: true },
    responses: {
      201: { description: 'The new connection.', schema: ref('Connection'), headers: ['ETag', 'Location'] },
    },
    problems: [409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const input = inputOf(call);
      const created = await call.hub.connections.create({ ...input, created_by: call.user ?? null });
      return {
        status: 201,
        headers: { Location: call.href(`${path}/${created.id}`), ETag: rowTag(created) },
        body: { ...withNextRuns(created), paused: null },
      };
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getConnection',
    tag,
    summary: 'Reads a connection',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The connection.', schema: ref('Connection'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => row(await shownOne(call, await call.hub.connections.get(idOf(call)))),
  },
  {
    method: 'PUT',
    path: `${path}/{id}`,
    operation: 'updateConnection',
    tag,
    summary: 'Changes a connection',
    description:
      'Connections of deployed flows are changed in their config node. Saved secrets stay with their place: settings that ' +
      'would send them elsewhere need them typed again.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('ConnectionUpdate'), required: true },
    responses: { 200: { description: 'The connection as it is now.', schema: ref('Connection'), headers: ['ETag'] } },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      const { connections } = call.hub;
      const current = await connections.get(id);
      const input = inputOf(call, current);
      const expected = await expectedRevision(call.ifMatch, async () => current.revision);
      // What was judged is what is changed: secrets that another request put there meanwhile are not taken along.
      return row(await shownOne(call, await connections.update(id, input, expected ?? current.revision)));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    operation: 'deleteConnection',
    tag,
    summary: 'Deletes a connection',
    permission: 'integrations.write',
    params,
    query: {
      cascade: { description: 'Deletes its mappings as well.', schema: { type: 'boolean', default: false } },
    },
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 409, 412],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      if (call.ifMatch !== undefined) {
        requireMatch(call.ifMatch, revisionTag((await call.hub.connections.get(id)).revision));
      }
      await call.hub.connections.delete(id, { cascade: call.query.cascade === true });
      return { status: 204 };
    },
  },
];

/** The body as the hub takes it, with settings that fit their connector and secrets that stay where they belong. */
function inputOf(call: Call, saved?: ConnectionView): ConnectionInput {
  const body = without(call.body, connectionReadOnly) as unknown as ConnectionInput;
  const credentials = givenSecrets(body.credentials);
  call.secrets.push(...Object.values(credentials));
  const settings = { ...body, config: body.config ?? saved?.config ?? {}, credentials };
  checkSettings(call.hub, settings, saved === undefined ? [] : keptSecrets(call.hub, saved, settings));
  return body.credentials === undefined ? body : { ...body, credentials };
}

async function shown(call: Call, connections: ConnectionView[]) {
  const paused = await call.hub.sync.paused(connections);
  return connections.map((connection) => ({ ...withNextRuns(connection), paused: paused.get(connection.id) ?? null }));
}

async function shownOne(call: Call, connection: ConnectionView) {
  const { next_runs, paused } = (await shown(call, [connection]))[0]!;
  return { ...connection, next_runs, paused };
}
