import { type ApiDocument, escaped, type Node, type Parameter } from './openapi-document';
import { valueAt } from './pointer';
import type { EntitySetting, IncrementalSetting, PagingSetting, WriteSetting } from './settings';

/** Names under which APIs put lists, pages and totals, the usual ones first; then those of Portuguese ones. */
const LISTS = [
  ...['data', 'items', 'results', 'value', 'content', 'records', 'rows', 'entries', 'elements'],
  ...['dados', 'itens', 'resultados', 'registros', 'conteudo'],
];
/** Lists that stand beside that of the records. */
const ASIDE = /^(errors?|warnings?|messages?|links?|sort|facets|included)$/i;
/** What identifies a record, the surest first. */
const KEYS = ['id', 'Id', 'ID', 'uid', 'uuid', 'code', 'codigo', 'number', 'numero'];
/** What a path does, in place of what it holds: a POST there is no create. */
const ACTION = /^(search|list|query|find|all)$/i;
const PAGE = [
  ...['page', 'pageNumber', 'page_number', 'pageIndex', 'page_index', '_page'],
  ...['pagina', 'numeroPagina', 'numero_pagina'],
];
const OFFSET = ['offset', 'skip', '$skip', 'startIndex', 'start_index', 'deslocamento'];
const SIZE = [
  ...['size', 'pageSize', 'page_size', 'per_page', 'perPage', 'limit', '$top', 'top', 'count', '_limit', '_per_page'],
  ...['limite', 'tamanhoPagina', 'tamanho_pagina', 'itensPorPagina', 'registrosPorPagina', 'registros_por_pagina'],
];
const CURSOR = [
  ...['cursor', 'after', 'page_token', 'pageToken', 'continuationToken', 'continuation', 'continue'],
  ...['starting_after', 'after_id', 'since_id'],
];
/** A cursor that is the key of the last record. */
const AFTER_RECORD = /^(starting_after|after_id|since_id)$/;
export const NEXT_CURSOR = [
  ...['next_cursor', 'nextCursor', 'next_page_token', 'nextPageToken', 'cursor', 'continuationToken', 'continue'],
];
export const NEXT_LINK = ['@odata.nextLink', 'nextLink', 'next_link', 'next_url', 'nextUrl', 'next', 'href'];
export const TOTALS = [
  ...['total', 'totalCount', 'total_count', 'totalElements', 'totalItems', 'total_items', 'count', '@odata.count'],
  ...['totalRegistros', 'total_registros', 'total_de_registros', 'totalItens', 'total_itens'],
];
const MORE = ['hasNext', 'has_next', 'hasMore', 'has_more', 'hasNextPage', 'has_next_page'];
const SINCE =
  /^(updated|modified|changed|last_?(updated|modified|changed))_?(since|after|from|gte?)$|^(since|changed_?since)$|^(data_?)?(altera|atualiza)(do|da|dos|das|cao)_?(desde|inicial|inicio|apos|a_?partir(_?de)?)$/i;
const CHANGED =
  /^(updated|modified|changed|last_?(updated|modified|changed|change))(_?(at|on|time|date))?$|^data_?(hora_?)?(da_?)?(ultima_?)?(alteracao|atualizacao)$|^(alterado|atualizado)_?em$/i;
/** Headers that OpenAPI leaves to others, as it says. */
const OF_HTTP = ['Accept', 'Authorization', 'Content-Type'];
const FROM_ZERO = /\b(zero|0)-?\s?(based|indexed)\b/i;
const REFERENCE =
  /^(external|client|foreign)_?(id|key|ref|reference|number)$|^(codigo|id)_?(de_?)?(externo|integracao)$/i;
/** "between 1 and 100", "max 100" */
const LARGEST = /\b(?:max(?:imum)?|up to|between \d+ and|máximo)\b\D{0,20}(\d+)/i;
const LARGEST_SIZE = 500;

/**
 * Entities that an OpenAPI 3 (or Swagger 2) document describes: each path that lists records, with what is guessed from
 * names about keys, pages, changes and writes. A draft, to be corrected by somebody who knows the API.
 * @param basePath path of the connection's base URL, which the paths of the entities are below
 */
export function draftEntities(api: ApiDocument, basePath = ''): Record<string, EntitySetting> {
  const prefix = prefixOf(api.document, basePath);
  const drafts: Record<string, EntitySetting> = {};
  for (const path of Object.keys(api.paths)) {
    if (isParameter(segments(path).at(-1))) continue;
    const draft = draftEntity(api, path, prefix);
    if (draft !== null) drafts[nameFor(path, drafts)] = draft;
  }
  return drafts;
}

