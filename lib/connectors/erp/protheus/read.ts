import { IntegrationError } from '../../../model/errors';
import { isDate } from '../../../model/formats';
import type { PushedFilter } from '../../../model/mapping';
import { phrase } from '../../../model/phrase';
import type { Cursor } from '../../../model/sync';
import { type Json, readPage } from '../../../protocols/totvs/answer';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import { ROW_NUMBER } from '../../../protocols/totvs/field';
import { missingFields } from '../../../protocols/totvs/generic-query';
import { type ListPage, type Piece, type Position, readPages } from '../../../protocols/totvs/list';
import { readTable } from '../../../protocols/totvs/table';
import type { Batch, ReadQuery } from '../../contract';
import type { ApiEntity, Catalogue, ProtheusEntity, TableEntity } from './catalogue';
import { pushedDown, since } from './conditions';
import { listTarget } from './list-target';
import type { Model } from './models/model';
import { readModel } from './models/read';
import type { ListBy } from './presets';
import { readRecord } from './record';

const DAY_MS = 86_400_000;

/** A pass: from where it reads, the latest change that it has seen, and how far it is. */
interface Pass {
  field: string | null;
  lo: unknown;
  high: unknown;
  at: Position | undefined;
}

/**
 * One pass over an entity, page by page. An interrupted one goes on where it was.
 * @throws config PCP_PROTHEUS_CURSOR, PCP_TOTVS_FIELD, PCP_TOTVS_PAGING; transient PCP_TOTVS_LIST_MOVED; what the session throws
 */
export async function* readBatches(
  catalogue: Catalogue,
  entity: ProtheusEntity,
  query: ReadQuery,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const pass = beginning(entity, query);
  const pieces = await piecesOf(catalogue, entity, query, pass, signal);
  const tomorrow = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
  for await (const { entries, position, total } of pieces) {
    for (const record of entries) pass.high = later(pass.high, stampOf(record, pass.field, tomorrow));
    pass.at = position;
    yield { ...batchOf(entity, entries, cursorOf(entity, pass)), ...(total !== undefined && { total }) };
  }
  const end = { field: pass.field, lo: later(pass.lo, pass.high), high: null, at: undefined };
  yield { records: [], cursorAfter: cursorOf(entity, end) };
}

async function piecesOf(
  catalogue: Catalogue,
  entity: ProtheusEntity,
  query: ReadQuery,
  pass: Pass,
  signal: AbortSignal,
): Promise<AsyncGenerator<Piece<Json>>> {
  switch (entity.kind) {
    case 'api':
      return readApi(catalogue, entity, query, signal);
    case 'table':
      return readRows(catalogue, entity, query, pass, signal);
    case 'model':
      await checkDay(entity, pass, signal);
      return readModel(catalogue.session, entity, query, since(pass.field, pass.lo, query.lookbackSeconds), signal);
  }
}

async function checkDay(model: Model, { field }: Pass, signal: AbortSignal): Promise<void> {
  if (field === null) return;
  await model.fields.learn([field], signal);
  if (model.fields.typeOf(field) !== 'D') throw noCursor(model, field);
}

/** @throws config PCP_TOTVS_FIELD */
function readApi(
  catalogue: Catalogue,
  entity: ApiEntity,
  { fields, namedFields = [], batchSize, filters = [] }: ReadQuery,
  signal: AbortSignal,
): AsyncGenerator<Piece<Json>> {
  const { session } = catalogue;
  const { path, preset, key } = entity;
  const unknown = namedFields.filter((name) => !Object.hasOwn(preset.properties, name));
  if (unknown.length > 0) throw missingFields(preset.path, unknown);
  if (preset.by !== undefined) return readBy(catalogue, entity, preset.by, filters, signal);
  const wanted = fields?.filter((name) => Object.hasOwn(preset.properties, name));
  const ask = async (page: number): Promise<ListPage<Json>> => {
    signal.throwIfAborted();
    const query = new URLSearchParams({ page: String(page), pageSize: String(batchSize), order: key.join(',') });
    if (wanted !== undefined) query.set('fields', [...new Set([...key, ...wanted])].join(','));
    const response = await session.ask({ target: `${path}?${query}`, signal }).catch((thrown: unknown) => {
      // Such an API has no empty list.
      if (IntegrationError.from(thrown).code !== NOT_FOUND) throw thrown;
      return null;
    });
    if (response === null) return { entries: [], hasNext: false };
    const { items, ...rest } = await readPage(response);
    return {
      entries: items.map((item) => readRecord(item, preset)),
      ...rest,
      ...(preset.is_whole === true && { hasNext: false }),
    };
  };
  const keyOf = (record: Json) => JSON.stringify(key.map((name) => record[name] ?? null));
  return readPages(ask, keyOf, batchSize);
}

