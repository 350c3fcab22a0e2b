import type { EntityType } from '../../model/entity';
import { phrase } from '../../model/phrase';
import { contentTag, requireMatch } from '../conditional';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { Problem } from '../problem';
import { badQuery, wrong } from '../query';
import { type Call, type Parameter, type Route, ref } from '../route';
import { TYPE, typeOf } from './entities';
import { ok } from './shared';

const path = '/entities/{type}/records';
const tag = 'records';
const params = { type: TYPE };
const KEY: Parameter = {
  description: 'Parts of the key, each URL-encoded, joined by a comma.',
  schema: { type: 'string' },
  example: '1000,000001000123',
};
const keyed = { type: TYPE, key: KEY };

type PlainRecord = Record<string, unknown>;

export const recordRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listRecords',
    tag,
    summary: 'Lists records of a type',
    permission: 'integrations.read',
    params,
    query: pageParameters,
    openQuery: 'Any field of the type by its name, compared for equality.',
    responses: { 200: { description: 'A page of records, by key.', schema: pageSchema(ref('EntityRecord')) } },
    problems: [404],
    handle: async (call) => {
      const type = await call.hub.entityTypes.get(typeOf(call));
      const fields = type.schema.properties ?? {};
      const unknown = Object.keys(call.filters).filter((name) => !Object.hasOwn(fields, name));
      if (unknown.length > 0) throw badQuery(unknown.map((name) => wrong(name, `is not a field of ${type.type}`)));
      const filter = Object.keys(call.filters).length > 0 ? { filter: { ...call.filters } } : {};
      return ok(await call.hub.records.list(type.type, { ...filter, ...pageRequest(call) }));
    },
  },
  {
    method: 'POST',
    path,
    operation: 'createRecord',
    tag,
    summary: 'Adds a record',
    permission: 'integrations.write',
    sealed: 'values',
    params,
    body: { schema: ref('EntityRecord'), required: true },
    responses: { 201: { description: 'The record.', schema: ref('EntityRecord'), headers: ['ETag', 'Location'] } },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const type = await call.hub.entityTypes.get(typeOf(call));
      const record = await call.hub.records.create(type.type, call.body as PlainRecord);
      return created(call, type, record);
    },
  },
  {
    method: 'GET',
    path: `${path}/{key}`,
    operation: 'getRecord',
    tag,
    summary: 'Reads a record',
    permission: 'integrations.read',
    params: keyed,
    responses: { 200: { description: 'The record.', schema: ref('EntityRecord'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => {
      const type = await call.hub.entityTypes.get(typeOf(call));
      return tagged(await call.hub.records.get(type.type, keyOf(call, type)));
    },
  },
  {
    method: 'PUT',
    path: `${path}/{key}`,
    operation: 'replaceRecord',
    tag,
    summary: 'Replaces or adds a record',
    permission: 'integrations.write',
    sealed: 'values',
    params: keyed,
    body: { schema: ref('EntityRecord'), required: true },
    responses: {
      200: { description: 'The record as it is now.', schema: ref('EntityRecord'), headers: ['ETag'] },
      201: { description: 'The new record.', schema: ref('EntityRecord'), headers: ['ETag', 'Location'] },
    },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const type = await call.hub.entityTypes.get(typeOf(call));
      const key = keyOf(call, type);
      const replace = async () => {
        if (call.ifMatch !== undefined)
          requireMatch(call.ifMatch, contentTag(await call.hub.records.get(type.type, key)));
        return call.hub.records.replace(type.type, key, call.body as PlainRecord);
      };
      const { record, created: isNew } = await inTurn(JSON.stringify([type.type, key]), replace);
      return isNew ? created(call, type, record) : tagged(record);
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{key}`,
    operation: 'deleteRecord',
    tag,
    summary: 'Removes a record',
    permission: 'integrations.write',
    sealed: 'values',
    params: keyed,
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 409, 412],
    conditional: true,
    handle: async (call) => {
      const type = await call.hub.entityTypes.get(typeOf(call));
      const key = keyOf(call, type);
      await inTurn(JSON.stringify([type.type, key]), async () => {
        if (call.ifMatch !== undefined)
          requireMatch(call.ifMatch, contentTag(await call.hub.records.get(type.type, key)));
        await call.hub.records.delete(type.type, key);
      });
      return { status: 204 };
    },
  },
];

/**
 * The parts of a key as they stand in the address. Clients that encode the joined key as a whole are understood as well,
 * as long as no part holds a comma.
 */
function keyOf(call: Call, type: EntityType): string[] {
  const parts = type.key.length;
  if (parts === 1) return [call.params.key ?? ''];
  const single = (call.rawParams.key ?? '').split(',').map(decodeURIComponent);
  if (single.length === parts) return single;
  const whole = (call.params.key ?? '').split(',');
  if (whole.length === parts) return whole;
  throw new Problem(404, 'PCP_NOT_FOUND', phrase`A key of ${type.type} has ${parts} parts: ${type.key.join(', ')}.`);
}

function created(call: Call, type: EntityType, record: PlainRecord) {
  const key = type.key.map((name) => encodeURIComponent(String(record[name]))).join(',');
  return {
    status: 201,
    headers: { Location: call.href(`/entities/${type.type}/records/${key}`), ETag: contentTag(record) },
    body: record,
  };
}

function tagged(record: PlainRecord) {
  return ok(record, { ETag: contentTag(record) });
}

const turns = new Map<string, Promise<unknown>>();

/** Comparing a record's tag and replacing it are two steps: within this process nothing comes between them. */
async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(name) ?? Promise.resolve();
  const turn = before.then(work, work);
  turns.set(name, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(name) === turn) turns.delete(name);
  }
}
