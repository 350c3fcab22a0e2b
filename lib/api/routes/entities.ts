import type { EntityType } from '../../model/entity';
import { phrase } from '../../model/phrase';
import { contentTag, requireMatch } from '../conditional';
import { pageOf, pageParameters, pageSchema } from '../paging';
import { Problem } from '../problem';
import { type Call, type Parameter, type Route, ref } from '../route';
import { entityTypeName } from '../schemas/entity';
import { ok, without } from './shared';

const path = '/entities';
const tag = 'entities';

export const TYPE: Parameter = {
  description: 'Name of the entity type.',
  schema: entityTypeName,
  example: 'production_order',
};
const params = { type: TYPE };

export const entityRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listEntityTypes',
    tag,
    summary: "Lists the platform's entity types",
    permission: 'integrations.read',
    query: pageParameters,
    responses: { 200: { description: 'Types by name.', schema: pageSchema(ref('EntityType')) } },
    problems: [],
    handle: async (call) => ok(pageOf(await call.hub.entityTypes.list(), ({ type }) => type, call)),
  },
  {
    method: 'POST',
    path,
    operation: 'createEntityType',
    tag,
    summary: 'Adds an entity type',
    permission: 'integrations.write',
    body: { schema: ref('EntityTypeInput'), required: true },
    responses: { 201: { description: 'The new type.', schema: ref('EntityType'), headers: ['ETag', 'Location'] } },
    problems: [409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const created = await call.hub.entityTypes.create(call.body as EntityType);
      return {
        status: 201,
        headers: { Location: call.href(`${path}/${encodeURIComponent(created.type)}`), ETag: contentTag(created) },
        body: created,
      };
    },
  },
  {
    method: 'GET',
    path: `${path}/{type}`,
    operation: 'getEntityType',
    tag,
    summary: 'Reads an entity type',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The type with its schema.', schema: ref('EntityType'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => tagged(await call.hub.entityTypes.get(typeOf(call))),
  },
  {
    method: 'PUT',
    path: `${path}/{type}`,
    operation: 'updateEntityType',
    tag,
    summary: 'Widens an entity type',
    description: 'New optional fields and wider ones; the key stays. Types of the catalogue are read-only.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('EntityTypeUpdate'), required: true },
    responses: { 200: { description: 'The type as it is now.', schema: ref('EntityType'), headers: ['ETag'] } },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const type = typeOf(call);
      const input = without(call.body, ['titles', 'isa95', 'built_in']) as unknown as EntityType;
      if (input.type !== type) {
        throw new Problem(422, 'PCP_VALUE_INVALID', phrase`A type keeps its name.`, {
          errors: [{ pointer: '/type', detail: 'must be the type of the address' }],
        });
      }
      if (call.ifMatch !== undefined) requireMatch(call.ifMatch, contentTag(await call.hub.entityTypes.get(type)));
      return tagged(await call.hub.entityTypes.update(type, input));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{type}`,
    operation: 'deleteEntityType',
    tag,
    summary: 'Removes an own entity type',
    permission: 'integrations.write',
    params,
    query: {
      cascade: { description: 'Deletes its records as well.', schema: { type: 'boolean', default: false } },
    },
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 409],
    handle: async (call) => {
      await call.hub.entityTypes.delete(typeOf(call), { cascade: call.query.cascade === true });
      return { status: 204 };
    },
  },
];

export function typeOf(call: Call): string {
  return call.params.type ?? '';
}

function tagged(type: EntityType) {
  return ok(type, { ETag: contentTag(type) });
}
