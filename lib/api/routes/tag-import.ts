import { IntegrationError } from '../../model/errors';
import { type Route, ref } from '../route';
import { actorOf, ok, within } from './shared';
import { openUnsavedToRead, type UnsavedConnection } from './unsaved-connection';

interface TagImport {
  connection: UnsavedConnection;
  content: string;
  options?: Record<string, unknown>;
}

export const tagImportRoutes: Route[] = [
  {
    method: 'POST',
    path: '/connections/tags',
    operation: 'importTags',
    tag: 'connections',
    summary: 'Turns a list of tags into what the setting `tags` takes',
    description:
      'For `iot.modbus` (register maps in CSV, SunSpec models in JSON) and `iot.opcua` (NodeSet2, CSV), by values that are not saved. Nothing is connected to, nothing is saved. Needs `integrations.write` as well.',
    permission: 'integrations.test',
    body: { schema: ref('TagImport'), required: true },
    responses: { 200: { description: 'The tags.', schema: ref('ImportedTags') } },
    problems: [409, 413, 415, 422],
    handle: async (call) => {
      const { connection, content, options } = call.body as TagImport;
      const { hub, signal } = call;
      const opened = await within('/connection', () => openUnsavedToRead(call, connection));
      if (hub.descriptors.find(({ type }) => type === opened.connector_type)?.tagImport === undefined) {
        const what = `Connections of type ${opened.connector_type} take no list of tags.`;
        throw new IntegrationError('config', 'PCP_NOT_SUPPORTED', what, { path: '/connection/connector_type' });
      }
      const by = actorOf(call);
      const answer = await hub.live.call(opened, 'import_tags', { ...options, payload: content }, { by }, signal);
      return ok({ tags: answer.payload });
    },
  },
];
