import { type Edmx, type Element, notMetadata, withoutAliases } from './edmx';
import { isObject } from './entity';

type Json = Record<string, unknown>;

/** Attributes of XML by the member of JSON that says the same. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  $BaseType: 'BaseType',
  $OpenType: 'OpenType',
  $Abstract: 'Abstract',
  $HasStream: 'HasStream',
  $Extends: 'Extends',
  $UnderlyingType: 'UnderlyingType',
  $IsFlags: 'IsFlags',
  $IsBound: 'IsBound',
  $Function: 'Function',
  $Action: 'Action',
  $MaxLength: 'MaxLength',
  $Precision: 'Precision',
  $Scale: 'Scale',
  $ContainsTarget: 'ContainsTarget',
};

/**
 * Reads a $metadata document that is written as JSON (CSDL JSON 4.01) into the elements that the same document has in XML.
 * @throws config PCP_ODATA_METADATA
 */
export function readCsdlJson(text: string, place: string): Edmx {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw notMetadata(place, `it is broken JSON (${(error as Error).message.slice(0, 200)})`);
  }
  if (!isObject(json) || !Object.hasOwn(json, '$Version')) throw notMetadata(place, 'it has no $Version');
  const schemas = members(json).flatMap(([name, schema]) => (isObject(schema) ? [schemaOf(name, schema)] : []));
  const references = Object.entries(isObject(json.$Reference) ? json.$Reference : {}).map(([uri, reference]) => {
    const included =
      isObject(reference) && Array.isArray(reference.$Include) ? reference.$Include.filter(isObject) : [];
    const children = included.map(({ $Namespace, $Alias }) =>
      element('Include', { Namespace: $Namespace, Alias: $Alias }),
    );
    return element('Reference', { Uri: uri }, children);
  });
  const root = element('Edmx', { Version: json.$Version }, [...references, element('DataServices', {}, schemas)]);
  return { root: withoutAliases(root), isOasis: true };
}

function schemaOf(name: string, schema: Json): Element {
  const children = members(schema).flatMap(([member, value]) => {
    // Overloads are a list.
    const all = Array.isArray(value) ? value : [value];
    return all.filter(isObject).map((each) => memberOf(member, each));
  });
  const apart = Object.entries(isObject(schema.$Annotations) ? schema.$Annotations : {}).map(([target, annotations]) =>
    element('Annotations', { Target: target }, isObject(annotations) ? annotationsOf(annotations) : []),
  );
  return element('Schema', { Namespace: name, Alias: schema.$Alias }, [...children, ...apart]);
}

function memberOf(name: string, json: Json): Element {
  const kind = String(json.$Kind ?? '');
  const own = annotationsOf(json);
  switch (kind) {
    case 'EntityContainer':
      return named(kind, name, json, [...own, ...members(json).map(([each, value]) => contained(each, value))]);
    case 'EnumType':
      return named(
        kind,
        name,
        json,
        members(json).map(([member]) => element('Member', { Name: member })),
      );
    case 'TypeDefinition':
      return named(kind, name, json, own);
    case 'Function':
    case 'Action': {
      const parameters = Array.isArray(json.$Parameter) ? json.$Parameter.filter(isObject) : [];
      const returned = isObject(json.$ReturnType) ? [typed('ReturnType', undefined, json.$ReturnType)] : [];
      return named(kind, name, json, [
        ...parameters.map((each) => typed('Parameter', each.$Name, each)),
        ...returned,
        ...own,
      ]);
    }
  }
  const key = Array.isArray(json.$Key) ? [element('Key', {}, json.$Key.map(keyPart))] : [];
  const properties = members(json).flatMap(([each, value]) =>
    isObject(value) ? [typed(String(value.$Kind ?? 'Property'), each, value)] : [],
  );
  return named(kind, name, json, [...key, ...properties, ...own]);
}

/** A name, or `{alias: path}`. */
function keyPart(part: unknown): Element {
  if (!isObject(part)) return element('PropertyRef', { Name: part });
  const [[alias, path] = []] = Object.entries(part);
  return element('PropertyRef', { Name: path, Alias: alias });
}

function contained(name: string, value: unknown): Element {
  const json = isObject(value) ? value : {};
  const own = annotationsOf(json);
  if (json.$Function !== undefined) return named('FunctionImport', name, json, own);
  if (json.$Action !== undefined) return named('ActionImport', name, json, own);
  if (json.$Collection === true) return element('EntitySet', { Name: name, EntityType: json.$Type }, own);
  return element('Singleton', { Name: name, Type: json.$Type }, own);
}

/** What is not said is a text, may not be empty, and has decimals of any scale: unlike in XML. */
function typed(kind: string, name: unknown, json: Json): Element {
  const type = String(json.$Type ?? 'Edm.String');
  const scale = type === 'Edm.Decimal' ? 'variable' : undefined;
  const attributes = {
    Name: name,
    Type: json.$Collection === true ? `Collection(${type})` : type,
    Nullable: json.$Nullable === true,
    Scale: scale,
  };
  return element(kind, { ...attributes, ...attributesOf(json) }, annotationsOf(json));
}

function named(kind: string, name: string, json: Json, children: Element[]): Element {
  return element(kind, { Name: name, ...attributesOf(json) }, children);
}

function attributesOf(json: Json): Json {
  return Object.fromEntries(
    Object.entries(ATTRIBUTES).flatMap(([member, attribute]) =>
      json[member] === undefined ? [] : [[attribute, json[member]]],
    ),
  );
}

/** What has a name of its own: neither what begins with "$", nor annotations. */
function members(json: Json): [string, unknown][] {
  return Object.entries(json).filter(([name]) => !name.startsWith('$') && !name.includes('@'));
}

function annotationsOf(json: Json): Element[] {
  return Object.entries(json).flatMap(([name, value]) => {
    const [, term = '', qualifier] = /^@([^#@]+)(?:#(.*))?$/.exec(name) ?? [];
    if (term === '') return [];
    const attributes = { Term: term, Qualifier: qualifier };
    if (typeof value === 'boolean') return [element('Annotation', { ...attributes, Bool: value })];
    return [element('Annotation', attributes, isObject(value) ? [recordOf(value)] : [])];
  });
}

function recordOf(json: Json): Element {
  const values = members(json).map(([name, value]) => {
    if (typeof value === 'boolean') return element('PropertyValue', { Property: name, Bool: value });
    const paths = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
    const children = paths.map((path) => ({ ...element('PropertyPath', {}), text: path }));
    return element('PropertyValue', { Property: name }, [element('Collection', {}, children)]);
  });
  return element('Record', {}, values);
}

function element(name: string, attributes: Json, children: Element[] = []): Element {
  const written = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
  const own: Record<string, string> = Object.create(null);
  for (const [attribute, value] of written) own[attribute] = String(value);
  return { name, attributes: own, children, text: '' };
}