function draftEntity(api: ApiDocument, path: string, prefix: string): EntitySetting | null {
  const list = api.operation(path, 'get');
  if (list === null) return null;
  const answer = api.answer(list);
  const items = answer && listIn(api, answer, path);
  if (items === null || answer === null) return null;
  const record = items.schema;
  const fields = Object.keys(api.properties(record));
  const parameters = api.parameters(path, list);
  const item = Object.keys(api.paths).find((other) => isItemOf(other, path));
  const idName = item === undefined ? undefined : segments(item).at(-1)!.slice(1, -1);
  const key = [idName, ...KEYS].find((name) => name !== undefined && fields.includes(name));
  const create = ACTION.test(segments(path).at(-1) ?? '') ? undefined : draftWrite(api, path, 'post', prefix, key);
  const reference = parameters.find(({ name }) => REFERENCE.test(name) && fields.includes(name));
  const change = draftIncremental(api, record, parameters);
  const idempotency = api
    .parameters(path, api.operation(path, 'post') ?? {})
    .find(({ name }) => /idempotency/i.test(name));
  const last = key === undefined ? undefined : `${items.pointer}/-1/${escaped(key)}`;
  const { paging } = draftPaging(api, answer, list, parameters, last);
  const moving = [...Object.values(paging ?? {}), change?.parameter];
  const fixed = { ...draftPathValues(path, parameters), ...draftRequired(parameters, 'query', moving) };
  const headers = draftRequired(parameters, 'header', OF_HTTP);
  const numbers = create === undefined ? [] : api.numbers(api.body(path, api.operation(path, 'post')!).schema);
  const target = prefix + path;
  const change_item = item === undefined ? undefined : itemPath(prefix + item);
  const update = ['put', 'patch'].find((method) => item !== undefined && api.operation(item, method) !== null);
  return {
    path: target,
    ...(items.pointer !== '' && { items: items.pointer }),
    ...(key !== undefined && { key: [key] }),
    ...(Object.keys(fixed).length > 0 && { parameters: fixed }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(paging !== undefined && { paging }),
    ...(change !== undefined && { incremental: change }),
    ...(create !== undefined && { create }),
    ...(update !== undefined && {
      update: { method: update.toUpperCase(), path: change_item!, ...draftType(api, item!, update) },
    }),
    ...(item !== undefined && api.operation(item, 'delete') !== null && { delete: { path: change_item! } }),
    ...(reference !== undefined && {
      lookup: {
        path: `${target}?${reference.name}={${reference.name}}`,
        ...(items.pointer !== '' && { items: items.pointer }),
        // What follows from a guess promises nothing: strong is for a person to say.
        consistency: 'eventual' as const,
      },
    }),
    ...(idempotency !== undefined && { idempotency_header: idempotency.name }),
    ...(numbers.length > 0 && { numbers }),
  };
}

/** Values of the placeholders in a path, to be filled in where the document has no example. */
function draftPathValues(path: string, parameters: Parameter[]): Record<string, string> {
  const names = segments(path)
    .filter(isParameter)
    .map((segment) => segment.slice(1, -1));
  return Object.fromEntries(
    names.map((name) => [name, textOf(parameters.find((each) => each.in === 'path' && each.name === name)?.example)]),
  );
}

/** What the API refuses a request without. @param others names that are cared for */
function draftRequired(
  parameters: Parameter[],
  place: 'query' | 'header',
  others: readonly unknown[],
): Record<string, string> {
  const required = parameters.filter((each) => each.in === place && each.isRequired && !others.includes(each.name));
  return Object.fromEntries(required.map(({ name, example }) => [name, textOf(example)]));
}

function draftWrite(
  api: ApiDocument,
  path: string,
  method: string,
  prefix: string,
  key: string | undefined,
): WriteSetting | undefined {
  const operation = api.operation(path, method);
  if (operation === null) return undefined;
  const answer = api.answer(operation);
  const returned = answer === null ? [] : Object.keys(api.properties(answer));
  return {
    path: prefix + path,
    ...draftType(api, path, method),
    ...(key !== undefined && returned.includes(key) && { id: `/${key}` }),
  };
}

/** What a body is written in, unless that is JSON. */
function draftType(api: ApiDocument, path: string, method: string): Pick<WriteSetting, 'content_type'> {
  const { type } = api.body(path, api.operation(path, method) ?? {});
  return type === undefined ? {} : { content_type: type };
}

/** @param last place of the last record's key */
function draftPaging(
  api: ApiDocument,
  answer: Node,
  list: Node,
  parameters: Parameter[],
  last: string | undefined,
): { paging?: PagingSetting } {
  const named = (names: readonly string[]) =>
    names.map((name) => parameters.find((each) => each.name === name)).find(Boolean);
  const place = (names: readonly string[]) => api.find(answer, names);
  const size = named(SIZE);
  const most = Number(size?.schema.maximum ?? LARGEST.exec(size?.description ?? '')?.[1] ?? LARGEST_SIZE);
  const sized = size === undefined ? {} : { size_parameter: size.name, size: Math.min(most, LARGEST_SIZE) };
  const total = place(TOTALS);
  const more = place(MORE);
  const counted = { ...(total !== undefined && { total }), ...(more !== undefined && { more }) };
  const page = named(PAGE);
  const offset = named(OFFSET);
  const cursor = named(CURSOR);
  const next = place(NEXT_LINK);
  // "next" beside a parameter for a cursor is the next one, unless it is said to be a link.
  const nextCursor = place(NEXT_CURSOR) ?? (next?.endsWith('/next') && !api.isLink(answer, next) ? next : undefined);
  if (cursor !== undefined && nextCursor !== undefined) {
    return { paging: { type: 'cursor', cursor_parameter: cursor.name, cursor: nextCursor, ...sized } };
  }
  if (cursor !== undefined && AFTER_RECORD.test(cursor.name) && last !== undefined) {
    const end = more === undefined ? {} : { more };
    return { paging: { type: 'cursor', cursor_parameter: cursor.name, cursor: last, ...end, ...sized } };
  }
  if (next !== undefined) return { paging: { type: 'next_link', next, ...sized } };
  if (api.hasLinkHeader(list)) return { paging: { type: 'link_header', ...sized } };
  if (page !== undefined) {
    const start = Number(page.schema.default ?? page.schema.minimum ?? (FROM_ZERO.test(page.description) ? 0 : 1));
    return { paging: { type: 'page', page_parameter: page.name, ...(start !== 1 && { start }), ...sized, ...counted } };
  }
  if (offset !== undefined) return { paging: { type: 'offset', offset_parameter: offset.name, ...sized, ...counted } };
  return {};
}

function draftIncremental(api: ApiDocument, record: Node, parameters: Parameter[]): IncrementalSetting | undefined {
  const parameter = parameters.find(({ name }) => SINCE.test(name));
  const field = Object.keys(api.properties(record)).find((name) => CHANGED.test(name));
  if (parameter === undefined || field === undefined) return undefined;
  const { type, format } = parameter.schema;
  const written = [type].flat().includes('integer') ? 'unix' : format === 'date' ? 'date' : undefined;
  return { parameter: parameter.name, field, ...(written !== undefined && { format: written }) };
}

/** Where the list of records stands in an answer: nearer to its top before deeper in it, under a usual name before others. */
function listIn(api: ApiDocument, answer: Node, path: string): { pointer: string; schema: Node } | null {
  let level = [{ pointer: '', name: '', schema: answer }];
  for (let depth = 0; depth <= 2; depth++) {
    for (const { pointer, name, schema } of level) {
      const items = api.items(schema);
      // A list that is part of one record holds no records.
      const isWrapped =
        depth < 2 || LISTS.includes(name) || name === segments(path).at(-1) || /^\/_embedded\//.test(pointer);
      if (items !== null && isWrapped && Object.keys(api.properties(items)).length > 0)
        return { pointer, schema: items };
    }
    level = level.flatMap(({ pointer, schema }) =>
      Object.entries(api.properties(schema))
        .map(([name, property]) => ({ pointer: `${pointer}/${escaped(name)}`, name, schema: property }))
        .sort((one, other) => rank(one.name) - rank(other.name)),
    );
  }
  return null;
}

function rank(name: string): number {
  if (ASIDE.test(name)) return LISTS.length + 1;
  return LISTS.includes(name) ? LISTS.indexOf(name) : LISTS.length;
}

const segments = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
const isParameter = (segment: string | undefined): boolean =>
  segment?.startsWith('{') === true && segment.endsWith('}');
const isItemOf = (path: string, list: string): boolean =>
  path.startsWith(`${list}/`) && /^\{[^/]+\}$/.test(path.slice(list.length + 1));
const itemPath = (path: string): string => path.replace(/\{[^/]+\}$/, '{id}');

/** What a setting can hold; nothing else. */
const textOf = (value: unknown): string =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';

/** "/plants/{plant}/orders" is "orders", or "plants_orders" when there is another; "/orders/search" is "orders". */
function nameFor(path: string, taken: Record<string, EntitySetting>): string {
  const all = segments(path).filter((segment) => !isParameter(segment));
  const words = all.length > 1 && ACTION.test(all.at(-1)!) ? all.slice(0, -1) : all;
  const last = words.at(-1) ?? 'root';
  return Object.hasOwn(taken, last) ? words.join('_') : last;
}

/** Paths of the document are below its server, those of an entity below the base URL. */
function prefixOf(document: unknown, basePath: string): string {
  const server = valueAt(document, '/servers/0/url') ?? valueAt(document, '/basePath');
  if (typeof server !== 'string') return '';
  const filled = server.replace(/\{([^{}]+)\}/g, (_, name: string) =>
    textOf(valueAt(document, `/servers/0/variables/${escaped(name)}/default`)),
  );
  const path = filled.replace(/^[a-z]+:\/\/[^/]+/i, '').replace(/\/$/, '');
  const base = basePath.replace(/\/$/, '');
  if (base === path || !path.startsWith(base)) return '';
  return path.slice(base.length);
}
