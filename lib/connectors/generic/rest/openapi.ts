import type { JsonSchema } from '../../../model/entity';
import { pointerKeys, valueAt } from './pointer';
import type { EntitySetting, IncrementalSetting, PagingSetting, WriteSetting } from './settings';

type Node = Record<string, unknown>;

interface Parameter {
  name: string;
  in: string;
  schema: Node;
  isRequired: boolean;
  description: string;
  /** A value that the document gives for it. */
  example: unknown;
}

/** Names under which APIs put lists, pages and totals, the usual ones first. */
const LISTS = ['data', 'items', 'results', 'value', 'content', 'records', 'rows', 'entries', 'elements'];
/** Lists that stand beside that of the records. */
const ASIDE = /^(errors?|warnings?|messages?|links?|sort|facets|included)$/i;
/** What a path does, in place of what it holds: a POST there is no create. */
const ACTION = /^(search|list|query|find|all)$/i;
const PAGE = ['page', 'pageNumber', 'page_number', 'pageIndex', 'page_index', '_page'];
const OFFSET = ['offset', 'skip', '$skip', 'startIndex', 'start_index'];
const SIZE = [
  'size',
  'pageSize',
  'page_size',
  'per_page',
  'perPage',
  'limit',
  '$top',
  'top',
  'count',
  '_limit',
  '_per_page',
];
const CURSOR = ['cursor', 'after', 'page_token', 'pageToken', 'starting_after', 'continuationToken', 'continuation'];
export const NEXT_CURSOR = [
  'next_cursor',
  'nextCursor',
  'next_page_token',
  'nextPageToken',
  'cursor',
  'continuationToken',
];
export const NEXT_LINK = ['@odata.nextLink', 'nextLink', 'next_link', 'next_url', 'nextUrl', 'next', 'href'];
export const TOTALS = [
  'total',
  'totalCount',
  'total_count',
  'totalElements',
  'totalItems',
  'total_items',
  'count',
  '@odata.count',
];
const MORE = ['hasNext', 'has_next', 'hasMore', 'has_more', 'hasNextPage', 'has_next_page'];
const SINCE =
  /^(updated|modified|changed|last_?(updated|modified|changed))_?(since|after|from|gte?)$|^(since|changed_?since)$/i;
const CHANGED = /^(updated|modified|changed|last_?(updated|modified|changed|change))(_?(at|on|time|date))?$/i;
/** Headers that OpenAPI leaves to others, as it says. */
const OF_HTTP = ['Accept', 'Authorization', 'Content-Type'];
const FROM_ZERO = /\b(zero|0)-?\s?(based|indexed)\b/i;
const REFERENCE = /^(external|client|foreign)_?(id|key|ref|reference|number)$/i;
const LARGEST_SIZE = 500;
const DEEPEST = 4;

/**
 * Entities that an OpenAPI 3 (or Swagger 2) document describes: each path that lists records, with what is guessed from
 * names about keys, pages, changes and writes. A draft, to be corrected by somebody who knows the API.
 * @param basePath path of the connection's base URL, which the paths of the entities are below
 */
export function draftEntities(document: unknown, basePath = ''): Record<string, EntitySetting> {
  const api = new Api(document);
  const prefix = prefixOf(document, basePath);
  const drafts: Record<string, EntitySetting> = {};
  for (const path of Object.keys(api.paths)) {
    if (isParameter(segments(path).at(-1))) continue;
    const draft = draftEntity(api, path, prefix);
    if (draft !== null) drafts[nameFor(path, drafts)] = draft;
  }
  return drafts;
}

