import { pageOf, pageParameters, pageSchema } from '../paging';
import { type Call, type Route, ref } from '../route';
import { idOf, idParameter, ok } from './shared';

const tag = 'connections';
const params = { id: idParameter('connection') };

export const discoveryRoutes: Route[] = [
  {
    method: 'GET',
    path: '/connections/{id}/entities',
    operation: 'discoverEntities',
    tag,
    summary: 'Lists what the other side has',
    description: 'Connects and looks; 1000 entities a page unless `limit` says otherwise.',
    permission: 'integrations.read',
    params,
    query: pageParameters,
    responses: { 200: { description: 'Entities by name.', schema: pageSchema(ref('DiscoveredEntity')) } },
    problems: [404, 409, 422, 429, 502],
    external: 'explore',
    acts: true,
    handle: async (call) => {
      const entities = await call.hub.runner.discover(await open(call), call.signal);
      return ok(pageOf(entities, ({ name }) => name, call));
    },
  },
  {
    method: 'GET',
    path: '/connections/{id}/entities/{entity}',
    operation: 'describeEntity',
    tag,
    summary: 'Describes an entity of the other side',
    permission: 'integrations.read',
    params: {
      ...params,
      entity: {
        description: 'Its name as discovery gives it, URL-encoded.',
        schema: { type: 'string' },
        example: 'orders',
      },
    },
    responses: { 200: { description: 'Its fields.', schema: ref('EntityDescription') } },
    problems: [404, 409, 422, 429, 502],
    external: 'explore',
    acts: true,
    handle: async (call) => {
      return ok(await call.hub.runner.describe(await open(call), call.params.entity ?? '', call.signal));
    },
  },
];

async function open(call: Call) {
  const connection = await call.hub.connections.open(idOf(call));
  call.secrets.push(...Object.values(connection.credentials));
  return connection;
}