/** Lists that a route gives for one value only: those that the filters name, one after the other. @throws config PCP_PROTHEUS_FILTER */
async function* readBy(
  { session, settings }: Catalogue,
  { name, path, preset }: ApiEntity,
  by: ListBy,
  filters: readonly PushedFilter[],
  signal: AbortSignal,
): AsyncGenerator<Piece<Json>> {
  const values = filters.flatMap((filter): unknown[] => {
    if ('expression' in filter || filter.field !== by.field) return [];
    if (filter.operator === 'in' && Array.isArray(filter.value)) return filter.value;
    return filter.operator === 'eq' ? [filter.value] : [];
  });
  if (values.length === 0) {
    throw new IntegrationError('config', 'PCP_PROTHEUS_FILTER', phrase`"${name}" is read by its ${by.field} only.`, {
      path: '/filters',
      hint: `Add a filter on ${by.field}: equal to one, or in a list of several.`,
    });
  }
  for (const value of new Set(values)) {
    signal.throwIfAborted();
    const target = listTarget(path, by, settings.company, value);
    const response = await session.ask({ target, signal }).catch((thrown: unknown) => {
      if (IntegrationError.from(thrown).code !== NOT_FOUND) throw thrown;
      return null;
    });
    const items = response === null ? [] : (await readPage(response)).items;
    yield { entries: items.map((item) => readRecord(item, preset)), position: { row: 0, given: 0, total: undefined } };
  }
}

async function readRows(
  catalogue: Catalogue,
  entity: TableEntity,
  query: ReadQuery,
  { field, lo, at }: Pass,
  signal: AbortSignal,
): Promise<AsyncGenerator<Piece<Json>>> {
  const wanted = query.fields && [...query.fields, ...(field === null ? [] : [field])];
  const fields = await catalogue.fields(entity, wanted, signal);
  if (field !== null && field !== ROW_NUMBER && fields[field] !== 'D') throw noCursor(entity, field);
  const list = {
    table: entity.table,
    fields,
    conditions: [...pushedDown(fields, query.filters ?? []), ...since(field, lo, query.lookbackSeconds)],
    pageSize: query.batchSize,
    key: entity.key,
    needed: [...entity.key, ...(query.namedFields ?? []), ...(field === null ? [] : [field])],
  };
  return readTable(catalogue.session, catalogue.settings.query, list, at, signal);
}

function batchOf({ key }: ProtheusEntity, records: Json[], cursorAfter: Cursor): Batch {
  return {
    records,
    cursorAfter,
    positions: (index) => key.map((name) => `${name}=${String(records[index]?.[name])}`).join(', '),
  };
}

function beginning(entity: ProtheusEntity, { cursor, cursorField }: ReadQuery): Pass {
  const field = cursorField ?? null;
  if (field !== null && entity.kind === 'api') throw noCursor(entity, field);
  const known = cursor?.entity === entity.name && (cursor.field ?? null) === field ? cursor : undefined;
  const at = (known?.at ?? undefined) as Position | undefined;
  return { field, lo: known?.lo ?? null, high: known?.high ?? null, at };
}

function cursorOf({ name }: ProtheusEntity, { field, lo, high, at }: Pass): Cursor {
  return { v: 1, kind: field === null ? 'keyset' : 'window', entity: name, field, lo, high, at: at ?? null };
}

/** How far a record moves the cursor. A day that somebody mistyped, far ahead, would keep it there for ever. */
function stampOf(record: Json, field: string | null, latest: string): unknown {
  const value = field === null ? null : record[field];
  if (field === null || field === ROW_NUMBER) return value;
  return typeof value === 'string' && isDate(value) && value <= latest ? value : null;
}

/** Days as texts and numbers of rows. */
function later(a: unknown, b: unknown): unknown {
  if (b === null || b === undefined) return a;
  if (a === null || a === undefined) return b;
  const areNumbers = /^\d+$/.test(String(a)) && /^\d+$/.test(String(b));
  return (areNumbers ? Number(a) > Number(b) : String(a) > String(b)) ? a : b;
}

function noCursor({ name }: Pick<ProtheusEntity, 'name'>, field: string): IntegrationError {
  const message = phrase`"${name}" cannot be read by what changed in "${field}".`;
  return new IntegrationError('config', 'PCP_PROTHEUS_CURSOR', message, {
    path: '/cursor_field',
    hint: 'Take a day of the table, or R_E_C_N_O_ where rows are only added; else read all of it: what is unchanged is skipped.',
  });
}
