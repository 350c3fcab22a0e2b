import { localise } from '../../locales/catalogue';
import { GUARANTEES } from '../../locales/guarantees';
import type { ConnectionOfRun } from '../../model/connection';
import type { PreviewRequest } from '../../model/processes';
import type { MappingInput, MappingView, MovedTarget } from '../../model/services';
import { expectedRevision, requireMatch, revisionTag, rowTag } from '../conditional';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Answer, type Call, type Route, ref } from '../route';
import { mappingReadOnly } from '../schemas/mapping';
import { withNextRunsEach } from './schedules';
import { given, idOf, idParameter, ok, referred, row, within, without } from './shared';
import { openUnsavedToRead, type UnsavedConnection } from './unsaved-connection';

const path = '/mappings';
const tag = 'mappings';
const params = { id: idParameter('mapping') };
const previewed = { description: 'Each record before and after.', schema: ref('PreviewResult') };

export const mappingRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listMappings',
    tag,
    summary: 'Lists mappings',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
      entity_type: { description: 'Of this platform entity.', schema: { type: 'string', maxLength: 100 } },
      is_active: { description: 'In use or not.', schema: { type: 'boolean' } },
    },
    responses: { 200: { description: 'A page of mappings, by id.', schema: pageSchema(ref('Mapping')) } },
    problems: [],
    handle: async (call) => {
      const { items, ...page } = await call.hub.mappings.list({
        ...given(call, ['connection_id', 'entity_type', 'is_active']),
        ...pageRequest(call),
      });
      return ok({ items: await withState(call, items), ...page });
    },
  },
  {
    method: 'POST',
    path,
    operation: 'createMapping',
    tag,
    summary: 'Creates a mapping',
    description: 'It is compiled in each of its directions first; what cannot be inverted for an export is refused.',
    permission: 'integrations.write',
    body: { schema: ref('MappingCreate'), required: true },
    responses: { 201: { description: 'The new mapping.', schema: ref('Mapping'), headers: ['ETag', 'Location'] } },
    problems: [409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const created = await referred('/target_entity', () => call.hub.mappings.create(call.body as MappingInput));
      return {
        status: 201,
        headers: { Location: call.href(`${path}/${created.id}`), ETag: rowTag(created) },
        body: (await withState(call, [created]))[0],
      };
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getMapping',
    tag,
    summary: 'Reads a mapping',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The mapping.', schema: ref('Mapping'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => oneRow(call, await call.hub.mappings.get(idOf(call))),
  },
  {
    method: 'PUT',
    path: `${path}/{id}`,
    operation: 'updateMapping',
    tag,
    summary: 'Changes a mapping',
    description: 'Mappings of deployed flows are changed in their config node.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('MappingUpdate'), required: true },
    responses: { 200: { description: 'The mapping as it is now.', schema: ref('Mapping'), headers: ['ETag'] } },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      const { mappings } = call.hub;
      const current = await mappings.get(id);
      const input = inputOf(call.body);
      const expected = await expectedRevision(call.ifMatch, async () => current.revision);
      return oneRow(call, await referred('/target_entity', () => mappings.update(id, input, expected)));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    operation: 'deleteMapping',
    tag,
    summary: 'Deletes a mapping',
    permission: 'integrations.write',
    params,
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 409, 412],
    conditional: true,
    handle: async (call) => {
      const id = idOf(call);
      if (call.ifMatch !== undefined) {
        requireMatch(call.ifMatch, revisionTag((await call.hub.mappings.get(id)).revision));
      }
      await call.hub.mappings.delete(id);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: `${path}/{id}/preview`,
    operation: 'previewMapping',
    tag,
    summary: 'Tries a mapping without writing',
    description: 'Reads a few records, or takes the given ones, and tells what would become of each.',
    permission: 'integrations.test',
    params,
    body: { schema: ref('PreviewOptions'), required: false },
    responses: { 200: previewed },
    problems: [404, 409, 413, 415, 422, 429, 502],
    external: 'explore',
    handle: async (call) => {
      const { mapping: unsaved, ...options } = call.body as Omit<PreviewRequest, 'mapping'> & { mapping?: object };
      const saved = await call.hub.mappings.get(idOf(call));
      const mapping = { ...inputOf(unsaved ?? saved), id: saved.id };
      return preview(call, { ...options, mapping });
    },
  },
  {
    method: 'POST',
    path: `${path}/{id}/target`,
    operation: 'decideTarget',
    tag,
    summary: 'Says what a target under another address is',
    description:
      'Asked for by PCP_TARGET_MOVED, where a record cannot be sent twice without harm. `same` goes on as before; with `other` nothing counts as sent, and the next run sends every record.',
    permission: 'integrations.write',
    params,
    body: {
      schema: {
        type: 'object',
        additionalProperties: false,
        required: ['is'],
        properties: { is: { type: 'string', enum: ['same', 'other'] } },
      },
      required: true,
    },
    responses: { 204: { description: 'It is known.' } },
    problems: [404, 413, 415, 422],
    handle: async (call) => {
      await call.hub.sync.decideTarget(idOf(call), (call.body as { is: MovedTarget }).is);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: `${path}/preview`,
    operation: 'previewUnsavedMapping',
    tag,
    summary: 'Tries a mapping that is not saved',
    description:
      'With an unsaved connection it needs `integrations.write` as well: who may save it could read by it anyway.',
    permission: 'integrations.test',
    body: { schema: ref('UnsavedPreview'), required: true },
    responses: { 200: previewed },
    problems: [404, 409, 413, 415, 422, 429, 502],
    external: 'explore',
    handle: previewUnsaved,
  },
];

interface UnsavedPreview extends Omit<PreviewRequest, 'mapping' | 'connections'> {
  mapping: MappingInput;
  connection?: UnsavedConnection;
  peer_connection?: UnsavedConnection;
}

async function previewUnsaved(call: Call): Promise<Answer> {
  const { mapping, connection, peer_connection, ...options } = call.body as UnsavedPreview;
  const connections: ConnectionOfRun[] = [];
  const idOfUnsaved = async (place: string, values: UnsavedConnection) => {
    const id = -1 - connections.length;
    connections.push({ ...(await within(place, () => openUnsavedToRead(call, values))), id });
    return id;
  };
  const ends = {
    ...(connection && { connection_id: await idOfUnsaved('/connection', connection) }),
    ...(peer_connection && { peer_connection_id: await idOfUnsaved('/peer_connection', peer_connection) }),
  };
  return preview(call, { ...options, mapping: { ...mapping, ...ends }, connections });
}

async function preview(call: Call, request: PreviewRequest): Promise<Answer> {
  const { guarantee: level, records, reasons, ...result } = await call.hub.runner.preview(request, call.signal);
  const inWords = records.map((record) => ({
    ...record,
    errors: record.errors.map((error) => localise(error, call.language)),
  }));
  return ok({
    guarantee: { level, text: GUARANTEES[level][call.language] },
    records: inWords,
    ...result,
    ...(reasons && { reasons: reasons.map((reason) => localise(reason, call.language)) }),
  });
}

async function oneRow(call: Call, mapping: MappingView): Promise<Answer> {
  const [view] = await withState(call, [mapping]);
  return row(view ?? mapping);
}

/** Mappings with how their streams are and when their schedules begin runs. */
async function withState(call: Call, mappings: readonly MappingView[]): Promise<MappingView[]> {
  const views = await withNextRunsEach(call, mappings);
  return views.map((view) => {
    if (view.sync_mode !== 'live') return view;
    const live = call.hub.live.status(view.id);
    return { ...view, live: live?.error ? { ...live, error: localise(live.error, call.language) } : live };
  });
}

function inputOf(body: unknown): MappingInput {
  return without(body, mappingReadOnly) as unknown as MappingInput;
}
