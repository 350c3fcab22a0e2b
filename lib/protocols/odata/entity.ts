import type { ServiceModel, StructuredType } from './model';
import { readValue } from './values';

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
}

type Json = Record<string, unknown>;

/** Reads an entity or complex value with the types of its metadata. */
export function readEntity(json: Json, type: StructuredType, model: ServiceModel): Entity {
  const { etag, uri } = metadataOf(json);
  const version = etag ?? json['@odata.etag'] ?? json['@etag'] ?? json['odata.etag'];
  const url = uri ?? json['@odata.id'] ?? json['@id'] ?? json['@odata.editLink'];
  if (isRemoved(json)) return removed(json, typeof url === 'string' ? url : String(json.id ?? ''), type, model);
  return {
    data: readStructure(json, type, model),
    ...(typeof version === 'string' && { version }),
    ...(typeof url === 'string' && { url }),
  };
}

/** Some services give the key of what is gone as fields, others only in its address. */
function removed(json: Json, url: string, type: StructuredType, model: ServiceModel): Entity {
  const named = Object.fromEntries(
    type.key.filter((name) => Object.hasOwn(json, name)).map((name) => [name, json[name]]),
  );
  const key = Object.keys(named).length === type.key.length ? named : keyIn(url, type);
  return { data: readStructure(key, type, model), isRemoved: true, ...(url !== '' && { url }) };
}

function keyIn(url: string, { key, properties }: StructuredType): Json {
  const predicate = /\((.*)\)$/.exec(decoded(url))?.[1] ?? '';
  const parts = [...predicate.matchAll(/(?:(\w+)=)?('(?:[^']|'')*'|[^,]+)/g)];
  const values = parts.map(([, name = key[0] ?? '', literal = '']): [string, unknown] => {
    if (literal.startsWith("'")) return [name, literal.slice(1, -1).replaceAll("''", "'")];
    return [name, readValue(literal, properties.get(name) ?? { type: 'Edm.String', isDay: false })];
  });
  return Object.fromEntries(values);
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    // Not encoded as a URL is: then it is what it is.
    return url;
  }
}

function readStructure(json: Json, declared: StructuredType, model: ServiceModel): Record<string, unknown> {
  const type = actualType(json, declared, model);
  const data: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata' || name.includes('@') || name.startsWith('odata.') || isDeferred(value)) continue;
    const property = type.properties.get(name);
    const navigation = type.navigations.get(name);
    if (property !== undefined) {
      const one = (item: unknown) => {
        const structure = model.types.get(property.type);
        return structure !== undefined && isObject(item)
          ? readStructure(item, structure, model)
          : readValue(item, property);
      };
      data[name] = property.isCollection ? listOf(value).map(one) : one(value);
    } else if (navigation !== undefined) {
      const target = model.types.get(navigation.target);
      const one = (item: unknown) => (isObject(item) && target ? readStructure(item, target, model) : item);
      data[name] = navigation.isCollection ? listOf(value).map(one) : one(value);
    } else data[name] = value;
  }
  return data;
}

/** The type that an entity says it has, if it extends the expected one. */
function actualType(json: Json, declared: StructuredType, model: ServiceModel): StructuredType {
  const said = json['@odata.type'] ?? json['@type'] ?? json['odata.type'] ?? metadataOf(json).type;
  if (typeof said !== 'string') return declared;
  return model.types.get(said.slice(said.lastIndexOf('#') + 1)) ?? declared;
}

function metadataOf(json: Json): Json {
  return isObject(json.__metadata) ? json.__metadata : {};
}

/** `{"results": [...]}` of version 2, or a list. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) && Array.isArray(value.results) ? value.results : [];
}

function isRemoved(json: Json): boolean {
  if (json['@removed'] !== undefined || json['@odata.removed'] !== undefined) return true;
  return typeof json['@odata.context'] === 'string' && /[#/]\$deletedEntity$/.test(json['@odata.context']);
}

function isDeferred(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, '__deferred');
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
