import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';

/**
 * Addresses of nodes as text: a NodeId ("ns=2;s=Line1", or "nsu=http://plant/line;s=Line1" by the URI of its namespace,
 * whose index may move when the server starts anew), or a browse path from the Objects folder: "/2:Line1/2:Speed", or
 * "/nsu=http://plant/line;Line1/Speed", where a segment without a namespace has that of the one before. In names "&"
 * stands before "/", ":" and "&" that belong to the name.
 */
export function isAddress(text: string): boolean {
  return text.startsWith('/') || /^(ns=\d+;|nsu=[^;]+;)?[isgb]=/.test(text);
}

interface Segment {
  namespaceIndex: number;
  name: string;
}

/**
 * Finds the nodes of addresses. Node ids cost no request, browse paths are asked for together.
 * @returns null where nothing lies at a path
 * @throws config PCP_OPCUA_ADDRESS, PCP_OPCUA_NAMESPACE
 */
export async function resolveAddresses(
  client: OpcUaClient,
  { session, namespaces, limits }: OpenSession,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<(NodeId | null)[]> {
  const { ua } = opcUaLibrary();
  const found: (NodeId | null)[] = addresses.map((address) =>
    address.startsWith('/') ? null : parseNodeId(address, namespaces),
  );
  const paths = addresses.flatMap((address, index) =>
    address.startsWith('/') ? [{ index, segments: parsePath(address, namespaces) }] : [],
  );
  for (const part of chunks(paths, limits.translate)) {
    const request = part.map(({ segments }) => ({
      startingNode: ua.makeNodeId(ua.ObjectIds.ObjectsFolder),
      relativePath: {
        elements: segments.map((targetName) => ({
          referenceTypeId: ua.makeNodeId(ua.ReferenceTypeIds.HierarchicalReferences),
          isInverse: false,
          includeSubtypes: true,
          targetName,
        })),
      },
    }));
    const work = session.translateBrowsePath(request.map((path) => new ua.BrowsePath(path)));
    const results = await client.request(work, phrase`finding browse paths`, signal);
    part.forEach(({ index }, at) => {
      const target = results[at]?.statusCode.isGood() ? results[at]?.targets?.[0]?.targetId : undefined;
      if (target !== undefined) found[index] = new ua.NodeId(target.identifierType, target.value, target.namespace);
    });
  }
  return found;
}

/** @throws config PCP_OPCUA_ADDRESS, PCP_OPCUA_NAMESPACE */
export function parseNodeId(text: string, namespaces: readonly string[]): NodeId {
  const { ua } = opcUaLibrary();
  const match = /^(?:ns=(\d+);|nsu=([^;]+);)?([isgb]=[\s\S]+)$/.exec(text);
  if (match === null) throw badAddress(text);
  const [, index, uri, identifier] = match;
  const namespace = uri === undefined ? Number(index ?? 0) : namespaceIndex(uri, namespaces);
  try {
    return ua.coerceNodeId(`ns=${namespace};${identifier}`);
  } catch (cause) {
    throw badAddress(text, cause);
  }
}

/** An address that stays the same when indexes of namespaces move. */
export function formatNodeId(nodeId: NodeId, namespaces: readonly string[]): string {
  const identifier = nodeId.toString().replace(/^ns=\d+;/, '');
  const uri = namespaces[nodeId.namespace];
  if (nodeId.namespace === 0) return identifier;
  return uri === undefined
    ? `ns=${nodeId.namespace};${identifier}`
    : `nsu=${uri.replaceAll('%', '%25').replaceAll(';', '%3B')};${identifier}`;
}

/** @throws config PCP_OPCUA_ADDRESS, PCP_OPCUA_NAMESPACE */
export function parsePath(path: string, namespaces: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  let rest = path;
  while (rest !== '') {
    const match = /^\/(?:nsu=([^;]+);|(\d+):)?((?:&[\s\S]|[^&/])+)/.exec(rest);
    if (match === null) throw badAddress(path);
    const [whole, uri, index, name = ''] = match;
    const inherited = segments.at(-1)?.namespaceIndex ?? 0;
    const given = uri === undefined ? Number(index ?? inherited) : namespaceIndex(uri, namespaces);
    segments.push({ namespaceIndex: given, name: name.replaceAll(/&([\s\S])/g, '$1') });
    rest = rest.slice(whole.length);
  }
  return segments;
}

/** In a URI "%3B" stands for ";", which ends it, and "%25" for "%". */
function namespaceIndex(escaped: string, namespaces: readonly string[]): number {
  const uri = escaped.replaceAll('%3B', ';').replaceAll('%25', '%');
  const index = namespaces.indexOf(uri);
  if (index >= 0) return index;
  throw new IntegrationError('config', 'PCP_OPCUA_NAMESPACE', `The server has no namespace "${uri}".`, {
    value: uri,
    hint: `It has: ${namespaces.slice(1).join(', ')}.`,
  });
}

function badAddress(text: string, cause?: unknown): IntegrationError {
  return new IntegrationError('config', 'PCP_OPCUA_ADDRESS', `"${text}" is not the address of a node.`, {
    value: text,
    hint: 'Write "ns=2;s=Name", "nsu=<namespace URI>;s=Name", or a path such as "/2:Line1/2:Speed".',
    ...(cause !== undefined && { cause }),
  });
}