function draftEntity(api: Api, path: string, prefix: string): EntitySetting | null {
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
  const key = [idName, 'id', 'Id', 'ID', 'uid', 'uuid'].find((name) => name !== undefined && fields.includes(name));
  const create = ACTION.test(segments(path).at(-1) ?? '') ? undefined : draftWrite(api, path, 'post', prefix, key);
  const reference = parameters.find(({ name }) => REFERENCE.test(name) && fields.includes(name));
  const change = draftIncremental(api, record, parameters);
  const idempotency = api
    .parameters(path, api.operation(path, 'post') ?? {})
    .find(({ name }) => /idempotency/i.test(name));
  const { paging } = draftPaging(api, answer, list, parameters);
  const moving = [...Object.values(paging ?? {}), change?.parameter];
  const fixed = { ...draftPathValues(path, parameters), ...draftRequired(parameters, 'query', moving) };
  const headers = draftRequired(parameters, 'header', OF_HTTP);
  const numbers = create === undefined ? [] : api.numbers(api.body(path, api.operation(path, 'post')!));
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
    ...(update !== undefined && { update: { method: update.toUpperCase(), path: change_item! } }),
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
  api: Api,
  path: string,
  method: string,
  prefix: string,
  key: string | undefined,
): WriteSetting | undefined {
  const operation = api.operation(path, method);
  if (operation === null) return undefined;
  const answer = api.answer(operation);
  const returned = answer === null ? [] : Object.keys(api.properties(answer));
  return { path: prefix + path, ...(key !== undefined && returned.includes(key) && { id: `/${key}` }) };
}

function draftPaging(api: Api, answer: Node, list: Node, parameters: Parameter[]): { paging?: PagingSetting } {
  const named = (names: readonly string[]) =>
    names.map((name) => parameters.find((each) => each.name === name)).find(Boolean);
  const place = (names: readonly string[]) => api.find(answer, names);
  const size = named(SIZE);
  const most = Math.min(Number(size?.schema.maximum ?? LARGEST_SIZE), LARGEST_SIZE);
  const sized = size === undefined ? {} : { size_parameter: size.name, size: most };
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
  if (next !== undefined) return { paging: { type: 'next_link', next, ...sized } };
  if (api.hasLinkHeader(list)) return { paging: { type: 'link_header', ...sized } };
  if (page !== undefined) {
    const start = Number(page.schema.default ?? page.schema.minimum ?? (FROM_ZERO.test(page.description) ? 0 : 1));
    return { paging: { type: 'page', page_parameter: page.name, ...(start !== 1 && { start }), ...sized, ...counted } };
  }
  if (offset !== undefined) return { paging: { type: 'offset', offset_parameter: offset.name, ...sized, ...counted } };
  return {};
}

function draftIncremental(api: Api, record: Node, parameters: Parameter[]): IncrementalSetting | undefined {
  const parameter = parameters.find(({ name }) => SINCE.test(name));
  const field = Object.keys(api.properties(record)).find((name) => CHANGED.test(name));
  if (parameter === undefined || field === undefined) return undefined;
  const { type, format } = parameter.schema;
  const written = [type].flat().includes('integer') ? 'unix' : format === 'date' ? 'date' : undefined;
  return { parameter: parameter.name, field, ...(written !== undefined && { format: written }) };
}

