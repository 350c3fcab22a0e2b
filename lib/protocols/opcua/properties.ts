import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { readAttributes } from './attributes';
import type { OpcUaClient, OpenSession } from './client';
import { type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';

/** The standard's properties of each node, node by node in the order of their names; undefined where a node does not have one. */
export async function readProperties(
  client: OpcUaClient,
  open: OpenSession,
  nodes: readonly NodeId[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<unknown[]> {
  const { ua } = opcUaLibrary();
  const pathTo = (startingNode: NodeId, name: string) => ({
    startingNode,
    relativePath: {
      elements: [
        {
          referenceTypeId: ua.makeNodeId(ua.ReferenceTypeIds.HasProperty),
          isInverse: false,
          includeSubtypes: true,
          targetName: { namespaceIndex: 0, name },
        },
      ],
    },
  });
  const paths = nodes.flatMap((node) => names.map((name) => new ua.BrowsePath(pathTo(node, name))));
  const found: (NodeId | undefined)[] = [];
  for (const part of chunks(paths, open.limits.translate)) {
    const results = await client
      .request(open.session.translateBrowsePath(part), phrase`finding properties`, signal)
      .catch(unlessRefused);
    part.forEach((_, at) => {
      found.push(results[at]?.targets?.[0]?.targetId as NodeId | undefined);
    });
  }
  const properties = found.flatMap((nodeId) =>
    nodeId === undefined ? [] : [{ nodeId, attributeId: ua.AttributeIds.Value }],
  );
  const values = await readAttributes(client, open, properties, signal);
  return found.map((nodeId) => (nodeId === undefined ? undefined : values.shift()));
}

/** How wide the range of each node's values is, in its own unit (EURange, Part 8, 5.6.2); undefined where it has none. */
export async function readSpans(
  client: OpcUaClient,
  open: OpenSession,
  nodes: readonly NodeId[],
  signal: AbortSignal,
): Promise<(number | undefined)[]> {
  const ranges = await readProperties(client, open, nodes, ['EURange'], signal);
  return ranges.map((range) => {
    const { low, high } = (range ?? {}) as { low?: number; high?: number };
    return low !== undefined && high !== undefined && high > low ? high - low : undefined;
  });
}

/** A server that refuses to tell of its nodes is read all the same. */
export function unlessRefused(thrown: unknown): [] {
  if (IntegrationError.from(thrown).code === 'PCP_OPCUA_STATUS') return [];
  throw thrown;
}
