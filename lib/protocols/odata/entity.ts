import type { ServiceModel, StructuredType } from './model';
import { actualType, findProperty, TYPE_FIELD } from './structure';
import { readerOf, readLiteral } from './values';

/** An entity of an answer. */
export interface Entity {
  /** Values by property; navigations only where they were expanded. */
  data: Record<string, unknown>;
  /** Its ETag. */
  version?: string;
  /** How the service addresses it. */
  url?: string;
  /** A delta says that it is gone: `data` then holds no more than its key. */
  isRemoved?: boolean;
  /** Lists in it, at any depth, of which only the beginning came. */
  rests?: Rest[];
}

export interface Rest {
  /** The beginning. */
  list: unknown[];
  /** Where it goes on. */
  link: string;
  type: StructuredType;
}

type Json = Record<string, unknown>;

/** Names that are about an entity, not of it: annotations, and actions that it offers ("#Orders.Release"). */
const CONTROL = /^__metadata$|@|^odata\.|^#/;

/** Reads an entity or complex value with the types of its metadata. */
export function readEntity(json: Json, type: StructuredType, model: ServiceModel): Entity {
  const { etag, uri } = metadataOf(json);
  const version = etag ?? json['@odata.etag'] ?? json['@etag'] ?? json['odata.etag'];
  const url = uri ?? json['@odata.id'] ?? json['@id'] ?? json['@odata.editLink'];
  if (isRemoved(json)) return removed(json, typeof url === 'string' ? url : String(json.id ?? ''), type, model);
  const rests: Rest[] = [];
  const entity: Entity = { data: readStructure(json, type, model, rests) };
  if (rests.length > 0) entity.rests = rests;
  if (typeof version === 'string') entity.version = version;
  if (typeof url === 'string') entity.url = url;
  return entity;
}

/** Some services give the key of what is gone as fields, others only in its address. */
function removed(json: Json, url: string, type: StructuredType, model: ServiceModel): Entity {
  const names = keyFields(type);
  const named = Object.fromEntries(names.filter((name) => Object.hasOwn(json, name)).map((name) => [name, json[name]]));
  const key = Object.keys(named).length === names.length ? named : keyIn(url, type, model);
  return { data: readStructure(key, type, model, []), isRemoved: true, ...(url !== '' && { url }) };
}

/** The properties that hold a key, or complex values with it. */
export function keyFields({ key }: StructuredType): string[] {
  return [...new Set(key.map((path) => path.replace(/\/.*$/, '')))];
}

/** As the address of an entity has it, "Orders('A')". */
export function keyIn(url: string, type: StructuredType, model: ServiceModel): Json {
  const { key, keyAliases } = type;
  const predicate = /\((.*)\)$/.exec(decoded(url))?.[1] ?? '';
  const parts = predicate.matchAll(/(?:([\p{L}\p{N}_]+)=)?([\p{L}\p{N}_.]*'(?:[^']|'')*'|[^,]+)/gu);
  const result: Json = {};
  for (const [, name = key[0] ?? '', literal = ''] of parts) {
    const path = key.find((each) => keyAliases.get(each) === name) ?? name;
    const property = findProperty(path, type, model) ?? { type: 'Edm.String', isDay: false };
    put(result, path, readLiteral(literal, property));
  }
  return result;
}

function put(data: Json, path: string, value: unknown): void {
  const [first = '', ...rest] = path.split('/');
  if (rest.length === 0) {
    data[first] = value;
    return;
  }
  const inner = isObject(data[first]) ? data[first] : {};
  data[first] = inner;
  put(inner, rest.join('/'), value);
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    // Not encoded as a URL is: then it is what it is.
    return url;
  }
}