/** Where the list of records stands in an answer: nearer to its top before deeper in it, under a usual name before others. */
function listIn(api: Api, answer: Node, path: string): { pointer: string; schema: Node } | null {
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

/** The document, with its references followed. */
class Api {
  readonly paths: Record<string, Node>;

  constructor(private readonly document: unknown) {
    this.paths = nodesOf(valueAt(document, '/paths'));
  }

  operation(path: string, method: string): Node | null {
    const operation = this.paths[path]?.[method];
    return operation === undefined ? null : this.#followed(operation);
  }

  parameters(path: string, operation: Node): Parameter[] {
    const listed = [this.paths[path]?.parameters, operation.parameters].flatMap((list) =>
      Array.isArray(list) ? list : [],
    );
    return listed.map((listedOne) => {
      const { name, in: place, schema: own, required, description, example, ...rest } = this.#followed(listedOne);
      const schema = own === undefined ? rest : this.#followed(own);
      return {
        name: String(name),
        in: String(place),
        schema,
        isRequired: required === true,
        description: String(description ?? schema.description ?? ''),
        example: example ?? schema.example ?? schema.default,
      };
    });
  }

  /** Schema of a successful answer in JSON. */
  answer(operation: Node): Node | null {
    const responses = nodesOf(operation.responses);
    const code = ['200', '201', '2XX', 'default'].find((candidate) => responses[candidate] !== undefined);
    return code === undefined ? null : this.#content(this.#followed(responses[code]));
  }

  body(path: string, operation: Node): Node | null {
    // Swagger 2 has it among the parameters.
    const parameter = this.parameters(path, operation).find((each) => each.in === 'body');
    return parameter?.schema ?? this.#content(this.#followed(operation.requestBody));
  }

  hasLinkHeader(operation: Node): boolean {
    const headers = Object.values(nodesOf(operation.responses)).flatMap((response) =>
      Object.keys(nodesOf(response.headers)),
    );
    return headers.some((name) => name.toLowerCase() === 'link');
  }

  properties(schema: Node, depth = 0): Record<string, Node> {
    const parts =
      Array.isArray(schema.allOf) && depth < DEEPEST ? schema.allOf.map((part) => this.#followed(part)) : [];
    const own = Object.entries(nodesOf(schema.properties)).map(([name, property]) => [name, this.#followed(property)]);
    return Object.assign({}, ...parts.map((part) => this.properties(part, depth + 1)), Object.fromEntries(own));
  }

  items(schema: Node): Node | null {
    return schema.items === undefined ? null : this.#followed(schema.items);
  }

  /** Fields of a body that are JSON numbers. */
  numbers(schema: Node | null): string[] {
    const fields = Object.entries(schema === null ? {} : this.properties(schema));
    return fields
      .filter(([, { type }]) => [type].flat().some((each) => each === 'number' || each === 'integer'))
      .map(([name]) => name);
  }

  /** Pointer of the first of these names that an answer has, at the top or one level below. */
  find(answer: Node, names: readonly string[]): string | undefined {
    const top = this.properties(answer);
    const found = names.find((name) => top[name] !== undefined && this.items(top[name]) === null);
    if (found !== undefined && Object.keys(this.properties(top[found]!)).length === 0) return `/${escaped(found)}`;
    for (const [outer, schema] of Object.entries(top)) {
      const inner = this.properties(schema);
      const below = names.find(
        (name) => inner[name] !== undefined && Object.keys(this.properties(inner[name]!)).length === 0,
      );
      if (below !== undefined) return `/${escaped(outer)}/${escaped(below)}`;
    }
    return undefined;
  }

  /** Whether the text at a place of an answer, of two names at most, is said to be a link. */
  isLink(answer: Node, place: string): boolean {
    const names = pointerKeys(place);
    const schema = names.reduce<Node>((outer, name) => this.properties(outer)[name] ?? {}, answer);
    const said = [schema.format, schema.example, schema.description, names.length > 1 ? names[0] : ''];
    return said.some((text) => /ur[il]\b|link|^\/|:\/\//i.test(String(text ?? '')));
  }

  #content(node: Node): Node | null {
    if (node.schema !== undefined) return this.#followed(node.schema);
    const content = nodesOf(node.content);
    const type = Object.keys(content).find((name) => /\bjson\b/i.test(name));
    const schema = type === undefined ? undefined : content[type]?.schema;
    return schema === undefined ? null : this.#followed(schema);
  }

  #followed(node: unknown, depth = 0): Node {
    if (typeof node !== 'object' || node === null) return {};
    const { $ref: reference } = node as JsonSchema;
    if (typeof reference !== 'string' || !reference.startsWith('#/') || depth === DEEPEST) return node as Node;
    return this.#followed(valueAt(this.document, decodeURIComponent(reference.slice(1))), depth + 1);
  }
}

function nodesOf(value: unknown): Record<string, Node> {
  return typeof value === 'object' && value !== null ? (value as Record<string, Node>) : {};
}

const segments = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
const isParameter = (segment: string | undefined): boolean =>
  segment?.startsWith('{') === true && segment.endsWith('}');
const isItemOf = (path: string, list: string): boolean =>
  path.startsWith(`${list}/`) && /^\{[^/]+\}$/.test(path.slice(list.length + 1));
const itemPath = (path: string): string => path.replace(/\{[^/]+\}$/, '{id}');
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

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
