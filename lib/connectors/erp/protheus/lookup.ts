import { IntegrationError } from '../../../model/errors';
import { pathSegment } from '../../../protocols/http/url';
import { isObject, type Json, readJson } from '../../../protocols/totvs/answer';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import { queryTable } from '../../../protocols/totvs/generic-query';
import type { ApiEntity, Catalogue, ProtheusEntity } from './catalogue';
import { listTarget } from './list-target';
import { ambiguous, otherRecord } from './lookup-failures';
import { findResource } from './models/lookup';
import { recordOf } from './models/record';
import { isSameMinute, readRecord } from './record';

/**
 * The one record that an entity holds for a key; null when there is none.
 * @throws data PCP_PROTHEUS_AMBIGUOUS; config PCP_PROTHEUS_OTHER_RECORD; what the session throws
 */
export async function findRecord(
  catalogue: Catalogue,
  entity: ProtheusEntity,
  record: Json,
  keyFields: readonly string[],
  signal: AbortSignal,
): Promise<Json | null> {
  if (entity.kind === 'api') return findByApi(catalogue, entity, record, signal);
  if (entity.kind === 'model') {
    const found = await findResource(catalogue, entity, record, keyFields, signal);
    return found && recordOf(found, entity.fields);
  }
  const fields = await catalogue.fields(entity, undefined, signal);
  const conditions = keyFields.map((field) => ({ field, operator: '=' as const, value: record[field] ?? '' }));
  const query = { table: entity.table, fields, conditions, page: 1, pageSize: 2 };
  const { rows } = await queryTable(catalogue.session, catalogue.settings.query, query, signal);
  const matching = rows.filter((row) => keyFields.every((name) => isKey(row[name], record[name])));
  if (matching.length < rows.length) throw otherRecord(entity, keyFields);
  if (matching.length > 1) throw ambiguous(entity, keyFields);
  return matching[0] ?? null;
}

/** @throws config PCP_PROTHEUS_OTHER_RECORD; what the session throws */
export async function findByApi(
  { session, settings }: Catalogue,
  { path, key, preset, name }: ApiEntity,
  record: Json,
  signal: AbortSignal,
): Promise<Json | null> {
  const { by } = preset;
  const target =
    by === undefined ? addressOf({ path, key }, record) : listTarget(path, by, settings.company, record[by.field]);
  const response = await session.ask({ target, signal }).catch((thrown: unknown) => {
    if (IntegrationError.from(thrown).code !== NOT_FOUND) throw thrown;
    return null;
  });
  if (response === null) return null;
  const json = await readJson(response);
  const body = isObject(json) ? json : {};
  // Some answer with a list of one, or of none.
  const list = Array.isArray(json) ? json : (body.items ?? [body]);
  const items = Array.isArray(list) ? list.filter(isObject) : [];
  const found = items.map((item) => readRecord(item, preset)).filter((item) => Object.keys(item).length > 0);
  const isTime = (field: string) => preset.properties[field]?.format === 'date-time';
  const isSameKey = (theirs: Json) => (field: string) =>
    isTime(field) ? isSameMinute(record[field], theirs[field]) : isKey(theirs[field], record[field]);
  const matching = found.filter((item) => key.every(isSameKey(item)));
  if (found.length > 0 && matching.length === 0 && by === undefined) throw otherRecord({ name }, key);
  return matching[0] ?? null;
}

/** Path of one record, below the base URL. @throws data PCP_URL_SEGMENT */
export function addressOf({ path, key }: Pick<ApiEntity, 'path' | 'key'>, record: Json): string {
  return `${path}/${key.map((name) => pathSegment(String(record[name] ?? ''))).join('/')}`;
}

function isKey(theirs: unknown, ours: unknown): boolean {
  return String(theirs ?? '').trimEnd() === String(ours ?? '').trimEnd();
}
