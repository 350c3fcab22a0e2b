import type { NodeAPI } from 'node-red';
import type { Hub, Page } from '../../lib/model/services';

interface FlowRow {
  node_id: string | null;
  managed_by: 'api' | 'flow';
  is_active: boolean;
}

/** Nodes that were deleted while Node-RED was down never said good-bye: their rows become inactive now. */
export async function releaseGoneNodes(RED: NodeAPI, hub: Hub): Promise<void> {
  const mappings = await goneNodes(RED, (cursor) => hub.mappings.list({ limit: 1000, ...cursor }));
  for (const node of mappings) await hub.mappings.releaseFlow(node);
  const connections = await goneNodes(RED, (cursor) =>
    hub.connections.list({ managed_by: 'flow', limit: 1000, ...cursor }),
  );
  for (const node of connections) await hub.connections.releaseFlow(node);
}

async function goneNodes(RED: NodeAPI, list: (from: { cursor?: string }) => Promise<Page<FlowRow>>): Promise<string[]> {
  const gone: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<FlowRow> = await list(cursor === null ? {} : { cursor });
    for (const row of page.items) {
      const owned = row.managed_by === 'flow' && row.is_active && row.node_id !== null;
      if (owned && !RED.nodes.getNode(row.node_id as string)) gone.push(row.node_id as string);
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  return gone;
}
