import type { ConnectorDescriptor } from '../../connectors/descriptor';
import { phrase } from '../../model/phrase';
import { pageOf, pageParameters, pageSchema } from '../paging';
import { Problem } from '../problem';
import { type Call, type Parameter, type Route, ref } from '../route';
import { ok } from './shared';

const tag = 'connectors';
const TYPE: Parameter = {
  description: 'Type of the connector.',
  schema: { type: 'string', pattern: '^[a-z0-9.-]{1,100}$' },
  example: 'generic.file',
};

export const connectorRoutes: Route[] = [
  {
    method: 'GET',
    path: '/connectors',
    operation: 'listConnectors',
    tag,
    summary: 'Lists the kinds of systems that can be connected',
    permission: 'integrations.read',
    query: pageParameters,
    responses: { 200: { description: 'Connectors by type.', schema: pageSchema(ref('Connector')) } },
    problems: [],
    handle: async (call) => {
      const summaries = call.hub.descriptors.map(({ settings: _, ...summary }) => summary);
      return ok(pageOf(summaries, ({ type }) => type, call));
    },
  },
  {
    method: 'GET',
    path: '/connectors/{type}',
    operation: 'getConnector',
    tag,
    summary: 'Reads the descriptor of a connector',
    permission: 'integrations.read',
    params: { type: TYPE },
    responses: { 200: { description: 'The descriptor.', schema: ref('ConnectorDetails') } },
    problems: [404],
    handle: async (call) => ok(descriptorOf(call)),
  },
  {
    method: 'GET',
    path: '/connectors/{type}/schema',
    operation: 'getConnectorSchema',
    tag,
    summary: 'Reads the JSON Schema of the settings of a connector',
    description: 'JSON Schema 2020-12; secrets are `writeOnly`.',
    permission: 'integrations.read',
    params: { type: TYPE },
    responses: { 200: { description: 'The schema.', schema: { type: 'object' } } },
    problems: [404],
    handle: async (call) => ok(call.hub.connectorSchema(descriptorOf(call).type)),
  },
];

function descriptorOf({ hub, params }: Call): ConnectorDescriptor {
  const found = hub.descriptors.find(({ type }) => type === params.type);
  if (found === undefined) throw new Problem(404, 'PCP_NOT_FOUND', phrase`There is no connector of this type.`);
  return found;
}
