import { phrase } from '../../model/phrase';
import { readAttributes } from './attributes';
import type { OpcUaClient, OpenSession } from './client';
import { type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { readProperties, unlessRefused } from './properties';
import type { EnumerationNames } from './values';

/** What is known of a type of the server. */
export interface DataTypeKind {
  /** How its values are encoded ("Int32"); "Variant" where any type will do, and where the server does not know the type. */
  builtIn: string;
  /** Of an enumeration. */
  names?: EnumerationNames;
}

/** What a node holds, as its server declares it. */
export interface NodeType extends DataTypeKind {
  dataType: NodeId;
  /** -1 a single value, 1 and more an array of so many dimensions; others allow several (Part 3, 5.6.2). */
  valueRank: number;
}

/** Types do not change while a session lives. */
interface Known {
  nodes: Map<string, NodeType>;
  kinds: Map<string, DataTypeKind>;
}
const known = new WeakMap<OpenSession, Known>();

const ENUMERATION = 'i=29';
/** Number, Integer, UInteger: one of several, as the value says. */
const ABSTRACT = new Set(['i=24', 'i=26', 'i=27', 'i=28']);
/** Deeper than any types are derived, where a server's references run in a circle. */
const DEEPEST = 50;

/** Types of nodes, in order; undefined for what has none. */
export async function nodeTypes(
  client: OpcUaClient,
  open: OpenSession,
  nodes: readonly NodeId[],
  signal: AbortSignal,
): Promise<(NodeType | undefined)[]> {
  const { AttributeIds } = opcUaLibrary().ua;
  const types = knownOf(open).nodes;
  const unknown = nodes.filter((node) => !types.has(String(node)));
  const attributes = unknown.flatMap((nodeId) => [
    { nodeId, attributeId: AttributeIds.DataType },
    { nodeId, attributeId: AttributeIds.ValueRank },
  ]);
  const values = await readAttributes(client, open, attributes, signal);
  const declared = unknown.flatMap((node, index) => {
    const [dataType, rank] = [values[2 * index] as NodeId | undefined, values[2 * index + 1]];
    return dataType === undefined ? [] : [{ node, dataType, valueRank: typeof rank === 'number' ? rank : -1 }];
  });
  const kinds = await dataTypeKinds(
    client,
    open,
    declared.map(({ dataType }) => dataType),
    signal,
  );
  declared.forEach(({ node, dataType, valueRank }, index) => {
    types.set(String(node), { dataType, valueRank, ...(kinds[index] as DataTypeKind) });
  });
  return nodes.map((node) => types.get(String(node)));
}

/** In order. */
export async function dataTypeKinds(
  client: OpcUaClient,
  open: OpenSession,
  dataTypes: readonly NodeId[],
  signal: AbortSignal,
): Promise<DataTypeKind[]> {
  const { kinds } = knownOf(open);
  const unknown = distinct(dataTypes).filter((type) => !kinds.has(String(type)));
  const parents = await superTypes(client, open, unknown, signal);
  const bases = unknown.map((type) => baseOf(type, parents));
  const enumerations = unknown.filter((_, index) => bases[index] === ENUMERATION);
  const names = await enumerationNames(client, open, enumerations, signal);
  unknown.forEach((type, index) => {
    const base = bases[index] ?? '';
    const own = names.get(String(type));
    kinds.set(String(type), { builtIn: builtInName(base), ...(own !== undefined && { names: own }) });
  });
  return dataTypes.map((type) => kinds.get(String(type)) ?? { builtIn: 'Variant' });
}

function knownOf(open: OpenSession): Known {
  let found = known.get(open);
  if (found === undefined) {
    found = { nodes: new Map(), kinds: new Map() };
    known.set(open, found);
  }
  return found;
}

function distinct(nodes: readonly NodeId[]): NodeId[] {
  return [...new Map(nodes.map((node) => [String(node), node])).values()];
}

/** The types that these are derived from, and theirs, as far as to those of the standard that all encoding rests on. */
async function superTypes(
  client: OpcUaClient,
  open: OpenSession,
  types: readonly NodeId[],
  signal: AbortSignal,
): Promise<Map<string, NodeId>> {
  const { ua } = opcUaLibrary();
  const parents = new Map<string, NodeId>();
  let level = types.filter((type) => !isBase(type));
  for (let depth = 0; level.length > 0 && depth < DEEPEST; depth++) {
    const next: NodeId[] = [];
    for (const part of chunks(level, open.limits.browse)) {
      const request = part.map((nodeId) => ({
        nodeId,
        referenceTypeId: ua.makeNodeId(ua.ReferenceTypeIds.HasSubtype),
        browseDirection: ua.BrowseDirection.Inverse,
        includeSubtypes: true,
        nodeClassMask: 0,
        resultMask: 0,
      }));
      const results = await client
        .request(open.session.browse(request), phrase`reading types`, signal)
        .catch(unlessRefused);
      part.forEach((type, index) => {
        const parent = results[index]?.references?.[0]?.nodeId as NodeId | undefined;
        if (parent === undefined) return;
        parents.set(String(type), parent);
        next.push(parent);
      });
    }
    level = distinct(next).filter((type) => !isBase(type) && !parents.has(String(type)));
  }
  return parents;
}

function isBase(type: NodeId): boolean {
  return baseName(String(type)) !== undefined;
}

function baseOf(type: NodeId, parents: ReadonlyMap<string, NodeId>): string | undefined {
  let current: NodeId | undefined = type;
  for (let depth = 0; current !== undefined && depth <= DEEPEST; depth++) {
    if (isBase(current)) return withoutNamespace(String(current));
    current = parents.get(String(current));
  }
  return undefined;
}

function builtInName(base: string): string {
  return base === ENUMERATION ? 'Int32' : (baseName(base) ?? 'Variant');
}

/** The built-in type that a node id of the standard's own namespace stands for. */
function baseName(id: string): string | undefined {
  const own = withoutNamespace(id);
  if (own === ENUMERATION) return 'Int32';
  if (ABSTRACT.has(own)) return 'Variant';
  const match = /^i=(\d+)$/.exec(own);
  return match === null ? undefined : opcUaLibrary().ua.DataType[Number(match[1])];
}

function withoutNamespace(id: string): string {
  return id.replace(/^ns=0;/, '');
}

/**
 * What the numbers of enumerations are called: by the definition of the type, or, as servers before version 1.04 have it, by one
 * of its properties.
 */
async function enumerationNames(
  client: OpcUaClient,
  open: OpenSession,
  types: readonly NodeId[],
  signal: AbortSignal,
): Promise<Map<string, EnumerationNames>> {
  const { AttributeIds } = opcUaLibrary().ua;
  const names = new Map<string, EnumerationNames>();
  const attributes = types.map((nodeId) => ({ nodeId, attributeId: AttributeIds.DataTypeDefinition }));
  const definitions = await readAttributes(client, open, attributes, signal);
  types.forEach((type, index) => {
    const { fields } = (definitions[index] ?? {}) as { fields?: NamedValue[] | null };
    if (fields?.length) names.set(String(type), new Map(fields.map((field) => [numberOf(field.value), textOf(field)])));
  });
  const undefinedTypes = types.filter((type) => !names.has(String(type)));
  const properties = await readProperties(client, open, undefinedTypes, ['EnumValues', 'EnumStrings'], signal);
  undefinedTypes.forEach((type, index) => {
    const [values, strings] = [properties[2 * index], properties[2 * index + 1]];
    if (Array.isArray(values)) {
      const fields = values as NamedValue[];
      names.set(String(type), new Map(fields.map((field) => [numberOf(field.value), textOf(field)])));
    } else if (Array.isArray(strings)) {
      const texts = strings as Text[];
      names.set(String(type), new Map(texts.map((text, number) => [number, text?.text ?? String(number)])));
    }
  });
  return names;
}

type Text = { text?: string | null } | null | undefined;
interface NamedValue {
  name?: string | null;
  displayName?: Text;
  /** A 64-bit integer, in two halves. */
  value: number | readonly [high: number, low: number];
}

function textOf({ name, displayName, value }: NamedValue): string {
  return name || displayName?.text || String(numberOf(value));
}

function numberOf(value: NamedValue['value']): number {
  return typeof value === 'number' ? value : (value[1] ?? 0) | 0;
}
