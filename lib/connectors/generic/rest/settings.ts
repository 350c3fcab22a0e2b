import Ajv2020 from 'ajv/dist/2020';
import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import type { FilterOperator } from '../../../model/mapping';
import { phrase, type Said } from '../../../model/phrase';
import type { RecordFormat } from '../../../protocols/formats/create-parser';
import { bodyFormat } from './body';
import { ENTITIES_SCHEMA } from './entity-schema';
import { pointerKeys } from './pointer';

type Scalar = string | number | boolean;

export interface PagingSetting {
  type: 'none' | 'page' | 'offset' | 'cursor' | 'next_link' | 'link_header';
  page_parameter?: string;
  start?: number;
  offset_parameter?: string;
  size_parameter?: string;
  size?: number;
  cursor_parameter?: string;
  cursor?: string;
  next?: string;
  total?: string;
  more?: string;
  max_pages?: number;
}

export interface IncrementalSetting {
  parameter: string;
  field: string;
  type?: 'time' | 'sequence';
  format?: 'iso' | 'date' | 'unix' | 'unix_ms';
  lag_seconds?: number;
}

/** What tells how the API judged one record. */
export interface JudgementSetting {
  id?: string;
  result?: string;
  ok?: Scalar[];
  error?: string;
}

export interface WriteSetting extends JudgementSetting {
  method?: string;
  path: string;
  body?: unknown;
  wrap?: string;
  content_type?: string;
}

export interface BulkSetting extends JudgementSetting {
  method?: string;
  path: string;
  items?: string;
  body?: unknown;
  size?: number;
  upsert?: boolean;
  atomic?: boolean;
  content_type?: string;
  results?: string;
  match?: string | string[];
}

interface LookupSetting {
  path: string;
  items?: string;
  id?: string;
  key?: string[];
  consistency?: 'strong' | 'eventual';
}

/** An entry of "entities". */
export interface EntitySetting {
  path?: string;
  method?: 'GET' | 'POST';
  body?: unknown;
  parameters?: Record<string, Scalar>;
  parameters_in?: 'query' | 'body';
  headers?: Record<string, string>;
  format?: RecordFormat;
  delimiter?: string;
  columns?: string[];
  items?: string;
  key?: string[];
  paging?: PagingSetting;
  filters?: Record<string, Partial<Record<FilterOperator, string>>>;
  incremental?: IncrementalSetting;
  create?: WriteSetting;
  update?: WriteSetting;
  delete?: WriteSetting;
  bulk?: BulkSetting;
  lookup?: LookupSetting;
  idempotency_header?: string;
  etag?: boolean | string;
  numbers?: string[];
}

export interface RestEntity extends EntitySetting {
  name: string;
}

export interface RestSettings {
  entities: Record<string, EntitySetting>;
  /** Path or URL of the API's OpenAPI document. */
  openapi: string | undefined;
  maxConcurrency: number;
  /** Of one request. */
  timeoutMs: number;
  /** Values of the credentials, to be masked where an API repeats them. */
  secrets: readonly string[];
  /** Parameter that carries the API key, which must not be kept with a link. */
  secretParameter: string | undefined;
}

let validateEntities: ReturnType<Ajv2020['compile']> | undefined;

/** @throws config PCP_SETTING_INVALID with the path of the setting */
export function readSettings({ config, credentials }: OpenConnection): RestSettings {
  const entities = config.entities ?? {};
  validateEntities ??= new Ajv2020({ strict: false }).compile(ENTITIES_SCHEMA);
  if (!validateEntities(entities)) {
    const [problem] = validateEntities.errors ?? [];
    const extra = problem?.params?.additionalProperty;
    throw invalid(problem?.instancePath ?? '', `${problem?.message}${extra === undefined ? '' : ` ("${extra}")`}`);
  }
  for (const [name, entity] of Object.entries(entities as Record<string, EntitySetting>)) {
    const at = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    checkPaging(at, entity);
    for (const operation of ['create', 'update', 'delete'] as const) checkBody(`${at}/${operation}`, entity[operation]);
    if (entity.bulk !== undefined) checkBulkBody(`${at}/bulk`, entity.bulk);
  }
  const isKeyInQuery = config.authentication === 'api_key' && config.api_key_in === 'query';
  return {
    entities: entities as Record<string, EntitySetting>,
    openapi: typeof config.openapi === 'string' && config.openapi !== '' ? config.openapi : undefined,
    maxConcurrency: typeof config.max_concurrency === 'number' ? config.max_concurrency : 4,
    timeoutMs: typeof config.timeout_ms === 'number' ? config.timeout_ms : 20_000,
    secrets: Object.values(credentials),
    secretParameter: isKeyInQuery ? String(config.api_key_name ?? 'X-API-Key') : undefined,
  };
}

