import { browseForward, type Reference } from './browse';
import type { OpcUaClient, OpenSession } from './client';
import { type NodeId, opcUaLibrary } from './library';

/** An object of a type that was looked for. */
export interface Instance {
  nodeId: NodeId;
  name: string;
  /** Object that it belongs to. */
  parent: { nodeId: NodeId; name: string };
}

const OBJECTS = 'i=85';
/** The server's own: what it tells of itself. */
const SERVER = 'i=2253';
/** States and transitions of state machines, which say what could be. */
const PARTS_OF_MACHINES = new Set(['i=2307', 'i=2309', 'i=2310', 'i=15109']);
const DEEPEST = 10;
const MOST_OBJECTS = 20_000;
const MOST_VARIABLES = 500;

/** The objects of each type, those of derived types among them. Only objects are walked through. */
export async function findInstances(
  client: OpcUaClient,
  open: OpenSession,
  types: readonly NodeId[],
  signal: AbortSignal,
): Promise<Instance[][]> {
  const { NodeClass, ReferenceTypeIds, coerceNodeId } = opcUaLibrary().ua;
  const wanted = await withDerived(client, open, types, signal);
  const found: Instance[][] = types.map(() => []);
  const seen = new Set([SERVER]);
  let level = [{ nodeId: coerceNodeId(OBJECTS), name: 'Objects' }];
  for (let depth = 0; level.length > 0 && depth < DEEPEST && seen.size < MOST_OBJECTS; depth++) {
    const nodes = level.map(({ nodeId }) => nodeId);
    const what = {
      referenceType: ReferenceTypeIds.HierarchicalReferences,
      nodeClasses: NodeClass.Object,
      isLenient: true,
    };
    const below = await browseForward(client, open, nodes, what, signal);
    const next: typeof level = [];
    below.forEach((references, index) => {
      for (const { nodeId, name, typeDefinition } of references) {
        const parent = level[index];
        if (parent === undefined || seen.has(idOf(nodeId)) || isPartOfMachine(typeDefinition)) continue;
        seen.add(idOf(nodeId));
        found[wanted.get(idOf(typeDefinition)) ?? -1]?.push({ nodeId, name, parent });
        next.push({ nodeId, name });
      }
    });
    level = next;
  }
  return found;
}

/** The variables below an object, by their paths of browse names ("Status.CurMachSpeed"). */
export async function variablesBelow(
  client: OpcUaClient,
  open: OpenSession,
  object: NodeId,
  signal: AbortSignal,
): Promise<Map<string, NodeId>> {
  const { NodeClass, ReferenceTypeIds } = opcUaLibrary().ua;
  const what = {
    referenceType: ReferenceTypeIds.HierarchicalReferences,
    nodeClasses: NodeClass.Object | NodeClass.Variable,
    isLenient: true,
  };
  const variables = new Map<string, NodeId>();
  const seen = new Set([idOf(object)]);
  let level: { nodeId: NodeId; path: string }[] = [{ nodeId: object, path: '' }];
  for (let depth = 0; level.length > 0 && depth < DEEPEST && variables.size < MOST_VARIABLES; depth++) {
    const nodes = level.map(({ nodeId }) => nodeId);
    const below = await browseForward(client, open, nodes, what, signal);
    level = below.flatMap((references, index) => {
      const isNew = ({ nodeId, typeDefinition }: Reference) =>
        !seen.has(idOf(nodeId)) && !isPartOfMachine(typeDefinition);
      return references.filter(isNew).map(({ nodeId, browseName, nodeClass }) => {
        seen.add(idOf(nodeId));
        const path = `${level[index]?.path ?? ''}${browseName}`;
        if (nodeClass === NodeClass.Variable && !variables.has(path)) variables.set(path, nodeId);
        return { nodeId, path: `${path}.` };
      });
    });
  }
  return variables;
}

/** Which of the types each of them, and all that are derived from them, stand for. */
async function withDerived(
  client: OpcUaClient,
  open: OpenSession,
  types: readonly NodeId[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const { NodeClass, ReferenceTypeIds } = opcUaLibrary().ua;
  const what = { referenceType: ReferenceTypeIds.HasSubtype, nodeClasses: NodeClass.ObjectType, isLenient: true };
  const wanted = new Map(types.map((type, index) => [idOf(type), index]));
  let level = types.map((nodeId, index) => ({ nodeId, index }));
  for (let depth = 0; level.length > 0 && depth < DEEPEST; depth++) {
    const nodes = level.map(({ nodeId }) => nodeId);
    const below = await browseForward(client, open, nodes, what, signal);
    level = below.flatMap((references, at) => {
      const index = level[at]?.index ?? 0;
      const derived = references.filter(({ nodeId }) => !wanted.has(idOf(nodeId)));
      for (const { nodeId } of derived) wanted.set(idOf(nodeId), index);
      return derived.map(({ nodeId }) => ({ nodeId, index }));
    });
  }
  return wanted;
}

function isPartOfMachine(typeDefinition: NodeId): boolean {
  return PARTS_OF_MACHINES.has(idOf(typeDefinition));
}

function idOf(node: NodeId): string {
  return node.toString().replace(/^ns=0;/, '');
}
