import { type Locale, localise } from '../../locales/catalogue';
import type { OpenConnection } from '../../model/connection';
import type { EntityInfo } from '../../model/entity';
import { IntegrationError, type SerializedError } from '../../model/errors';
import { pageOf, pageParameters, pageSchema } from '../paging';
import { Problem } from '../problem';
import { type Answer, type Call, type Parameter, type ResponseSpec, type Route, ref } from '../route';
import { idOf, idParameter, ok } from './shared';
import { openUnsavedToRead, type UnsavedConnection } from './unsaved-connection';

const tag = 'connections';
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
const MOST_TAGS = 100;
const tags = {
  tags: {
    description: `Names or addresses, as a JSON array of at most ${MOST_TAGS}.`,
    schema: { type: 'string', minLength: 2, maxLength: 16_000 },
    example: '["temperature"]',
  },
};
const values = {
  description: 'One per tag, in their order.',
  schema: {
    type: 'object',
    required: ['items'],
    properties: { items: { type: 'array', items: ref('TagValue') } },
  },
};
const ALSO_WRITE = 'Needs `integrations.write` as well: who may save these values could look through them anyway.';

interface Question {
  /** Below `/connections/{id}`, or below `/connections` where the connection comes along. */
  path: string;
  operation: string;
  summary: string;
  description?: string;
  params?: Record<string, Parameter>;
  query?: Record<string, Parameter>;
  answer: ResponseSpec;
  ask(call: Call, connection: OpenConnection): Promise<Answer>;
}

export const discoveryRoutes: Route[] = [
  ...routesOf({
    path: '/entities',
    operation: 'discoverEntities',
    summary: 'Lists what the other side has',
    description: 'Connects and looks; 1000 entities a page unless `limit` says otherwise.',
    query: pageParameters,
    answer: entities,
    ask: discover,
  }),
  ...routesOf({
    path: '/entities/{entity}',
    operation: 'describeEntity',
    summary: 'Describes an entity of the other side',
    params: { entity },
    answer: described,
    ask: describe,
  }),
  ...routesOf({
    path: '/browse',
    operation: 'browse',
    summary: 'Lists what lies below a place of the other side',
    description: 'For connectors that can `browse`: folders, tags and methods of a machine.',
    query: place,
    answer: nodes,
    ask: browse,
  }),
  ...routesOf({
    path: '/values',
    operation: 'readValues',
    summary: 'Reads tags now',
    description:
      'For machines, over the connection that is open anyway. What cannot be read is `bad`, with its status.',
    query: tags,
    answer: values,
    ask: readValues,
  }),
];

/** Each question is asked of a saved connection, or by values that are not saved. */
function routesOf({ path, operation, summary, description, params, query, answer, ask }: Question): Route[] {
  const shared = {
    tag,
    ...(query && { query }),
    responses: { 200: answer },
    external: 'explore' as const,
  };
  return [
    {
      ...shared,
      method: 'GET',
      path: `/connections/{id}${path}`,
      operation,
      summary,
      ...(description !== undefined && { description }),
      permission: 'integrations.read',
      params: { id: idParameter('connection'), ...params },
      problems: [404, 409, 422, 429, 502],
      acts: true,
      handle: async (call) => ask(call, await open(call)),
    },
    {
      ...shared,
      method: 'POST',
      path: `/connections${path}`,
      operation: `${operation}Unsaved`,
      summary: `${summary}, by values that are not saved`,
      description: ALSO_WRITE,
      permission: 'integrations.test',
      ...(params && { params }),
      body,
      problems: [...(params ? [404] : []), 409, 413, 415, 422, 429, 502],
      handle: async (call) => ask(call, await openUnsavedToRead(call, call.body as UnsavedConnection)),
    },
  ];
}

async function browse(call: Call, connection: OpenConnection): Promise<Answer> {
  const { parent } = call.query;
  const nodes = await call.hub.live.browse(connection, typeof parent === 'string' ? parent : null, call.signal);
  return ok({ items: nodes });
}

async function readValues(call: Call, connection: OpenConnection): Promise<Answer> {
  return ok({ items: await call.hub.live.readTags(connection, namedTags(call.query.tags), call.signal) });
}

function namedTags(text: unknown): string[] {
  let names: unknown;
  try {
    names = JSON.parse(String(text));
  } catch {
    names = undefined;
  }
  if (Array.isArray(names) && names.length <= MOST_TAGS && names.every((name) => typeof name === 'string'))
    return names;
  throw new Problem(400, 'PCP_QUERY_INVALID', `\`tags\` is no JSON array of at most ${MOST_TAGS} names.`);
}

async function discover(call: Call, connection: OpenConnection): Promise<Answer> {
  const entities = await call.hub.runner.discover(connection, call.signal);
  const { items, ...page } = pageOf(entities, ({ name }) => name, call);
  return ok({ ...page, items: items.map((info) => worded(info, call.language)) });
}

function worded({ labels, error, ...info }: EntityInfo, language: Locale): Record<string, unknown> {
  const label = labels?.[language];
  return { ...info, ...(label && { label }), ...(error && { error: localise(error, language) }) };
}

/** The entity is named by the address, whether there is a body or not. */
async function describe(call: Call, connection: OpenConnection): Promise<Answer> {
  try {
    const { schema, info } = await call.hub.runner.describe(connection, call.params.entity ?? '', call.signal);
    const fault = schema['x-sample-fault'] as SerializedError | undefined;
    const inWords = fault && { 'x-sample-fault': localise(fault, call.language) };
    return ok({ info: worded(info, call.language), schema: { ...schema, ...inWords } });
  } catch (error) {
    if (!(error instanceof IntegrationError) || error.code !== 'PCP_ENTITY_UNKNOWN') throw error;
    throw new Problem(404, error.code, error.said, { ...(error.hint !== undefined && { hint: error.hint }) });
  }
}

async function open(call: Call): Promise<OpenConnection> {
  const connection = await call.hub.connections.open(idOf(call));
  call.secrets.push(...Object.values(connection.credentials));
  return connection;
}
