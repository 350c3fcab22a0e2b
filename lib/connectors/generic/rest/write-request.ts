import type { HttpClient, HttpRequest } from '../../../protocols/http/client';
import type { DescribedRequest, WriteRecord, WriteTarget } from '../../contract';
import { bodyFormat, bodyOf, bulkBodyOf, type Content, JSON_TYPE, writesJson } from './body';
import { isFoundByUpdate } from './guarantee';
import { withNumbers } from './json-body';
import type { BulkSetting, RestEntity, WriteSetting } from './settings';
import { fillPath, placeholders, type Values } from './template';

/** What is known of a record at the API. */
export interface Known {
  id?: string | undefined;
  version?: string | undefined;
}

export interface WriteRequest {
  method: string;
  target: string;
  headers: Record<string, string>;
  body?: string;
  /** Sending it again has the same effect. */
  repeatable: boolean;
}

/**
 * The request that creates, changes or removes one record.
 * @throws data PCP_REST_PATH_VALUE, PCP_URL_SEGMENT, PCP_REST_NUMBER
 */
export function writeRequest(
  entity: RestEntity,
  operation: 'create' | 'update' | 'delete',
  record: WriteRecord,
  known: Known,
): WriteRequest {
  const setting = entity[operation]!;
  const method = setting.method ?? { create: 'POST', update: 'PUT', delete: 'DELETE' }[operation];
  // An API does not take the create that follows an update in vain for the same request.
  const isTried = operation === 'update' && entity.create !== undefined && isFoundByUpdate(entity);
  const key = entity.idempotency_header === undefined || isTried ? undefined : record.idempotencyKey;
  const hasBody = method !== 'DELETE' || setting.body !== undefined;
  return {
    method,
    target: addressOf(setting, record, known),
    headers: {
      ...(hasBody && { 'content-type': setting.content_type ?? JSON_TYPE }),
      ...entity.headers,
      ...(key !== undefined && { [entity.idempotency_header!]: key }),
      ...(known.version !== undefined && { 'if-match': known.version }),
    },
    ...(hasBody && { body: bodyOf(entity, setting, contentOf(entity, setting, record, known)) }),
    // A change that depends on a version is refused the second time.
    repeatable: method !== 'POST' && known.version === undefined,
  };
}

/** The request that writes many records. */
export function bulkRequest(entity: RestEntity, records: readonly WriteRecord[]): WriteRequest {
  const bulk = entity.bulk!;
  return {
    method: bulk.method ?? 'POST',
    target: fillPath(bulk.path, () => undefined),
    headers: { 'content-type': bulk.content_type ?? JSON_TYPE, ...entity.headers },
    body: bulkBodyOf(
      entity,
      bulk,
      records.map((record) => contentOf(entity, bulk, record, {})),
    ),
    repeatable: bulk.upsert === true,
  };
}

export function described(client: HttpClient, { method, target, headers, body }: WriteRequest): DescribedRequest {
  return { method, url: `${String(client.baseUrl).replace(/\/$/, '')}${target}`, headers, body: body ?? null };
}

export function asHttpRequest(
  { method, target, headers, body }: WriteRequest,
  { assertSafeToWrite }: Pick<WriteTarget, 'assertSafeToWrite'>,
  signal: AbortSignal,
): HttpRequest {
  return {
    method,
    target,
    headers,
    signal,
    ...(body !== undefined && { body }),
    ...(assertSafeToWrite !== undefined && { beforeSend: assertSafeToWrite }),
  };
}

/** Path of a record: "{id}" is what the API calls it, before any field of that name. */
export function addressOf({ path }: WriteSetting, record: WriteRecord, known: Known): string {
  const values = valuesOf(record, known);
  return fillPath(path, (name) => (name === 'id' ? (known.id ?? values(name)) : values(name)));
}

/** True when nothing but what the API calls the record is missing in its path. */
export function needsId({ path }: WriteSetting, record: WriteRecord): boolean {
  return placeholders(path).includes('id') && (record.data.id ?? '') === '';
}

/** Fields of the record, and beside them `id`, `external_id` (its key) and `idempotency_key`. */
export function valuesOf(record: WriteRecord, known: Known): Values {
  return (name) => {
    const field = fieldOf(record.data, name);
    if (field !== undefined) return field;
    if (name === 'id') return known.id;
    if (name === 'external_id') return (JSON.parse(record.key) as unknown[]).join(',');
    return name === 'idempotency_key' ? record.idempotencyKey : undefined;
  };
}

function contentOf(
  { numbers = [] }: RestEntity,
  setting: WriteSetting | BulkSetting,
  record: WriteRecord,
  known: Known,
): Content {
  const data = writesJson(bodyFormat(setting)) ? withNumbers(record.data, numbers) : record.data;
  return { data, values: valuesOf({ ...record, data }, known) };
}

function fieldOf(data: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(data, name)) return data[name];
  let value: unknown = data;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
