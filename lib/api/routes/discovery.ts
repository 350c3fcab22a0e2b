import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { pageOf, pageParameters, pageSchema } from '../paging';
import { Problem } from '../problem';
import { type Answer, type Call, type Route, ref } from '../route';
import { idOf, idParameter, ok } from './shared';
import { openUnsavedToRead, type UnsavedConnection } from './unsaved-connection';

const tag = 'connections';
const params = { id: idParameter('connection') };
const entity = {
  description: 'Its name as discovery gives it, URL-encoded.',
  schema: { type: 'string' },
  example: 'orders',
};
const entities = { description: 'Entities by name.', schema: pageSchema(ref('DiscoveredEntity')) };
const described = { description: 'Its fields.', schema: ref('EntityDescription') };
const body = { schema: ref('UnsavedConnection'), required: true };
const place = {
  parent: { description: 'Address of the place; absent = the root.', schema: { type: 'string', maxLength: 4000 } },
};
const nodes = {
  description: 'What is there, in the order of the other side.',
  schema: {
    type: 'object',
    required: ['items'],
    properties: { items: { type: 'array', items: ref('BrowseNode') } },
  },
};
const ALSO_WRITE = 'Needs `integrations.write` as well: who may save these values could look through them anyway.';

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
    responses: { 200: entities },
    problems: [404, 409, 422, 429, 502],
    external: 'explore',
    acts: true,
    handle: async (call) => discover(call, await open(call)),
  },
  {
    method: 'POST',
    path: '/connections/entities',
    operation: 'discoverEntitiesUnsaved',
    tag,
    summary: 'Lists what the other side has, by values that are not saved',
    description: ALSO_WRITE,
    permission: 'integrations.test',
    query: pageParameters,
    body,
    responses: { 200: entities },
    problems: [409, 413, 415, 422, 429, 502],
    external: 'explore',
    handle: async (call) => discover(call, await openUnsavedToRead(call, call.body as UnsavedConnection)),
  },
  {
    method: 'GET',
    path: '/connections/{id}/entities/{entity}',
    operation: 'describeEntity',
    tag,
    summary: 'Describes an entity of the other side',
    permission: 'integrations.read',
    params: { ...params, entity },
    responses: { 200: described },
    problems: [404, 409, 422, 429, 502],
    external: 'explore',
    acts: true,
    handle: async (call) => describe(call, await open(call)),
  },
  {
    method: 'POST',
    path: '/connections/entities/{entity}',
    operation: 'describeEntityUnsaved',
    tag,
    summary: 'Describes an entity of the other side, by values that are not saved',
    description: ALSO_WRITE,
    permission: 'integrations.test',
    params: { entity },
    body,
    responses: { 200: described },
    problems: [404, 409, 413, 415, 422, 429, 502],
    external: 'explore',
    handle: async (call) => describe(call, await openUnsavedToRead(call, call.body as UnsavedConnection)),
  },
  {
    method: 'GET',
    path: '/connections/{id}/browse',
    operation: 'browse',
    tag,
    summary: 'Lists what lies below a place of the other side',
    description: 'For connectors that can `browse`: folders, tags and methods of a machine.',
    permission: 'integrations.read',
    params,
    query: place,
    responses: { 200: nodes },
    problems: [404, 409, 422, 429, 502],
    external: 'explore',
    acts: true,
    handle: async (call) => browse(call, await open(call)),
  },
  {
    method: 'POST',
    path: '/connections/browse',
    operation: 'browseUnsaved',
    tag,
    summary: 'Lists what lies below a place of the other side, by values that are not saved',
    description: ALSO_WRITE,
    permission: 'integrations.test',
    query: place,
    body,
    responses: { 200: nodes },
    problems: [409, 413, 415, 422, 429, 502],
    external: 'explore',
    handle: async (call) => browse(call, await openUnsavedToRead(call, call.body as UnsavedConnection)),
  },
];

async function browse(call: Call, connection: OpenConnection): Promise<Answer> {
  const { parent } = call.query;
  const nodes = await call.hub.live.browse(connection, typeof parent === 'string' ? parent : null, call.signal);
  return ok({ items: nodes });
}

async function discover(call: Call, connection: OpenConnection): Promise<Answer> {
  const entities = await call.hub.runner.discover(connection, call.signal);
  return ok(pageOf(entities, ({ name }) => name, call));
}

/** The entity is named by the address, whether there is a body or not. */
async function describe(call: Call, connection: OpenConnection): Promise<Answer> {
  try {
    return ok(await call.hub.runner.describe(connection, call.params.entity ?? '', call.signal));
  } catch (error) {
    if (!(error instanceof IntegrationError) || error.code !== 'PCP_ENTITY_UNKNOWN') throw error;
    throw new Problem(404, error.code, error.message, { ...(error.hint !== undefined && { hint: error.hint }) });
  }
}

async function open(call: Call): Promise<OpenConnection> {
  const connection = await call.hub.connections.open(idOf(call));
  call.secrets.push(...Object.values(connection.credentials));
  return connection;
}