/** @throws config PCP_ENTITY_UNKNOWN */
export function resolveEntity(name: string, { entities, openapi }: RestSettings): RestEntity {
  if (Object.hasOwn(entities, name)) return { name, ...entities[name] };
  const known = Object.keys(entities).join(', ') || 'none yet';
  throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`"${name}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint:
      openapi === undefined
        ? `Add it to "entities" of the connection. There are: ${known}.`
        : `Take it over into "entities" of the connection, from its draft if there is one. There are: ${known}.`,
  });
}

/** Only JSON answers have places that a pointer names. */
function checkPaging(entity: string, { paging, format = 'json' }: EntitySetting): void {
  if (paging === undefined) return;
  const at = `${entity}/paging`;
  for (const part of ['cursor', 'total', 'more'] as const) {
    if (format !== 'json' && paging[part]?.startsWith('/')) {
      throw invalid(`${at}/${part}`, phrase`a pointer needs JSON, the answers are ${format}`);
    }
  }
  if (format !== 'json' && paging.type === 'next_link') {
    throw invalid(`${at}/type`, phrase`a link inside an answer needs JSON, the answers are ${format}`);
  }
}

/** A body that could not be written for any record. */
function checkBody(at: string, setting: WriteSetting | undefined): void {
  if (setting === undefined) return;
  const { body, wrap = '' } = setting;
  const format = bodyFormat(setting);
  if (format === null) throw invalid(`${at}/content_type`, UNKNOWN_TYPE);
  const isOne = typeof body === 'object' && body !== null && Object.keys(body).length === 1;
  if (format === 'xml' && wrap === '' && typeof body !== 'string' && !isOne) {
    throw invalid(`${at}/wrap`, phrase`it is missing: it names the root element of the XML, such as "/Order"`);
  }
  if (format === 'csv' && wrap !== '') throw invalid(`${at}/wrap`, phrase`a row of CSV has no place for it`);
  if (format === 'csv' && typeof body === 'string') throw invalid(`${at}/body`, phrase`a row of CSV needs columns`);
}

function checkBulkBody(at: string, setting: BulkSetting): void {
  const { body, items = '' } = setting;
  const format = bodyFormat(setting);
  if (format === null || format === 'text') throw invalid(`${at}/content_type`, UNKNOWN_TYPE);
  if (format === 'form') throw invalid(`${at}/content_type`, phrase`a form holds one record`);
  if (format === 'xml' && pointerKeys(items).length < 2) {
    const what = phrase`it has to name the root element of the XML and that of a record, such as "/Orders/Order"`;
    throw invalid(`${at}/items`, what);
  }
  if ((format === 'csv' || format === 'ndjson') && items !== '') {
    throw invalid(`${at}/items`, phrase`${format} holds nothing but records`);
  }
  if ((format === 'csv' || format === 'xml') && typeof body === 'string') {
    throw invalid(`${at}/body`, phrase`many records need a template of names and values`);
  }
}

const UNKNOWN_TYPE = phrase`nothing here writes it; use JSON, NDJSON, XML, CSV or a form, or give "body" as a text`;

function invalid(path: string, what: Said): IntegrationError {
  const name = `entities${path}`;
  return new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`The setting ${name} is wrong: ${what}.`, {
    path: `/config/${name}`,
    hint: 'Correct it in the connection.',
  });
}
