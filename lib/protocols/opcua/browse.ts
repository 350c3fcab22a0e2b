import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { readAttributes } from './attributes';
import type { OpcUaClient, OpenSession } from './client';
import { statusError } from './errors';
import { type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { formatNodeId, parseNodeId } from './node-ids';

export interface Child {
  address: string;
  name: string;
  kind: 'folder' | 'tag' | 'method';
  data_type?: string;
  writable?: boolean;
  description?: string;
  has_children: boolean;
}

export interface Reference {
  nodeId: NodeId;
  name: string;
  /** Without its namespace. */
  browseName: string;
  nodeClass: number;
  typeDefinition: NodeId;
}

export interface BrowseFor {
  /** With all that are derived from it. */
  referenceType: number;
  nodeClasses: number;
  /** A node that cannot be browsed has nothing below it, instead of being an error. */
  isLenient: boolean;
}

/** References asked for at once, and what a folder may hold at most: nobody picks from more. */
const PAGE = 1000;
const MOST = 50_000;
const MOST_PAGES = 1000;
/** Folders of the standard that hold types and no values. */
const OBJECTS = 'i=85';
const SERVER = 'i=2253';

/** What lies directly below a node, all pages of it; null = the Objects folder. */
export async function browseChildren(
  client: OpcUaClient,
  open: OpenSession,
  parent: NodeId | null,
  signal: AbortSignal,
  isLenient = false,
): Promise<Child[]> {
  const { NodeClass, ReferenceTypeIds, coerceNodeId } = opcUaLibrary().ua;
  const nodeClasses = NodeClass.Object | NodeClass.Variable | NodeClass.Method;
  const all = { referenceType: ReferenceTypeIds.HierarchicalReferences, nodeClasses, isLenient };
  const [references = []] = await browseForward(client, open, [parent ?? coerceNodeId(OBJECTS)], all, signal);
  const variables = references.filter(({ nodeClass }) => nodeClass === NodeClass.Variable);
  const attributes = await readDetails(client, open, variables, signal);
  const below = await browseForward(
    client,
    open,
    variables.map(({ nodeId }) => nodeId),
    { referenceType: ReferenceTypeIds.HasComponent, nodeClasses, isLenient: true },
    signal,
  );
  const details = new Map(
    variables.map((reference, index) => [
      reference,
      { ...attributes[index], has_children: (below[index]?.length ?? 0) > 0 },
    ]),
  );
  return references.map((reference) => ({
    address: formatNodeId(reference.nodeId, open.namespaces),
    name: reference.name,
    kind:
      reference.nodeClass === NodeClass.Variable
        ? 'tag'
        : reference.nodeClass === NodeClass.Method
          ? 'method'
          : 'folder',
    has_children: reference.nodeClass === NodeClass.Object,
    ...details.get(reference),
  }));
}

export interface Descendant extends Child {
  /** Names on the way to it, parted by "/". */
  path: string;
}

/**
 * What lies below a node, so many levels deep, the upper ones first; each node once. What the server tells of itself is left out,
 * unless it is asked for by its own node.
 */
export async function browseBelow(
  client: OpcUaClient,
  open: OpenSession,
  parent: NodeId | null,
  levels: number,
  signal: AbortSignal,
): Promise<Descendant[]> {
  const found = new Map<string, Descendant>();
  let above: { node: NodeId | null; path: string }[] = [{ node: parent, path: '' }];
  for (let level = 1; level <= levels && above.length > 0; level++) {
    const next: typeof above = [];
    for (const { node, path } of above) {
      for (const child of await browseChildren(client, open, node, signal, level > 1)) {
        if (found.has(child.address)) continue;
        if (found.size >= MOST) throw endless(String(parent ?? OBJECTS));
        const own = `${path}${child.name}`;
        found.set(child.address, { ...child, path: own });
        if (!child.has_children || child.address === SERVER) continue;
        next.push({ node: parseNodeId(child.address, open.namespaces), path: `${own}/` });
      }
    }
    above = next;
  }
  return [...found.values()];
}

/** What each node refers to, all pages of it, each once. */
export async function browseForward(
  client: OpcUaClient,
  { session, limits }: OpenSession,
  nodes: readonly NodeId[],
  { referenceType, nodeClasses, isLenient }: BrowseFor,
  signal: AbortSignal,
): Promise<Reference[][]> {
  const { ua } = opcUaLibrary();
  const found: Reference[][] = [];
  for (const part of chunks(nodes, limits.browse)) {
    const request = part.map((nodeId) => ({
      nodeId,
      referenceTypeId: ua.makeNodeId(referenceType),
      browseDirection: ua.BrowseDirection.Forward,
      includeSubtypes: true,
      nodeClassMask: nodeClasses,
      resultMask: 63,
    }));
    session.requestedMaxReferencesPerNode = PAGE;
    const results = await client.request(session.browse(request), 'browsing', signal);
    for (const [index, result] of results.entries()) {
      if (result.statusCode.isBad() && !isLenient)
        throw statusError(result.statusCode.name, phrase`browsing ${String(part[index])}`);
      const references = [...(result.references ?? [])];
      let point = result.continuationPoint;
      for (let page = 1; point !== null && point !== undefined && point.length > 0; page++) {
        if (page > MOST_PAGES || references.length > MOST) throw endless(String(part[index]));
        const [next] = await client.request(session.browseNext([point], false), phrase`browsing on`, signal);
        if (next === undefined || next.statusCode.isBad())
          throw statusError(next?.statusCode.name ?? 'BadNoData', phrase`browsing on`);
        references.push(...(next.references ?? []));
        point = next.continuationPoint;
      }
      const unique = new Map(references.map((reference) => [reference.nodeId.toString(), reference]));
      found.push(
        [...unique.values()].map((reference) => ({
          nodeId: reference.nodeId as NodeId,
          name: reference.displayName.text || reference.browseName.name || '',
          browseName: reference.browseName.name ?? '',
          nodeClass: reference.nodeClass,
          typeDefinition: reference.typeDefinition as NodeId,
        })),
      );
    }
  }
  return found;
}

async function readDetails(
  client: OpcUaClient,
  open: OpenSession,
  variables: readonly Reference[],
  signal: AbortSignal,
): Promise<Partial<Child>[]> {
  const { AttributeIds, DataType } = opcUaLibrary().ua;
  const wanted = [AttributeIds.DataType, AttributeIds.UserAccessLevel, AttributeIds.Description];
  const attributes = variables.flatMap(({ nodeId }) => wanted.map((attributeId) => ({ nodeId, attributeId })));
  const values = await readAttributes(client, open, attributes, signal);
  const types = variables.map((_, index) => values[index * wanted.length] as NodeId | undefined);
  const names = await typeNames(client, open, types, signal);
  return variables.map((_, index) => {
    const [access, description] = [values[index * wanted.length + 1], values[index * wanted.length + 2]];
    const type = types[index];
    const builtIn = type?.namespace === 0 ? DataType[type.value as number] : undefined;
    const name = builtIn ?? (type === undefined ? undefined : names.get(type.toString()));
    const text = (description as { text?: string | null } | undefined)?.text;
    return {
      ...(name !== undefined && { data_type: name }),
      ...(typeof access === 'number' && { writable: (access & 2) !== 0 }),
      ...(text && { description: text }),
    };
  });
}

/** Names of types that are not built in. */
async function typeNames(
  client: OpcUaClient,
  open: OpenSession,
  types: readonly (NodeId | undefined)[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const { AttributeIds } = opcUaLibrary().ua;
  const distinct = [
    ...new Map(types.flatMap((type) => (type === undefined ? [] : [[type.toString(), type]]))).values(),
  ];
  const request = distinct.map((nodeId) => ({ nodeId, attributeId: AttributeIds.BrowseName }));
  const values = await readAttributes(client, open, request, signal);
  return new Map(
    distinct.flatMap((type, index) => {
      const name = (values[index] as { name?: string | null } | undefined)?.name;
      return name ? [[type.toString(), name]] : [];
    }),
  );
}

function endless(node: string): IntegrationError {
  return new IntegrationError('guard', 'PCP_OPCUA_BROWSE', `The server gives more than ${MOST} nodes below ${node}.`, {
    hint: 'Browse a folder further down, or write the address yourself.',
  });
}