function readStructure(json: Json, declared: StructuredType, model: ServiceModel, rests: Rest[]): Json {
  const type = actualType(saidType(json), declared, model);
  const readers = readersOf(type, model);
  const links: [name: string, link: string][] = [];
  const data: Json = type === declared ? {} : { [TYPE_FIELD]: `#${type.name}` };
  for (const name of Object.keys(json)) {
    const value = json[name];
    // It would stand in for every field that the entity lacks.
    if (isDeferred(value) || name === '__proto__') continue;
    const link = linkOf(name, value);
    if (link !== undefined) links.push(link);
    const reader = readers.get(name);
    if (reader !== undefined) data[name] = reader(value, rests);
    else if (!CONTROL.test(name)) data[name] = value;
  }
  for (const [name, link] of links) {
    const target = model.types.get(type.navigations.get(name)?.target ?? '');
    const list = data[name] ?? [];
    if (target === undefined || !Array.isArray(list)) continue;
    data[name] = list;
    rests.push({ list, link, type: target });
  }
  return data;
}

/** Where the list of a navigation goes on: in the list itself in version 2, else beside it. */
function linkOf(name: string, value: unknown): [name: string, link: string] | undefined {
  if (typeof value === 'string') {
    const [, list] = name.includes('@') ? (/^([^@]+)@(?:odata\.)?nextLink$/.exec(name) ?? []) : [];
    return list === undefined ? undefined : [list, value];
  }
  return isObject(value) && typeof value.__next === 'string' ? [name, value.__next] : undefined;
}

type Reader = (value: unknown, rests: Rest[]) => unknown;

/** A list has thousands of entities of one type. */
const known = new WeakMap<StructuredType, ReadonlyMap<string, Reader>>();

function readersOf(type: StructuredType, model: ServiceModel): ReadonlyMap<string, Reader> {
  const found = known.get(type);
  if (found !== undefined) return found;
  const readers = new Map<string, Reader>();
  for (const { name, target, isCollection } of type.navigations.values()) {
    readers.set(
      name,
      listOrOne(
        structureReader(model.types.get(target), (value) => value, model),
        isCollection,
      ),
    );
  }
  for (const property of type.properties.values()) {
    const one = structureReader(model.types.get(property.type), readerOf(property), model);
    readers.set(property.name, listOrOne(one, property.isCollection));
  }
  known.set(type, readers);
  return readers;
}

function structureReader(type: StructuredType | undefined, otherwise: Reader, model: ServiceModel): Reader {
  if (type === undefined) return otherwise;
  return (value, rests) => (isObject(value) ? readStructure(value, type, model, rests) : otherwise(value, rests));
}

function listOrOne(reader: Reader, isCollection: boolean): Reader {
  if (!isCollection) return reader;
  return (value, rests) => listOf(value)?.map((each) => reader(each, rests)) ?? reader(value, rests);
}

function saidType(json: Json): unknown {
  return json[TYPE_FIELD] ?? json['@type'] ?? json['odata.type'] ?? metadataOf(json).type;
}

function metadataOf(json: Json): Json {
  return isObject(json.__metadata) ? json.__metadata : {};
}

/** `{"results": [...]}` of version 2, a list, or nothing; undefined for one value where a list should be. */
function listOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value === null || value === undefined) return [];
  return isObject(value) && Array.isArray(value.results) ? value.results : undefined;
}

function isRemoved(json: Json): boolean {
  if (json['@removed'] !== undefined || json['@odata.removed'] !== undefined) return true;
  return isContext(json, /[#/]\$deletedEntity$/);
}

/** What a delta says about a relation between two entities. */
export function isLink(json: Json): boolean {
  return isContext(json, /[#/]\$(deletedL|l)ink$/);
}

function isContext(json: Json, pattern: RegExp): boolean {
  const context = json['@odata.context'] ?? json['@context'];
  return typeof context === 'string' && pattern.test(context);
}

/** Entities and files that the answer only names. */
function isDeferred(value: unknown): boolean {
  return isObject(value) && (Object.hasOwn(value, '__deferred') || Object.hasOwn(value, '__mediaresource'));
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
