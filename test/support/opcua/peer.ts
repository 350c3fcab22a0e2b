import type { Connector } from '../../../lib/connectors/contract';
import { readSettings } from '../../../lib/connectors/iot/opcua/settings';
import type { BrowseNode, TagValue } from '../../../lib/connectors/live';
import { IntegrationError } from '../../../lib/model/errors';
import { readAttributes } from '../../../lib/protocols/opcua/attributes';
import { OpcUaClient } from '../../../lib/protocols/opcua/client';
import { readEndpoints, securityOf } from '../../../lib/protocols/opcua/endpoints';
import { recordedNodes } from '../../../lib/protocols/opcua/history';
import { type NodeId, opcUaLibrary } from '../../../lib/protocols/opcua/library';
import { resolveAddresses } from '../../../lib/protocols/opcua/node-ids';
import { Pki } from '../../../lib/protocols/opcua/pki';
import { type Connections, never, Received } from './connections';

/** What a server has, of which nothing is known before. Where it lacks something there is nothing to be tested. */
export interface Peer {
  tags: BrowseNode[];
  methods: { node: BrowseNode; object: string }[];
  /** What is right below the largest folder. */
  largest: BrowseNode[];
  /** Tags whose values change by themselves. */
  moving: string[];
  /** Tags whose history may be read, and has values. */
  historic: string[];
  /** Nodes that events come from. */
  sources: string[];
  security: string[];
  limits: OpenLimits;
}
interface OpenLimits {
  read: number;
  monitor: number;
}

const MOST_NODES = 3000;
const DEEPEST = 6;
const SERVER_OBJECT = 'i=2253';
const DAY_MS = 86_400_000;
/** What moves or tells something does so within this. */
const PATIENCE_MS = 4000;

export async function discoverPeer(
  connections: Connections,
  url: string,
  config: Record<string, unknown>,
  credentials: Record<string, string>,
): Promise<Peer> {
  const connector = await connections.openTrusted(url, config, credentials);
  const { nodes, largest } = await walk(connector);
  const found = [...nodes.values()].map(({ node }) => node);
  const tags = found.filter(({ kind }) => kind === 'tag');
  const client = new OpcUaClient({
    ...readSettings(connections.connection(url, config, credentials)),
    pki: new Pki(connections.pki),
  });
  try {
    const open = await client.open(never());
    const { ua } = opcUaLibrary();
    const resolve = (addresses: string[]) => resolveAddresses(client, open, addresses, never()) as Promise<NodeId[]>;
    const recorded = await recordedNodes(client, open, await resolve(addressesOf(tags)), never());
    const objects = [SERVER_OBJECT, ...addressesOf(found.filter(({ kind }) => kind === 'folder'))];
    const attributes = (await resolve(objects)).map((nodeId) => ({
      nodeId,
      attributeId: ua.AttributeIds.EventNotifier,
    }));
    const notifiers = await readAttributes(client, open, attributes, never());
    const isCalled = ({ node }: { node: BrowseNode }) => node.kind === 'method';
    return {
      tags,
      methods: [...nodes.values()].filter(isCalled).map(({ node, parent }) => ({ node, object: parent ?? 'i=85' })),
      largest,
      moving: await movingAmong(connector, addressesOf(tags)),
      historic: await historicAmong(connector, addressesOf(tags.filter((_, index) => recorded[index]))),
      sources: await sourcesAmong(
        objects.filter((_, index) => (Number(notifiers[index] ?? 0) & 1) !== 0),
        (source) =>
          connections.openTrusted(url, { ...config, publishing_interval_ms: 200, events: { source } }, credentials),
      ),
      security: await offeredBy(client),
      limits: open.limits,
    };
  } finally {
    await client.close();
  }
}

export function addressesOf(nodes: readonly BrowseNode[]): string[] {
  return nodes.map(({ address }) => address);
}

/** All below the Objects folder, but for what tells about the server itself. */
async function walk(connector: Connector) {
  const nodes = new Map<string, { node: BrowseNode; parent: string | null }>();
  const seen = new Set<string>([SERVER_OBJECT]);
  let largest: BrowseNode[] = [];
  let level: (string | null)[] = [null];
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const next: string[] = [];
    for (const parent of level) {
      const children = (await connector.browse?.(parent, never())) ?? [];
      if (children.length > largest.length) largest = children;
      for (const node of children) {
        if (seen.has(node.address) || nodes.size >= MOST_NODES) continue;
        seen.add(node.address);
        nodes.set(node.address, { node, parent });
        if (node.has_children) next.push(node.address);
      }
    }
    level = next;
  }
  return { nodes, largest };
}

async function movingAmong(connector: Connector, tags: readonly string[]): Promise<string[]> {
  const received = new Received((signal) => events(connector, signal, { items: tags.map((tag) => ({ tag })) }));
  const moved = (each: Received) => tags.filter((tag) => each.of(tag).length > 2);
  await within(received.until((each) => moved(each).length > 0));
  await received.stop();
  return moved(received);
}

async function historicAmong(connector: Connector, tags: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const start = new Date(Date.now() - DAY_MS).toISOString();
  for (const node of tags) {
    const values = await connector
      .call?.('history', { node, start, limit: 1 }, never())
      .catch((thrown) => ({ payload: [], code: IntegrationError.from(thrown).code }));
    if ((values?.payload as TagValue[] | undefined)?.length) found.push(node);
  }
  return found;
}

async function sourcesAmong(
  sources: readonly string[],
  openWith: (source: string) => Promise<Connector>,
): Promise<string[]> {
  const found = await Promise.all(
    sources.slice(0, 10).map(async (source) => {
      const connector = await openWith(source);
      const received = new Received((signal) => events(connector, signal, { entity: 'events' }));
      await within(received.until(({ values }) => values.length > 0));
      await received.stop();
      await connector.close();
      return received.values.length > 0 ? [source] : [];
    }),
  );
  return found.flat();
}

function events(connector: Connector, signal: AbortSignal, what: { entity?: string; items?: { tag: string }[] }) {
  if (connector.subscribe === undefined) throw new Error('It cannot subscribe.');
  return connector.subscribe(what, signal);
}

/** Policies with their modes. */
async function offeredBy({ options }: OpcUaClient): Promise<string[]> {
  const offered = (await readEndpoints(options, undefined, never())).map(securityOf);
  return [...new Set(offered)].filter((each) => /^(Basic256Sha256|Aes128|Aes256).* /.test(each));
}

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  await Promise.race([work, end]);
  clearTimeout(timer);
}
