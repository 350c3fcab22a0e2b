import type { HttpClient, HttpRequest } from '../../../protocols/http/client';
import type { DescribedRequest, WriteRecord, WriteTarget } from '../../contract';
import { bodyFormat, bodyWriter, bulkBodyOf, type Content, JSON_TYPE, writesJson } from './body';
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
  body: string | undefined;
  /** Sending it again has the same effect. */
  repeatable: boolean;
  /** Where it carries an idempotency key: which one, and whether it was sent under it before. */
  key?: { value: string; wasSent: boolean };
}

/** Makes the request about one record. @throws data PCP_REST_PATH_VALUE, PCP_URL_SEGMENT, PCP_REST_NUMBER */
export type RequestMaker = (record: WriteRecord, known: Known) => WriteRequest;

/** Makes the requests that create, change or remove records of an entity; what they have in common is made once. */
export function requestMaker(entity: RestEntity, operation: 'create' | 'update' | 'delete'): RequestMaker {
  const setting = entity[operation]!;
  const method = setting.method ?? { create: 'POST', update: 'PUT', delete: 'DELETE' }[operation];
  // An API does not take the create that follows an update in vain for the same request.
  const isTried = operation === 'update' && entity.create !== undefined && isFoundByUpdate(entity);
  const keyHeader = isTried ? undefined : entity.idempotency_header;
  const hasBody = method !== 'DELETE' || setting.body !== undefined;
  const common = { ...(hasBody && { 'content-type': setting.content_type ?? JSON_TYPE }), ...entity.headers };
  const contentOf = contentReader(entity, setting);
  const bodyOf = bodyWriter(entity, setting);
  return (record, known) => {
    const headers: Record<string, string> = { ...common };
    const key = keyHeader === undefined ? undefined : record.idempotencyKey;
    if (keyHeader !== undefined && key !== undefined) headers[keyHeader] = key;
    if (known.version !== undefined) headers['if-match'] = known.version;
    return {
      method,
      target: addressOf(setting, record, known),
      headers,
      body: hasBody ? bodyOf(contentOf(record, known)) : undefined,
      // A change that depends on a version is refused the second time.
      repeatable: method !== 'POST' && known.version === undefined,
      ...(key !== undefined && { key: { value: key, wasSent: record.wasSent === true } }),
    };
  };
}

/** The request that writes many records. */
export function bulkRequest(entity: RestEntity, records: readonly WriteRecord[]): WriteRequest {
  const bulk = entity.bulk!;
  const contentOf = contentReader(entity, bulk);
  return {
    method: bulk.method ?? 'POST',
    target: fillPath(bulk.path, () => undefined),
    headers: { 'content-type': bulk.content_type ?? JSON_TYPE, ...entity.headers },
    body: bulkBodyOf(
      entity,
      bulk,
      records.map((record) => contentOf(record, {})),
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
export function valuesOf(record: WriteRecord, known: Known, data = record.data): Values {
  return (name) => {
    const field = fieldOf(data, name);
    if (field !== undefined) return field;
    if (name === 'id') return known.id;
    if (name === 'external_id') return (JSON.parse(record.key) as unknown[]).join(',');
    return name === 'idempotency_key' ? record.idempotencyKey : undefined;
  };
}

function contentReader(
  { numbers = [] }: RestEntity,
  setting: WriteSetting | BulkSetting,
): (record: WriteRecord, known: Known) => Content {
  const exact = writesJson(bodyFormat(setting)) ? numbers : [];
  return (record, known) => {
    const data = withNumbers(record.data, exact);
    return { data, values: valuesOf(record, known, data) };
  };
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
