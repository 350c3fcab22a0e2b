import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { NodeAPI } from 'node-red';
import type { Hub, Page } from '../../lib/model/services';

interface FlowRow {
  node_id: string | null;
  managed_by: 'api' | 'flow';
  is_active: boolean;
}

/**
 * Nodes that were deleted while Node-RED was down never said good-bye: their rows become inactive now. In a store that several
 * instances share, those are meant that were here before; what was never here may be deployed elsewhere.
 * @param knownFile the nodes that were here at the last start; null where no other instance can have nodes in the store
 */
export async function releaseGoneNodes(
  RED: Pick<NodeAPI, 'nodes'>,
  hub: Pick<Hub, 'mappings' | 'connections'>,
  knownFile: string | null,
): Promise<void> {
  const isHere = (node: string) => (RED.nodes.getNode(node) ?? null) !== null;
  const known = knownFile === null ? null : readKnown(knownFile);
  const isGone = (node: string) => !isHere(node) && (known === null || known.has(node));
  const mappings = await flowNodes((cursor) => hub.mappings.list({ limit: 1000, ...cursor }));
  for (const node of mappings.filter(isGone)) await hub.mappings.releaseFlow(node);
  const connections = await flowNodes((cursor) => hub.connections.list({ managed_by: 'flow', limit: 1000, ...cursor }));
  for (const node of connections.filter(isGone)) await hub.connections.releaseFlow(node);
  if (knownFile === null) return;
  writeFileSync(knownFile, JSON.stringify([...mappings, ...connections].filter(isHere).sort()), { mode: 0o600 });
}

function readKnown(file: string): Set<string> {
  return new Set(existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []);
}

/** Of the rows that are active. */
async function flowNodes(list: (from: { cursor?: string }) => Promise<Page<FlowRow>>): Promise<string[]> {
  const nodes: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<FlowRow> = await list(cursor === null ? {} : { cursor });
    for (const row of page.items) {
      if (row.managed_by === 'flow' && row.is_active && row.node_id !== null) nodes.push(row.node_id);
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  return nodes;
}
